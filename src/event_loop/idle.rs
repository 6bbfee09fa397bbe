//! Waiting until a loop has nothing left to do at this point in time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use super::current;

/// Those who wait until nothing is ready, first come first served.
#[derive(Default)]
pub(crate) struct Idlers {
    waiting: RefCell<VecDeque<Waker>>,
}

impl Idlers {
    /// Wakes the first, now that nothing is ready; `false` when there is none.
    #[inline]
    pub(crate) fn wake_one(&self) -> bool {
        let first = self.waiting.borrow_mut().pop_front();
        first.map(Waker::wake).is_some()
    }
}

/// Is done once nothing else is ready, before a virtual clock moves on.
///
/// # Panics
/// When this thread runs no loop.
pub(crate) async fn settled() {
    let core = current::expect("settle");
    let mut asked = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        core.idlers.waiting.borrow_mut().push_back(cx.waker().clone());
        Poll::Pending
    })
    .await;
}
