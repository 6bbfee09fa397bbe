//! `Lock<T>`: a value that one task at a time may touch, over awaits too.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use super::gate::{Gate, Unused};

/// A value for one task at a time, in the order in which they ask.
///
/// A `RefCell` is enough for what is done between two awaits; this is for a change that takes
/// several. A clone is the same lock. Nobody can release what they do not hold: the
/// [guard](LockGuard) is the right to the value, and dropping it passes the lock on. A holder that
/// panics leaves the value as it is then; there is no poisoning.
///
/// ```
/// use greenroom::{sync::Lock, task};
///
/// greenroom::run(async |_system| {
///     let total = Lock::new(0);
///     let tasks = [1, 2, 3].map(|number| {
///         let total = total.clone();
///         task::spawn(async move {
///             let mut total = total.lock().await;
///             let before = *total;
///             task::yield_now().await; // nobody else gets in between
///             *total = before + number;
///         })
///     });
///     for task in tasks { task.await.unwrap(); }
///     assert_eq!(*total.lock().await, 6);
/// });
/// ```
pub struct Lock<T> {
    inner: Rc<Inner<T>>,
}

struct Inner<T> {
    gate: Gate,
    /// With the guard while it is locked. The box makes handing it over cheap, whatever its size.
    value: Cell<Option<Box<T>>>,
}

impl<T> Lock<T> {
    /// A lock that is free.
    ///
    /// ```
    /// let lock = greenroom::sync::Lock::new(5);
    /// assert!(!lock.is_locked());
    /// ```
    pub fn new(value: T) -> Self {
        let value = Cell::new(Some(Box::new(value)));
        Self { inner: Rc::new(Inner { gate: Gate::new(1, Unused::Free), value }) }
    }

    /// Waits until the value is free for this task. Whoever asked before has it before, and keeps
    /// its turn also when the lock is free for a moment.
    ///
    /// A task that asks while it holds the lock waits for itself for ever.
    ///
    /// # Cancel safety
    /// Dropped half-way it leaves the line; if the lock was promised to it already, it passes on.
    ///
    /// ```
    /// use greenroom::sync::Lock;
    /// greenroom::run(async |_system| {
    ///     let lock = Lock::new(String::new());
    ///     lock.lock().await.push_str("hello");
    ///     assert_eq!(*lock.lock().await, "hello");
    /// });
    /// ```
    pub async fn lock(&self) -> LockGuard<T> {
        // This gate is never closed.
        self.inner.gate.take(1).await;
        self.guard()
    }

    /// The value if it is free and nobody waits for it.
    ///
    /// ```
    /// let lock = greenroom::sync::Lock::new(5);
    /// let guard = lock.try_lock().unwrap();
    /// assert!(lock.try_lock().is_none());
    /// drop(guard);
    /// assert!(lock.try_lock().is_some());
    /// ```
    #[must_use]
    pub fn try_lock(&self) -> Option<LockGuard<T>> {
        self.inner.gate.try_take(1).then(|| self.guard())
    }

    /// Whether somebody holds it or was promised it.
    ///
    /// ```
    /// let lock = greenroom::sync::Lock::new(5);
    /// let guard = lock.try_lock();
    /// assert!(lock.is_locked());
    /// # drop(guard);
    /// ```
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.inner.gate.free() == 0
    }

    fn guard(&self) -> LockGuard<T> {
        LockGuard { value: self.inner.value.take(), lock: self.clone() }
    }
}

impl<T> Clone for Lock<T> {
    fn clone(&self) -> Self {
        Self { inner: Rc::clone(&self.inner) }
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("locked", &self.is_locked())
            .field("waiting", &self.inner.gate.waiting())
            .finish_non_exhaustive()
    }
}

/// The right to be alone with a value; dropped, it passes on to the next in line.
///
/// It borrows nothing, so it may be kept anywhere on its loop. Releasing takes it, so it cannot be
/// done twice, nor by anybody else:
///
/// ```compile_fail
/// let guard = greenroom::sync::Lock::new(1).try_lock().unwrap();
/// drop(guard);
/// drop(guard);
/// ```
///
/// ```
/// use greenroom::sync::{Lock, LockGuard};
/// let lock = Lock::new(vec![1]);
/// let mut guard: LockGuard<Vec<i32>> = lock.try_lock().unwrap();
/// guard.push(2);
/// assert_eq!(guard.len(), 2);
/// ```
#[must_use = "the lock is released at once unless the guard is kept"]
pub struct LockGuard<T> {
    /// There until the guard is dropped.
    value: Option<Box<T>>,
    lock: Lock<T>,
}

impl<T> LockGuard<T> {
    /// Whether this is a guard of `lock`.
    pub(crate) fn is_of(&self, lock: &Lock<T>) -> bool {
        Rc::ptr_eq(&self.lock.inner, &lock.inner)
    }
}

impl<T> Deref for LockGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_deref().expect("a guard has its value until it is dropped")
    }
}

impl<T> DerefMut for LockGuard<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_deref_mut().expect("a guard has its value until it is dropped")
    }
}

impl<T> Drop for LockGuard<T> {
    fn drop(&mut self) {
        self.lock.inner.value.set(self.value.take());
        self.lock.inner.gate.give(1);
    }
}

impl<T: fmt::Debug> fmt::Debug for LockGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockGuard").field(&**self).finish()
    }
}
