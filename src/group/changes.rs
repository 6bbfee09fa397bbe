//! `Changes`: who came and who left, in order, for those who want to know.

use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use super::ledger::Ledger;
use super::table::Member;

/// Somebody came or left.
///
/// ```
/// use greenroom::group::Change;
/// assert_ne!(Change::Joined("ann"), Change::Left("ann"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<E> {
    /// One entry more: of this member.
    Joined(E),
    /// One entry less: it was taken back, or its owner has ended.
    Left(E),
}

/// What comes after a snapshot: every change, once and in order.
///
/// Changes wait here until they are read, however many they are; whoever is no longer interested
/// drops this, and with it all that waits. It is given by
/// [`Group::monitor`](super::Group::monitor) and [`Directory::monitor`](super::Directory::monitor).
///
/// ```
/// use greenroom::group::{Change, Changes};
/// use greenroom::prelude::*;
/// greenroom::test::run(async |test| {
///     let group = test.group::<ActorId>("all");
///     let mut changes: Changes<ActorId> = group.monitor().1;
///     group.join(test.root().id()).unwrap();
///     assert_eq!(changes.try_next(), Some(Change::Joined(test.root().id())));
/// });
/// ```
pub struct Changes<E> {
    queue: Rc<Queue<E>>,
    /// It must not vanish and be made anew under the same name while it is watched.
    _ledger: Rc<dyn Any>,
}

/// What a monitor begins with: the snapshot, and every change after it.
///
/// ```
/// use greenroom::group::Monitored;
/// use greenroom::prelude::*;
/// greenroom::test::run(async |test| {
///     let (members, _changes): Monitored<ActorId> = test.group("all").monitor();
///     assert!(members.is_empty());
/// });
/// ```
pub type Monitored<E> = (Vec<E>, Changes<E>);

impl<E: Clone + 'static> Changes<E> {
    /// The members of a ledger, and its changes from now on.
    pub(crate) fn watch<K: Ord + Clone + 'static>(ledger: &Rc<Ledger<K, E>>) -> Monitored<E> {
        let (members, queue) = ledger.observe();
        let changes = Self { queue, _ledger: Rc::<Ledger<K, E>>::clone(ledger) };
        (members.iter().map(|member| member.entry.clone()).collect(), changes)
    }

    /// The next change, waiting until there is one.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no change is lost.
    ///
    /// ```
    /// use greenroom::group::Change;
    /// greenroom::test::run(async |test| {
    ///     let group = test.group::<greenroom::actor::ActorId>("all");
    ///     let (_, mut changes) = group.monitor();
    ///     let probe = test.probe::<u32>("probe").addr();
    ///     group.join(probe.id()).unwrap();
    ///     assert_eq!(changes.next().await, Change::Joined(probe.id()));
    ///     probe.kill();
    ///     assert_eq!(changes.next().await, Change::Left(probe.id()));
    /// });
    /// ```
    pub async fn next(&mut self) -> Change<E> {
        poll_fn(|cx| self.queue.poll(cx)).await.into_change()
    }

    /// A change that has come already.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let (_, mut changes) = test.group::<greenroom::actor::ActorId>("all").monitor();
    ///     assert_eq!(changes.try_next(), None);
    /// });
    /// ```
    pub fn try_next(&mut self) -> Option<Change<E>> {
        self.queue.take().map(Seen::into_change)
    }
}

impl<E> fmt::Debug for Changes<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("waiting", &self.queue.seen.borrow().len()).finish()
    }
}

/// Which way a member went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Edge {
    Joined,
    Left,
}

/// One change, with the member as the ledger has it.
pub(crate) struct Seen<E>(Edge, Rc<Member<E>>);

impl<E: Clone> Seen<E> {
    fn into_change(self) -> Change<E> {
        let entry = self.1.entry.clone();
        match self.0 {
            Edge::Joined => Change::Joined(entry),
            Edge::Left => Change::Left(entry),
        }
    }
}

/// What one observer has not read yet.
pub(crate) struct Queue<E> {
    seen: RefCell<VecDeque<Seen<E>>>,
    waker: RefCell<Option<Waker>>,
}

impl<E> Queue<E> {
    pub(crate) fn take(&self) -> Option<Seen<E>> {
        self.seen.borrow_mut().pop_front()
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Seen<E>> {
        if let Some(seen) = self.take() {
            return Poll::Ready(seen);
        }
        let displaced = self.waker.replace(Some(cx.waker().clone()));
        drop(displaced);
        Poll::Pending
    }
}

/// Who observes a ledger. One that lost interest is found gone and taken off.
pub(crate) struct Observers<E>(RefCell<Vec<Weak<Queue<E>>>>);

impl<E> Default for Observers<E> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<E> Observers<E> {
    pub(crate) fn add(&self) -> Rc<Queue<E>> {
        let queue = Rc::new(Queue { seen: RefCell::default(), waker: RefCell::default() });
        let mut observers = self.0.borrow_mut();
        if observers.len() == observers.capacity() {
            observers.retain(|observer| observer.strong_count() > 0);
        }
        observers.push(Rc::downgrade(&queue));
        queue
    }

    /// Gives changes to every observer. All have them before the first is woken, so whoever begins
    /// to observe then has seen them in its snapshot and is not told again.
    pub(crate) fn tell(&self, edge: Edge, members: &[Rc<Member<E>>]) {
        if members.is_empty() || self.0.borrow().is_empty() {
            return;
        }
        let mut wakers = Vec::new();
        self.0.borrow_mut().retain(|observer| {
            let Some(queue) = observer.upgrade() else { return false };
            queue.seen.borrow_mut().extend(members.iter().map(|m| Seen(edge, Rc::clone(m))));
            wakers.extend(queue.waker.borrow_mut().take());
            true
        });
        wakers.into_iter().for_each(Waker::wake);
    }
}
