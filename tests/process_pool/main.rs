//! The process pool, with real processes: this binary is its own worker, so it has its own `main`,
//! which runs the tests one after another, or those whose names contain an argument.

mod endings;
mod jobs;
mod order;
mod scratch;
mod starting;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A test by its name.
type Test = (&'static str, fn());

/// The tests of a module, by the names of their functions.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub(crate) const TESTS: &[crate::Test] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use tests;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("greenroom-worker") {
        // The panics of jobs are meant, and are told as errors.
        std::panic::set_hook(Box::new(|_| {}));
    }
    jobs::worker().serve_if_worker();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [scenario, rest @ ..] = &arguments[..]
        && scenario == endings::ORPHANS
    {
        return endings::orphans(rest);
    }
    let filters: Vec<&String> = arguments.iter().filter(|text| !text.starts_with('-')).collect();
    let mut failed = Vec::new();
    for (name, test) in [starting::TESTS, order::TESTS, endings::TESTS].concat() {
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(*filter)) {
            continue;
        }
        let passed = catch_unwind(AssertUnwindSafe(test)).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}");
}
