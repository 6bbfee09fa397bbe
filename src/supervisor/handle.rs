//! `Supervisor`: the handle of a running supervisor.

use std::fmt;
use std::sync::Arc;

#[cfg(doc)]
use super::builder::SupervisorBuilder;
use super::children::ChildCounts;
use super::error::{ChildError, StartError};
use super::info::{ChildInfo, SupervisorFlags};
use super::message::{ChildName, Managed, Message, Outcome, Request};
use super::spec::IntoChild;
use crate::actor::{ActorId, Addr, ExitReason, Protocol};
use crate::event_loop::current;

/// A running supervisor: it starts its children in order, brings them back as their specs say, and
/// stops them in reverse order.
///
/// It is `Copy` and keeps nobody alive: the supervisor lives until it is stopped, gives up, or its
/// parent ends.
///
/// ```
/// use std::time::Duration;
/// use greenroom::prelude::*;
///
/// enum Msg { Get(Reply<u32>), Crash }
/// impl Protocol for Msg {}
/// async fn worker(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop {
///         match cx.recv().await {
///             Msg::Get(reply) => reply.send(cx.incarnation()),
///             Msg::Crash => return Err(Fault::new("told to")),
///         }
///     }
/// }
///
/// greenroom::run(async |system| {
///     let tree = Supervisor::one_for_one().intensity(3, Duration::from_secs(5)).start(system).await?;
///     let worker = tree.add(child("worker", worker)).await?;
///     worker.tell(Msg::Crash).await.map_err(|error| error.without_message())?;
///     // The same address leads to the next incarnation.
///     assert_eq!(worker.ask_with(Msg::Get).await.unwrap(), 1);
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
///
#[doc = include_str!("rules.md")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Supervisor {
    addr: Addr<Message>,
}

impl Supervisor {
    pub(crate) const fn new(addr: Addr<Message>) -> Self {
        Self { addr }
    }

    pub(crate) fn of(actor: ActorId) -> Self {
        let core = current::expect("a supervisor");
        Self { addr: Addr::new(actor.0, &core) }
    }

    /// Starts a child, last in the start order, and waits until it has started.
    ///
    /// # Errors
    /// When it does not start, for whatever reason; nothing of it is left then, except the spec of
    /// a child that declined and is not temporary.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the child may start all the same.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Get(Reply<u32>) } impl Protocol for Msg {}
    /// # async fn seven(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Get(reply) = cx.recv().await; reply.send(7) } }
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().start(system).await?;
    ///     let addr = tree.add(child("seven", seven)).await?;
    ///     assert_eq!(addr.ask_with(Msg::Get).await?, 7);
    ///     assert!(tree.add(child("seven", seven)).await.is_err(), "the name is taken");
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn add<C: IntoChild>(&self, child: C) -> Result<C::Handle, StartError> {
        let spec = child.into_spec();
        let name = spec.plan.name.clone().unwrap_or_else(|| Arc::from("unnamed"));
        let asked = self.addr.ask_with(|reply| Message::Add(Box::new(spec), reply)).no_timeout();
        match asked.await {
            Ok(outcome) => outcome.map(C::handle),
            Err(_) => Err(StartError::SupervisorStopping { name }),
        }
    }

    /// Stops a child by its shutdown rule and waits for its end. It is not restarted; its spec is
    /// kept for [`restart_child`](Self::restart_child) unless it is temporary.
    ///
    /// # Errors
    /// When there is no such child, or the supervisor is stopping. A child that is not running is
    /// no error.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the child is stopped all the same.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    ///
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().child(child("idle", idle)).start(system).await?;
    ///     tree.terminate_child("idle").await?;
    ///     assert_eq!((tree.count().await.specs, tree.count().await.active), (1, 0));
    ///     tree.restart_child("idle").await?;
    ///     tree.terminate_child("idle").await?;
    ///     tree.delete_child("idle").await?;
    ///     assert!(tree.children().await.is_empty());
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn terminate_child(&self, child: impl Into<ChildName>) -> Result<(), ChildError> {
        self.manage(Managed::Terminate, child.into()).await
    }

    /// Starts a child that is not running from its kept spec, as a new actor with a new address.
    ///
    /// # Errors
    /// When it runs or is being restarted, is not known, or does not start.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the child may start all the same.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().start(system).await?;
    ///     let before = tree.add(child("idle", idle)).await?;
    ///     tree.terminate_child("idle").await?;
    ///     tree.restart_child("idle").await?;
    ///     assert!(!before.is_alive());
    ///     assert!(tree.child::<Msg>("idle").await.is_some_and(|after| after != before));
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn restart_child(&self, child: impl Into<ChildName>) -> Result<(), ChildError> {
        self.manage(Managed::Restart, child.into()).await
    }

    /// Forgets the spec of a child that is not running.
    ///
    /// # Errors
    /// When it runs or is being restarted, or is not known.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the spec is forgotten all the same.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().child(child("idle", idle)).start(system).await?;
    ///     assert!(tree.delete_child("idle").await.is_err(), "it runs");
    ///     tree.terminate_child("idle").await?;
    ///     tree.delete_child("idle").await?;
    ///     assert_eq!(tree.count().await.specs, 0);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn delete_child(&self, child: impl Into<ChildName>) -> Result<(), ChildError> {
        self.manage(Managed::Delete, child.into()).await
    }

    async fn manage(&self, what: Managed, child: ChildName) -> Result<(), ChildError> {
        let request = |reply| Message::Manage(Request { what, child, reply });
        let outcome: Result<Outcome, _> = self.addr.ask_with(request).no_timeout().await;
        outcome.unwrap_or(Err(ChildError::SupervisorStopping))
    }

    /// All children in start order; empty when the supervisor has ended.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Get(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
    /// }
    ///
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().child(child("a", actor)).start(system).await?;
    ///     let children = tree.children().await;
    ///     assert_eq!(children[0].name.as_deref(), Some("a"));
    ///     assert!(children[0].actor.is_some_and(|actor| actor.is_alive()));
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn children(&self) -> Vec<ChildInfo> {
        self.addr.ask_with(Message::List).no_timeout().await.unwrap_or_default()
    }

    /// How many children there are, and how many of them run; all zero when the supervisor has
    /// ended.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().child(child("idle", idle)).child(Supervisor::dynamic(8));
    ///     let counts = tree.start(system).await?.count().await;
    ///     assert_eq!((counts.specs, counts.active), (2, 2));
    ///     assert_eq!((counts.workers, counts.supervisors), (1, 1));
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn count(&self) -> ChildCounts {
        self.addr.ask_with(Message::Count).no_timeout().await.unwrap_or_default()
    }

    /// The address of a running child, if it is of this protocol.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    ///
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().child(child("idle", idle)).start(system).await?;
    ///     assert!(tree.child::<Msg>("idle").await.is_some());
    ///     assert!(tree.child::<Msg>("other").await.is_none());
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn child<P: Protocol>(&self, name: &str) -> Option<Addr<P>> {
        let children = self.children().await;
        let found = children.into_iter().find(|child| child.name.as_deref() == Some(name))?;
        let core = current::get()?;
        let actor = found.actor?;
        crate::actor::is_of_protocol::<P>(&core, actor).then(|| Addr::new(actor.0, &core))
    }

    /// The handle of a supervisor among the children.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| {
    ///     let pool = Supervisor::dynamic(8).name("pool");
    ///     let tree = Supervisor::one_for_one().child(pool).start(system).await?;
    ///     let pool = tree.supervisor("pool").await.unwrap();
    ///     assert_eq!(pool.flags().await.unwrap().children_max, Some(8));
    ///     assert!(tree.supervisor("other").await.is_none());
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn supervisor(&self, name: &str) -> Option<Self> {
        self.child(name).await.map(Self::new)
    }

    /// The rules by which it supervises; `None` when it has ended.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| {
    ///     let flags = system.root().flags().await.unwrap();
    ///     assert_eq!(flags.intensity, 3);
    /// });
    /// ```
    pub async fn flags(&self) -> Option<SupervisorFlags> {
        self.addr.ask_with(Message::Flags).no_timeout().await.ok()
    }

    /// The supervisor's own actor, to watch, to stop and to kill.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().name("tree").start(system).await?;
    ///     assert_eq!(tree.id().name().as_deref(), Some("root/tree"));
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    #[must_use]
    pub const fn id(&self) -> ActorId {
        self.addr.id()
    }

    /// Asks the supervisor to stop its children, in reverse order unless it is dynamic, and then to
    /// end. One that is permanent under another supervisor is brought back; to end it for good, ask
    /// that one to [`terminate_child`](Self::terminate_child).
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().start(system).await?;
    ///     let addr = tree.add(child("idle", idle)).await?;
    ///     tree.stop();
    ///     assert_eq!(tree.ended().await, ExitReason::Shutdown);
    ///     assert!(!addr.is_alive());
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn stop(&self) {
        self.addr.stop();
    }

    /// Waits until the supervisor has ended and gives the reason:
    /// [`ExitReason::RestartLimit`] when it gave up, [`ExitReason::NoActor`] when it had ended
    /// before this was first polled.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Get(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
    /// }
    ///
    /// greenroom::run(async |system| {
    ///     let strict = Supervisor::one_for_one().intensity(0, std::time::Duration::from_secs(1));
    ///     let tree = strict.child(child("a", actor)).start(system).await?;
    ///     tree.child::<Msg>("a").await.unwrap().kill();
    ///     assert_eq!(tree.ended().await, ExitReason::RestartLimit);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn ended(&self) -> ExitReason {
        self.addr.ended().await
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Supervisor({})", self.addr.id())
    }
}

impl From<Supervisor> for ActorId {
    fn from(supervisor: Supervisor) -> Self {
        supervisor.id()
    }
}
