//! `SupervisorBuilder`: flags and static children; contradictions are refused before anything
//! starts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::decide::Decider;
use super::error::StartError;
use super::handle::Supervisor;
use super::intensity::Intensity;
use super::message::Message;
use super::plan::{Flags, Mode, Plan};
use super::runner::{IsSupervisor, Life};
use super::spec::{BuildChild, IntoChild, Spec};
use super::strategy::{AutoShutdown, ChildKind, Restart, Shutdown, Strategy};
use crate::actor::spawn::{Options, start};
use crate::actor::{ActorId, Addr, ExitReason};
use crate::base::backoff::Backoff;
use crate::base::clock::nanos;
use crate::event_loop::core::Core;

/// Builds a supervisor; made by [`Supervisor::one_for_one`] and its sisters.
///
/// Start it under a system by `start`, or put it under another supervisor as a child:
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg {}
/// impl Protocol for Msg {}
/// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
///
/// greenroom::run(async |system| {
///     let tree = Supervisor::rest_for_one()
///         .child(child("store", idle))
///         .child(Supervisor::one_for_one().name("workers").child(child("worker", idle)))
///         .start(system)
///         .await?;
///     assert_eq!(tree.count().await.active, 2);
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[must_use = "a supervisor does nothing until it is started"]
pub struct SupervisorBuilder {
    flags: Flags,
    plan: Plan,
    /// Whether `restart` was called.
    restart_chosen: bool,
    children: Vec<Spec>,
    /// As part of an actor, it survives the actor's incarnations.
    pub(super) survives: bool,
}

impl Supervisor {
    /// A supervisor that restarts the child that ended and no other.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Lives(Reply<u32>) } impl Protocol for Msg {}
    /// # async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Lives(reply) = cx.recv().await; reply.send(cx.incarnation()) } }
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().start(system).await?;
    ///     let (a, b) = (tree.add(child("a", actor)).await?, tree.add(child("b", actor)).await?);
    ///     a.kill();
    ///     assert_eq!((a.ask_with(Msg::Lives).await?, b.ask_with(Msg::Lives).await?), (1, 0));
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn one_for_one() -> SupervisorBuilder {
        SupervisorBuilder::new(Flags::new(Mode::Ordered(Strategy::OneForOne)))
    }

    /// A supervisor that restarts all its children when one ends: for children that are of no use
    /// without each other.
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
    ///     let both = Supervisor::one_for_all().child(child("a", actor)).child(child("b", actor));
    ///     let tree = both.start(system).await?;
    ///     let (a, b) = (tree.child::<Msg>("a").await.unwrap(), tree.child::<Msg>("b").await.unwrap());
    ///     a.kill();
    ///     // Both are restarted behind their addresses.
    ///     assert_eq!((a.ask_with(Msg::Get).await?, b.ask_with(Msg::Get).await?), (7, 7));
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn one_for_all() -> SupervisorBuilder {
        SupervisorBuilder::new(Flags::new(Mode::Ordered(Strategy::OneForAll)))
    }

    /// A supervisor that restarts the child that ended and those started after it: for children
    /// that depend on earlier ones.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Lives(Reply<u32>) } impl Protocol for Msg {}
    /// # async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Lives(reply) = cx.recv().await; reply.send(cx.incarnation()) } }
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::rest_for_one().start(system).await?;
    ///     let a = tree.add(child("a", actor)).await?;
    ///     let (b, c) = (tree.add(child("b", actor)).await?, tree.add(child("c", actor)).await?);
    ///     b.kill();
    ///     assert_eq!((b.ask_with(Msg::Lives).await?, c.ask_with(Msg::Lives).await?), (1, 1));
    ///     assert_eq!(a.ask_with(Msg::Lives).await?, 0);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn rest_for_one() -> SupervisorBuilder {
        SupervisorBuilder::new(Flags::new(Mode::Ordered(Strategy::RestForOne)))
    }

    /// A supervisor for children that come and go, such as connections: no order, no specs kept for
    /// those that are gone, stopped all at once; at most `children_max` at a time.
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
    ///     let clients = Supervisor::dynamic(1).start(system).await?;
    ///     let first = clients.add(child("client", actor).restart(Temporary)).await?;
    ///     assert!(clients.add(child("client", actor)).await.is_err(), "one at a time");
    ///     clients.terminate_child(first).await?;
    ///     assert!(clients.add(child("client", actor)).await.is_ok());
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn dynamic(children_max: usize) -> SupervisorBuilder {
        SupervisorBuilder::new(Flags::new(Mode::Dynamic { children_max }))
    }
}

impl SupervisorBuilder {
    pub(crate) fn new(flags: Flags) -> Self {
        let plan = Plan::new(None, ChildKind::Supervisor);
        Self { flags, plan, restart_chosen: false, children: Vec::new(), survives: false }
    }

    /// Its name among the children of its own supervisor; by default it has none there, and is
    /// called `supervisor` in logs.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| {
    ///     let workers = Supervisor::one_for_one().name("workers");
    ///     let tree = Supervisor::one_for_one().child(workers).start(system).await?;
    ///     assert_eq!(tree.children().await[0].name.as_deref(), Some("workers"));
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn name(mut self, name: &str) -> Self {
        self.plan.name = Some(Arc::from(name));
        self
    }

    /// How many restarts within how much time are too many: with one more, the supervisor stops its
    /// children and ends with [`ExitReason::RestartLimit`], for its own supervisor to decide. 3 in
    /// 5 s by default. The window slides, in nanoseconds; failed attempts count.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// let tree = Supervisor::one_for_one().intensity(10, Duration::from_secs(60));
    /// # let _ = tree;
    /// ```
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.flags.intensity = Intensity { max: restarts, period_ns: nanos(period) };
        self
    }

    /// How long to wait before restarts, for children that do not say it themselves.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use greenroom::prelude::*; enum Msg { Get(Reply<u32>) } impl Protocol for Msg {}
    /// # async fn seven(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Get(reply) = cx.recv().await; reply.send(7) } }
    /// greenroom::run(async |system| {
    ///     let patient = Backoff::new(Duration::from_millis(1), Duration::from_millis(10));
    ///     let tree = Supervisor::one_for_one().backoff(patient).start(system).await?;
    ///     let addr = tree.add(child("seven", seven)).await?;
    ///     addr.kill();
    ///     // The message waits for the next incarnation.
    ///     assert_eq!(addr.ask_with(Msg::Get).await?, 7);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.flags.backoff = Some(backoff);
        self
    }

    /// Whether the end of significant children ends the supervisor; by default never.
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
    ///     use greenroom::supervisor::AutoShutdown;
    ///     let tree = Supervisor::one_for_one().auto_shutdown(AutoShutdown::AnySignificant);
    ///     let main = child("main", actor).restart(Transient).significant(true);
    ///     let tree = tree.child(main).start(system).await?;
    ///     tree.child::<Msg>("main").await.unwrap().stop();
    ///     assert_eq!(tree.ended().await, ExitReason::Shutdown);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub const fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.flags.auto_shutdown = auto_shutdown;
        self
    }

    /// Which of its own ends bring it back under its supervisor; permanent by default, but
    /// temporary where it is given to a system by [`start`](Self::start).
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().start(system).await?;
    ///     let session = tree.add(Supervisor::one_for_one().restart(Temporary)).await?;
    ///     session.stop();
    ///     session.ended().await;
    ///     assert_eq!(tree.count().await.specs, 0);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.plan.restart = restart;
        self.restart_chosen = true;
        self
    }

    /// How it is stopped; by default its own supervisor waits for as long as its children need.
    /// When it is killed, be it at once or at a limit, its children still have the time that their
    /// own rules give them.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    ///
    /// greenroom::run(async |system| {
    ///     let limit = Shutdown::Timeout(Duration::from_secs(1));
    ///     let tree = Supervisor::one_for_one().shutdown(limit).child(child("idle", idle));
    ///     let tree = tree.start(system).await?;
    ///     assert_eq!(system.root().children().await[0].shutdown, limit);
    ///     tree.stop();
    ///     assert_eq!(tree.ended().await, ExitReason::Shutdown);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub const fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.plan.shutdown = shutdown;
        self
    }

    /// Nobody above it counts on it, so it is not restarted unless somebody said so.
    pub(crate) const fn at_the_top(mut self) -> Self {
        if !self.restart_chosen {
            self.plan.restart = Restart::Temporary;
        }
        self
    }

    /// Whether its end may end the supervisor above it.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::supervisor::AutoShutdown;
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().auto_shutdown(AutoShutdown::AnySignificant);
    ///     let tree = tree.start(system).await?;
    ///     let main = Supervisor::one_for_one().restart(Transient).significant(true);
    ///     tree.add(main).await?.stop();
    ///     assert_eq!(tree.ended().await, ExitReason::Shutdown);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub const fn significant(mut self, significant: bool) -> Self {
        self.plan.significant = significant;
        self
    }

    /// Adds a child that is started with the supervisor, after those added before it, and again
    /// whenever the supervisor itself is restarted.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().child(child("a", idle)).child(child("b", idle));
    ///     let children = tree.start(system).await?.children().await;
    ///     let names: Vec<_> = children.iter().filter_map(|child| child.name.as_deref()).collect();
    ///     assert_eq!(names, ["a", "b"]);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn child<C: IntoChild>(mut self, child: C) -> Self {
        self.children.push(child.into_spec());
        self
    }

    /// Whether flags and children go together.
    ///
    /// # Errors
    /// What contradicts what.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        let plans = self.children.iter().map(|spec| spec.plan.clone()).collect();
        Decider::new(self.flags.clone(), plans)?;
        Ok(())
    }

    /// Starts it as the root of a tree, under nobody.
    pub(crate) fn start_root(self, core: &Core) -> Supervisor {
        let name = self.plan.name.clone().unwrap_or_else(|| Arc::from("root"));
        let life = Life::new(self.flags, self.children);
        let addr: Addr<Message> =
            start::<_, IsSupervisor, _>(core, name, Options::default(), None, life);
        Supervisor::new(addr)
    }
}

impl IntoChild for SupervisorBuilder {
    type Handle = Supervisor;

    fn into_spec(self) -> Spec {
        let checked = self.check();
        let life = Life::new(self.flags, self.children).refused(checked.err());
        let build = BuildChild::<Message, IsSupervisor, _>::new(Options::default(), life);
        Spec { plan: self.plan, build: Box::new(build) }
    }

    fn handle(actor: ActorId) -> Supervisor {
        Supervisor::of(actor)
    }
}

impl fmt::Debug for SupervisorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupervisorBuilder")
            .field("flags", &self.flags)
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}

/// So that the documentation above may name it.
#[allow(unused_imports, reason = "named by the documentation above")]
use ExitReason as _;
