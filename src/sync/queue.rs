//! `Queue<T>`: items from some tasks to others, bounded, and it is known when all are done.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use super::gate::{Gate, Unused};
use super::queue_error::{GetError, PutError, TryGetError, TryPutError};
use super::store::{Ranked, Store};
use super::tally::{OpenItem, Tally};

/// The capacity of a queue that takes whatever comes.
///
/// ```
/// use greenroom::sync::{Queue, UNBOUNDED};
/// let queue = Queue::fifo(UNBOUNDED);
/// for number in 0..10_000 { queue.try_put(number).unwrap(); }
/// assert!(!queue.is_full());
/// ```
pub const UNBOUNDED: usize = usize::MAX;

/// Hands items from any number of tasks to any number of tasks. A clone is the same queue.
///
/// [`put`](Self::put) waits while it is full, [`get`](Self::get) while it is empty; both are served
/// in the order in which they came. An item is given out as a [`QueueItem`], which counts as not
/// done until it is dropped, so [`join`](Self::join) waits for those that are in hand too. Nobody
/// can forget to say that an item is done, or say it twice.
///
/// ```
/// use greenroom::{sync::Queue, task};
///
/// greenroom::run(async |_system| {
///     let queue = Queue::fifo(2);
///     let workers = [0, 1].map(|_| {
///         let queue = queue.clone();
///         task::spawn(async move {
///             let mut sum = 0;
///             while let Ok(number) = queue.get().await { sum += *number; }
///             sum
///         })
///     });
///     for number in 1..=10 { queue.put(number).await.unwrap(); }
///     queue.join().await;
///     queue.shutdown();
///     let mut total = 0;
///     for worker in workers { total += worker.await.unwrap(); }
///     assert_eq!(total, 55);
/// });
/// ```
pub struct Queue<T> {
    inner: Rc<Inner<T>>,
}

struct Inner<T> {
    /// Outside while it is used, as that may run the items' own `Ord`.
    store: Cell<Option<Box<dyn Store<T>>>>,
    /// One permit for each item.
    items: Gate,
    /// One permit for each free place.
    room: Gate,
    capacity: usize,
    shut_down: Cell<bool>,
    tally: Rc<Tally>,
}

impl<T: 'static> Queue<T> {
    /// A queue that gives out first what came first. It holds at most `capacity` items;
    /// [`UNBOUNDED`] is a capacity.
    ///
    /// # Panics
    /// When the capacity is zero: nothing could ever pass.
    ///
    /// ```
    /// let queue = greenroom::sync::Queue::fifo(2);
    /// queue.try_put(1).unwrap();
    /// queue.try_put(2).unwrap();
    /// assert_eq!(*queue.try_get().unwrap(), 1);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn fifo(capacity: usize) -> Self {
        Self::new(Box::new(VecDeque::new()), capacity)
    }

    /// A queue that gives out first what came last.
    ///
    /// # Panics
    /// When the capacity is zero.
    ///
    /// ```
    /// let queue = greenroom::sync::Queue::lifo(2);
    /// queue.try_put(1).unwrap();
    /// queue.try_put(2).unwrap();
    /// assert_eq!(*queue.try_get().unwrap(), 2);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn lifo(capacity: usize) -> Self {
        Self::new(Box::new(Vec::new()), capacity)
    }

    /// A queue that gives out the smallest first (turn that round by `std::cmp::Reverse`), equal
    /// ones in the order in which they came. An `Ord` of the items that panics makes the `put`
    /// panic, and the item is gone; it may not use this queue itself.
    ///
    /// # Panics
    /// When the capacity is zero.
    ///
    /// ```
    /// let queue = greenroom::sync::Queue::priority(3);
    /// for job in [(2, "tests"), (1, "build"), (3, "release")] { queue.try_put(job).unwrap(); }
    /// assert_eq!(queue.try_get().unwrap().1, "build");
    /// ```
    #[must_use]
    #[track_caller]
    pub fn priority(capacity: usize) -> Self
    where
        T: Ord,
    {
        Self::new(Box::new(Ranked::new()), capacity)
    }

    #[track_caller]
    fn new(store: Box<dyn Store<T>>, capacity: usize) -> Self {
        assert!(capacity > 0, "a queue needs room for at least one item; `UNBOUNDED` has no limit");
        Self {
            inner: Rc::new(Inner {
                store: Cell::new(Some(store)),
                items: Gate::new(0, Unused::Free),
                room: Gate::new(capacity, Unused::Free),
                capacity,
                shut_down: Cell::new(false),
                tally: Tally::new(),
            }),
        }
    }
}

impl<T> Queue<T> {
    /// Waits for room and puts the item in.
    ///
    /// # Errors
    /// [`PutError`] with the item when the queue is shut down, before or meanwhile.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the item is dropped with it and was never in the queue; a place that
    /// was promised to it passes on.
    ///
    /// ```
    /// use greenroom::sync::Queue;
    /// greenroom::run(async |_system| {
    ///     let queue = Queue::fifo(1);
    ///     queue.put("job").await.unwrap();
    ///     assert!(queue.is_full());
    /// });
    /// ```
    pub async fn put(&self, item: T) -> Result<(), PutError<T>> {
        if self.is_shut_down() || !self.inner.room.take(1).await || self.is_shut_down() {
            return Err(PutError(item));
        }
        self.inner.insert(item);
        Ok(())
    }

    /// Puts the item in if there is room and nobody waits for it.
    ///
    /// # Errors
    /// [`TryPutError`] with the item when the queue is full or shut down.
    ///
    /// ```
    /// let queue = greenroom::sync::Queue::fifo(1);
    /// assert!(queue.try_put(1).is_ok() && queue.try_put(2).is_err());
    /// ```
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        if self.is_shut_down() {
            return Err(TryPutError::ShutDown(item));
        }
        if !self.inner.room.try_take(1) {
            return Err(TryPutError::Full(item));
        }
        self.inner.insert(item);
        Ok(())
    }

    /// Waits for an item.
    ///
    /// # Errors
    /// [`GetError`] when the queue is shut down and there is none left.
    ///
    /// # Cancel safety
    /// Dropped while it waits it takes nothing; an item that was promised to it goes to the next.
    ///
    /// ```
    /// use greenroom::sync::Queue;
    /// greenroom::run(async |_system| {
    ///     let queue = Queue::fifo(1);
    ///     let (got, put) = futures::join!(queue.get(), queue.put("job"));
    ///     assert_eq!((got.unwrap().into_inner(), put), ("job", Ok(())));
    /// });
    /// ```
    pub async fn get(&self) -> Result<QueueItem<T>, GetError> {
        let items = &self.inner.items;
        let over = || self.is_shut_down() && self.is_empty();
        let given = items.try_take(1) || (!over() && items.take(1).await);
        // Sent away at the shutdown; meanwhile somebody may have given up what was promised to it.
        if !given && !items.try_take(1) {
            return Err(GetError);
        }
        self.inner.pop().ok_or(GetError)
    }

    /// An item if there is one and nobody waits for it.
    ///
    /// # Errors
    /// [`TryGetError`] when there is none, and whether one may still come.
    ///
    /// ```
    /// let queue = greenroom::sync::Queue::fifo(1);
    /// queue.try_put(1).unwrap();
    /// assert_eq!(queue.try_get().map(|item| item.into_inner()), Ok(1));
    /// ```
    pub fn try_get(&self) -> Result<QueueItem<T>, TryGetError> {
        let item = self.inner.items.try_take(1).then(|| self.inner.pop()).flatten();
        // One that is promised to somebody may come back.
        let over = self.is_shut_down() && self.is_empty();
        let none = if over { TryGetError::ShutDown } else { TryGetError::Empty };
        item.ok_or(none)
    }

    /// Waits until every item that was put in is done: taken out, and its [`QueueItem`] dropped. At
    /// once when there is none.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// use greenroom::sync::Queue;
    /// greenroom::run(async |_system| {
    ///     let queue = Queue::fifo(1);
    ///     queue.put("job").await.unwrap();
    ///     let job = queue.get().await.unwrap();
    ///     let (_, ()) = futures::join!(queue.join(), async { drop(job) });
    ///     assert_eq!(queue.unfinished(), 0);
    /// });
    /// ```
    pub async fn join(&self) {
        self.inner.tally.all_done().await;
    }

    /// Takes no more items. What is in it is still given out; once it is empty, whoever asks is
    /// refused. Those who wait to put something in are refused now. Twice is as good as once.
    ///
    /// ```
    /// let queue = greenroom::sync::Queue::fifo(2);
    /// queue.try_put("job").unwrap();
    /// queue.shutdown();
    /// assert!(queue.try_put("late").is_err());
    /// assert!(queue.try_get().is_ok() && queue.try_get().is_err());
    /// ```
    pub fn shutdown(&self) {
        self.inner.shut_down.set(true);
        self.inner.room.close();
        // While an item is left, one that was promised may still come back.
        if self.is_empty() {
            self.inner.items.close();
        }
    }

    /// The same, and what is in it counts as done and comes back, the next one first. Items that
    /// are in hand stay so: [`join`](Self::join) goes on waiting for them.
    ///
    /// ```
    /// let queue = greenroom::sync::Queue::fifo(2);
    /// queue.try_put("one").unwrap();
    /// queue.try_put("two").unwrap();
    /// assert_eq!(queue.shutdown_now(), ["one", "two"]);
    /// assert_eq!(queue.unfinished(), 0);
    /// ```
    pub fn shutdown_now(&self) -> Vec<T> {
        self.inner.shut_down.set(true);
        let left: Vec<T> = self.inner.with(|store| std::iter::from_fn(|| store.pop()).collect());
        self.inner.room.close();
        // Who was promised an item that is gone now hears that none is left.
        self.inner.items.void();
        self.inner.tally.done(left.len());
        left
    }

    /// Whether it was shut down.
    ///
    /// ```
    /// assert!(!greenroom::sync::Queue::<u8>::fifo(1).is_shut_down());
    /// ```
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.inner.shut_down.get()
    }

    /// How many items are in it.
    ///
    /// ```
    /// assert_eq!(greenroom::sync::Queue::<u8>::fifo(1).len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.with(|store| store.len())
    }

    /// Whether nothing is in it.
    ///
    /// ```
    /// assert!(greenroom::sync::Queue::<u8>::fifo(1).is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it holds as many items as it may.
    ///
    /// ```
    /// assert!(!greenroom::sync::Queue::<u8>::fifo(1).is_full());
    /// ```
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= self.inner.capacity
    }

    /// How many items it may hold.
    ///
    /// ```
    /// assert_eq!(greenroom::sync::Queue::<u8>::fifo(5).capacity(), 5);
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.inner.capacity
    }

    /// How many items are in it or in hand.
    ///
    /// ```
    /// let queue = greenroom::sync::Queue::fifo(2);
    /// queue.try_put("job").unwrap();
    /// let in_hand = queue.try_get();
    /// assert_eq!((queue.len(), queue.unfinished()), (0, 1));
    /// # drop(in_hand);
    /// ```
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.inner.tally.open()
    }
}

impl<T> Inner<T> {
    /// Puts an item into the place that was taken for it.
    fn insert(&self, item: T) {
        /// A place that stays free when the item's `Ord` panics.
        struct Place<'a>(&'a Gate);
        impl Drop for Place<'_> {
            fn drop(&mut self) {
                self.0.give(1);
            }
        }
        let place = Place(&self.room);
        self.with(|store| store.insert(item));
        std::mem::forget(place);
        self.tally.add();
        self.items.give(1);
    }

    fn pop(&self) -> Option<QueueItem<T>> {
        let item = self.with(|store| store.pop())?;
        self.room.give(1);
        if self.shut_down.get() && self.with(|store| store.len()) == 0 {
            self.items.close();
        }
        Some(QueueItem { item, open: OpenItem::new(Rc::clone(&self.tally)) })
    }

    /// Uses the store, which comes back also when `f` panics.
    fn with<R>(&self, f: impl FnOnce(&mut dyn Store<T>) -> R) -> R {
        struct Back<'a, T>(&'a Inner<T>, Option<Box<dyn Store<T>>>);
        impl<T> Drop for Back<'_, T> {
            fn drop(&mut self) {
                self.0.store.set(self.1.take());
            }
        }
        let mut back = Back(self, self.store.take());
        let store = back.1.as_deref_mut();
        f(store.expect("a queue was used while it compares its own items; an `Ord` may not"))
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { inner: Rc::clone(&self.inner) }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("capacity", &self.inner.capacity)
            .field("items", &self.inner.items)
            .field("room", &self.inner.room)
            .field("unfinished", &self.unfinished())
            .field("shut_down", &self.is_shut_down())
            .finish()
    }
}

/// An item in hand: it counts as not done until this is dropped. That takes it, so it cannot be
/// done twice:
///
/// ```compile_fail
/// let queue = greenroom::sync::Queue::fifo(1);
/// queue.try_put("job").unwrap();
/// let item = queue.try_get().unwrap();
/// drop(item);
/// drop(item);
/// ```
///
/// ```
/// use greenroom::sync::{Queue, QueueItem};
/// let queue = Queue::fifo(1);
/// queue.try_put(vec![1]).unwrap();
/// let mut item: QueueItem<Vec<u8>> = queue.try_get().unwrap();
/// item.push(2);
/// assert_eq!((item.len(), queue.unfinished()), (2, 1));
/// drop(item);
/// assert_eq!(queue.unfinished(), 0);
/// ```
#[must_use = "the item counts as done at once unless this is kept"]
pub struct QueueItem<T> {
    // In this order: the item is dropped before it counts as done.
    item: T,
    open: OpenItem,
}

impl<T> QueueItem<T> {
    /// The item itself, which counts as done now.
    ///
    /// ```
    /// let queue = greenroom::sync::Queue::fifo(1);
    /// queue.try_put("job").unwrap();
    /// let job: &str = queue.try_get().unwrap().into_inner();
    /// assert_eq!((job, queue.unfinished()), ("job", 0));
    /// ```
    #[must_use]
    pub fn into_inner(self) -> T {
        self.item
    }

    /// The item, and apart from it what keeps it not done.
    ///
    /// ```
    /// let queue = greenroom::sync::Queue::fifo(1);
    /// queue.try_put("job").unwrap();
    /// let (job, open) = queue.try_get().unwrap().into_parts();
    /// assert_eq!((job, queue.unfinished()), ("job", 1));
    /// drop(open);
    /// assert_eq!(queue.unfinished(), 0);
    /// ```
    pub fn into_parts(self) -> (T, OpenItem) {
        (self.item, self.open)
    }
}

impl<T> Deref for QueueItem<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T> DerefMut for QueueItem<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}

impl<T: fmt::Debug> fmt::Debug for QueueItem<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueItem").field(&self.item).finish()
    }
}
