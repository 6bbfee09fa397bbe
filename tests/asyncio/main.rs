//! What a user of asyncio expects, case by case (SEMANTICS 3A): each test bears the id of its case,
//! and uses the public API only.
//!
//! A test's documentation begins with the rules that it shows, in bold.

mod group;
mod limits;
mod many;
mod side_by_side;
mod st;
mod st_reader;
mod st_server;
mod st_writer;
mod task;
mod task_ends;

/// The log and the schedules of the cases in `tests/conformance`.
#[path = "../conformance/harness.rs"]
#[allow(dead_code, reason = "the cases of the actors need more of it")]
mod harness;
#[path = "../it/support.rs"]
#[allow(dead_code, unused_imports, reason = "the integration tests need more of it")]
mod support;
