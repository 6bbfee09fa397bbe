//! `Partitions`: copies of one child under a supervisor, each of which owns some of the keys.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use super::pool::numbered;
use crate::actor::parent::Parent;
use crate::actor::{ActorId, Addr, ExitReason, Incarnate, Protocol};
use crate::base::hash::{hash_of, owner};
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::supervisor::{Build, Child, ChildError, IntoChild, Spec, Supervisor, SupervisorBuilder};

/// Copies of one child, so that each has a part of the keys, and of the work, to itself.
///
/// Whoever has a clone of this finds the owner of a key and sends to it directly. A key keeps its
/// owner, over restarts too, while the number of copies stays the same.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::router::Partitions;
///
/// enum Msg { Visit(&'static str, Reply<usize>) }
/// impl Protocol for Msg {}
/// async fn counter(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     let mut visits = std::collections::BTreeMap::new();
///     loop {
///         let Msg::Visit(who, reply) = cx.recv().await;
///         let count = visits.entry(who).or_default();
///         *count += 1;
///         reply.send(*count);
///     }
/// }
///
/// greenroom::test::run(async |test| {
///     let users = Partitions::new();
///     let copies = users.under(Supervisor::one_for_one().name("users"), 4, |_| child("counter", counter));
///     test.spawn(copies).await.unwrap();
///     for (who, visits) in [("ann", 1), ("bob", 1), ("ann", 2)] {
///         let owner = users.owner(who).unwrap();
///         assert_eq!(owner.ask_with(|reply| Msg::Visit(who, reply)).await.unwrap(), visits);
///     }
/// });
/// ```
pub struct Partitions<P> {
    board: Rc<Board>,
    protocol: PhantomData<fn(P)>,
}

/// Who the copies are; they write themselves down when they are made.
#[derive(Default)]
struct Board {
    copies: RefCell<Vec<Copy>>,
    /// How many of them own keys: the first ones.
    used: Cell<usize>,
    supervisor: Cell<Option<ActorId>>,
}

struct Copy {
    name: Arc<str>,
    actor: Option<ActorId>,
}

impl Board {
    fn note(&self, copy: Option<usize>, actor: ActorId) {
        let mut copies = self.copies.borrow_mut();
        let Some(number) = copy else {
            // Whatever it was resized to, a supervisor starts with all its children.
            self.used.set(copies.len());
            self.supervisor.set(Some(actor));
            return;
        };
        if let Some(copy) = copies.get_mut(number) {
            copy.actor = Some(actor);
        }
    }
}

/// The number of copies could not be changed.
///
/// ```
/// use greenroom::router::ResizeError;
/// let error = ResizeError::OutOfRange { asked: 9, started: 4 };
/// assert_eq!(error.to_string(), "there can be 1 to 4 copies, as many as were started, and not 9");
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResizeError {
    /// A supervisor of partitions can shrink, and grow again to the size it was started with.
    /// Nothing changed.
    #[error("there can be 1 to {started} copies, as many as were started, and not {asked}")]
    OutOfRange {
        /// How many were asked for.
        asked: usize,
        /// How many were started.
        started: usize,
    },
    /// The supervisor was not started yet, or has ended. Nothing changed.
    #[error("the supervisor of the partitions is not running")]
    NotRunning,
    /// A copy could not be stopped or started. Those before it in the way were.
    #[error(transparent)]
    Child(#[from] ChildError),
}

impl<P: Protocol> Partitions<P> {
    /// Partitions that are not started yet: nobody owns a key.
    ///
    /// ```
    /// # enum Msg {}
    /// # impl greenroom::actor::Protocol for Msg {}
    /// let users = greenroom::router::Partitions::<Msg>::new();
    /// assert_eq!(users.owner("ann"), None);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { board: Rc::default(), protocol: PhantomData }
    }

    /// Puts `copies` copies (at least one), made by `make`, under a supervisor, which is then to be
    /// started or put under another. `make` is given the number of each, from 0; they are called by
    /// their name and number. Calling it again replaces what was said before.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::router::Partitions;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::test::run(async |test| {
    ///     let users = Partitions::new();
    ///     let copies = users.under(Supervisor::one_for_one(), 2, |_| child("user", idle));
    ///     let names = test.spawn(copies).await.unwrap().children().await;
    ///     assert_eq!(names[1].name.as_deref(), Some("user-1"));
    /// });
    /// ```
    pub fn under<Kind, I>(
        &self,
        mut supervisor: SupervisorBuilder,
        copies: usize,
        mut make: impl FnMut(usize) -> Child<P, Kind, I>,
    ) -> PartitionSupervisor
    where
        Kind: 'static,
        I: Incarnate<P, Kind>,
    {
        let mut board = Vec::new();
        for number in 0..copies.max(1) {
            let Spec { plan, build } = numbered(make(number), number);
            let name = plan.name.clone().unwrap_or_else(|| Arc::from("child"));
            board.push(Copy { name, actor: None });
            let noted = Noted { build, board: Rc::clone(&self.board), copy: Some(number) };
            supervisor =
                supervisor.child(PartitionSupervisor(Spec { plan, build: Box::new(noted) }));
        }
        self.board.used.set(board.len());
        self.board.copies.replace(board);
        let Spec { plan, build } = supervisor.into_spec();
        let noted = Noted { build, board: Rc::clone(&self.board), copy: None };
        PartitionSupervisor(Spec { plan, build: Box::new(noted) })
    }

    /// The copy that owns a key; `None` before it was started. It may have ended for good, if that
    /// is what its restart type says.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::router::Partitions;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::test::run(async |test| {
    ///     let users = Partitions::new();
    ///     test.spawn(users.under(Supervisor::one_for_one(), 4, |_| child("user", idle))).await.unwrap();
    ///     let ann = users.owner("ann").unwrap();
    ///     ann.kill();
    ///     test.settle().await;
    ///     assert_eq!(users.owner("ann"), Some(ann), "it is restarted behind its address");
    /// });
    /// ```
    #[must_use]
    pub fn owner(&self, key: &(impl Hash + ?Sized)) -> Option<Addr<P>> {
        let hash = hash_of(key);
        let place = owner(hash, 0..self.board.used.get() as u64)?;
        address(self.board.copies.borrow().get(place)?.actor?)
    }

    /// All copies that own keys, in order, as far as they were started.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::router::Partitions;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::test::run(async |test| {
    ///     let users = Partitions::new();
    ///     test.spawn(users.under(Supervisor::one_for_one(), 4, |_| child("user", idle))).await.unwrap();
    ///     assert_eq!(users.addrs().len(), 4);
    ///     assert!(users.addrs().contains(&users.owner("ann").unwrap()));
    /// });
    /// ```
    #[must_use]
    pub fn addrs(&self) -> Vec<Addr<P>> {
        let copies = self.board.copies.borrow();
        copies.iter().take(self.board.used.get()).filter_map(|copy| address(copy.actor?)).collect()
    }

    /// Changes how many copies own keys: fewer, or again as many as were started. Keys of a copy
    /// that goes move to the others at once, and it is stopped, the last one first; a copy that
    /// comes back starts anew, and then takes its keys back. No other key moves.
    ///
    /// # Errors
    /// See [`ResizeError`]; what is certain after each stands there.
    ///
    /// # Cancel safety
    /// Dropped half-way, some copies may run that own no keys.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::router::{Partitions, ResizeError};
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::test::run(async |test| {
    ///     let users = Partitions::new();
    ///     let copies = users.under(Supervisor::one_for_one(), 4, |_| child("user", idle));
    ///     let supervisor = test.spawn(copies).await.unwrap();
    ///     users.resize(2).await.unwrap();
    ///     assert_eq!((users.addrs().len(), supervisor.count().await.active), (2, 2));
    ///     assert!(matches!(users.resize(5).await, Err(ResizeError::OutOfRange { .. })));
    /// });
    /// ```
    pub async fn resize(&self, copies: usize) -> Result<(), ResizeError> {
        let names: Vec<Arc<str>> =
            self.board.copies.borrow().iter().map(|copy| Arc::clone(&copy.name)).collect();
        let supervisor = self.board.supervisor.get().filter(|supervisor| supervisor.is_alive());
        let Some(supervisor) = supervisor.map(Supervisor::of) else {
            return Err(ResizeError::NotRunning);
        };
        if !(1..=names.len()).contains(&copies) {
            return Err(ResizeError::OutOfRange { asked: copies, started: names.len() });
        }
        let used = self.board.used.get();
        if copies < used {
            self.board.used.set(copies);
            for name in names[copies..used].iter().rev() {
                supervisor.terminate_child(&**name).await?;
            }
            return Ok(());
        }
        for name in &names[used..copies] {
            match supervisor.restart_child(&**name).await {
                // Such as one whose termination was dropped half-way.
                Ok(()) | Err(ChildError::Running(_) | ChildError::Restarting(_)) => {}
                Err(error) => return Err(error.into()),
            }
            self.board.used.set(self.board.used.get() + 1);
        }
        Ok(())
    }
}

/// The address of an actor of this loop that is known to understand `P`.
fn address<P: Protocol>(actor: ActorId) -> Option<Addr<P>> {
    current::get().filter(|core| core.id() == actor.0.home()).map(|core| Addr::new(actor.0, &core))
}

/// The supervisor of [`Partitions`], to be started; made by [`Partitions::under`].
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::router::Partitions;
/// enum Msg {}
/// impl Protocol for Msg {}
/// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// greenroom::test::run(async |test| {
///     let users = Partitions::new();
///     let copies = users.under(Supervisor::one_for_one(), 4, |_| child("user", idle));
///     let tree = Supervisor::rest_for_one().child(copies).start(test).await.unwrap();
///     assert_eq!((tree.count().await.active, users.addrs().len()), (1, 4));
/// });
/// ```
#[derive(Debug)]
#[must_use = "nothing starts until it is put under a supervisor or given to a system"]
pub struct PartitionSupervisor(Spec);

impl IntoChild for PartitionSupervisor {
    type Handle = Supervisor;

    fn into_spec(self) -> Spec {
        self.0
    }

    fn handle(actor: ActorId) -> Supervisor {
        Supervisor::of(actor)
    }
}

/// Builds an actor and writes down which one it is.
struct Noted {
    build: Box<dyn Build>,
    board: Rc<Board>,
    /// The number of the copy; none for the supervisor.
    copy: Option<usize>,
}

impl Build for Noted {
    fn start(
        &mut self,
        core: &Core,
        name: Arc<str>,
        parent: Rc<dyn Parent>,
    ) -> Result<ActorId, ExitReason> {
        let actor = self.build.start(core, name, parent)?;
        self.board.note(self.copy, actor);
        Ok(actor)
    }
}

impl<P> Clone for Partitions<P> {
    fn clone(&self) -> Self {
        Self { board: Rc::clone(&self.board), protocol: PhantomData }
    }
}

impl<P: Protocol> Default for Partitions<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Protocol> fmt::Debug for Partitions<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partitions").field("copies", &self.addrs()).finish_non_exhaustive()
    }
}
