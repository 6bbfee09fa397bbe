//! Locks by name: one holder at a time, the others in the order in which they came.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::mailbox::line::{Line, Ticket};

/// Who holds and who waits. A name stands here while somebody holds its lock or was promised it.
#[derive(Default)]
pub(crate) struct Locks {
    lines: RefCell<BTreeMap<Arc<str>, Line>>,
}

impl Locks {
    pub(crate) fn lock(self: &Rc<Self>, name: &str) -> Lock {
        Lock { locks: Rc::clone(self), name: Arc::from(name), place: Place::Outside }
    }

    /// Promises the lock to the next in line, if there is one.
    fn pass_on(&self, name: &str) {
        let next = {
            let mut lines = self.lines.borrow_mut();
            let next = lines.get_mut(name).and_then(Line::grant);
            if next.is_none() {
                lines.remove(name);
            }
            next
        };
        next.into_iter().for_each(std::task::Waker::wake);
    }

    #[cfg(test)]
    fn names(&self) -> usize {
        self.lines.borrow().len()
    }
}

/// The future of [`System::lock`](crate::System::lock).
///
/// ```
/// greenroom::run(async |system| {
///     let lock: greenroom::registry::Lock = system.lock("schema");
///     assert_eq!(lock.await.name(), "schema");
/// });
/// ```
#[must_use = "nothing is locked unless the future is awaited"]
pub struct Lock {
    locks: Rc<Locks>,
    name: Arc<str>,
    place: Place,
}

enum Place {
    Outside,
    InLine(Ticket),
    /// The guard was given out.
    Done,
}

impl Lock {
    fn guard(&mut self) -> Poll<LockGuard> {
        self.place = Place::Done;
        Poll::Ready(LockGuard { locks: Rc::clone(&self.locks), name: Arc::clone(&self.name) })
    }
}

impl Future for Lock {
    type Output = LockGuard;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LockGuard> {
        let this = &mut *self;
        let waker = cx.waker().clone();
        let mut lines = this.locks.lines.borrow_mut();
        let displaced = match this.place {
            Place::Outside => {
                let Some(line) = lines.get_mut(&this.name) else {
                    lines.insert(Arc::clone(&this.name), Line::default());
                    drop(lines);
                    return this.guard();
                };
                this.place = Place::InLine(line.join(waker));
                return Poll::Pending;
            }
            Place::InLine(ticket) => {
                let Some(line) = lines.get_mut(&this.name) else { return Poll::Pending };
                if line.redeem(ticket) {
                    drop(lines);
                    return this.guard();
                }
                line.update(ticket, waker)
            }
            Place::Done => Some(waker),
        };
        // Wakers are dropped with nothing borrowed: a foreign one may run code.
        drop(lines);
        drop(displaced);
        Poll::Pending
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let Place::InLine(ticket) = self.place else { return };
        let left = self.locks.lines.borrow_mut().get_mut(&self.name).map(|line| line.leave(ticket));
        // Promised and not taken: the next one's turn.
        if let Some((true, _)) = left {
            self.locks.pass_on(&self.name);
        }
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The right to be alone with a name; dropped, it passes on to the next in line.
///
/// It is given by [`System::lock`](crate::System::lock). However its holder ends, by an error, a
/// panic, a kill or the end of its task, what it holds is dropped, and so is this.
///
/// ```
/// greenroom::run(async |system| {
///     let guard: greenroom::registry::LockGuard = system.lock("schema").await;
///     // Nobody else is here.
///     drop(guard);
///     assert_eq!(system.lock("schema").await.name(), "schema");
/// });
/// ```
#[must_use = "the lock is released at once unless the guard is kept"]
pub struct LockGuard {
    locks: Rc<Locks>,
    name: Arc<str>,
}

impl LockGuard {
    /// What is locked.
    ///
    /// ```
    /// greenroom::run(async |system| {
    ///     assert_eq!(system.lock("schema").await.name(), "schema");
    /// });
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        self.locks.pass_on(&self.name);
    }
}

impl fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[test]
    fn a_promise_that_is_not_taken_goes_to_the_next_and_nothing_is_left_at_the_end() {
        let locks = Rc::<Locks>::default();
        let first = locks.lock("a").now_or_never().unwrap();
        let mut others = [locks.lock("a"), locks.lock("a"), locks.lock("a")];
        assert!(others.iter_mut().all(|lock| lock.now_or_never().is_none()));
        let [second, mut third, fourth] = others;
        drop(first);
        // Promised to the second, so nobody overtakes it.
        assert!(locks.lock("a").now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        drop(second);
        let guard = (&mut third).now_or_never().unwrap();
        drop(fourth);
        assert!(locks.lock("b").now_or_never().is_some());
        drop(guard);
        assert_eq!(locks.names(), 0);
    }

    proptest! {
        /// Any order of coming, leaving and releasing: one holder, in the order of coming.
        #[test]
        fn one_holder_at_a_time_in_the_order_of_coming(
            steps in prop::collection::vec((0_u8..4, any::<prop::sample::Index>()), 1..100),
        ) {
            let locks = Rc::<Locks>::default();
            let (mut waiting, mut model) = (BTreeMap::new(), VecDeque::new());
            let mut holder = None;
            for (number, (step, pick)) in steps.into_iter().enumerate() {
                match step {
                    0 | 1 => {
                        let mut lock = locks.lock("a");
                        match (&mut lock).now_or_never() {
                            Some(guard) => {
                                prop_assert!(holder.is_none() && model.is_empty());
                                holder = Some(guard);
                            }
                            None => {
                                waiting.insert(number, lock);
                                model.push_back(number);
                            }
                        }
                    }
                    2 => drop(holder.take()),
                    _ if !model.is_empty() => {
                        let left = model.remove(pick.index(model.len())).unwrap();
                        drop(waiting.remove(&left));
                    }
                    _ => {}
                }
                // All look; only the first may find the lock free.
                for (number, lock) in &mut waiting {
                    if let Some(guard) = lock.now_or_never() {
                        prop_assert_eq!(model.pop_front(), Some(*number));
                        prop_assert!(holder.replace(guard).is_none(), "two holders");
                    }
                }
                waiting.retain(|number, _| model.contains(number));
                prop_assert!(holder.is_some() || model.is_empty(), "nobody holds, yet some wait");
                prop_assert_eq!(locks.names(), usize::from(holder.is_some()));
            }
        }
    }
}
