//! `Condition<T>`: waiting, with a lock, until its value is such as one needs it.

use std::fmt;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use super::gate::{Gate, Unused};
use super::lock::{Lock, LockGuard};
use crate::time::timeout;

/// Lets tasks wait for a change of the value of a [`Lock`].
///
/// Waiting takes the guard, gives the lock up, and gives a guard back: what follows always runs
/// under the lock, also after a limit ([`wait_timeout`](Self::wait_timeout)). If the wait itself
/// is dropped, nothing follows, and the guard is gone: who goes on has to lock again. Notifying
/// takes a guard as the proof that the lock is held. Several conditions may belong to one lock.
///
/// ```
/// use greenroom::{sync::{Condition, Lock}, task};
///
/// greenroom::run(async |_system| {
///     let level = Lock::new(0);
///     let rises = Condition::new(&level);
///     let (in_task, waits) = (level.clone(), rises.clone());
///     let task = task::spawn(async move {
///         let guard = in_task.lock().await;
///         *waits.wait_while(guard, |level| *level < 3).await
///     });
///     for _ in 0..5 {
///         task::yield_now().await;
///         let mut guard = level.lock().await;
///         *guard += 1;
///         rises.notify_all(&guard);
///     }
///     assert!(task.await.unwrap() >= 3);
/// });
/// ```
pub struct Condition<T> {
    lock: Lock<T>,
    gate: Rc<Gate>,
}

impl<T> Condition<T> {
    /// A condition of this lock.
    ///
    /// ```
    /// use greenroom::sync::{Condition, Lock};
    /// let items = Lock::new(Vec::<u8>::new());
    /// let (not_empty, not_full) = (Condition::new(&items), Condition::new(&items));
    /// # drop((not_empty, not_full));
    /// ```
    #[must_use]
    pub fn new(lock: &Lock<T>) -> Self {
        Self { lock: lock.clone(), gate: Rc::new(Gate::new(0, Unused::Next)) }
    }

    /// Gives the lock up, waits for a notification, and takes the lock again. The value may be
    /// anything by then: [`wait_while`](Self::wait_while) looks.
    ///
    /// # Panics
    /// When the guard is of another lock.
    ///
    /// # Cancel safety
    /// Dropped half-way the lock stays given up; a notification that this wait had got goes to the
    /// next one that waits.
    ///
    /// ```
    /// use greenroom::{sync::{Condition, Lock}, task};
    /// greenroom::run(async |_system| {
    ///     let lock = Lock::new(0);
    ///     let changed = Condition::new(&lock);
    ///     let (in_task, notifies) = (lock.clone(), changed.clone());
    ///     let guard = lock.lock().await;
    ///     task::spawn(async move {
    ///         let mut guard = in_task.lock().await;
    ///         *guard = 5;
    ///         notifies.notify_one(&guard);
    ///     }).detach();
    ///     assert_eq!(*changed.wait(guard).await, 5);
    /// });
    /// ```
    pub async fn wait(&self, guard: LockGuard<T>) -> LockGuard<T> {
        self.notified(guard, None).await.0
    }

    /// Waits as long as `condition` holds; not at all if it does not.
    ///
    /// # Panics
    /// When the guard is of another lock.
    ///
    /// # Cancel safety
    /// As [`wait`](Self::wait).
    ///
    /// ```
    /// use greenroom::sync::{Condition, Lock};
    /// greenroom::run(async |_system| {
    ///     let lock = Lock::new(vec![1]);
    ///     let not_empty = Condition::new(&lock);
    ///     let mut guard = not_empty.wait_while(lock.lock().await, |items| items.is_empty()).await;
    ///     assert_eq!(guard.pop(), Some(1));
    /// });
    /// ```
    pub async fn wait_while(
        &self,
        mut guard: LockGuard<T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockGuard<T> {
        while condition(&mut guard) {
            guard = self.wait(guard).await;
        }
        guard
    }

    /// Waits for a notification, at most for `limit`; either way the lock is held again when this
    /// returns, which may take longer.
    ///
    /// # Panics
    /// When the guard is of another lock, or when it has to wait on a thread that runs no loop.
    ///
    /// # Cancel safety
    /// As [`wait`](Self::wait).
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::sync::{Condition, Lock, Notified};
    /// greenroom::run(async |_system| {
    ///     let lock = Lock::new(5);
    ///     let never = Condition::new(&lock);
    ///     let limit = Duration::from_millis(1);
    ///     let (guard, notified) = never.wait_timeout(lock.lock().await, limit).await;
    ///     assert_eq!((*guard, notified), (5, Notified::TimedOut));
    /// });
    /// ```
    pub async fn wait_timeout(
        &self,
        guard: LockGuard<T>,
        limit: Duration,
    ) -> (LockGuard<T>, Notified) {
        self.notified(guard, Some(limit)).await
    }

    /// Notifies the one that has waited longest, if any. It goes on once the lock is free.
    ///
    /// # Panics
    /// When the guard is of another lock.
    ///
    /// ```
    /// use greenroom::sync::{Condition, Lock};
    /// let lock = Lock::new(5);
    /// Condition::new(&lock).notify_one(&lock.try_lock().unwrap()); // nobody waits
    /// ```
    #[track_caller]
    pub fn notify_one(&self, guard: &LockGuard<T>) {
        self.notify(guard, 1);
    }

    /// Notifies those that have waited longest, at most `most` of them.
    ///
    /// # Panics
    /// When the guard is of another lock.
    ///
    /// ```
    /// use greenroom::sync::{Condition, Lock};
    /// let lock = Lock::new(5);
    /// Condition::new(&lock).notify(&lock.try_lock().unwrap(), 2); // nobody waits
    /// ```
    #[track_caller]
    pub fn notify(&self, guard: &LockGuard<T>, most: usize) {
        self.check(guard);
        self.gate.call(most);
    }

    /// Notifies all that wait. They take the lock one after another, in the order in which they
    /// began to wait.
    ///
    /// # Panics
    /// When the guard is of another lock.
    ///
    /// ```
    /// use greenroom::sync::{Condition, Lock};
    /// let lock = Lock::new(5);
    /// Condition::new(&lock).notify_all(&lock.try_lock().unwrap()); // nobody waits
    /// ```
    #[track_caller]
    pub fn notify_all(&self, guard: &LockGuard<T>) {
        self.notify(guard, usize::MAX);
    }

    async fn notified(
        &self,
        guard: LockGuard<T>,
        limit: Option<Duration>,
    ) -> (LockGuard<T>, Notified) {
        self.check(&guard);
        let notified = {
            let mut called = pin!(self.gate.take(1));
            // In line before the lock is free, or the notification could come in between.
            let _pending = futures::poll!(called.as_mut());
            drop(guard);
            match limit {
                None => called.await,
                Some(limit) => timeout(limit, called).await.is_ok(),
            }
        };
        let passed_on = notified.then(|| PassOn(&self.gate));
        let guard = self.lock.lock().await;
        passed_on.into_iter().for_each(std::mem::forget);
        (guard, if notified { Notified::Notified } else { Notified::TimedOut })
    }

    #[track_caller]
    fn check(&self, guard: &LockGuard<T>) {
        assert!(
            guard.is_of(&self.lock),
            "the guard is of another lock than the condition; use a guard of the lock that \
             `Condition::new` was given"
        );
    }
}

/// A notification that nobody has acted on yet; dropped, it goes to the next.
struct PassOn<'a>(&'a Gate);

impl Drop for PassOn<'_> {
    fn drop(&mut self) {
        self.0.call(1);
    }
}

impl<T> Clone for Condition<T> {
    fn clone(&self) -> Self {
        Self { lock: self.lock.clone(), gate: Rc::clone(&self.gate) }
    }
}

impl<T> fmt::Debug for Condition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition")
            .field("lock", &self.lock)
            .field("waiting", &self.gate.waiting())
            .finish()
    }
}

/// Why [`Condition::wait_timeout`] returned.
///
/// ```
/// use std::time::Duration;
/// use greenroom::sync::{Condition, Lock, Notified};
/// greenroom::run(async |_system| {
///     let lock = Lock::new(());
///     let waited = Condition::new(&lock).wait_timeout(lock.lock().await, Duration::ZERO).await;
///     assert_eq!(waited.1, Notified::TimedOut);
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notified {
    /// Somebody notified it.
    Notified,
    /// The limit was reached.
    TimedOut,
}
