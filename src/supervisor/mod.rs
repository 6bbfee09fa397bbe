//! Supervision: who starts whom, what happens after a crash, and in which order everything ends.
//!
//! ```text
//!                supervisor                 one_for_one   one_for_all   rest_for_one
//!               ╱     │    ╲
//!              a      b     c      b ends:  b             c b | a b c   c b | b c
//!            started in order ─▶            restarted     stopped | started again
//!            ◀─ stopped in reverse
//! ```
//!
//! What an end means for the child itself:
//!
//! | | `Normal`, `Shutdown` | crash, panic, `Killed`, `RestartLimit` |
//! | --- | --- | --- |
//! | [`Permanent`](Restart::Permanent) | restarted | restarted |
//! | [`Transient`](Restart::Transient) | spec kept, not running | restarted |
//! | [`Temporary`](Restart::Temporary) | forgotten | forgotten |
//!
//! A restarted child keeps its **address and its mailbox**: whoever knows it need not learn of the
//! crash. Only the message in whose handler it crashed is lost, to the dead letters. More than
//! `intensity` restarts within `period` are too many: the supervisor stops its children and ends
//! with [`ExitReason::RestartLimit`](crate::actor::ExitReason::RestartLimit), which is a crash to
//! the supervisor above it. All rules, in words and with examples, are in the documentation of
//! [`Supervisor`]; what an actor may say of its own errors is in that of
//! [`Recovery`](crate::actor::Recovery).
//!
//! The rules are those of Erlang/OTP's `supervisor`, exact where it is exact, with the differences
//! that `docs/DESIGN.md` argues for. All decisions are one pure machine, `decide.rs`.

mod action;
mod boot;
mod builder;
mod calls;
mod children;
mod decide;
mod error;
mod failures;
mod group;
mod handle;
mod info;
mod intensity;
mod message;
mod owned;
mod plan;
mod replies;
mod report;
mod restart;
mod runner;
mod shutdown;
mod spec;
mod stopping;
mod strategy;

#[cfg(test)]
mod tests;

pub use builder::SupervisorBuilder;
pub use children::{ChildCounts, ChildStatus};
pub use error::{ChildError, StartError};
pub use handle::Supervisor;
pub use info::{ChildInfo, SupervisorFlags};
pub use message::ChildName;
pub use plan::SpecError;
pub(crate) use spec::Build;
pub use spec::{Child, IntoChild, Spec, child};
pub use strategy::{AutoShutdown, ChildKind, Restart, Shutdown, Strategy};

pub use crate::base::backoff::Backoff;
