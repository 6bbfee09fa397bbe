//! What a supervisor says of itself and its children: specs and flags, read back.

use std::sync::Arc;
use std::time::Duration;

use super::children::{Child, ChildStatus};
use super::plan::{Flags, Mode};
use super::strategy::{AutoShutdown, ChildKind, Restart, Shutdown, Strategy};
use crate::actor::ActorId;
use crate::base::backoff::Backoff;

/// One child as its supervisor sees it; given by
/// [`Supervisor::children`](super::Supervisor::children).
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::supervisor::ChildKind;
/// enum Msg {}
/// impl Protocol for Msg {}
/// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
///
/// greenroom::run(async |system| {
///     let tree = Supervisor::one_for_one().child(child("idle", idle)).start(system).await?;
///     let idle = &tree.children().await[0];
///     // What a child gets when nothing is said.
///     assert_eq!((idle.kind, idle.restart, idle.significant), (ChildKind::Worker, Permanent, false));
///     assert_eq!(idle.shutdown, Shutdown::Timeout(std::time::Duration::from_secs(5)));
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its name.
    pub name: Option<Arc<str>>,
    /// Its actor, unless it is not running.
    pub actor: Option<ActorId>,
    /// What it is doing.
    pub status: ChildStatus,
    /// Whether it is a supervisor itself.
    pub kind: ChildKind,
    /// Which ends bring it back.
    pub restart: Restart,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// Whether its end may end its supervisor.
    pub significant: bool,
}

impl ChildInfo {
    pub(crate) fn new(name: Option<Arc<str>>, actor: Option<ActorId>, child: &Child) -> Self {
        Self {
            name,
            actor,
            status: child.status(),
            kind: child.plan.kind,
            restart: child.plan.restart,
            shutdown: child.plan.shutdown,
            significant: child.plan.significant,
        }
    }
}

/// The rules of a supervisor; given by [`Supervisor::flags`](super::Supervisor::flags).
///
/// ```
/// use std::time::Duration;
/// use greenroom::prelude::*;
/// use greenroom::supervisor::{AutoShutdown, Strategy};
///
/// greenroom::run(async |system| {
///     let flags = Supervisor::rest_for_one().start(system).await?.flags().await.unwrap();
///     assert_eq!(flags.strategy, Strategy::RestForOne);
///     assert_eq!((flags.intensity, flags.period), (3, Duration::from_secs(5)));
///     assert_eq!((flags.auto_shutdown, flags.backoff), (AutoShutdown::Never, None));
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct SupervisorFlags {
    /// Who is restarted together; one for one in a dynamic supervisor.
    pub strategy: Strategy,
    /// How many children a dynamic supervisor may have; `None` if it is not one.
    pub children_max: Option<usize>,
    /// How many restarts within one period; with one more it gives up.
    pub intensity: u32,
    /// How long a period is.
    pub period: Duration,
    /// Whether the end of significant children ends it.
    pub auto_shutdown: AutoShutdown,
    /// For children that have none of their own.
    pub backoff: Option<Backoff>,
}

impl From<&Flags> for SupervisorFlags {
    fn from(flags: &Flags) -> Self {
        let (strategy, children_max) = match flags.mode {
            Mode::Ordered(strategy) => (strategy, None),
            Mode::Dynamic { children_max } => (Strategy::OneForOne, Some(children_max)),
        };
        Self {
            strategy,
            children_max,
            intensity: flags.intensity.max,
            period: Duration::from_nanos(flags.intensity.period_ns),
            auto_shutdown: flags.auto_shutdown,
            backoff: flags.backoff,
        }
    }
}
