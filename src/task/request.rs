//! Requests to cancel a task, and which part of it hears of them.
//!
//! A *scope* is a part of a task that wants to hear of a request before what is around it. What it
//! does then is its own affair; a request that it passes on goes to the scope around it, and in the
//! end to the task, whose future is dropped. The counting is that of asyncio's `Task.cancel`,
//! `cancelling` and `uncancel`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::Waker;

use super::life;
use super::scopes::{Number, Scopes};
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::event_loop::current;

/// The requests of one task, and its scopes.
#[derive(Default)]
pub(crate) struct Requests {
    scopes: RefCell<Scopes<Waker>>,
    /// The scope inside which is polled now.
    inside: Cell<Option<Number>>,
    /// Whether there is one of which nobody has heard: what each poll asks first.
    unheard: Cell<bool>,
}

impl Requests {
    pub(crate) fn count(&self) -> u32 {
        self.scopes.borrow().count()
    }

    /// Makes one request more, at the task itself.
    pub(crate) fn add(&self, core: &Core, task: Key) {
        self.scopes.borrow_mut().ask(None);
        self.tell(core, task);
    }

    /// Takes one back, and tells how many are left.
    pub(crate) fn take_back(&self) -> u32 {
        let left = self.scopes.borrow_mut().take_any_back();
        self.note();
        left
    }

    /// Lets what is around this line hear of a request.
    pub(crate) fn raise(&self, core: &Core, task: Key) {
        self.scopes.borrow_mut().raise(self.inside.get());
        self.tell(core, task);
    }

    pub(crate) fn reach_the_task(&self) -> bool {
        self.unheard.get() && self.scopes.borrow().reaches_the_task()
    }

    fn note(&self) {
        self.unheard.set(self.scopes.borrow().is_unheard());
    }

    /// Wakes whoever is to hear now.
    fn tell(&self, core: &Core, task: Key) {
        self.note();
        // On another loop the task's key would be that of a stranger.
        if !self.unheard.get() || task.home() != core.id() {
            return;
        }
        let hearers = self.scopes.borrow().hearers();
        for hearer in hearers {
            // Taken and not cloned: cloning a foreign waker runs code. The next poll brings one.
            let waker = hearer.and_then(|scope| {
                let mut scopes = self.scopes.borrow_mut();
                let waker = scopes.kept(scope)?;
                Some(std::mem::replace(waker, Waker::noop().clone()))
            });
            match waker {
                Some(waker) => waker.wake(),
                None => core.scheduler.wake(task),
            }
        }
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
    /// It heard of a request and will pass it on, at the latest when it is dropped.
    owes: bool,
}

struct Entered {
    task: Key,
    number: Number,
    requests: Rc<Requests>,
    is_task: bool,
}

impl Scope {
    /// To be called at each poll: the scope belongs to the task that polls it. Whether it was
    /// entered just now, without a request made at it.
    pub(crate) fn enter(&mut self, waker: &Waker) -> bool {
        let Some(core) = current::get() else { return false };
        let Some(task) = core.scheduler.running() else { return false };
        match &self.entered {
            Some(entered) if entered.task == task => {
                entered.update(waker);
                false
            }
            Some(_) | None => {
                self.leave();
                self.entered = Some(Entered::new(&core, task, waker.clone()));
                true
            }
        }
    }

    /// Polls what is inside this scope: what is entered there is inside it too.
    pub(crate) fn within<T>(&self, poll: impl FnOnce() -> T) -> T {
        let _back = self.entered.as_ref().map(Inside::enter);
        poll()
    }

    /// Whether this scope is to act on a request, which counts as heard then.
    pub(crate) fn take(&self) -> bool {
        self.entered.as_ref().is_some_and(|entered| {
            let requests = &entered.requests;
            if !requests.unheard.get() {
                return false;
            }
            let heard = requests.scopes.borrow_mut().hear(entered.number);
            requests.note();
            heard
        })
    }

    /// The same, for a scope that passes on what it hears of, also if it is dropped meanwhile.
    pub(crate) fn take_to_pass_on(&mut self) -> bool {
        let heard = self.take();
        self.owes |= heard;
        heard
    }

    /// It has taken a request that it will pass on.
    pub(crate) const fn owe(&mut self) {
        self.owes = true;
    }

    /// How many requests there are around this scope.
    pub(crate) fn around(&self) -> u32 {
        let around = |entered: &Entered| entered.requests.scopes.borrow().around(entered.number);
        self.entered.as_ref().map_or(0, around)
    }

    /// Asks what is inside this scope to end, from the innermost on.
    pub(crate) fn request(&self) {
        if let (Some(entered), Some(core)) = (&self.entered, current::get()) {
            entered.requests.scopes.borrow_mut().ask(Some(entered.number));
            entered.requests.tell(&core, entered.task);
        }
    }

    /// Takes such a request back.
    pub(crate) fn take_back(&self) {
        if let Some(entered) = &self.entered {
            entered.requests.scopes.borrow_mut().take_back(entered.number);
            entered.requests.note();
        }
    }

    /// Leaves the scope and passes a request that it heard of on to what is around it.
    pub(crate) fn pass_on(&mut self) {
        self.owes = false;
        let Some(entered) = self.entered.take() else { return };
        {
            let mut scopes = entered.requests.scopes.borrow_mut();
            let around = scopes.parent(entered.number);
            scopes.raise(around);
        }
        entered.leave();
    }

    pub(crate) fn leave(&mut self) {
        self.owes = false;
        if let Some(entered) = self.entered.take() {
            entered.leave();
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if self.owes { self.pass_on() } else { self.leave() }
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
        let number = requests.scopes.borrow_mut().enter(requests.inside.get(), waker);
        Self { task, number, requests, is_task }
    }

    fn update(&self, waker: &Waker) {
        let known = {
            let mut scopes = self.requests.scopes.borrow_mut();
            scopes.kept(self.number).is_some_and(|known| known.will_wake(waker))
        };
        if known {
            return;
        }
        // Cloned and dropped with nothing borrowed.
        let waker = waker.clone();
        let mut scopes = self.requests.scopes.borrow_mut();
        let before = scopes.kept(self.number).map(|kept| std::mem::replace(kept, waker));
        drop(scopes);
        drop(before);
    }

    fn leave(self) {
        let waker = self.requests.scopes.borrow_mut().leave(self.number);
        drop(waker);
        let Some(core) = current::get() else { return };
        // Whatever is around it is to hear now.
        self.requests.tell(&core, self.task);
        if !self.is_task && self.requests.scopes.borrow().is_empty() {
            let others = core.locals.get::<OfOthers>();
            let done = others.0.borrow_mut().remove(&self.task);
            drop(done);
        }
    }
}

/// While what is inside a scope is polled.
struct Inside {
    requests: Rc<Requests>,
    before: Option<Number>,
}

impl Inside {
    fn enter(entered: &Entered) -> Self {
        let before = entered.requests.inside.replace(Some(entered.number));
        Self { requests: Rc::clone(&entered.requests), before }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.requests.inside.set(self.before);
    }
}

/// The requests on the task that runs now, if it is one.
pub(crate) fn of_running() -> Option<(Rc<Requests>, Rc<Core>, Key)> {
    let core = current::get()?;
    let task = core.scheduler.running()?;
    let requests = life::with(&core, task, |life| Rc::clone(life.requests()))?;
    Some((requests, core, task))
}

/// The same, or those of an actor or the loop's own future.
pub(crate) fn of_whatever_runs() -> Option<(Rc<Requests>, Rc<Core>, Key)> {
    of_running().or_else(|| {
        let core = current::get()?;
        let task = core.scheduler.running()?;
        let requests = core.locals.get::<OfOthers>().0.borrow().get(&task).cloned()?;
        Some((requests, core, task))
    })
}
