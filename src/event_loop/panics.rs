//! Panics that nobody else hears of: they are logged, and told to whoever the loop was built with.

use std::cell::RefCell;
use std::sync::Arc;

use super::core::Core;
use super::current;
use crate::base::panics::catch;

/// A panic that no code of the user's hears of otherwise: in a callback, or in a task that nobody
/// awaits. It harms nobody else.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use greenroom::{EventLoop, event_loop::{self, PanicReport}};
///
/// let heard = Arc::new(Mutex::new(Vec::new()));
/// let hears = heard.clone();
/// let builder = EventLoop::builder().on_panic(move |report: &PanicReport<'_>| {
///     hears.lock().unwrap().push(report.text.to_owned());
/// });
/// builder.build()?.run(async {
///     event_loop::post(|| panic!("no luck"));
///     greenroom::task::yield_now().await;
/// });
/// assert_eq!(*heard.lock().unwrap(), ["no luck"]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PanicReport<'a> {
    /// Where it was.
    pub origin: PanicOrigin,
    /// The text of the panic.
    pub text: &'a str,
}

/// What panicked.
///
/// ```
/// use greenroom::event_loop::PanicOrigin;
/// assert_eq!(PanicOrigin::Posted.to_string(), "a posted closure");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PanicOrigin {
    /// A closure of [`post`](super::post), [`time::after`](crate::time::after) or
    /// [`time::at`](crate::time::at).
    Callback,
    /// A closure that came from another thread.
    Posted,
    /// A task whose handle was dropped.
    Task,
}

impl std::fmt::Display for PanicOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Callback => "a callback",
            Self::Posted => "a posted closure",
            Self::Task => "a task",
        })
    }
}

/// Hears of panics, on the loop's thread.
pub(crate) type OnPanic = Arc<dyn Fn(&PanicReport<'_>) + Send + Sync>;

/// The listener of one loop.
#[derive(Default)]
struct Listener(RefCell<Option<OnPanic>>);

pub(crate) fn listen(core: &Core, on_panic: OnPanic) {
    let before = core.locals.get::<Listener>().0.replace(Some(on_panic));
    drop(before);
}

/// Reports a panic once, to the log and to the listener. It runs code of the user's: nothing may be
/// borrowed.
#[cold]
pub(crate) fn report(origin: PanicOrigin, text: &str) {
    tracing::error!(target: "greenroom::loop", panic = %text, "{origin} panicked");
    tell(origin, text);
}

/// Tells the listener of a panic that is in the log already.
#[cold]
pub(crate) fn tell(origin: PanicOrigin, text: &str) {
    let listener = current::get().map(|core| core.locals.get::<Listener>());
    let Some(on_panic) = listener.and_then(|listener| listener.0.borrow().clone()) else { return };
    if let Err(second) = catch(|| on_panic(&PanicReport { origin, text })) {
        tracing::error!(
            target: "greenroom::loop", panic = %second,
            "the closure of `on_panic` panicked itself",
        );
    }
}
