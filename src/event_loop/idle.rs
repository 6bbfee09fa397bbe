//! Waiting until a loop has nothing left to do at this point in time.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use super::current;

/// Those who wait until nothing is ready, first come first served.
#[derive(Default)]
pub(crate) struct Idlers {
    waiting: RefCell<VecDeque<Weak<Idler>>>,
}

struct Idler {
    waker: RefCell<Waker>,
    /// Its turn has come.
    settled: Cell<bool>,
}

impl Idlers {
    /// Wakes the first, now that nothing is ready; `false` when there is none.
    #[inline]
    pub(crate) fn wake_one(&self) -> bool {
        while let Some(first) = self.next() {
            // One that has given up has left nothing behind its entry.
            if let Some(idler) = first.upgrade() {
                idler.settled.set(true);
                let waker = idler.waker.replace(Waker::noop().clone());
                waker.wake();
                return true;
            }
        }
        false
    }

    #[inline]
    fn next(&self) -> Option<Weak<Idler>> {
        self.waiting.borrow_mut().pop_front()
    }
}

/// Is done once nothing else is ready, before a virtual clock moves on.
///
/// # Panics
/// When this thread runs no loop.
pub(crate) async fn settled() {
    let core = current::expect("settle");
    let mut asked: Option<Rc<Idler>> = None;
    poll_fn(|cx| {
        let waker = cx.waker().clone();
        match &asked {
            Some(idler) if idler.settled.get() => return Poll::Ready(()),
            Some(idler) => {
                let before = idler.waker.replace(waker);
                drop(before);
            }
            None => {
                let idler = Idler { waker: RefCell::new(waker), settled: Cell::new(false) };
                let idler = asked.insert(Rc::new(idler));
                core.idlers.waiting.borrow_mut().push_back(Rc::downgrade(idler));
            }
        }
        Poll::Pending
    })
    .await;
}
