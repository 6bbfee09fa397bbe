//! A pool of worker processes for CPU work that may crash, leak or have to be cut off. (Feature
//! `process-pool`.)
//!
//! ```standalone_crate
//! use greenroom::process_pool::{Job, ProcessPool, Worker};
//!
//! struct Square;
//! impl Job for Square {
//!     const NAME: &'static str = "square";
//!     type Input = u64;
//!     type Output = u64;
//!     fn run(number: u64) -> u64 { number * number }
//! }
//!
//! fn main() {
//!     // First of all: the workers are this very program, started again.
//!     Worker::new().job::<Square>().serve_if_worker();
//!
//!     greenroom::run(async |_system| {
//!         let pool = ProcessPool::new();
//!         let (one, two) = futures::try_join!(pool.run::<Square>(6), pool.run::<Square>(7))?;
//!         assert_eq!((one, two), (36, 49));
//!         pool.shutdown().await;
//!         Ok::<(), greenroom::process_pool::PoolError>(())
//!     }).unwrap();
//! }
//! ```
//!
//! # Threads or processes
//!
//! [`offload`](crate::offload) is the usual place for CPU work: a trip to a thread costs some 10 µs
//! and nothing is copied. A process costs some 20 µs for each job, and copies of what goes in and
//! comes out; in exchange it can be ended at any moment, takes nothing with it when it crashes or
//! runs out of memory, and gives all its memory back.
//!
//! # What becomes of a job
//!
//! ```text
//!   run(input) ──▶ line ──▶ idle worker ──▶ output
//!                   │            │
//!      given up:    │            │ given up, or too long: the worker is killed
//!      never ran    ▼            ▼ crash: an error for this job; the next has a new worker
//! ```
//!
//! * **J1** every job ends with its output or with one error, which says whether it may have run
//!
//! Jobs are taken in the order in which they were asked for, each by the first worker that is idle;
//! a worker has one job at a time, so none waits behind another's. Workers are started when jobs
//! wait and there may be more of them, and stay for the next. One that has ended in any way is
//! replaced when there is work for it: at once after a job, with growing delays when it does not
//! even start. On a loop with a virtual clock there are no workers: a job runs on the loop's own
//! thread, so that runs do not depend on processes.
//!
//! # In the worker
//!
//! A worker is a process of its own, in lists of processes by the name of `greenroom-pool`: nothing
//! of the loop, of statics or threads is shared, and its jobs run one after another on its main
//! thread. What they print goes to the standard error, and they have no standard input. Ctrl-C at
//! the terminal does not reach it, so jobs in hand can be waited for; when the pool's own process
//! is gone, the worker ends too (on Linux at once, elsewhere after its job).

mod error;
mod frame;
mod job;
mod line;
mod options;
mod place;
mod pool;
mod talk;
mod worker;

pub use error::PoolError;
pub use job::Job;
pub use options::PoolOptions;
pub use pool::ProcessPool;
pub use worker::Worker;
