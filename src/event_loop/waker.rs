//! Wakers that are a key in a machine word: no allocation, no reference count, sound on any thread.
//! One of the two files with `unsafe`.

use std::ptr;
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::core::Core;
use super::current;
use crate::base::key::Key;
use crate::scheduler::remote::{self, Post};

#[cfg(not(target_pointer_width = "64"))]
compile_error!("a waker's data word holds a 64-bit key; narrower machines were not thought about");

/// The waker of a task. A waker that outlives its task wakes nobody, or at worst polls another task
/// once for nothing, which every future must bear.
pub(crate) const fn waker(key: Key) -> Waker {
    #[allow(unsafe_code, reason = "a waker can be made in no other way without an `Arc`")]
    // SAFETY: the data word is an integer that `VTABLE` never dereferences; every function of
    // `VTABLE` may be called any number of times, in any order, from any thread, as `RawWaker`
    // asks.
    unsafe {
        Waker::from_raw(raw(ptr::without_provenance(key.bits() as usize)))
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(raw, wake, wake, |_| ());

const fn raw(data: *const ()) -> RawWaker {
    RawWaker::new(data, &VTABLE)
}

/// Who waits for something: a waker, kept as a plain key if it is a task's own.
#[derive(Debug)]
pub(crate) enum Listener {
    Task(Key),
    /// Of a combinator that gives wakers of its own to what it polls.
    Other(Waker),
}

impl Listener {
    /// A waker of others is cloned, which may run its code: nothing may be borrowed.
    #[inline]
    pub(crate) fn new(waker: &Waker) -> Self {
        if ptr::eq(waker.vtable(), &raw const VTABLE) {
            Self::Task(Key::from_bits(waker.data().addr() as u64))
        } else {
            Self::Other(waker.clone())
        }
    }

    /// Whether this waker wakes the same; `false` may be wrong, `true` never is.
    #[inline]
    pub(crate) fn is(&self, other: &Waker) -> bool {
        match self {
            Self::Task(key) => other.will_wake(&waker(*key)),
            Self::Other(waker) => waker.will_wake(other),
        }
    }

    /// A waker of others runs its code here: nothing may be borrowed.
    #[inline]
    pub(crate) fn wake(self, core: &Core) {
        match self {
            Self::Task(key) if key.home() == core.id() => core.scheduler.wake(key),
            Self::Task(key) => waker(key).wake(),
            Self::Other(waker) => waker.wake(),
        }
    }
}

fn wake(data: *const ()) {
    let key = Key::from_bits(data.addr() as u64);
    let here = current::with(|core| {
        let here = core.id() == key.home();
        if here {
            core.scheduler.wake(key);
        }
        here
    });
    if here != Some(true)
        && let Some(remote) = remote::find(key.home())
    {
        // Refused only when the loop has ended, and with it the task.
        let _ = remote.post_always(Post::Wake(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::key::LoopId;
    use crate::base::slots::SlotKey;

    #[test]
    fn wakers_are_equal_when_their_tasks_are_and_survive_every_order_of_calls() {
        let key = |slot| Key::new(LoopId(4_000), SlotKey { slot, generation: 1 });
        let (a, b) = (waker(key(1)), waker(key(2)));
        assert!(a.will_wake(&a.clone()) && !a.will_wake(&b));
        let sent = a.clone();
        std::thread::scope(|scope| scope.spawn(move || sent.wake()).join()).expect("no panic");
        a.wake_by_ref();
        b.wake();
        drop(a);
    }
}
