//! How many items of a queue are not done yet, and who waits until none is left.

use std::cell::Cell;
use std::rc::Rc;

use super::gate::{Gate, Unused};

#[derive(Debug)]
pub(crate) struct Tally {
    open: Cell<usize>,
    none_left: Gate,
}

impl Tally {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self { open: Cell::new(0), none_left: Gate::new(0, Unused::Void) })
    }

    pub(crate) const fn open(&self) -> usize {
        self.open.get()
    }

    pub(crate) fn add(&self) {
        self.open.set(self.open.get() + 1);
    }

    pub(crate) fn done(&self, items: usize) {
        let left = self.open.get().saturating_sub(items);
        self.open.set(left);
        if left == 0 {
            self.none_left.call(usize::MAX);
        }
    }

    /// # Cancel safety
    /// Nothing changes.
    pub(crate) async fn all_done(&self) {
        if self.open() > 0 {
            // This gate is never closed.
            self.none_left.take(1).await;
        }
    }
}

/// An item that was taken out of a queue and is not done yet. Dropping this says that it is.
///
/// It is what [`QueueItem::into_parts`](super::QueueItem::into_parts) leaves beside the item.
///
/// ```
/// use greenroom::sync::{OpenItem, Queue};
/// let queue = Queue::fifo(1);
/// queue.try_put("job").unwrap();
/// let (job, open): (&str, OpenItem) = queue.try_get().unwrap().into_parts();
/// assert_eq!((job, queue.unfinished()), ("job", 1));
/// drop(open);
/// assert_eq!(queue.unfinished(), 0);
/// ```
#[must_use = "the item counts as done at once unless this is kept"]
#[derive(Debug)]
pub struct OpenItem {
    tally: Rc<Tally>,
}

impl OpenItem {
    pub(crate) const fn new(tally: Rc<Tally>) -> Self {
        Self { tally }
    }
}

impl Drop for OpenItem {
    fn drop(&mut self) {
        self.tally.done(1);
    }
}
