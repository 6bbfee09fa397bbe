//! `ActorId`: which actor, whatever it understands.

use std::fmt;

use super::control;
use super::exit::ExitReason;
use crate::base::key::Key;

/// Which actor, without its protocol: to compare, to log, to stop and to kill.
///
/// Plain data like an address: it keeps nobody alive, may be sent anywhere, and finds nobody once
/// the actor has ended. It stays the same over restarts.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg {}
/// impl Protocol for Msg {}
/// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
///
/// greenroom::run(async |_system| {
///     let addr = greenroom::actor::spawn("idle", idle);
///     let id = addr.id();
///     assert!(id.is_alive());
///     id.stop();
///     assert_eq!(addr.ended().await, ExitReason::Shutdown);
///     assert!(!id.is_alive());
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorId(pub(crate) Key);

impl ActorId {
    /// Asks the actor to stop, before it takes any further message: its `stopped` hook runs, and
    /// messages that are left become dead letters; unless its supervisor brings it back, as it does
    /// a permanent child: then they wait for the next incarnation. Nothing happens when it has
    /// ended, or crashed and waits for its supervisor to restart it.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |_system| {
    ///     let id = greenroom::actor::spawn("idle", idle).id();
    ///     id.stop();
    ///     assert_eq!(id.ended().await, ExitReason::Shutdown);
    /// });
    /// ```
    pub fn stop(self) {
        self.stop_with(ExitReason::Shutdown);
    }

    /// As [`stop`](Self::stop), with a reason of your choice.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Get(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
    /// }
    ///
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("seven", actor);
    ///     addr.id().stop_with(ExitReason::ShutdownWith("draining".into()));
    ///     assert_eq!(addr.ended().await.to_string(), "shutdown: draining");
    /// });
    /// ```
    pub fn stop_with(self, reason: ExitReason) {
        control::reach(self.0, move |control| control.ask_to_stop(reason));
    }

    /// Ends the actor at its next suspension point: its future is dropped and no hook runs. A
    /// handler that never awaits cannot be interrupted.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// greenroom::run(async |_system| {
    ///     // It awaits something other than a message, so a stop would not be heard.
    ///     let busy = async |_: &mut Cx<Msg>| std::future::pending::<Result<(), Fault>>().await;
    ///     let id = greenroom::actor::spawn("busy", busy).id();
    ///     id.kill();
    ///     assert_eq!(id.ended().await, ExitReason::Killed);
    /// });
    /// ```
    pub fn kill(self) {
        control::reach(self.0, |control| control.kill());
    }

    /// Whether the actor has not ended for good; `false` also for actors on other loops.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// greenroom::run(async |_system| {
    ///     let id = greenroom::actor::spawn("brief", async |_: &mut Cx<Msg>| Ok::<(), Fault>(())).id();
    ///     assert!(id.is_alive());
    ///     id.ended().await;
    ///     assert!(!id.is_alive());
    /// });
    /// ```
    #[must_use]
    pub fn is_alive(self) -> bool {
        control::with(self.0, |_| ()).is_some()
    }

    /// The actor's name while it lives on this loop.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// greenroom::run(async |_system| {
    ///     let id = greenroom::actor::spawn("brief", async |_: &mut Cx<Msg>| Ok::<(), Fault>(())).id();
    ///     assert_eq!(id.name().as_deref(), Some("brief"));
    ///     id.ended().await;
    ///     assert_eq!(id.name(), None);
    /// });
    /// ```
    #[must_use]
    pub fn name(self) -> Option<std::sync::Arc<str>> {
        control::with(self.0, |control| std::sync::Arc::clone(&control.name))
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:?}", self.0)
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:?}", self.0)
    }
}
