//! What starting and managing children can come to.

use std::sync::Arc;

use super::plan::SpecError;
use crate::actor::{ActorId, ExitReason};

/// A child, or a supervisor with its children, did not start. Nothing of it is left, except where a
/// variant says so.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::supervisor::StartError;
/// enum Msg {}
/// impl Protocol for Msg {}
/// async fn broken(_: &mut Cx<Msg>) -> Result<(), Fault> { Err(Fault::new("no disk")) }
///
/// greenroom::run(async |system| {
///     let error = system.spawn(child("broken", broken)).await.unwrap_err();
///     assert_eq!(error.to_string(), "child `broken` did not start: error: no disk");
///     assert!(matches!(error, StartError::Failed { .. }));
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The specification contradicts itself; nothing was started.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The child's start failed; those that had started before it were stopped again.
    #[error("child `{name}` did not start: {reason}")]
    Failed {
        /// Which child.
        name: Arc<str>,
        /// How its start failed.
        reason: ExitReason,
    },
    /// The child refused to start, which is no crash; see [`Cx::refuse`](crate::actor::Cx::refuse).
    /// Nothing of it is left.
    #[error("child `{name}` refused to start: {reason}")]
    Refused {
        /// Which child.
        name: Arc<str>,
        /// Why, in its own words.
        reason: Arc<str>,
    },
    /// The child declined to start, so there is no instance; its spec is kept, unless it is
    /// temporary or its supervisor is dynamic.
    #[error("child `{name}` declined to start")]
    Declined {
        /// Which child.
        name: Arc<str>,
    },
    /// A child of this name is running.
    #[error("child `{name}` is running already ({actor:?})")]
    AlreadyStarted {
        /// Which child.
        name: Arc<str>,
        /// The actor that bears the name.
        actor: Option<ActorId>,
    },
    /// The name that the child was to bear in the system belongs to another actor, which goes on
    /// undisturbed; see [`Child::registered`](super::Child::registered).
    #[error("child `{name}` did not start: the name `{registered}` belongs to actor {owner}")]
    AlreadyRegistered {
        /// Which child.
        name: Arc<str>,
        /// The name in the system.
        registered: Arc<str>,
        /// Who has it.
        owner: ActorId,
    },
    /// A child of this name is known but not running. If it does not wait for its next incarnation,
    /// `restart_child` or `delete_child` it.
    #[error("child `{name}` is known already; restart or delete it")]
    AlreadyPresent {
        /// Which child.
        name: Arc<str>,
    },
    /// The supervisor has as many children as it may have.
    #[error("child `{name}` was not started: its supervisor has as many children as it may have")]
    MaxChildren {
        /// Which child.
        name: Arc<str>,
    },
    /// The supervisor is stopping or has ended. A child that was about to start is stopped with it.
    #[error("child `{name}` was not started: its supervisor is stopping or has ended")]
    SupervisorStopping {
        /// Which child.
        name: Arc<str>,
    },
}

impl StartError {
    /// Why a child did not start, from the reason of its end.
    pub(crate) fn of(name: Arc<str>, reason: ExitReason) -> Self {
        match reason {
            ExitReason::Refused(reason) => Self::Refused { name, reason },
            ExitReason::NameTaken { name: registered, owner } => {
                Self::AlreadyRegistered { name, registered, owner }
            }
            reason => Self::Failed { name, reason },
        }
    }
}

/// A child could not be stopped, restarted or forgotten as asked; nothing changed, unless the
/// supervisor itself is stopping.
///
/// ```
/// use greenroom::supervisor::ChildError;
/// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
/// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// greenroom::run(async |system| {
///     let tree = Supervisor::one_for_one().child(child("idle", idle)).start(system).await?;
///     assert_eq!(tree.delete_child("idle").await, Err(ChildError::Running("idle".into())));
///     assert_eq!(tree.restart_child("other").await, Err(ChildError::NotFound("other".into())));
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// The supervisor knows no such child.
    #[error("the supervisor has no child `{0}`")]
    NotFound(String),
    /// The child is running; terminate it first.
    #[error("child `{0}` is running; terminate it first")]
    Running(String),
    /// The supervisor is bringing the child back just now.
    #[error("child `{0}` is being restarted by its supervisor")]
    Restarting(String),
    /// Its start failed.
    #[error("child `{name}` did not start: {reason}")]
    StartFailed {
        /// Which child.
        name: String,
        /// How its start failed.
        reason: ExitReason,
    },
    /// The child refused to start, which is no crash.
    #[error("child `{name}` refused to start: {reason}")]
    Refused {
        /// Which child.
        name: String,
        /// Why, in its own words.
        reason: Arc<str>,
    },
    /// The child declined to start.
    #[error("child `{0}` declined to start")]
    Declined(String),
    /// The supervisor is stopping or has ended, and its children with it.
    #[error("the supervisor is stopping or has ended")]
    SupervisorStopping,
}
