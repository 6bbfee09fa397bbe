//! `Child`: what a supervisor is told of an actor, and how it is kept once its type is forgotten.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use super::backoff::Backoff;
use super::plan::Plan;
use super::strategy::{ChildKind, Restart, Shutdown};
use crate::actor::control::Parent;
use crate::actor::spawn::start;
use crate::actor::{ActorId, Addr, Cx, ExitReason, Incarnate, MailboxOptions, Protocol};
use crate::event_loop::core::Core;

/// Describes an actor for a supervisor; see [`Child`] for what can be said of it.
///
/// A struct actor has started when its `started` hook has returned; a function when it first asks
/// for a message, or calls [`Cx::ready`]. Until then, whoever adds it waits.
///
/// ```
/// use greenroom::prelude::*;
///
/// enum Msg { Get(Reply<u32>) }
/// impl Protocol for Msg {}
/// async fn answers(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop { match cx.recv().await { Msg::Get(reply) => reply.send(1) } }
/// }
///
/// greenroom::run(async |system| {
///     let tree = Supervisor::one_for_one().start(system).await?;
///     let addr = tree.add(child("answers", answers).restart(Transient)).await?;
///     assert_eq!(addr.ask_with(Msg::Get).await.unwrap(), 1);
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
pub fn child<P, Kind, I>(name: &str, incarnate: I) -> Child<P, Kind, I>
where
    P: Protocol,
    I: Incarnate<P, Kind>,
{
    Child {
        plan: Plan::new(Some(Arc::from(name)), ChildKind::Worker),
        mailbox: MailboxOptions::default(),
        incarnate,
        marker: PhantomData,
    }
}

/// An actor as a supervisor is told of it, made by [`child`].
#[must_use = "a child does nothing until it is added to a supervisor"]
pub struct Child<P, Kind, I> {
    pub(crate) plan: Plan,
    mailbox: MailboxOptions,
    pub(crate) incarnate: I,
    marker: PhantomData<fn(P, Kind)>,
}

impl<P, Kind, I> Child<P, Kind, I> {
    /// Which ends bring it back; [`Restart::Permanent`] by default: all of them.
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.plan.restart = restart;
        self
    }

    /// How it is stopped; 5 s for its `stopped` hook by default, then it is killed.
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
    ///     let brief = Shutdown::Timeout(std::time::Duration::from_millis(100));
    ///     let addr = system.spawn(child("brief", actor).shutdown(brief)).await?;
    ///     assert_eq!(addr.ask_with(Msg::Get).await?, 7);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub const fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.plan.shutdown = shutdown;
        self
    }

    /// How long to wait before the next incarnation; by default not at all. It replaces the
    /// supervisor's back-off for this child.
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
    ///     use std::time::Duration;
    ///     let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(10));
    ///     let addr = system.spawn(child("patient", actor).backoff(backoff)).await?;
    ///     addr.kill();
    ///     assert_eq!(addr.ask_with(Msg::Get).await?, 7);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.plan.backoff = Some(backoff);
        self
    }

    /// Whether its end may end the supervisor; see
    /// [`AutoShutdown`](super::AutoShutdown). A permanent child cannot be significant.
    pub const fn significant(mut self, significant: bool) -> Self {
        self.plan.significant = significant;
        self
    }

    /// How large its mailbox is and what happens when it is full.
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
    ///     let small = MailboxOptions::bounded(8).overflow(Overflow::Fail);
    ///     let addr = system.spawn(child("small", actor).mailbox(small)).await?;
    ///     assert_eq!(addr.ask_with(Msg::Get).await?, 7);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub const fn mailbox(mut self, mailbox: MailboxOptions) -> Self {
        self.mailbox = mailbox;
        self
    }
}

impl<P, Kind, I> fmt::Debug for Child<P, Kind, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// What can be put under a supervisor: a [`Child`], or a
/// [`SupervisorBuilder`](super::SupervisorBuilder) for a tree below it.
pub trait IntoChild {
    /// What the one who adds it gets: an [`Addr`] or a [`Supervisor`](super::Supervisor).
    type Handle;

    #[doc(hidden)]
    fn into_spec(self) -> Spec;

    #[doc(hidden)]
    fn handle(actor: ActorId) -> Self::Handle;
}

impl<P, Kind, I> IntoChild for Child<P, Kind, I>
where
    P: Protocol,
    Kind: 'static,
    I: Incarnate<P, Kind>,
{
    type Handle = Addr<P>;

    fn into_spec(self) -> Spec {
        let Self { plan, mailbox, incarnate, .. } = self;
        Spec { plan, build: Box::new(BuildChild::new(mailbox, incarnate)) }
    }

    fn handle(actor: ActorId) -> Addr<P> {
        let core = crate::event_loop::current::expect("a supervisor");
        Addr::new(actor.0, &core)
    }
}

/// A child as its supervisor keeps it.
pub struct Spec {
    pub(crate) plan: Plan,
    pub(crate) build: Box<dyn Build>,
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// Builds a child's actor, as often as its spec is started anew.
pub(crate) trait Build {
    fn start(&mut self, core: &Core, name: Arc<str>, parent: Rc<dyn Parent>) -> ActorId;
}

/// Builds actors with the protocol `P` from one factory, which each incarnation borrows.
pub(crate) struct BuildChild<P, Kind, I> {
    mailbox: MailboxOptions,
    factory: Rc<Cell<Option<I>>>,
    marker: PhantomData<fn(P, Kind)>,
}

impl<P, Kind, I> BuildChild<P, Kind, I> {
    pub(crate) fn new(mailbox: MailboxOptions, incarnate: I) -> Self {
        let factory = Rc::new(Cell::new(Some(incarnate)));
        Self { mailbox, factory, marker: PhantomData }
    }
}

impl<P, Kind, I> Build for BuildChild<P, Kind, I>
where
    P: Protocol,
    Kind: 'static,
    I: Incarnate<P, Kind>,
{
    fn start(&mut self, core: &Core, name: Arc<str>, parent: Rc<dyn Parent>) -> ActorId {
        let lent = Lent { factory: Rc::clone(&self.factory), marker: PhantomData };
        start::<P, IsLent, _>(core, name, self.mailbox, Some(parent), lent).id()
    }
}

/// A factory that is taken at the start of a life and given back at its end, so that another actor
/// may be built from it later.
struct Lent<Kind, I> {
    factory: Rc<Cell<Option<I>>>,
    marker: PhantomData<fn(Kind)>,
}

/// Marks lent factories.
struct IsLent;

impl<P, Kind, I> Incarnate<P, IsLent> for Lent<Kind, I>
where
    P: Protocol,
    Kind: 'static,
    I: Incarnate<P, Kind>,
{
    async fn live(&mut self, cx: &mut Cx<P>) -> ExitReason {
        let mut borrowed = Borrowed { taken: self.factory.take(), home: &self.factory };
        match &mut borrowed.taken {
            Some(factory) => factory.live(cx).await,
            // Two lives at once would be a bug of the supervisor; the second does not begin.
            None => ExitReason::Error(Arc::from("the incarnation before is still alive")),
        }
    }
}

struct Borrowed<'a, I> {
    taken: Option<I>,
    home: &'a Cell<Option<I>>,
}

impl<I> Drop for Borrowed<'_, I> {
    fn drop(&mut self) {
        if let Some(factory) = self.taken.take() {
            self.home.set(Some(factory));
        }
    }
}
