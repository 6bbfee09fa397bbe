//! `Semaphore`: a number of permits, for doing only so much at once.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use super::gate::{Gate, Unused};

/// A number of permits, given out in the order in which they are asked for.
///
/// A clone is the same semaphore. A [`Permit`] goes back when it is dropped, so there are never
/// more than there should be. Those who count by themselves let permits go by
/// [`Permit::forget`] and give them back by [`release`](Self::release), which refuses more than
/// were forgotten.
///
/// ```
/// use greenroom::{sync::Semaphore, task};
/// use std::{cell::Cell, rc::Rc};
///
/// greenroom::run(async |_system| {
///     let three_at_once = Semaphore::new(3);
///     let (now, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
///     let tasks: Vec<_> = (0..10).map(|_| {
///         let (limit, now, most) = (three_at_once.clone(), now.clone(), most.clone());
///         task::spawn(async move {
///             let _permit = limit.acquire().await;
///             now.set(now.get() + 1);
///             most.set(most.get().max(now.get()));
///             task::yield_now().await;
///             now.set(now.get() - 1);
///         })
///     }).collect();
///     for task in tasks { task.await.unwrap(); }
///     assert_eq!(most.get(), 3);
/// });
/// ```
#[derive(Clone)]
pub struct Semaphore {
    inner: Rc<Inner>,
}

struct Inner {
    gate: Gate,
    capacity: Cell<usize>,
    /// Taken, and held by nobody who would give them back by being dropped.
    forgotten: Cell<usize>,
}

impl Semaphore {
    /// A semaphore with this many permits, all of them free. With none it is a signal: one side
    /// [adds permits](Self::add_permits), the other waits for them.
    ///
    /// ```
    /// use greenroom::sync::Semaphore;
    /// greenroom::run(async |_system| {
    ///     let ready = Semaphore::new(0);
    ///     assert!(ready.try_acquire().is_none());
    ///     ready.add_permits(1);
    ///     ready.acquire().await.forget();
    /// });
    /// ```
    #[must_use]
    pub fn new(permits: usize) -> Self {
        let gate = Gate::new(permits, Unused::Free);
        let (capacity, forgotten) = (Cell::new(permits), Cell::new(0));
        Self { inner: Rc::new(Inner { gate, capacity, forgotten }) }
    }

    /// Waits for one permit. Whoever asked before has one before.
    ///
    /// # Cancel safety
    /// Dropped half-way it leaves the line; a permit that was promised to it already passes on.
    ///
    /// ```
    /// use greenroom::sync::Semaphore;
    /// greenroom::run(async |_system| {
    ///     let semaphore = Semaphore::new(2);
    ///     let permit = semaphore.acquire().await;
    ///     assert_eq!(semaphore.available(), 1);
    ///     drop(permit);
    ///     assert_eq!(semaphore.available(), 2);
    /// });
    /// ```
    pub async fn acquire(&self) -> Permit {
        // This gate is never closed.
        self.inner.gate.take(1).await;
        self.permit(1)
    }

    /// Waits for several permits at once; those who ask for fewer later wait behind, so that it
    /// has its turn.
    ///
    /// # Errors
    /// [`TooManyPermits`] when there are not so many at all: it would wait for ever. Nothing was
    /// taken.
    ///
    /// # Cancel safety
    /// Dropped half-way it leaves the line; permits that were promised to it already pass on.
    ///
    /// ```
    /// use greenroom::sync::Semaphore;
    /// greenroom::run(async |_system| {
    ///     let megabytes = Semaphore::new(64);
    ///     let permit = megabytes.acquire_many(48).await.unwrap();
    ///     assert_eq!((permit.permits(), megabytes.available()), (48, 16));
    ///     let error = megabytes.acquire_many(65).await.unwrap_err();
    ///     assert!(error.to_string().contains("65 permits of a semaphore that has 64"));
    /// });
    /// ```
    pub async fn acquire_many(&self, permits: usize) -> Result<Permit, TooManyPermits> {
        let capacity = self.inner.capacity.get();
        if permits > capacity {
            return Err(TooManyPermits { asked: permits, capacity });
        }
        self.inner.gate.take(permits).await;
        Ok(self.permit(permits))
    }

    /// A permit if one is free and nobody waits.
    ///
    /// ```
    /// let semaphore = greenroom::sync::Semaphore::new(1);
    /// let permit = semaphore.try_acquire();
    /// assert!(permit.is_some() && semaphore.try_acquire().is_none());
    /// ```
    #[must_use]
    pub fn try_acquire(&self) -> Option<Permit> {
        self.try_acquire_many(1)
    }

    /// Several permits if they are free and nobody waits.
    ///
    /// ```
    /// let semaphore = greenroom::sync::Semaphore::new(2);
    /// assert!(semaphore.try_acquire_many(3).is_none());
    /// assert!(semaphore.try_acquire_many(2).is_some());
    /// ```
    #[must_use]
    pub fn try_acquire_many(&self, permits: usize) -> Option<Permit> {
        self.inner.gate.try_take(permits).then(|| self.permit(permits))
    }

    /// How many permits are free now. Some of those who wait for more than that may be in line.
    ///
    /// ```
    /// assert_eq!(greenroom::sync::Semaphore::new(3).available(), 3);
    /// ```
    #[must_use]
    pub fn available(&self) -> usize {
        self.inner.gate.free()
    }

    /// How many permits there are, free or not.
    ///
    /// ```
    /// let semaphore = greenroom::sync::Semaphore::new(3);
    /// let _permit = semaphore.try_acquire();
    /// assert_eq!(semaphore.capacity(), 3);
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.inner.capacity.get()
    }

    /// Makes more permits, for good.
    ///
    /// # Panics
    /// When there would be more than `usize::MAX`.
    ///
    /// ```
    /// let semaphore = greenroom::sync::Semaphore::new(1);
    /// semaphore.add_permits(2);
    /// assert_eq!((semaphore.available(), semaphore.capacity()), (3, 3));
    /// ```
    #[track_caller]
    pub fn add_permits(&self, permits: usize) {
        let capacity = self.inner.capacity.get().checked_add(permits);
        let Some(capacity) = capacity else {
            panic!("a semaphore has at most {} permits", usize::MAX);
        };
        self.inner.capacity.set(capacity);
        self.inner.gate.give(permits);
    }

    /// Gives back permits that were [forgotten](Permit::forget).
    ///
    /// # Errors
    /// [`OverRelease`] when fewer were forgotten; nothing was released.
    ///
    /// ```
    /// let semaphore = greenroom::sync::Semaphore::new(2);
    /// semaphore.try_acquire().unwrap().forget();
    /// assert!(semaphore.release(2).is_err(), "only one was forgotten");
    /// assert_eq!(semaphore.available(), 1);
    /// assert!(semaphore.release(1).is_ok() && semaphore.release(1).is_err());
    /// assert_eq!(semaphore.available(), 2);
    /// ```
    pub fn release(&self, permits: usize) -> Result<(), OverRelease> {
        let outstanding = self.inner.forgotten.get();
        let Some(left) = outstanding.checked_sub(permits) else {
            return Err(OverRelease { released: permits, outstanding });
        };
        self.inner.forgotten.set(left);
        self.inner.gate.give(permits);
        Ok(())
    }

    fn permit(&self, permits: usize) -> Permit {
        Permit { semaphore: self.clone(), permits }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available())
            .field("capacity", &self.capacity())
            .field("waiting", &self.inner.gate.waiting())
            .finish()
    }
}

/// One or more permits of a [`Semaphore`]; dropped, they go to the next in line. That takes the
/// permit, so it cannot be done twice:
///
/// ```compile_fail
/// let permit = greenroom::sync::Semaphore::new(1).try_acquire().unwrap();
/// drop(permit);
/// drop(permit);
/// ```
///
/// ```
/// use greenroom::sync::{Permit, Semaphore};
/// let semaphore = Semaphore::new(1);
/// let permit: Permit = semaphore.try_acquire().unwrap();
/// assert_eq!(semaphore.available(), 0);
/// drop(permit);
/// assert_eq!(semaphore.available(), 1);
/// ```
#[must_use = "a permit goes back at once unless it is kept"]
#[derive(Debug)]
pub struct Permit {
    semaphore: Semaphore,
    permits: usize,
}

impl Permit {
    /// How many permits this is.
    ///
    /// ```
    /// let semaphore = greenroom::sync::Semaphore::new(4);
    /// assert_eq!(semaphore.try_acquire_many(3).unwrap().permits(), 3);
    /// ```
    #[must_use]
    pub const fn permits(&self) -> usize {
        self.permits
    }

    /// Keeps the permits taken without holding this; [`Semaphore::release`] gives them back.
    ///
    /// ```
    /// let semaphore = greenroom::sync::Semaphore::new(1);
    /// semaphore.try_acquire().unwrap().forget();
    /// assert_eq!(semaphore.available(), 0);
    /// ```
    pub fn forget(mut self) {
        let forgotten = &self.semaphore.inner.forgotten;
        forgotten.set(forgotten.get() + self.permits);
        self.permits = 0;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.permits > 0 {
            self.semaphore.inner.gate.give(self.permits);
        }
    }
}

/// More permits were asked for than the semaphore has.
///
/// ```
/// use greenroom::sync::{Semaphore, TooManyPermits};
/// greenroom::run(async |_system| {
///     let error: TooManyPermits = Semaphore::new(1).acquire_many(2).await.unwrap_err();
///     assert!(error.to_string().starts_with("asked for 2 permits of a semaphore that has 1"));
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "asked for {asked} permits of a semaphore that has {capacity}, which would wait for ever; ask \
     for fewer, or add permits first"
)]
pub struct TooManyPermits {
    asked: usize,
    capacity: usize,
}

/// More permits were released than had been forgotten; none was.
///
/// ```
/// use greenroom::sync::{OverRelease, Semaphore};
/// let error: OverRelease = Semaphore::new(1).release(1).unwrap_err();
/// assert!(error.to_string().starts_with("1 permits were released, but 0 are outstanding"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{released} permits were released, but {outstanding} are outstanding (those of a `Permit` \
     count only once it was forgotten); nothing was released"
)]
pub struct OverRelease {
    released: usize,
    outstanding: usize,
}
