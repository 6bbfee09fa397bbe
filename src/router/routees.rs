//! `Routees`: those among whom a router chooses, as a list that others may change.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::Waker;

use super::rotation::Rotation;
use super::routing::Routing;
use crate::actor::{ActorId, Addr, Protocol};
use crate::event_loop::current;

/// The routees of a [`router`](super::router()), for whoever knows them: a group's subscription, a
/// discovery, a test.
///
/// A clone is the same list. Until it is [`set`](Self::set) for the first time, messages wait in
/// the mailbox of the router.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::router::{Routees, router};
///
/// enum Msg { Who(Reply<&'static str>) }
/// impl Protocol for Msg {}
/// let named = |name| greenroom::actor::spawn(name, async move |cx: &mut Cx<Msg>| -> Result<(), Fault> {
///     loop { let Msg::Who(reply) = cx.recv().await; reply.send(name); }
/// });
///
/// greenroom::test::run(async |test| {
///     let routees = Routees::new();
///     let front = test.spawn(router("front", &routees)).await.unwrap();
///     let (asked, ()) = futures::join!(front.ask_with(Msg::Who), async {
///         test.settle().await;
///         routees.set([named("a"), named("b")]);
///     });
///     assert_eq!(asked.unwrap(), "a");
///     assert_eq!(front.ask_with(Msg::Who).await.unwrap(), "b");
/// });
/// ```
pub struct Routees<P> {
    shared: Rc<Shared<P>>,
}

struct Shared<P> {
    rotation: RefCell<Rotation<Routee<P>>>,
    /// Whether anybody has said who they are.
    listed: Cell<bool>,
    /// None is as good as not knowing: wait for others.
    waits_when_empty: bool,
    waiting: RefCell<Vec<Waker>>,
}

/// One of them, with what its keys go by.
pub(crate) struct Routee<P> {
    pub(crate) addr: Addr<P>,
    pub(crate) label: u64,
}

impl<P> Clone for Routee<P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Routee<P> {}
impl<P> PartialEq for Routee<P> {
    fn eq(&self, other: &Self) -> bool {
        self.addr == other.addr
    }
}

impl<P: Protocol> Routee<P> {
    fn of(addr: Addr<P>) -> Self {
        Self { addr, label: label(addr.id()) }
    }
}

/// What an actor's keys go by. The number of this loop is no part of it: it differs between two
/// runs in one process that are otherwise the same.
fn label(ActorId(key): ActorId) -> u64 {
    let slot = key.slot();
    match current::with(|core| core.id() == key.home()) {
        Some(true) => u64::from(slot.generation) << 32 | u64::from(slot.slot),
        _ => key.bits(),
    }
}

impl<P: Protocol> Routees<P> {
    /// A list that nobody has set yet.
    ///
    /// ```
    /// use greenroom::router::Routees;
    /// # enum Msg {}
    /// # impl greenroom::actor::Protocol for Msg {}
    /// assert!(Routees::<Msg>::new().addrs().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::made(false)
    }

    /// A list that is waited for whenever it is empty.
    pub(crate) fn awaited() -> Self {
        Self::made(true)
    }

    fn made(waits_when_empty: bool) -> Self {
        let shared = Shared {
            rotation: RefCell::new(Rotation::new()),
            listed: Cell::new(false),
            waits_when_empty,
            waiting: RefCell::default(),
        };
        Self { shared: Rc::new(shared) }
    }

    /// Replaces the list, from the next message on, also for messages that wait in the router's
    /// mailbox. Those who stay keep their turn in the rotation, newcomers come last in the order
    /// given; an address that is given twice counts once.
    ///
    /// ```
    /// use greenroom::router::Routees;
    /// greenroom::test::run(async |test| {
    ///     let [a, b] = ["a", "b"].map(|name| test.probe::<u32>(name).addr());
    ///     let routees = Routees::new();
    ///     routees.set([a]);
    ///     routees.set([b, a]);
    ///     assert_eq!(routees.addrs(), [a, b]);
    /// });
    /// ```
    pub fn set(&self, routees: impl IntoIterator<Item = Addr<P>>) {
        // The iterator is the caller's: it runs before anything is borrowed.
        let listed: Vec<Routee<P>> = routees.into_iter().map(Routee::of).collect();
        self.list(listed);
    }

    pub(crate) fn list(&self, routees: Vec<Routee<P>>) {
        self.shared.rotation.borrow_mut().set(routees);
        self.shared.listed.set(true);
        let waiting = std::mem::take(&mut *self.shared.waiting.borrow_mut());
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Takes one out; `false` when it was not in the list. A router does so itself with a routee of
    /// its loop that it finds ended.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::router::Routees;
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     let routees = Routees::new();
    ///     routees.set([probe.addr()]);
    ///     assert!(routees.remove(probe.addr()));
    ///     assert!(!routees.remove(probe.addr()));
    /// });
    /// ```
    pub fn remove(&self, addr: Addr<P>) -> bool {
        self.shared.rotation.borrow_mut().remove(Routee { addr, label: 0 })
    }

    /// Who is in the list, in the order of the rotation.
    ///
    /// ```
    /// use greenroom::router::Routees;
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     let routees = Routees::new();
    ///     routees.set([probe.addr(), probe.addr()]);
    ///     assert_eq!(routees.addrs(), [probe.addr()]);
    /// });
    /// ```
    #[must_use]
    pub fn addrs(&self) -> Vec<Addr<P>> {
        self.shared.rotation.borrow().members().iter().map(|routee| routee.addr).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.shared.rotation.borrow().members().len()
    }

    /// Whether it is known among whom to choose, be it nobody.
    pub(crate) fn is_known(&self) -> bool {
        self.shared.listed.get() && !(self.shared.waits_when_empty && self.len() == 0)
    }

    /// Calls the waker when the list is set.
    pub(crate) fn listen(&self, waker: &Waker) {
        let known = self.shared.waiting.borrow().iter().any(|other| other.will_wake(waker));
        if !known {
            let waker = waker.clone();
            self.shared.waiting.borrow_mut().push(waker);
        }
    }

    pub(crate) fn choose(&self, routing: &Routing<P>, hash: u64) -> Option<Addr<P>> {
        let chosen = routing.choose(&mut self.shared.rotation.borrow_mut(), hash);
        chosen.map(|routee| routee.addr)
    }
}

impl<P: Protocol> Default for Routees<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Clone for Routees<P> {
    fn clone(&self) -> Self {
        Self { shared: Rc::clone(&self.shared) }
    }
}

impl<P: Protocol> fmt::Debug for Routees<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Routees").field(&self.addrs()).finish()
    }
}
