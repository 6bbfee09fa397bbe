//! What a supervisor understands.

use std::fmt;
use std::sync::Arc;

use super::action::Ticket;
use super::children::{ChildCounts, ChildId};
use super::error::{ChildError, StartError};
use super::info::{ChildInfo, SupervisorFlags};
use super::spec::Spec;
use crate::actor::parent::ChildEvent;
use crate::actor::{ActorId, Addr, Protocol, Reply};

/// Names a child of a supervisor: by its name, or by its actor.
///
/// ```
/// use greenroom::supervisor::ChildName;
/// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
/// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// greenroom::run(async |system| {
///     let tree = Supervisor::one_for_one().start(system).await?;
///     let addr = tree.add(child("idle", idle)).await?;
///     assert_eq!(ChildName::from("idle").to_string(), "idle");
///     assert_eq!(ChildName::from(addr), ChildName::Actor(addr.id()));
///     // Calls take either.
///     tree.terminate_child(addr).await?;
///     tree.delete_child("idle").await?;
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ChildName {
    /// By the name in its spec.
    Name(Arc<str>),
    /// By its actor, for children that are running.
    Actor(ActorId),
}

impl From<&str> for ChildName {
    fn from(name: &str) -> Self {
        Self::Name(Arc::from(name))
    }
}

impl From<ActorId> for ChildName {
    fn from(actor: ActorId) -> Self {
        Self::Actor(actor)
    }
}

impl<P> From<Addr<P>> for ChildName {
    fn from(addr: Addr<P>) -> Self {
        Self::Actor(addr.id())
    }
}

impl From<super::Supervisor> for ChildName {
    fn from(supervisor: super::Supervisor) -> Self {
        Self::Actor(supervisor.id())
    }
}

impl fmt::Display for ChildName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Actor(actor) => actor.fmt(f),
        }
    }
}

pub(crate) type Outcome = Result<(), ChildError>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Managed {
    Terminate,
    Restart,
    Delete,
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) what: Managed,
    pub(crate) child: ChildName,
    pub(crate) reply: Reply<Outcome>,
}

#[derive(Debug)]
pub(crate) enum Message {
    /// News of a child, before all else.
    Child(ChildId, ChildEvent),
    /// A delay is over.
    RetryDue(ChildId, Ticket),
    /// A child takes too long to stop.
    StopOverdue(ChildId, Ticket),
    Add(Box<Spec>, Reply<Result<ActorId, StartError>>),
    Manage(Request),
    List(Reply<Vec<ChildInfo>>),
    Count(Reply<ChildCounts>),
    Flags(Reply<SupervisorFlags>),
}

impl Protocol for Message {}
