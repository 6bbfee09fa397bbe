//! The cases of asyncio (SEMANTICS 3A), each as a test that bears its id, on the public API only.
//!
//! A test's documentation begins with the rules that it shows, in bold: `/// **S1, S2** …`.

#[cfg(unix)]
mod again;
#[cfg(target_os = "linux")] // they look into /proc
mod process;
#[cfg(unix)]
mod signals;

/// The log of the cases in `tests/conformance`.
#[path = "../conformance/harness.rs"]
#[allow(dead_code, reason = "the other cases need more of it")]
mod harness;
/// Loops, and a guard against hanging.
#[path = "../it/support.rs"]
#[allow(dead_code, reason = "the other cases need more of it")]
mod support;
