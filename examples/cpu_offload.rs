//! Work for the processor goes to a pool of threads, and the loop goes on meanwhile.
//!
//! A handler that computed for long would hold every actor of its loop. `offload` moves a closure
//! to the pool and awaits what it gives; a panic in it is an error here. Run it:
//!
//! ```text
//! cargo run --example cpu_offload
//! ```

use futures::future::join_all;
use greenroom::offload::offload;
use greenroom::prelude::*;

enum Sieve {
    /// How many primes are there below this?
    Below(u32, Reply<usize>),
}
impl Protocol for Sieve {}

/// Hands each question to a task of its own, so that it can hear the next while one is computed.
async fn sieve(cx: &mut Cx<Sieve>) -> Result<(), Fault> {
    loop {
        let Sieve::Below(limit, reply) = cx.recv().await;
        // The task belongs to this incarnation: it is cancelled when the actor ends.
        cx.spawn(async move {
            if let Ok(primes) = offload(move || count_primes(limit)).await {
                reply.send(primes);
            }
        })
        .detach();
    }
}

fn count_primes(limit: u32) -> usize {
    let limit = limit as usize;
    let mut composite = vec![false; limit.max(2)];
    for n in 2..limit {
        if !composite[n] {
            (n * n..limit).step_by(n).for_each(|multiple| composite[multiple] = true);
        }
    }
    composite[2..].iter().filter(|composite| !**composite).count()
}

fn main() -> Result<(), Fault> {
    greenroom::run(async |system| {
        let sieve = system.spawn(child("sieve", sieve)).await?;
        let limits = [1_000_000, 10_000, 100];
        let asks = limits.map(|limit| sieve.ask_with(move |reply| Sieve::Below(limit, reply)));
        // They are computed side by side; the answers stand in the order of the questions.
        for (limit, primes) in limits.into_iter().zip(join_all(asks).await) {
            println!("primes below {limit}: {}", primes.map_err(|error| error.without_message())?);
        }
        let failed = offload(|| -> u32 { panic!("no such number") }).await;
        println!("a panic in the pool is an error: {}", failed.is_err());
        Ok(())
    })
}
