//! Greenroom is an actor framework on an event loop of its own: typed protocols, a supervisor tree
//! that recovers from crashes, and failures that say what is certain.
//!
//! ```
//! use std::time::Duration;
//! use greenroom::prelude::*;
//!
//! struct Deposit(u64);
//! struct Balance;
//!
//! protocol! {
//!     /// What an account understands.
//!     enum AccountProtocol {
//!         Deposit(Deposit),
//!         Balance(Balance) -> u64,
//!     }
//! }
//!
//! struct Account { cents: u64 }
//!
//! impl Actor for Account {
//!     type Protocol = AccountProtocol;
//!     type Error = Fault;
//! }
//! impl Handler<Deposit> for Account {
//!     async fn handle(&mut self, Deposit(cents): Deposit, _: &mut Cx<AccountProtocol>) -> Result<(), Fault> {
//!         self.cents += cents;
//!         Ok(())
//!     }
//! }
//! impl Handler<Balance> for Account {
//!     async fn handle(&mut self, _: Balance, _: &mut Cx<AccountProtocol>) -> Result<u64, Fault> {
//!         Ok(self.cents)
//!     }
//! }
//!
//! fn main() -> Result<(), Fault> {
//!     greenroom::run(async |system| {
//!         let tree = Supervisor::one_for_one().intensity(3, Duration::from_secs(5)).start(system).await?;
//!         let account = tree.add(child("account", || Account { cents: 0 }).restart(Permanent)).await?;
//!         account.tell(Deposit(5)).await?;
//!         assert_eq!(account.ask(Balance).await?, 5);
//!         Ok(())
//!     })
//! }
//! ```
//!
//! # Where to read on
//!
//! - [`actor`]: what an actor is, how it is addressed, what `tell` and `ask` promise.
//! - [`state_machine`]: actors whose handler depends on a state; postponed events and timeouts.
//! - [`supervisor`]: restarts, their budget, the order of starting and stopping.
//! - [`registry`] and [`group`]: names, groups, directories, topics, and which of them to choose.
//! - [`router`]: many actors behind one address, and one of many by a key.
//! - [`flow`]: stages that ask for what they can handle.
//! - [`system`]: from `main` to the last drop, signals, dead letters, the shutdown in phases.
//! - [`mod@test`]: a whole system on virtual time, for tests.
//! - [`task`], [`time`], [`offload`], [`net`], [`io`]: the loop without actors: tasks, timers, a
//!   thread pool, sockets and servers, buffers and codecs.
//! - [`sync`]: locks, semaphores, events, conditions, barriers and queues between tasks.
//! - [`diagnosis`]: who waits for whom, as a tree.
//! - [`event_loop`]: what one turn of the loop does, and how to embed it.
//! - [`prelude`]: what an application file imports.
//! - [`fs`], [`process`], [`signal`]: files, other programs, signals; and with the feature
//!   `process-pool`, `process_pool`: CPU work in processes that may crash.
//!
//! # What is promised
//!
//! Each promise has a name, is stated in the module that keeps it, asserted in its code where one
//! place can check it, and shown by a test: `L1` and `L2` of the loop ([`event_loop`]), `T1` to
//! `T4` of tasks, `W1` of timers, `R1` and `R2` of sockets, `M1` to `M4` of mailboxes, `A1` to
//! `A4`, `C1` and `K1` of actors ([`actor`]), `E1` and `E2` of state machines ([`state_machine`]),
//! `N1` of names ([`registry`]), `G1` to `G3` of groups ([`group`]), `S1` to `S5` of supervision
//! ([`supervisor`]), `Q1` of routers ([`router`]), `F1` to `F3` of flows ([`flow`]), `O1` of
//! offloading ([`offload`]), `B1` to `B3` of buffers and servers ([`io`], [`net`]). Which rule is
//! shown by which test says `docs/CONFORMANCE.md`.
//!
//! # What is not here
//!
//! Preemption (a handler that never awaits holds its loop, and is reported), untyped messages, a
//! global registry, distribution over machines, durable state, a simulated network, and tokio:
//! nothing here needs its runtime, and nothing uses it.

// Bottom to top: a module imports only what stands above it here (tests/tidy.rs checks it).
mod base;
mod timer;
mod reactor;
mod scheduler;
mod mailbox;
pub mod event_loop;
pub mod time;
pub mod task;
pub mod sync;
pub mod offload;
pub mod io;
pub mod net;
pub mod fs;
#[cfg(unix)]
pub mod signal;
#[cfg(unix)]
pub mod process;
#[cfg(all(unix, feature = "process-pool"))]
pub mod process_pool;
pub mod actor;
pub mod diagnosis;
pub mod state_machine;
pub mod registry;
pub mod group;
pub mod supervisor;
pub mod router;
pub mod flow;
pub mod system;
pub mod test;
pub mod prelude;

#[doc(no_inline)]
pub use event_loop::{EventLoop, LoopHandle};
#[doc(no_inline)]
pub use system::System;
pub use system::run;

/// The first program of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// What each name of asyncio is here; its examples are compiled and run.
#[cfg(all(doctest, unix))]
#[doc = include_str!("../docs/ASYNCIO.md")]
struct Asyncio;
