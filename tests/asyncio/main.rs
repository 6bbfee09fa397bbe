//! What a user of asyncio expects, case by case (SEMANTICS 3A): each test bears the id of its case,
//! and uses the public API only.
//!
//! A test's documentation begins with the rules that it shows, in bold.

#[cfg(unix)]
mod again;
mod await_graph;
mod group;
#[cfg(unix)]
mod interrupt;
mod limits;
mod loop_callbacks;
mod loop_fd;
mod loop_life;
mod loop_turns;
mod many;
#[cfg(target_os = "linux")] // they look into /proc
mod process;
mod queue;
mod side_by_side;
#[cfg(unix)]
mod signals;
mod st;
mod st_reader;
mod st_server;
mod st_writer;
mod sync;
mod sync_random;
mod sync_together;
mod task;
mod task_ends;

/// The log and the schedules of the cases in `tests/conformance`.
#[path = "../conformance/harness.rs"]
#[allow(dead_code, reason = "the cases of the actors need more of it")]
mod harness;
#[path = "../it/support.rs"]
#[allow(dead_code, unused_imports, reason = "the integration tests need more of it")]
mod support;
