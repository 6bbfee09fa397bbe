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
//! | | [clean](crate::actor::ExitReason::is_clean): `Normal`, `Shutdown` … | any other reason |
//! | --- | --- | --- |
//! | [`Permanent`](Restart::Permanent) | restarted | restarted |
//! | [`Transient`](Restart::Transient) | spec kept, not running | restarted |
//! | [`Temporary`](Restart::Temporary) | forgotten | forgotten |
//!
//! A child whose error asked for [`Recovery::Stop`](crate::actor::Recovery::Stop) is not restarted,
//! whatever its type.
//!
//! A restarted child keeps its **address and its mailbox**: whoever knows it need not learn of the
//! crash. Of its mail only the message in whose handler it crashed is lost, to the dead letters,
//! unless the handler held it under [lease](crate::actor::Cx::lease). More than `intensity`
//! restarts within `period` are too many: the supervisor stops its children and ends with
//! [`ExitReason::RestartLimit`](crate::actor::ExitReason::RestartLimit), which is a crash to the
//! supervisor above it. All rules, in words and with examples, are in the documentation of
//! [`Supervisor`]; what an actor may say of its own errors is in that of
//! [`Recovery`](crate::actor::Recovery).
//!
//! The rules are those of Erlang/OTP's `supervisor`, but for the decisions that `docs/DESIGN.md`
//! lists. All that is decided is one pure machine, `decide.rs` and the pure files beside it.

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
mod one_off;
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
pub use one_off::{NoMessages, child_task};
pub use plan::SpecError;
pub(crate) use spec::Build;
pub use spec::{Child, IntoChild, Spec, child};
pub use strategy::{AutoShutdown, ChildKind, Restart, Shutdown, Strategy};

pub use crate::base::backoff::Backoff;
