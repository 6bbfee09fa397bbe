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
/// # Order of starting and stopping
///
/// Children start in the order of their specs, each after the start of the one before has come out,
/// and the supervisor's own start is done after the last. They stop in reverse, each after the one
/// started after it has ended, and the supervisor ends last, with the reason that it was asked to
/// stop with. How a child ends meanwhile is reported when it is odd, and changes nothing.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg {}
/// impl Protocol for Msg {}
/// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
///
/// greenroom::test::run(async |test| {
///     let tree = Supervisor::one_for_one().name("tree").child(child("a", idle)).child(child("b", idle));
///     let tree = tree.start(test).await.unwrap();
///     tree.stop();
///     assert_eq!(tree.ended().await, ExitReason::Shutdown);
///     let life: Vec<String> = test.events().iter().map(ToString::to_string).collect();
///     let place = |edge: &str| life.iter().position(|other| other == edge).unwrap();
///     assert!(place("root/tree/a started") < place("root/tree/b started"));
///     assert!(place("root/tree/b started") < place("root/tree started"));
///     assert!(place("root/tree/b ended: shutdown") < place("root/tree/a ended: shutdown"));
///     assert!(place("root/tree/a ended: shutdown") < place("root/tree ended: shutdown"));
/// });
/// ```
///
/// # What brings a child back, and whom it takes along
///
/// Whether a child that ended by itself comes back says its [`Restart`](super::Restart) type, by
/// the reason of its end. Whom it takes along says the strategy: nobody
/// ([`one_for_one`](Self::one_for_one)), all ([`one_for_all`](Self::one_for_all)), or those started
/// after it ([`rest_for_one`](Self::rest_for_one)). The others are stopped in reverse, and then all
/// are started in order: also those that had finished cleanly and those that were stopped by a
/// call, but for the temporary ones, which are gone. Ends that the supervisor caused, and ends of
/// others of the group meanwhile, cost nothing and bring nothing about.
///
/// A child that comes back has the same address and the same mailbox, in order. Only the message in
/// whose handler it crashed is lost. An actor may also say by the class of its error what is to
/// become of it, before its supervisor is asked: see [`Recovery`](crate::actor::Recovery).
///
/// # The budget, and giving up
///
/// All children share one budget: [`intensity`](SupervisorBuilder::intensity) restarts within a
/// period, 3 in 5 s unless said otherwise. The restart of a group costs one, each attempt at a
/// restart whose start fails costs one more, and what you ask for by a call costs nothing. The
/// window slides; a restart exactly one period ago still counts. With one restart more than the
/// budget allows, the supervisor gives up: it stops its children in reverse and ends with
/// [`ExitReason::RestartLimit`]. To the supervisor above it that is a crash, so that a transient
/// supervisor is restarted, with its static children and without those that were added to it. So
/// budgets multiply from level to level; at the top, the system ends.
///
/// ```
/// use std::time::Duration;
/// use greenroom::prelude::*;
/// enum Msg {}
/// impl Protocol for Msg {}
/// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
///
/// greenroom::test::run(async |test| {
///     let tree = Supervisor::one_for_one().intensity(2, Duration::from_secs(5));
///     let tree = tree.child(child("w", idle)).start(test).await.unwrap();
///     let w = tree.child::<Msg>("w").await.unwrap();
///     for _ in 0..2 {
///         test.kill(w);
///         test.settle().await;
///         assert!(w.is_alive());
///     }
///     test.kill(w);
///     assert_eq!(tree.ended().await, ExitReason::RestartLimit);
/// });
/// ```
///
/// A child that takes very long to come back can fail for ever without one restart too many; the
/// first time that this is seen, it is reported.
///
/// # Starts that fail
///
/// A *first* start that fails is not tried again, unless the child says so by
/// [`start_tries`](super::Child::start_tries). Whoever adds the child is told why, and its spec is
/// forgotten. If it is one of the supervisor's static children, those before it are stopped again
/// in reverse, those after it never start, and the start of the supervisor fails, with the child
/// and the cause in its error.
///
/// A *restart* that fails is tried again at once, or after the back-off, until it works or the
/// budget is used up. The supervisor is not busy with it: calls are answered, other children start
/// and stop, the child can be given up by [`terminate_child`](Self::terminate_child), and a stop of
/// the supervisor takes effect at once.
///
/// Two outcomes of a start are no crash: a child may
/// [decline](crate::actor::Cx::decline), which is no error and leaves its spec without an instance,
/// or [refuse](crate::actor::Cx::refuse), which is one.
///
/// # Back-off
///
/// With a [`Backoff`](super::Backoff), of the child or of its supervisor, the delay before the next
/// incarnation doubles from failure to failure, and the count begins anew after a quiet time. Mail
/// waits in the mailbox, up to its capacity. A group is stopped while it waits for one of it. With
/// [`max_restarts`](super::Backoff::max_restarts) in a row that fail, the supervisor gives up.
///
/// ```
/// use std::time::Duration;
/// use greenroom::prelude::*;
/// enum Msg { Get(Reply<u32>) }
/// impl Protocol for Msg {}
/// async fn worker(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(cx.incarnation()); }
/// }
///
/// greenroom::test::run(async |test| {
///     let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10)).jitter(0.0);
///     let tree = Supervisor::one_for_one().backoff(backoff).start(test).await.unwrap();
///     let w = tree.add(child("w", worker)).await.unwrap();
///     for (incarnation, delay) in [(1, 1), (2, 2), (3, 4)] {
///         let before = test.now();
///         test.kill(w);
///         test.settle().await;
///         assert_eq!(w.ask_with(Msg::Get).await.unwrap(), incarnation);
///         assert_eq!(test.now() - before, Duration::from_secs(delay));
///     }
/// });
/// ```
///
/// # How a child is stopped
///
/// By its [`Shutdown`](super::Shutdown) rule: asked, and killed when it takes longer than its limit
/// (5 s for a worker); asked and waited for (a supervisor); or killed. A start that is under way is
/// cut short. A supervisor that is *killed* runs nothing itself, but its children are stopped by
/// their rules all the same, all at once; its end is heard of when they are gone, and only then is
/// it brought back.
///
/// ```
/// use std::time::Duration;
/// use greenroom::prelude::*;
/// enum Msg {}
/// impl Protocol for Msg {}
/// async fn stubborn(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     while let Some(message) = cx.next().await { match message {} }
///     std::future::pending().await
/// }
///
/// greenroom::test::run(async |test| {
///     let limit = Shutdown::Timeout(Duration::from_millis(50));
///     let tree = Supervisor::one_for_one().child(child("w", stubborn).shutdown(limit));
///     let tree = tree.start(test).await.unwrap();
///     let w = tree.child::<Msg>("w").await.unwrap();
///     tree.stop();
///     assert_eq!(w.ended().await, ExitReason::Killed);
///     assert_eq!(test.now(), Duration::from_millis(50));
///     assert_eq!(tree.ended().await, ExitReason::Shutdown);
/// });
/// ```
///
/// # Automatic shutdown
///
/// With [`AutoShutdown`](super::AutoShutdown), the end of *significant* children ends the
/// supervisor, in good order: of the first, or of the last that ran. Only an end by itself and for
/// good counts: a transient child that ended cleanly, a temporary one, or one whose error asked for
/// [`Recovery::Stop`](crate::actor::Recovery::Stop). Permanent children cannot be significant.
///
/// # Children that come and go
///
/// A [`dynamic`](Self::dynamic) supervisor keeps no order and no specs: a child is restarted alone,
/// forgotten when it has ended for good, and told apart by its actor, not its name. All are stopped
/// at once, so that stopping takes as long as the slowest.
///
/// Children may be added to the others too, by [`add`](Self::add): they are last in the order,
/// their specs are kept until [`delete_child`](Self::delete_child), and they are lost when the
/// supervisor itself is restarted. When a call is answered, what it says holds: an actor that was
/// ended by it is gone, and its names are free.
///
/// # What it understands
///
/// Nothing but the calls below. Its protocol is private, so that nothing else can be sent to it:
///
/// ```compile_fail,E0599
/// # greenroom::run(async |system| {
/// system.root().tell("junk").await.unwrap();
/// # });
/// ```
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
    /// a child that declined.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the child may start all the same.
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

    /// How many children there are, and how many of them run.
    ///
    /// # Cancel safety
    /// Nothing changes.
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
    #[must_use]
    pub const fn id(&self) -> ActorId {
        self.addr.id()
    }

    /// Asks the supervisor to stop its children in reverse order and then to end.
    pub fn stop(&self) {
        self.addr.stop();
    }

    /// Waits until the supervisor has ended and gives the reason:
    /// [`ExitReason::RestartLimit`] when it gave up.
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
