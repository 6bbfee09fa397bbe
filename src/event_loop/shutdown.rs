//! How a loop ends: refuse, cancel, drain, close; in that order, on the loop's own thread.

use std::rc::Rc;

use super::core::Core;
use super::current;
use crate::base::panics::{catch, drop_quietly};
use crate::scheduler::remote::Post;

/// Things to do when the loop closes, after every future was dropped: pools to wait for.
#[derive(Default)]
pub(crate) struct AtClose(std::cell::RefCell<Vec<Box<dyn FnOnce()>>>);

impl AtClose {
    pub(crate) fn add(&self, f: impl FnOnce() + 'static) {
        self.0.borrow_mut().push(Box::new(f));
    }

    fn run(&self) {
        loop {
            let Some(f) = self.0.borrow_mut().pop() else { return };
            if let Err(text) = catch(f) {
                tracing::error!(
                    target: "greenroom::loop", panic = %text,
                    "closing a part of the loop panicked",
                );
            }
        }
    }
}

/// Whether what the closing loop drops now is a task of the user's that was not done.
#[derive(Default)]
pub(crate) struct Leftover(std::cell::Cell<bool>);

impl Leftover {
    pub(crate) fn note(&self) {
        self.0.set(true);
    }
}

/// Ends the loop. Every future that is left is dropped here, while the loop is still the current
/// one, so that `Drop` code finds it; dropping may wake, post and cancel, but no longer spawn.
pub(crate) fn close(core: &Rc<Core>) {
    let entered = current::enter(Rc::clone(core));
    core.begin_closing();
    let (leftover, mut left) = (core.locals.get::<Leftover>(), 0_usize);
    while let Some(key) = core.scheduler.any() {
        // Whatever is dropped now is dropped by this task.
        core.scheduler.set_running(Some(key));
        core.cancel(key);
        core.scheduler.set_running(None);
        core.run_deferred();
        // Once for each, also when its destructor tries to spawn others, which are dropped at once.
        left += usize::from(leftover.0.take());
    }
    if left > 0 {
        tracing::info!(
            target: "greenroom::loop", tasks = left,
            "the loop ended before these tasks did; their futures were dropped",
        );
    }
    for post in core.remote.close() {
        match post {
            // A message finds nobody, and so becomes a dead letter.
            Post::Deliver(parcel) => drop_quietly(catch(|| parcel.open())),
            // Others are dropped, not run: what they would reach is gone. Each under its own guard:
            // two panics in one drop would end the process.
            Post::Wake(_) | Post::Stop | Post::Run(_) => drop_quietly(post),
        }
        core.run_deferred();
    }
    core.run_deferred();
    core.locals.get::<AtClose>().run();
    drop(entered);
}
