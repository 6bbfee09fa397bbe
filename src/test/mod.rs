//! A kit for tests: a system on a virtual clock, with a record of what happened.
//!
//! Time stands still while anything is ready, so a test needs no real sleep and passes or fails the
//! same way on every machine. With [`TestBuilder::seed`] the schedule is shuffled: whatever a
//! program may not depend on differs from seed to seed, and one seed gives one run, again and
//! again.
//!
//! ```
//! use std::time::Duration;
//! use greenroom::prelude::*;
//! use greenroom::actor::Lifecycle;
//!
//! enum Msg { Greet(Recipient<&'static str>) }
//! impl Protocol for Msg {}
//! async fn slow_greeter(cx: &mut Cx<Msg>) -> Result<(), Fault> {
//!     loop {
//!         let Msg::Greet(whom) = cx.recv().await;
//!         greenroom::time::sleep(Duration::from_secs(3_600)).await;
//!         whom.tell("hello").await.map_err(|error| error.without_message())?;
//!     }
//! }
//!
//! greenroom::test::run(async |test| {
//!     let greeter = test.spawn(child("greeter", slow_greeter)).await.unwrap();
//!     let probe = test.probe::<&'static str>("probe");
//!     greeter.tell(Msg::Greet(probe.recipient())).await.unwrap();
//!     test.settle().await;
//!     assert!(probe.is_empty(), "an hour has not passed");
//!     test.advance(Duration::from_secs(3_600)).await;
//!     assert_eq!(probe.recv().await, "hello");
//!
//!     test.fail(greeter, "on purpose");
//!     test.settle().await;
//!     let crashes = test.events().into_iter().filter(|event| matches!(event.edge, Lifecycle::Crashed(_)));
//!     assert_eq!(crashes.count(), 1);
//! });
//! ```

mod probe;
mod system;

pub use probe::{Heard, Probe};
pub use system::{TestBuilder, TestSystem, builder, run, tasks};
