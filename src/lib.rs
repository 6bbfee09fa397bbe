//! Greenroom: actors, supervisors and an event loop of their own.

// Bottom to top: a module imports only what stands above it here (tests/tidy.rs checks it).
mod base;
mod timer;
mod reactor;
mod scheduler;
mod mailbox;
pub mod event_loop;
pub mod time;
pub mod task;
pub mod offload;
pub mod net;
pub mod actor;
pub mod registry;
pub mod supervisor;
pub mod system;
pub mod prelude;

#[doc(no_inline)]
pub use event_loop::{EventLoop, LoopHandle};
#[doc(no_inline)]
pub use system::System;
pub use system::run;
