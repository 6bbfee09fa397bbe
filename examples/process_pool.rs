//! Work that may crash goes to worker processes; a crash is an error, and the next job has a new
//! worker. Run it:
//!
//! ```text
//! cargo run --features process-pool --example process_pool
//! ```

use greenroom::prelude::*;
use greenroom::process_pool::{Job, PoolError, PoolOptions, ProcessPool, Worker};
use serde::{Deserialize, Serialize};

/// Counts the primes of a range.
struct Primes;

#[derive(Serialize, Deserialize)]
struct Range {
    from: u32,
    to: u32,
}

impl Job for Primes {
    const NAME: &'static str = "primes";
    type Input = Range;
    type Output = usize;

    fn run(Range { from, to }: Range) -> usize {
        (from..to).filter(|n| is_prime(*n)).count()
    }
}

fn is_prime(n: u32) -> bool {
    n > 1 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}

/// A parser of somebody else's that does not survive everything.
struct Fragile;

impl Job for Fragile {
    const NAME: &'static str = "fragile";
    type Input = String;
    type Output = usize;

    fn run(text: String) -> usize {
        if text.contains('\0') {
            std::process::abort(); // as a broken C library would
        }
        text.len()
    }
}

fn main() -> Result<(), Fault> {
    // The workers are this program, started again; they go no further than this line.
    Worker::new().job::<Primes>().job::<Fragile>().serve_if_worker();

    greenroom::run(async |_system| {
        let pool = ProcessPool::with(PoolOptions::default().workers(4));
        let parts = (0..8).map(|n| Range { from: n * 25_000, to: (n + 1) * 25_000 });
        let counts = parts.map(|part| pool.run::<Primes>(part));
        let primes: usize = futures::future::try_join_all(counts).await?.into_iter().sum();
        println!("primes below 200000: {primes}");

        for text in ["all is well", "broken\0", "well again"] {
            match pool.run::<Fragile>(text.to_owned()).await {
                Ok(length) => println!("{text}: {length}"),
                Err(PoolError::Crashed { job, .. }) => println!("{job} crashed, and only it"),
                Err(error) => return Err(error.into()),
            }
        }
        println!("cut off at the end: {}", pool.shutdown().await);
        Ok(())
    })
}
