//! `System`: from `fn main` to the last drop.
//!
//! A system is a loop with a root supervisor, a registry of names, a shutdown in phases and the
//! process's stop signals. Two systems in one process, each on its thread, do not see each other's
//! names, groups and trees; what they share is the process, so that a signal stops both.

mod builder;
mod names;
mod shutdown;
#[cfg(unix)]
mod signals;

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

pub use builder::{Interrupted, SystemBuilder};
pub use shutdown::{
    Completion, CoordinatedShutdown, Phase, PhaseError, Phases, Registration, ShutdownError,
    ShutdownOutcome,
};

use crate::actor::dead_letter::DeadLetters;
use crate::actor::lifecycle::Lifecycles;
use crate::actor::wait;
use crate::actor::{ActorId, Addr, DeadLetter, ExitReason, LifecycleEvent, Protocol, Waiting};
use crate::base::type_map::TypeMap;
use crate::base::waiters::Waiters;
use crate::event_loop::current;
use crate::registry::{LookupError, RegisterError, Registry};
use crate::supervisor::{IntoChild, StartError, Supervisor, SupervisorBuilder};

/// Makes a system on a loop of its own and runs `main` on it; what `main` gives comes back.
///
/// When `main` is done, the [shutdown](System::shutdown) runs its phases, in one of which the tree
/// is stopped in reverse order of its start; tasks that are left over are asked to
/// [cancel](crate::task::JoinHandle::cancel), have five seconds to clean up and are named in the
/// log; and what is left of the loop is dropped.
///
/// SIGINT and SIGTERM (on Unix) begin the same shutdown; `main` hears of it by
/// [`System::stopped`] and may still return, and what it returned comes back as ever. If it does
/// not within a second after the tree has stopped, it is asked to cancel too and has five seconds
/// for that; then the process ends with status 128 + the signal's number, as it does at once when a
/// second signal comes. When the root supervisor gives up, `main` has the same time, and then the
/// process ends with status 1. A stop that the program asks for itself waits for `main`, however
/// long that takes. A host that must not be ended so uses [`SystemBuilder::run`], which gives an
/// error instead, and sees to [signals](SystemBuilder::signals) itself.
///
/// # Panics
/// With the panic of `main`; or when the kernel gives no poller, or the process has made 1,048,576
/// loops.
///
/// ```
/// use greenroom::prelude::*;
///
/// enum Msg { Add(u64), Get(Reply<u64>) }
/// impl Protocol for Msg {}
/// async fn counter(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     let mut n = 0;
///     loop { match cx.recv().await { Msg::Add(more) => n += more, Msg::Get(reply) => reply.send(n) } }
/// }
///
/// let total = greenroom::run(async |system| {
///     let counter = system.spawn(child("counter", counter)).await?;
///     counter.tell(Msg::Add(2)).await.map_err(|error| error.without_message())?;
///     counter.tell(Msg::Add(3)).await.map_err(|error| error.without_message())?;
///     Ok::<u64, Fault>(counter.ask_with(Msg::Get).await.unwrap())
/// });
/// assert_eq!(total.unwrap(), 5);
/// ```
pub fn run<R>(main: impl AsyncFnOnce(&System) -> R) -> R {
    match System::builder().run(main) {
        Ok(result) => result,
        Err(interrupted @ Interrupted::NoLoop(_)) => panic!("{interrupted}"),
        Err(interrupted) => {
            tracing::warn!(target: "greenroom::system", "{interrupted}");
            std::process::exit(interrupted.exit_status())
        }
    }
}

/// A running system; see [`run`]. It is `Clone` and stays on its thread.
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
///     let addr = system.spawn(child("seven", actor)).await?;
///     system.register("lucky", addr)?;
///     let found = system.lookup::<Msg>("lucky")?;
///     assert_eq!(found.ask_with(Msg::Get).await?, 7);
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[derive(Clone)]
pub struct System {
    shared: Rc<Shared>,
}

struct Shared {
    root: Supervisor,
    registry: Rc<Registry>,
    shutdown: CoordinatedShutdown,
    /// Groups, directories, topics and locks.
    kept: TypeMap,
    /// The signal that began the stop.
    signal: Cell<Option<i32>>,
    /// Who waits for one.
    signalled: Waiters,
}

impl System {
    /// A system with other options than the usual ones.
    ///
    /// ```
    /// use greenroom::System;
    /// let names = System::builder().signals(false).run(async |system| system.names());
    /// assert_eq!(names.unwrap(), 0);
    /// ```
    pub const fn builder() -> SystemBuilder {
        SystemBuilder::new()
    }

    /// Starts a child of the root supervisor and waits until it has started. The root restarts it
    /// as its spec says.
    ///
    /// # Errors
    /// When it does not start; nothing of it is left then, except the spec of a child that declined
    /// and is not temporary.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the child may start all the same.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Get(Reply<u32>) } impl Protocol for Msg {}
    /// # async fn seven(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Get(reply) = cx.recv().await; reply.send(7) } }
    /// greenroom::run(async |system| {
    ///     let addr = system.spawn(child("seven", seven)).await?;
    ///     addr.kill();
    ///     // It is permanent, so the root brings it back behind the same address.
    ///     assert_eq!(addr.ask_with(Msg::Get).await?, 7);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn spawn<C: IntoChild>(&self, child: C) -> Result<C::Handle, StartError> {
        self.shared.root.add(child).await
    }

    /// The supervisor at the top.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |system| {
    ///     let addr = system.spawn(child("idle", idle)).await?;
    ///     assert_eq!(system.root().count().await.active, 1);
    ///     system.root().terminate_child(addr).await?;
    ///     assert_eq!(system.root().count().await.active, 0);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn root(&self) -> Supervisor {
        self.shared.root
    }

    /// Gives an actor a name, until it has ended for good.
    ///
    /// # Errors
    /// When the name is taken, with its owner; or when the actor has ended. Nothing changed then.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    ///
    /// greenroom::run(async |system| {
    ///     let addr = system.spawn(child("idle", idle)).await?;
    ///     system.register("printer", addr)?;
    ///     assert_eq!(system.lookup::<Msg>("printer")?, addr);
    ///     assert!(system.register("printer", addr).is_err());
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn register<P: Protocol>(&self, name: &str, addr: Addr<P>) -> Result<(), RegisterError> {
        self.shared.registry.register(name, addr)
    }

    /// Frees a name if this actor has it; `true` when it had.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |system| {
    ///     let (a, b) = (system.spawn(child("a", idle)).await?, system.spawn(child("b", idle)).await?);
    ///     system.register("printer", a)?;
    ///     assert!(!system.unregister("printer", b), "it is not the name of `b`");
    ///     assert!(system.unregister("printer", a));
    ///     assert!(system.register("printer", b).is_ok());
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn unregister(&self, name: &str, owner: impl Into<ActorId>) -> bool {
        self.shared.registry.unregister(name, owner.into())
    }

    /// The actor with this name.
    ///
    /// # Errors
    /// When nobody has it, or whoever has it understands another protocol.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |system| {
    ///     let addr = greenroom::actor::spawn("idle", idle);
    ///     system.register("printer", addr)?;
    ///     assert_eq!(system.lookup::<Msg>("printer")?, addr);
    ///     addr.stop();
    ///     addr.ended().await;
    ///     // The name was free before anybody heard of the end.
    ///     assert!(system.lookup::<Msg>("printer").is_err());
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn lookup<P: Protocol>(&self, name: &str) -> Result<Addr<P>, LookupError> {
        self.shared.registry.lookup(name)
    }

    /// How many names are taken.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |system| {
    ///     let addr = system.spawn(child("idle", idle)).await?;
    ///     system.register("printer", addr)?;
    ///     system.register("scanner", addr)?;
    ///     assert_eq!(system.names(), 2);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn names(&self) -> usize {
        self.shared.registry.len()
    }

    /// How many messages nobody will handle, since the loop was made. One that comes back to a
    /// thread without a loop, and is dropped there, is not counted.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Job } impl Protocol for Msg {}
    /// # async fn work(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
    /// greenroom::run(async |system| {
    ///     let addr = greenroom::actor::spawn("worker", work);
    ///     addr.tell(Msg::Job).await.unwrap();
    ///     addr.stop();
    ///     addr.ended().await;
    ///     assert_eq!(system.dead_letters(), 1);
    ///     // This one comes back instead, and is a dead letter only if it is dropped then.
    ///     let error = addr.tell(Msg::Job).await.unwrap_err();
    ///     assert!(error.into_message().is_some());
    ///     assert_eq!(system.dead_letters(), 1);
    /// });
    /// ```
    #[must_use]
    pub fn dead_letters(&self) -> u64 {
        current::with(|core| core.locals.get::<DeadLetters>().count()).unwrap_or(0)
    }

    /// Calls `listener` with every dead letter from now on. One that panics is removed; one that
    /// causes dead letters is not told of those.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Hello }
    /// impl Protocol for Msg {}
    /// async fn deaf(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     cx.recv().await;
    ///     std::future::pending().await
    /// }
    ///
    /// greenroom::run(async |system| {
    ///     system.on_dead_letter(|letter| println!("{:?}: {:?}", letter.name, letter.cause));
    ///     let addr = greenroom::actor::spawn("deaf", deaf);
    ///     for _ in 0..3 { addr.tell(Msg::Hello).await.unwrap(); }
    ///     greenroom::task::yield_now().await;
    ///     addr.kill();
    ///     addr.ended().await;
    ///     // One was in its hand, two were waiting.
    ///     assert_eq!(system.dead_letters(), 3);
    /// });
    /// ```
    pub fn on_dead_letter(&self, listener: impl FnMut(&DeadLetter) + 'static) {
        if let Some(letters) = current::with(|core| core.locals.get::<DeadLetters>()) {
            letters.listen(listener);
        }
    }

    /// Calls `listener` at each edge in the life of an actor of this loop from now on. One that
    /// panics is removed. While nobody listens, nothing is made.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use greenroom::{actor::Lifecycle, prelude::*};
    /// greenroom::run(async |system| {
    ///     let ended = Rc::new(Cell::new(0));
    ///     let counts = Rc::clone(&ended);
    ///     system.on_lifecycle(move |event| {
    ///         if matches!(event.edge, Lifecycle::Ended(_)) { counts.set(counts.get() + 1); }
    ///     });
    ///     let tree = Supervisor::one_for_one().start(system).await.unwrap();
    ///     tree.stop();
    ///     tree.ended().await;
    ///     assert_eq!(ended.get(), 1);
    /// });
    /// ```
    pub fn on_lifecycle(&self, listener: impl FnMut(&LifecycleEvent) + 'static) {
        if let Some(lifecycles) = current::with(|core| core.locals.get::<Lifecycles>()) {
            lifecycles.listen(listener);
        }
    }

    /// Which actors of this loop wait for a reply of which others, at this moment.
    ///
    /// See [`Waiting`] for an example.
    ///
    /// ```
    /// greenroom::test::run(async |test| assert!(test.waits().is_empty()));
    /// ```
    #[must_use]
    pub fn waits(&self) -> Vec<Waiting> {
        current::get().map_or_else(Vec::new, |core| wait::all(&core))
    }

    /// Begins the [shutdown](Self::shutdown), if nobody has, and returns at once: its phases run in
    /// order, and in one of them the tree is stopped, children in reverse order of their start.
    /// Where no phase has a task, the tree is asked to stop at once.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().start(system).await?;
    ///     system.stop();
    ///     assert_eq!(system.stopped().await, ExitReason::Shutdown);
    ///     assert!(!tree.id().is_alive());
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub fn stop(&self) {
        drop(self.shared.shutdown.run("stop"));
    }

    /// The shutdown in phases that [`stop`](Self::stop), a signal and the return of `main` run: for
    /// adding tasks to it, and for running it with a reason of your own.
    ///
    /// See [`CoordinatedShutdown`] for an example.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     assert_eq!(&*test.shutdown().run("enough").await.reason, "enough");
    /// });
    /// ```
    #[must_use]
    pub fn shutdown(&self) -> &CoordinatedShutdown {
        &self.shared.shutdown
    }

    /// Waits until the tree has stopped, by [`stop`](Self::stop), a signal, or because the root
    /// gave up, and gives the reason: [`ExitReason::Shutdown`], whatever it was, when the tree had
    /// ended before this was first polled.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Quit } impl Protocol for Msg {}
    /// greenroom::run(async |system| {
    ///     let to_stop = system.clone();
    ///     let door = system.spawn(child("door", async move |cx: &mut Cx<Msg>| -> Result<(), Fault> {
    ///         loop { let Msg::Quit = cx.recv().await; to_stop.stop(); }
    ///     })).await?;
    ///     door.tell(Msg::Quit).await?;
    ///     assert_eq!(system.stopped().await, ExitReason::Shutdown);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn stopped(&self) -> ExitReason {
        match self.shared.root.ended().await {
            // It had ended before; whether it gave up is in the log.
            ExitReason::NoActor => ExitReason::Shutdown,
            reason => reason,
        }
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System")
            .field("root", &self.shared.root)
            .field("names", &self.names())
            .finish_non_exhaustive()
    }
}

impl<P> From<Addr<P>> for ActorId {
    fn from(addr: Addr<P>) -> Self {
        addr.id()
    }
}

impl SupervisorBuilder {
    /// Starts it under the system's root and waits until all its children have started, in their
    /// order. Unless [`restart`](Self::restart) says otherwise, it is not restarted when it gives
    /// up: watch [`Supervisor::ended`].
    ///
    /// # Errors
    /// When flags or children contradict each other (nothing was started), or a child does not
    /// start (those before it were stopped again, in reverse order).
    ///
    /// # Cancel safety
    /// Dropped while it waits, the supervisor may start all the same.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::supervisor::{SpecError, StartError};
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
    /// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |system| {
    ///     let tree = Supervisor::one_for_one().child(child("idle", idle)).start(system).await?;
    ///     assert!(tree.child::<Msg>("idle").await.is_some());
    ///     let never = Supervisor::one_for_one().intensity(1, Duration::ZERO).start(system).await;
    ///     assert_eq!(never, Err(StartError::Spec(SpecError::ZeroPeriod)));
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn start(self, system: &System) -> Result<Supervisor, StartError> {
        self.check()?;
        system.root().add(self.at_the_top()).await
    }
}
