//! What a user of asyncio expects, case by case: each test bears the id of its case.
//!
//! A test's documentation begins with the rules that it shows, in bold.

mod loop_callbacks;
#[cfg(unix)]
mod loop_fd;
mod loop_life;
mod loop_turns;
mod queue;
mod sync;
mod sync_random;
mod sync_together;

/// The log and the schedules of the cases in `tests/conformance`.
#[path = "../conformance/harness.rs"]
#[allow(dead_code, reason = "the cases of the actors need more of it")]
mod harness;
#[path = "../it/support.rs"]
#[allow(dead_code, unused_imports, reason = "the integration tests need more of it")]
mod support;
