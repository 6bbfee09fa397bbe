//! The context of whatever runs: a task, an actor, or the loop's own future.

use super::core::Core;
use super::current;
use crate::base::context::{Context, Slot, of_job, set_of_job};

/// The context of all that has no place for one of its own: the future that the loop was given.
#[derive(Default)]
struct RootContext(Slot);

impl Core {
    /// What runs now sees this. Nothing is looked up until a value was set on this loop.
    #[inline]
    pub(crate) fn context(&self) -> Context {
        if self.has_context.get() {
            self.with_slot(|slot| slot.borrow().clone())
        } else {
            Context::default()
        }
    }

    /// Gives what runs now another context; that of before comes back.
    pub(crate) fn set_context(&self, context: Context) -> Context {
        if !context.is_empty() {
            self.has_context.set(true);
        }
        self.with_slot(|slot| slot.replace(context))
    }

    #[cold]
    fn with_slot<T>(&self, f: impl FnOnce(&Slot) -> T) -> T {
        let running = self.scheduler.running();
        if running.is_some_and(|key| !self.scheduler.contains(key)) {
            // It has aborted itself, and what it sets now is seen by nobody.
            return f(&Slot::default());
        }
        let attachment = running.and_then(|key| self.scheduler.attachment(key));
        match &attachment {
            Some(attachment) => f(attachment.context()),
            None => f(&self.locals.get::<RootContext>().0),
        }
    }
}

/// What is seen here: by what the loop runs, or by the job of a pool's thread.
pub(crate) fn here() -> Context {
    current::with(|core| core.context()).unwrap_or_else(of_job)
}

/// Gives what runs here another context; that of before comes back.
pub(crate) fn change(context: Context) -> Context {
    match current::get() {
        Some(core) => core.set_context(context),
        None => set_of_job(context),
    }
}

/// Runs `f` with this context; what it sets is lost.
pub(crate) fn within<T>(context: Context, f: impl FnOnce() -> T) -> T {
    let _back = Back::after(context);
    f()
}

/// Brings the context of before back, also when user code panics.
pub(crate) struct Back(Option<Context>);

impl Back {
    /// After this context.
    pub(crate) fn after(context: Context) -> Self {
        Self(Some(change(context)))
    }
}

impl Drop for Back {
    fn drop(&mut self) {
        drop(self.0.take().map(change));
    }
}
