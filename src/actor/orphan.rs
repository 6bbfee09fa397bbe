//! Reply ports that were dropped unanswered, until it is known why.
//!
//! A port is dropped while its handler unwinds, or returns an error, or while a mailbox is emptied.
//! Why it was dropped is known a moment later, at the end of the same poll; only then is the asker
//! told, and told the truth.

use std::cell::{Cell, RefCell};

use super::control::{self, Control};
use super::exit::ExitReason;
use super::reply::{Loss, Lost};
use crate::base::key::Key;
use crate::event_loop::current;

/// An asker that waits to be told why it gets no answer.
pub(crate) struct Orphan {
    /// The actor that ran when the port was dropped, and which message it was at.
    dropped_by: Option<(Key, Option<u64>)>,
    tell: Box<dyn FnOnce(Loss)>,
}

impl Orphan {
    pub(crate) fn new(tell: impl FnOnce(Loss) + 'static) -> Self {
        Self { dropped_by: None, tell: Box::new(tell) }
    }
}

/// The orphans of one loop.
#[derive(Default)]
pub(crate) struct Orphans {
    waiting: RefCell<Vec<Orphan>>,
    /// Why ports that are dropped right now are dropped, when that is known beforehand.
    known: RefCell<Option<Loss>>,
    settling: Cell<bool>,
}

/// Takes in an orphan. Without a loop on this thread nobody will know better: it is told at once.
pub(crate) fn add(mut orphan: Orphan) {
    let Some(core) = current::get() else { return (orphan.tell)(Lost::Dropped.into()) };
    let orphans = core.locals.get::<Orphans>();
    let known = orphans.known.borrow().clone();
    if let Some(loss) = known {
        return (orphan.tell)(loss);
    }
    // An actor that is being dropped with its loop is not found any more.
    let handled = |key| control::with_on(&core, key, Control::handled);
    orphan.dropped_by = core.scheduler.running().map(|key| (key, handled(key)));
    orphans.waiting.borrow_mut().push(orphan);
    if !orphans.settling.replace(true) {
        // Whatever no actor claims by the end of this poll was simply dropped.
        core.defer(|core| {
            let orphans = core.locals.get::<Orphans>();
            orphans.settling.set(false);
            for orphan in orphans.take(|_| true) {
                let dropped_by = orphan.dropped_by.map(|(actor, _)| actor);
                let by = dropped_by.and_then(|actor| control::with_on(core, actor, Control::label));
                (orphan.tell)(Loss { by, why: Lost::Dropped });
            }
        });
    }
}

impl Orphans {
    /// Tells those that an actor dropped at the message that is, or was last, in its hand why it
    /// did.
    pub(crate) fn settle_for(&self, actor: &Control, ended: &ExitReason) {
        if self.waiting.borrow().is_empty() {
            return;
        }
        let now = actor.handled();
        let mine = |dropped_by: Option<(Key, Option<u64>)>| {
            dropped_by.is_some_and(|(key, handled)| {
                key == actor.key && handled.is_none_or(|handled| handled == now)
            })
        };
        for orphan in self.take(mine) {
            (orphan.tell)(Loss { by: Some(actor.label()), why: Lost::Ended(ended.clone()) });
        }
    }

    /// Runs `f`, in which every port that is dropped is lost like this.
    pub(crate) fn during<T>(&self, loss: Loss, f: impl FnOnce() -> T) -> T {
        let before = self.known.replace(Some(loss));
        let result = f();
        self.known.replace(before);
        result
    }

    fn take(&self, mine: impl Fn(Option<(Key, Option<u64>)>) -> bool) -> Vec<Orphan> {
        let mut waiting = self.waiting.borrow_mut();
        waiting.extract_if(.., |orphan| mine(orphan.dropped_by)).collect()
    }
}
