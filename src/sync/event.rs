//! `Event`: something that has happened, or not, and that any number of tasks wait for.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use super::gate::{Gate, Unused};

/// A flag that tasks wait for. A clone is the same event.
///
/// ```
/// use greenroom::{sync::Event, task};
///
/// greenroom::run(async |_system| {
///     let loaded = Event::new();
///     let waits = loaded.clone();
///     let task = task::spawn(async move { waits.wait().await; "go" });
///     loaded.set();
///     assert_eq!(task.await, Ok("go"));
/// });
/// ```
#[derive(Clone)]
pub struct Event {
    inner: Rc<Inner>,
}

struct Inner {
    set: Cell<bool>,
    gate: Gate,
}

impl Event {
    /// An event that has not happened.
    ///
    /// ```
    /// assert!(!greenroom::sync::Event::new().is_set());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        let gate = Gate::new(0, Unused::Void);
        Self { inner: Rc::new(Inner { set: Cell::new(false), gate }) }
    }

    /// Lets everybody who waits go on, and whoever comes while it is set. Those who wait go on also
    /// when it is cleared at once.
    ///
    /// ```
    /// let event = greenroom::sync::Event::new();
    /// event.set();
    /// assert!(event.is_set());
    /// ```
    pub fn set(&self) {
        self.inner.set.set(true);
        self.inner.gate.call(usize::MAX);
    }

    /// From now on they wait again.
    ///
    /// ```
    /// let event = greenroom::sync::Event::new();
    /// event.set();
    /// event.clear();
    /// assert!(!event.is_set());
    /// ```
    pub fn clear(&self) {
        self.inner.set.set(false);
    }

    /// Whether it is set.
    ///
    /// ```
    /// assert!(!greenroom::sync::Event::new().is_set());
    /// ```
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.inner.set.get()
    }

    /// Waits until it is set; not at all if it is.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let event = greenroom::sync::Event::new();
    ///     event.set();
    ///     event.wait().await;
    /// });
    /// ```
    pub async fn wait(&self) {
        if !self.is_set() {
            // This gate is never closed.
            self.inner.gate.take(1).await;
        }
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("set", &self.is_set())
            .field("waiting", &self.inner.gate.waiting())
            .finish()
    }
}
