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
//! the supervisor above it.
//!
//! The rules are those of Erlang/OTP's `supervisor`, exact where it is exact, with the differences
//! that `docs/DESIGN.md` argues for. All decisions are one pure machine, `decide.rs`.

mod action;
mod backoff;
mod boot;
mod builder;
mod calls;
mod children;
mod decide;
mod error;
mod group;
mod handle;
mod intensity;
mod message;
mod plan;
mod replies;
mod report;
mod runner;
mod shutdown;
mod spec;
mod strategy;

#[cfg(test)]
mod tests;

pub use backoff::Backoff;
pub use builder::SupervisorBuilder;
pub use children::{ChildCounts, ChildStatus};
pub use error::{ChildError, StartError};
pub use handle::{ChildInfo, Supervisor};
pub use message::ChildName;
pub use plan::SpecError;
pub(crate) use spec::Build;
pub use spec::{Child, IntoChild, Spec, child};
pub use strategy::{AutoShutdown, ChildKind, Restart, Shutdown, Strategy};
