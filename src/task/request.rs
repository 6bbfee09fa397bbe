//! Requests to cancel a task, and which part of it hears of them.
//!
//! A *scope* is a part of a task that wants to hear of a request: it was entered last, so it hears
//! first. What it does then is its own affair; a request that it passes on goes to the scope around
//! it, and in the end to the task, whose future is dropped. The counting is that of asyncio's
//! `Task.cancel`, `cancelling` and `uncancel`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::Waker;

use super::life;
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::event_loop::current;

/// The requests of one task, and its scopes.
#[derive(Default)]
pub(crate) struct Requests {
    count: Cell<u32>,
    /// One was made, and nobody has heard of it yet.
    pending: Cell<bool>,
    entered: Cell<u64>,
    /// From the outermost to the innermost, each with its number.
    scopes: RefCell<Vec<(u64, Waker)>>,
}

impl Requests {
    pub(crate) const fn count(&self) -> u32 {
        self.count.get()
    }

    /// Makes one request more.
    pub(crate) fn add(&self, core: &Core, task: Key) {
        self.count.set(self.count.get() + 1);
        self.raise(core, task);
    }

    /// Takes one back. When no more than `before` are left, one that nobody has heard of yet was
    /// this one, and nobody will.
    pub(crate) fn take_back(&self, before: u32) -> u32 {
        let left = self.count.get().saturating_sub(1);
        self.count.set(left);
        if left <= before {
            self.pending.set(false);
        }
        left
    }

    /// Lets the innermost scope, or the task, hear of a request.
    pub(crate) fn raise(&self, core: &Core, task: Key) {
        self.pending.set(true);
        self.wake_innermost(core, task);
    }

    fn wake_innermost(&self, core: &Core, task: Key) {
        // Taken and not cloned: cloning a foreign waker runs code. The next poll brings another.
        let waker = self
            .scopes
            .borrow_mut()
            .last_mut()
            .map(|(_, waker)| std::mem::replace(waker, Waker::noop().clone()));
        match waker {
            Some(waker) => waker.wake(),
            None => core.scheduler.wake(task),
        }
    }

    pub(crate) fn reach_the_task(&self) -> bool {
        self.pending.get() && self.scopes.borrow().is_empty()
    }
}

/// The requests of actors and of the loop's own future, which are no tasks: only scopes inside them
/// make any.
#[derive(Default)]
struct OfOthers(RefCell<BTreeMap<Key, Rc<Requests>>>);

/// A part of a task that hears of requests to cancel before what is around it.
#[derive(Default)]
pub(crate) struct Scope {
    entered: Option<Entered>,
}

struct Entered {
    task: Key,
    number: u64,
    requests: Rc<Requests>,
    is_task: bool,
}

impl Scope {
    /// To be called at each poll: the scope belongs to the task that polls it.
    pub(crate) fn enter(&mut self, waker: &Waker) {
        let Some(core) = current::get() else { return };
        let Some(task) = core.scheduler.running() else { return };
        match &self.entered {
            Some(entered) if entered.task == task => entered.update(waker),
            Some(_) | None => {
                self.leave();
                self.entered = Some(Entered::new(&core, task, waker.clone()));
            }
        }
    }

    /// Whether this scope is to act on a request, which counts as heard then.
    pub(crate) fn take(&self) -> bool {
        self.entered.as_ref().is_some_and(|entered| {
            let requests = &entered.requests;
            let innermost = requests.scopes.borrow().last().map(|(number, _)| *number);
            requests.pending.get()
                && innermost == Some(entered.number)
                && requests.pending.replace(false)
        })
    }

    /// How many requests there are on the task.
    pub(crate) fn count(&self) -> u32 {
        self.entered.as_ref().map_or(0, |entered| entered.requests.count())
    }

    /// Asks what is inside this scope to end, from the innermost on.
    pub(crate) fn request(&self) {
        if let (Some(entered), Some(core)) = (&self.entered, current::get()) {
            entered.requests.add(&core, entered.task);
        }
    }

    /// Takes such a request back; whether there are more still than there were `before`.
    pub(crate) fn take_back(&self, before: u32) -> bool {
        self.entered.as_ref().is_some_and(|entered| entered.requests.take_back(before) > before)
    }

    /// Leaves the scope and passes a request that it heard of on to what is around it.
    pub(crate) fn pass_on(&mut self) {
        let Some(entered) = self.entered.take() else { return };
        entered.requests.pending.set(true);
        entered.leave();
    }

    pub(crate) fn leave(&mut self) {
        if let Some(entered) = self.entered.take() {
            entered.leave();
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Entered {
    fn new(core: &Core, task: Key, waker: Waker) -> Self {
        let of_task = life::with(core, task, |life| Rc::clone(life.requests()));
        let is_task = of_task.is_some();
        let requests = of_task.unwrap_or_else(|| {
            let others = core.locals.get::<OfOthers>();
            let mut others = others.0.borrow_mut();
            Rc::clone(others.entry(task).or_default())
        });
        let number = requests.entered.get();
        requests.entered.set(number + 1);
        requests.scopes.borrow_mut().push((number, waker));
        Self { task, number, requests, is_task }
    }

    fn update(&self, waker: &Waker) {
        let place = |scopes: &Vec<(u64, Waker)>| {
            scopes.iter().rposition(|(number, _)| *number == self.number)
        };
        let known = {
            let scopes = self.requests.scopes.borrow();
            place(&scopes).is_some_and(|place| scopes[place].1.will_wake(waker))
        };
        if known {
            return;
        }
        // Cloned and dropped with nothing borrowed.
        let waker = waker.clone();
        let mut scopes = self.requests.scopes.borrow_mut();
        let before = place(&scopes).map(|place| std::mem::replace(&mut scopes[place].1, waker));
        drop(scopes);
        drop(before);
    }

    fn leave(self) {
        let waker = {
            let mut scopes = self.requests.scopes.borrow_mut();
            let place = scopes.iter().rposition(|(number, _)| *number == self.number);
            place.map(|place| scopes.remove(place))
        };
        drop(waker);
        let Some(core) = current::get() else { return };
        if self.requests.pending.get() {
            // Whatever is around it is to hear of the request now.
            self.requests.wake_innermost(&core, self.task);
        }
        if !self.is_task && self.requests.scopes.borrow().is_empty() {
            let others = core.locals.get::<OfOthers>();
            let done = others.0.borrow_mut().remove(&self.task);
            drop(done);
        }
    }
}

/// The requests on the task that runs now.
pub(crate) fn of_running() -> Option<(Rc<Requests>, Rc<Core>, Key)> {
    let core = current::get()?;
    let task = core.scheduler.running()?;
    let requests = life::with(&core, task, |life| Rc::clone(life.requests())).or_else(|| {
        let others = core.locals.get::<OfOthers>();
        others.0.borrow().get(&task).cloned()
    })?;
    Some((requests, core, task))
}
