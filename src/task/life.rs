//! `Life`: what is known of a task beside its future and its outcome.

use std::cell::{Cell, OnceCell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use super::all::label;
use super::request::Requests;
use crate::base::context::{Context, Slot};
use crate::base::key::Key;
use crate::event_loop::core::Core;

/// One task, whatever it gives.
#[derive(Default)]
pub(crate) struct Life {
    pub(crate) context: Slot,
    name: OnceCell<Arc<str>>,
    /// Where it was spawned.
    location: Option<&'static Location<'static>>,
    requests: OnceCell<Rc<Requests>>,
    /// The task that waits for it.
    awaited_by: Cell<Option<Key>>,
    /// The task whose group it belongs to, which waits for it in any case.
    group_of: Cell<Option<Key>>,
    finished: Cell<bool>,
    /// Whoever waits for the end of all tasks.
    at_end: RefCell<Option<Waker>>,
}

impl Life {
    pub(crate) fn new(location: &'static Location<'static>, context: Context) -> Self {
        Self { location: Some(location), context: RefCell::new(context), ..Self::default() }
    }

    pub(crate) fn set_name(&self, name: Arc<str>) {
        // A task has its name from its beginning on.
        let _ = self.name.set(name);
    }

    pub(crate) fn name(&self) -> Option<Arc<str>> {
        self.name.get().cloned()
    }

    pub(crate) const fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }

    /// The requests to cancel it, made when first asked for.
    pub(crate) fn requests(&self) -> &Rc<Requests> {
        self.requests.get_or_init(Rc::default)
    }

    /// How many requests were not taken back.
    pub(crate) fn cancelling(&self) -> u32 {
        self.requests.get().map_or(0, |requests| requests.count())
    }

    /// Whether the task itself is to go: it was asked to, and nothing inside it wants to hear of
    /// it.
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.requests.get().is_some_and(|requests| requests.reach_the_task())
    }

    pub(crate) fn awaited_by(&self) -> Option<Key> {
        self.awaited_by.get().or_else(|| self.group_of.get())
    }

    pub(crate) fn set_group_of(&self, task: Option<Key>) {
        self.group_of.set(task);
    }

    #[inline]
    pub(crate) fn set_awaited_by(&self, task: Option<Key>) {
        self.awaited_by.set(task);
    }

    pub(crate) const fn is_finished(&self) -> bool {
        self.finished.get()
    }

    pub(crate) fn finish(&self) {
        self.finished.set(true);
        let waker = self.at_end.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn wake_at_end(&self, waker: &Waker) {
        let waker = waker.clone();
        let before = self.at_end.replace(Some(waker));
        drop(before);
    }

    /// Who it is, for people.
    pub(crate) fn label(&self) -> String {
        label(self.name.get().map(|name| &**name), self.location)
    }
}

/// Calls `f` with what is known of a task of this loop, unless it has ended or is an actor. `f`
/// runs no user code.
pub(crate) fn with<T>(core: &Core, key: Key, f: impl FnOnce(&Life) -> T) -> Option<T> {
    if core.id() != key.home() {
        return None;
    }
    let attachment = core.scheduler.attachment(key)?;
    attachment.control().downcast_ref::<Life>().map(f)
}

/// Asks a task to cancel; `false` when it has ended or was never there.
pub(crate) fn cancel(core: &Core, key: Key) -> bool {
    let requests = with(core, key, |life| Rc::clone(life.requests()));
    // Called with nothing borrowed: it wakes.
    requests.map(|requests| requests.add(core, key)).is_some()
}
