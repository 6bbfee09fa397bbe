//! `Barrier`: nobody goes on before all have come.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A point that a number of tasks pass together, round after round. A clone is the same barrier.
///
/// If one that waits is dropped, the others would wait for ever; so the barrier breaks: all that
/// wait fail, and so does whoever comes, until it is [reset](Self::reset).
///
/// ```
/// use greenroom::{sync::Barrier, task};
///
/// greenroom::run(async |_system| {
///     let together = Barrier::new(3);
///     let tasks = [0, 1, 2].map(|_| {
///         let together = together.clone();
///         task::spawn(async move { together.wait().await })
///     });
///     let mut places = Vec::new();
///     for task in tasks { places.push(task.await.unwrap().unwrap()); }
///     assert_eq!(places, [0, 1, 2]);
/// });
/// ```
#[derive(Clone)]
pub struct Barrier {
    inner: Rc<Inner>,
}

struct Inner {
    parties: usize,
    /// The round that fills, or, of a broken barrier, the one that failed.
    round: RefCell<Rc<Round>>,
}

/// Those who pass together, or fail together.
#[derive(Default)]
struct Round {
    /// In the order of arrival; a waker is taken when the round is over.
    wakers: RefCell<Vec<Option<Waker>>>,
    outcome: Cell<Option<Result<(), BrokenBarrier>>>,
}

impl Round {
    /// Ends the round, if it has not ended; wakes with nothing borrowed.
    fn end(&self, outcome: Result<(), BrokenBarrier>) {
        if self.outcome.get().is_none() {
            self.outcome.set(Some(outcome));
            let wakers = self.wakers.take();
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
    }
}

impl Barrier {
    /// A barrier that this many tasks pass together.
    ///
    /// # Panics
    /// When it is for none.
    ///
    /// ```
    /// assert_eq!(greenroom::sync::Barrier::new(3).parties(), 3);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn new(parties: usize) -> Self {
        assert!(parties > 0, "a barrier is for at least one task");
        Self { inner: Rc::new(Inner { parties, round: RefCell::default() }) }
    }

    /// Waits until all have come; gives the place in the order of arrival, from 0. The last to
    /// come does not wait.
    ///
    /// # Errors
    /// [`BrokenBarrier`] when it broke, is broken, or is reset meanwhile. Nobody of this round has
    /// passed.
    ///
    /// # Cancel safety
    /// Dropped while it waits it breaks the barrier.
    ///
    /// ```
    /// use greenroom::sync::Barrier;
    /// greenroom::run(async |_system| {
    ///     let barrier = Barrier::new(2);
    ///     let (one, two) = futures::join!(barrier.wait(), barrier.wait());
    ///     assert_eq!((one, two), (Ok(0), Ok(1)));
    /// });
    /// ```
    pub async fn wait(&self) -> Result<usize, BrokenBarrier> {
        let round = Rc::clone(&self.inner.round.borrow());
        if let Some(Err(broken)) = round.outcome.get() {
            return Err(broken);
        }
        let place = {
            let mut wakers = round.wakers.borrow_mut();
            wakers.push(None);
            wakers.len() - 1
        };
        let waits = Waits { round: Rc::clone(&round), place };
        if place + 1 == self.inner.parties {
            // The next round begins before anybody of this one goes on.
            *self.inner.round.borrow_mut() = Rc::default();
            round.end(Ok(()));
        }
        waits.await.map(|()| place)
    }

    /// Breaks it: all that wait fail, and whoever comes, until it is reset.
    ///
    /// ```
    /// use greenroom::sync::Barrier;
    /// greenroom::run(async |_system| {
    ///     let barrier = Barrier::new(2);
    ///     barrier.abort();
    ///     assert!(barrier.wait().await.is_err());
    /// });
    /// ```
    pub fn abort(&self) {
        let round = Rc::clone(&self.inner.round.borrow());
        round.end(Err(BrokenBarrier));
    }

    /// Begins anew: all that wait fail, and whoever comes afterwards is the first of a whole round.
    ///
    /// ```
    /// use greenroom::sync::Barrier;
    /// greenroom::run(async |_system| {
    ///     let barrier = Barrier::new(1);
    ///     barrier.abort();
    ///     barrier.reset();
    ///     assert_eq!(barrier.wait().await, Ok(0));
    /// });
    /// ```
    pub fn reset(&self) {
        let round = self.inner.round.replace(Rc::default());
        round.end(Err(BrokenBarrier));
    }

    /// How many have to come.
    ///
    /// ```
    /// assert_eq!(greenroom::sync::Barrier::new(3).parties(), 3);
    /// ```
    #[must_use]
    pub fn parties(&self) -> usize {
        self.inner.parties
    }

    /// How many have come and wait.
    ///
    /// ```
    /// assert_eq!(greenroom::sync::Barrier::new(3).waiting(), 0);
    /// ```
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.round.borrow().wakers.borrow().len()
    }

    /// Whether it is broken.
    ///
    /// ```
    /// let barrier = greenroom::sync::Barrier::new(3);
    /// barrier.abort();
    /// assert!(barrier.is_broken());
    /// ```
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.inner.round.borrow().outcome.get().is_some()
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties())
            .field("waiting", &self.waiting())
            .field("broken", &self.is_broken())
            .finish()
    }
}

/// One that waits; dropped before its round is over, it breaks it.
struct Waits {
    round: Rc<Round>,
    place: usize,
}

impl Future for Waits {
    type Output = Result<(), BrokenBarrier>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Cloned before the borrow and dropped after it: a foreign waker may run code.
        let waker = cx.waker().clone();
        if let Some(outcome) = self.round.outcome.get() {
            return Poll::Ready(outcome);
        }
        let displaced = self.round.wakers.borrow_mut()[self.place].replace(waker);
        drop(displaced);
        Poll::Pending
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.round.end(Err(BrokenBarrier));
    }
}

/// Not all came: the barrier was aborted or reset, or one that waited was dropped.
///
/// ```
/// use greenroom::sync::{Barrier, BrokenBarrier};
/// greenroom::run(async |_system| {
///     let barrier = Barrier::new(2);
///     barrier.abort();
///     assert_eq!(barrier.wait().await, Err(BrokenBarrier));
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the barrier is broken: it was aborted or reset, or somebody who waited was cancelled; `reset` \
     makes it whole"
)]
pub struct BrokenBarrier;
