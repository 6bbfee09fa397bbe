//! Integration tests, by area, in one binary: linking dominates on two cores.

mod event_loop;
mod handle;
mod shutdown;
mod support;
mod task;
mod time;
