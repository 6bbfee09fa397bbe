//! The thread's current loop: one pointer, set while the loop runs, from which all its state hangs.

use std::cell::RefCell;
use std::rc::Rc;

use super::core::Core;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Core>>> = const { RefCell::new(None) };
}

/// Runs `f` with the current loop; `None` when this thread runs no loop.
///
/// `f` must not run user code: the pointer is borrowed meanwhile. Code that may do so takes a clone
/// by [`get`].
#[inline]
pub(crate) fn with<T>(f: impl FnOnce(&Core) -> T) -> Option<T> {
    // After the thread's locals are gone there is no loop either.
    CURRENT.try_with(|current| current.borrow().as_deref().map(f)).ok().flatten()
}

/// The current loop, kept alive by the caller.
#[inline]
pub(crate) fn get() -> Option<Rc<Core>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// The current loop, for functions that are documented to need one.
///
/// # Panics
/// When this thread runs no loop.
#[track_caller]
pub(crate) fn expect(what: &str) -> Rc<Core> {
    match get() {
        Some(core) => core,
        None => missing(what),
    }
}

/// [`with`], for functions that are documented to need a loop.
///
/// # Panics
/// When this thread runs no loop.
#[track_caller]
pub(crate) fn expect_with<T>(what: &str, f: impl FnOnce(&Core) -> T) -> T {
    match with(f) {
        Some(value) => value,
        None => missing(what),
    }
}

#[cold]
#[track_caller]
fn missing(what: &str) -> ! {
    panic!(
        "{what} was called on a thread where no Greenroom loop runs; call it inside \
         `greenroom::run` or `EventLoop::run`, or go through a `LoopHandle`"
    )
}

/// Makes `core` the thread's loop until the guard is dropped; loops nest.
pub(crate) fn enter(core: Rc<Core>) -> Entered {
    Entered { outer: CURRENT.replace(Some(core)) }
}

pub(crate) struct Entered {
    outer: Option<Rc<Core>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.replace(self.outer.take()));
    }
}
