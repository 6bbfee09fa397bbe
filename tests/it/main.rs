//! Integration tests, by area, in one binary: linking dominates on two cores.

#![allow(
    clippy::async_yields_async,
    clippy::drop_non_drop,
    dropping_copy_types,
    clippy::redundant_clone,
    clippy::waker_clone_wake,
    reason = "tests of handles and wakers pass them around in ways that programs do not"
)]

mod actors;
mod event_loop;
mod fs;
mod handle;
mod net;
#[cfg(unix)]
mod process;
mod promises;
mod registry;
mod shutdown;
mod supervision;
mod support;
mod system;
mod task;
mod time;

/// The log and the worker of the cases in `tests/conformance`.
#[path = "../conformance/harness.rs"]
#[allow(dead_code, reason = "the cases need more of it")]
mod harness;
#[path = "../conformance/worker.rs"]
#[allow(dead_code, reason = "the cases need more of it")]
mod worker;
