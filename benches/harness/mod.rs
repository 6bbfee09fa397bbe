//! Measuring: rounds of one workload, the least and the middle of them, one line each.

#![allow(clippy::disallowed_methods, reason = "a bench reads the machine's clock")]

use std::time::{Duration, Instant};

/// What the command line asks for.
pub(crate) struct Harness {
    filter: Option<String>,
    quick: bool,
}

impl Harness {
    /// `--quick` runs everything for a moment; any other word selects the workloads that contain
    /// it.
    pub(crate) fn from_args() -> Self {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let quick = args.iter().any(|arg| arg == "--quick");
        let filter = args.into_iter().find(|arg| !arg.starts_with('-'));
        println!(
            "{:<40}{:>12}{:>14}{:>14}",
            "workload", "operations", "least ns/op", "median ns/op"
        );
        Self { filter, quick }
    }

    /// Runs a workload; it is given how many operations to do and gives the time they took.
    pub(crate) fn bench(
        &self,
        name: &str,
        operations: u64,
        mut round: impl FnMut(u64) -> Duration,
    ) {
        if self.filter.as_ref().is_some_and(|filter| !name.contains(filter)) {
            return;
        }
        let (operations, rounds) =
            if self.quick { ((operations / 200).max(10), 1) } else { (operations, 9) };
        round((operations / 10).max(1));
        let mut took: Vec<f64> =
            (0..rounds).map(|_| round(operations).as_nanos() as f64 / operations as f64).collect();
        took.sort_by(f64::total_cmp);
        println!("{name:<40}{operations:>12}{:>14.1}{:>14.1}", took[0], took[took.len() / 2]);
    }
}

/// How long `f` takes.
pub(crate) async fn timed(f: impl Future<Output = ()>) -> Duration {
    let begun = Instant::now();
    f.await;
    begun.elapsed()
}
