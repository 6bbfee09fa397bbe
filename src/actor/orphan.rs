//! Reply ports that were dropped unanswered, until it is known why.
//!
//! A port is dropped while its handler unwinds, or returns an error, or while a mailbox is emptied.
//! Why it was dropped is known a moment later, at the end of the same poll; only then is the asker
//! told, and told the truth.

use std::cell::{Cell, RefCell};

use super::control;
use super::reply::Lost;
use crate::base::key::Key;
use crate::event_loop::current;

/// An asker that waits to be told why it gets no answer.
pub(crate) struct Orphan {
    /// The actor that ran when the port was dropped, and which message it was at.
    dropped_by: Option<(Key, u64)>,
    tell: Box<dyn FnOnce(Lost)>,
}

impl Orphan {
    pub(crate) fn new(tell: impl FnOnce(Lost) + 'static) -> Self {
        Self { dropped_by: None, tell: Box::new(tell) }
    }
}

/// The orphans of one loop.
#[derive(Default)]
pub(crate) struct Orphans {
    waiting: RefCell<Vec<Orphan>>,
    /// Why ports that are dropped right now are dropped, when that is known beforehand.
    known: RefCell<Option<Lost>>,
    settling: Cell<bool>,
}

/// Takes in an orphan. Without a loop on this thread nobody will know better: it is told at once.
pub(crate) fn add(mut orphan: Orphan) {
    let Some(core) = current::get() else { return (orphan.tell)(Lost::Dropped) };
    let orphans = core.locals.get::<Orphans>();
    let known = orphans.known.borrow().clone();
    if let Some(lost) = known {
        return (orphan.tell)(lost);
    }
    orphan.dropped_by = core.scheduler.running().and_then(|key| {
        control::with_on(&core, key, |control| control.handled()).map(|handled| (key, handled))
    });
    orphans.waiting.borrow_mut().push(orphan);
    if !orphans.settling.replace(true) {
        // Whatever no actor claims by the end of this poll was simply dropped.
        core.defer(|core| {
            let orphans = core.locals.get::<Orphans>();
            orphans.settling.set(false);
            orphans.settle(|_| true, &Lost::Dropped);
        });
    }
}

impl Orphans {
    /// Tells those that an actor dropped at its message `handled` why it did.
    pub(crate) fn settle_for(&self, actor: Key, handled: u64, lost: &Lost) {
        self.settle(|dropped_by| dropped_by == Some((actor, handled)), lost);
    }

    /// Runs `f`, in which every port that is dropped is dropped for this reason.
    pub(crate) fn during<T>(&self, lost: Lost, f: impl FnOnce() -> T) -> T {
        let before = self.known.replace(Some(lost));
        let result = f();
        self.known.replace(before);
        result
    }

    fn settle(&self, mine: impl Fn(Option<(Key, u64)>) -> bool, lost: &Lost) {
        if self.waiting.borrow().is_empty() {
            return;
        }
        let told: Vec<Orphan> = {
            let mut waiting = self.waiting.borrow_mut();
            waiting.extract_if(.., |orphan| mine(orphan.dropped_by)).collect()
        };
        for orphan in told {
            (orphan.tell)(lost.clone());
        }
    }
}
