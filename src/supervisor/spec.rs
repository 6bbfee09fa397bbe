//! `Child`: what a supervisor is told of an actor, and how it is kept once its type is forgotten.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::plan::Plan;
use super::strategy::{ChildKind, Restart, Shutdown};
use crate::actor::parent::Parent;
use crate::actor::spawn::{Options, start};
use crate::actor::{ActorId, Addr, Cx, ExitReason, Incarnate, MailboxOptions, Protocol};
use crate::base::backoff::Backoff;
use crate::event_loop::core::Core;
use crate::registry::{RegisterError, Registry};

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
        options: Options::default(),
        registered: None,
        incarnate,
        marker: PhantomData,
    }
}

/// An actor as a supervisor is told of it, made by [`child`].
///
/// ```
/// use greenroom::prelude::*;
/// # enum Msg {} impl Protocol for Msg {}
/// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// greenroom::run(async |system| {
///     let brief = child("brief", idle)
///         .restart(Transient)
///         .shutdown(Shutdown::Brutal)
///         .mailbox(MailboxOptions::bounded(8));
///     let addr = system.spawn(brief).await?;
///     assert!(addr.is_alive());
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[must_use = "a child does nothing until it is added to a supervisor"]
pub struct Child<P, Kind, I> {
    pub(crate) plan: Plan,
    options: Options,
    /// The name that it bears in the system.
    registered: Option<Arc<str>>,
    pub(crate) incarnate: I,
    marker: PhantomData<fn(P, Kind)>,
}

impl<P, Kind, I> Child<P, Kind, I> {
    /// Which ends bring it back; [`Restart::Permanent`] by default: all of them.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Done } impl Protocol for Msg {}
    /// # async fn once(cx: &mut Cx<Msg>) -> Result<(), Fault> { let Msg::Done = cx.recv().await; Ok(()) }
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().start(system).await?;
    ///     let addr = tree.add(child("migration", once).restart(Transient)).await?;
    ///     addr.tell(Msg::Done).await?;
    ///     // A clean end: it is not brought back, but the supervisor still knows how to start it.
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    ///     assert_eq!((tree.count().await.specs, tree.count().await.active), (1, 0));
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.plan.restart = restart;
        self
    }

    /// How it is stopped; by default it is asked, and killed when it has not ended after 5 s: the
    /// message in its hand and its `stopped` hook have this time together.
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

    /// How often its first start is tried before it is given up, at once after each failure; once
    /// by default, as a start that fails once mostly fails again. A restart that fails is another
    /// matter: the supervisor goes on with it for as long as its budget allows.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// greenroom::run(async |system| {
    ///     let mut failures = 0;
    ///     let moody = async move |cx: &mut Cx<Msg>| {
    ///         if failures < 2 { failures += 1; return Err(Fault::new("not yet")); }
    ///         match cx.recv().await {}
    ///     };
    ///     assert!(system.spawn(child("moody", moody).start_tries(3)).await.is_ok());
    /// });
    /// ```
    pub const fn start_tries(mut self, tries: u32) -> Self {
        self.plan.start_tries = tries;
        self
    }

    /// Whether its end may end the supervisor; see
    /// [`AutoShutdown`](super::AutoShutdown). A permanent child cannot be significant.
    ///
    /// ```
    /// use greenroom::supervisor::{SpecError, StartError};
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |system| {
    ///     let permanent = system.spawn(child("main", idle).significant(true)).await.unwrap_err();
    ///     assert_eq!(permanent, StartError::Spec(SpecError::SignificantPermanent("main".into())));
    /// });
    /// ```
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
        self.options.mailbox = mailbox;
        self
    }

    /// How long a start of it may take; by default as long as it takes. One that takes longer is
    /// given up where it stands, has not started, and the reason is
    /// [`ExitReason::TimedOut`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let hangs = async |_: &mut Cx<Msg>| std::future::pending::<Result<(), Fault>>().await;
    ///     let child = child("hangs", hangs).start_timeout(Duration::from_secs(2));
    ///     let error = test.spawn(child).await.unwrap_err();
    ///     assert!(error.to_string().ends_with("the start took longer than 2s"));
    /// });
    /// ```
    pub const fn start_timeout(mut self, limit: Duration) -> Self {
        self.options.limits.start = Some(limit);
        self
    }

    /// How long the handling of one message may take; by default as long as it takes. A handler
    /// that awaits for longer is given up where it stands, and the incarnation crashes with
    /// [`ExitReason::TimedOut`], which names the message; no hook runs. A handler that holds the
    /// loop without awaiting cannot be given up; it is named in the log. While a handler of a
    /// struct waits for a further message itself, by [`Cx::recv`](crate::actor::Cx::recv), no time
    /// counts.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// enum Msg { Hang(Reply<()>), Incarnation(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let hangs = async |cx: &mut Cx<Msg>| -> Result<(), Fault> {
    ///         loop {
    ///             match cx.recv().await {
    ///                 Msg::Hang(_reply) => std::future::pending().await,
    ///                 Msg::Incarnation(reply) => reply.send(cx.incarnation()),
    ///             }
    ///         }
    ///     };
    ///     let child = child("hangs", hangs).handler_timeout(Duration::from_secs(2));
    ///     let addr = test.spawn(child).await.unwrap();
    ///     assert!(matches!(addr.ask_with(Msg::Hang).await, Err(AskError::Crashed { .. })));
    ///     assert_eq!(addr.ask_with(Msg::Incarnation).await.unwrap(), 1);
    /// });
    /// ```
    pub const fn handler_timeout(mut self, limit: Duration) -> Self {
        self.options.limits.handler = Some(limit);
        self
    }

    /// Bears this name in its system from its start on, before its `started` hook runs, and over
    /// its restarts, until it has ended for good; see
    /// [`System::lookup`](crate::System::lookup). When another actor has the name, it does not
    /// start: [`StartError::AlreadyRegistered`](super::StartError::AlreadyRegistered) with the
    /// owner. When its start fails, the name is free by the time the error is returned.
    ///
    /// The name given to [`child`] is for its supervisor and for people; children of different
    /// supervisors may share it. This one is unique in the system.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::supervisor::StartError;
    /// enum Msg { Get(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
    /// }
    ///
    /// greenroom::run(async |system| {
    ///     let seven = system.spawn(child("seven", actor).registered("lucky")).await?;
    ///     assert_eq!(system.lookup::<Msg>("lucky")?, seven);
    ///     let second = system.spawn(child("second", actor).registered("lucky")).await;
    ///     let Err(StartError::AlreadyRegistered { owner, .. }) = second else { panic!() };
    ///     assert_eq!(owner, seven.id());
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn registered(mut self, name: &str) -> Self {
        self.registered = Some(Arc::from(name));
        self
    }

    /// What its supervisor calls it.
    pub(crate) fn name(&self) -> Arc<str> {
        self.plan.name.clone().unwrap_or_else(|| Arc::from("child"))
    }
}

impl<P, Kind, I> fmt::Debug for Child<P, Kind, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// What can be put under a supervisor: a [`Child`], or a
/// [`SupervisorBuilder`](super::SupervisorBuilder) for a tree below it.
///
/// ```
/// use greenroom::supervisor::{IntoChild, StartError};
/// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
/// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// async fn add<C: IntoChild>(to: Supervisor, child: C) -> Result<C::Handle, StartError> {
///     to.add(child).await
/// }
///
/// greenroom::run(async |system| {
///     let below: Supervisor = add(system.root(), Supervisor::one_for_one().name("below")).await?;
///     let addr: Addr<Msg> = add(below, child("idle", idle)).await?;
///     assert_eq!(addr.id().name().as_deref(), Some("root/below/idle"));
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
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
        let Self { plan, options, registered, incarnate, .. } = self;
        let build = BuildChild::new(options, incarnate).registered(registered);
        Spec { plan, build: Box::new(build) }
    }

    fn handle(actor: ActorId) -> Addr<P> {
        let core = crate::event_loop::current::expect("a supervisor");
        Addr::new(actor.0, &core)
    }
}

/// A child as its supervisor keeps it.
///
/// ```
/// use greenroom::supervisor::{IntoChild, Spec};
/// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
/// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// let spec: Spec = child("idle", idle).restart(Temporary).into_spec();
/// assert!(format!("{spec:?}").contains("Temporary"));
/// ```
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
    /// # Errors
    /// When the name that the actor is to bear in the system is another's; there is no actor then.
    fn start(
        &mut self,
        core: &Core,
        name: Arc<str>,
        parent: Rc<dyn Parent>,
    ) -> Result<ActorId, ExitReason>;
}

/// Builds actors with the protocol `P` from one factory, which each incarnation borrows.
pub(crate) struct BuildChild<P, Kind, I> {
    options: Options,
    registered: Option<Arc<str>>,
    factory: Rc<Cell<Option<I>>>,
    marker: PhantomData<fn(P, Kind)>,
}

impl<P, Kind, I> BuildChild<P, Kind, I> {
    pub(crate) fn new(options: Options, incarnate: I) -> Self {
        let factory = Rc::new(Cell::new(Some(incarnate)));
        Self { options, registered: None, factory, marker: PhantomData }
    }

    fn registered(mut self, name: Option<Arc<str>>) -> Self {
        self.registered = name;
        self
    }
}

impl<P, Kind, I> Build for BuildChild<P, Kind, I>
where
    P: Protocol,
    Kind: 'static,
    I: Incarnate<P, Kind>,
{
    fn start(
        &mut self,
        core: &Core,
        name: Arc<str>,
        parent: Rc<dyn Parent>,
    ) -> Result<ActorId, ExitReason> {
        let lent = Lent { factory: Rc::clone(&self.factory), marker: PhantomData };
        let addr = start::<P, IsLent, _>(core, name, self.options, Some(parent), lent);
        let Some(registered) = &self.registered else { return Ok(addr.id()) };
        match core.locals.get::<Registry>().register(registered, addr) {
            Err(RegisterError::Taken { name, owner }) => {
                // It never ran: nobody hears of it.
                core.cancel(addr.key());
                Err(ExitReason::NameTaken { name, owner })
            }
            // One that has ended already, because its loop is closing, needs no name.
            Ok(()) | Err(RegisterError::Ended { .. }) => Ok(addr.id()),
        }
    }
}

/// A factory that is taken at the start of a life and given back at its end, so that another actor
/// may be built from it later.
struct Lent<Kind, I> {
    factory: Rc<Cell<Option<I>>>,
    marker: PhantomData<fn(Kind)>,
}

impl<Kind, I> Lent<Kind, I> {
    fn borrow(&self) -> Borrowed<'_, I> {
        Borrowed { taken: self.factory.take(), home: &self.factory }
    }
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
        match &mut self.borrow().taken {
            Some(factory) => factory.live(cx).await,
            // Two lives at once would be a bug of the supervisor; the second does not begin.
            None => ExitReason::Error(Arc::from("the incarnation before is still alive")),
        }
    }

    async fn reap(&mut self) {
        if let Some(factory) = &mut self.borrow().taken {
            factory.reap().await;
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
