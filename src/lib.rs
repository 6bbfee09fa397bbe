//! Greenroom.

// Bottom to top: a module imports only what stands above it here (tests/tidy.rs checks it).
mod base;
mod timer;
mod reactor;
mod scheduler;
mod mailbox;
pub mod event_loop;
pub mod time;
pub mod task;
pub mod actor;

pub use event_loop::EventLoop;
