//! What is released when an actor has ended: its names, its memberships.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::base::panics::catch;

type Release = Box<dyn FnOnce()>;

/// What is to be released at one actor's end. What it gives up before is taken off again, so the
/// list of an actor that lives long holds what it holds now, and not what it ever held.
#[derive(Default)]
pub(crate) struct Releases {
    pending: RefCell<BTreeMap<u64, Release>>,
    next: Cell<u64>,
}

/// One entry, to be taken off the list again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ReleaseKey(u64);

impl Releases {
    /// Does `f` when the actor has ended for good, before anybody hears of the end.
    pub(crate) fn add(&self, f: impl FnOnce() + 'static) -> ReleaseKey {
        let key = self.next.get();
        self.next.set(key + 1);
        self.pending.borrow_mut().insert(key, Box::new(f));
        ReleaseKey(key)
    }

    /// Takes an entry off the list; it is not run.
    pub(crate) fn remove(&self, key: ReleaseKey) {
        let release = self.pending.borrow_mut().remove(&key.0);
        drop(release);
    }

    /// Releases everything, in the order in which it was added.
    pub(crate) fn run(&self) {
        if self.pending.borrow().is_empty() {
            return;
        }
        let pending = std::mem::take(&mut *self.pending.borrow_mut());
        for release in pending.into_values() {
            if let Err(text) = catch(release) {
                tracing::error!(
                    target: "greenroom::actor", panic = %text,
                    "releasing a name or a membership panicked",
                );
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.pending.borrow().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn what_is_left_is_released_once_in_order_and_what_was_given_up_leaves_nothing() {
        let (releases, log) = (Releases::default(), Rc::new(RefCell::new(Vec::new())));
        let add = |n: u32| {
            let log = Rc::clone(&log);
            releases.add(move || {
                log.borrow_mut().push(n);
                assert_ne!(n, 3, "one that panics");
            })
        };
        let keys = [1, 2, 3, 4].map(add);
        releases.remove(keys[1]);
        releases.remove(keys[1]);
        releases.run();
        releases.run();
        assert_eq!(*log.borrow(), [1, 3, 4]);
        for n in 0..1_000 {
            releases.remove(add(n));
        }
        assert_eq!(releases.len(), 0);
    }
}
