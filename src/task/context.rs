//! Values that a task and what it spawns see: asyncio's context variables.
//!
//! A task begins with a copy of its spawner's context; what it sets afterwards is its own. An actor
//! has a context that is empty at first and goes over its restarts. Work that is
//! [offloaded](crate::offload()) sees a copy on its thread.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskCx, Poll};

use pin_project_lite::pin_project;

use crate::base::context::Context;
use crate::event_loop::context::{Back, change, here, within};

/// A value for each chain of tasks; a `static` of the program.
///
/// ```
/// use greenroom::offload::offload;
/// use greenroom::task::{self, ContextVar};
///
/// static REQUEST: ContextVar<u64> = ContextVar::new("request");
///
/// greenroom::run(async |_system| {
///     REQUEST.set(1);
///     let inherits = task::spawn(async {
///         REQUEST.set(2);
///         offload(|| REQUEST.get()).await
///     });
///     assert_eq!(inherits.await.unwrap().unwrap(), Some(2));
///     assert_eq!(REQUEST.get(), Some(1), "what a task sets is its own");
/// });
/// ```
pub struct ContextVar<T> {
    name: &'static str,
    holds: std::marker::PhantomData<fn() -> T>,
}

impl<T: Clone + Send + Sync + 'static> ContextVar<T> {
    /// A variable with this name, which is for people; each `static` is a variable of its own.
    ///
    /// ```
    /// use greenroom::task::ContextVar;
    /// static USER: ContextVar<String> = ContextVar::new("user");
    /// assert_eq!(USER.get(), None);
    /// ```
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, holds: std::marker::PhantomData }
    }

    fn key(&'static self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The value here, if there is one.
    ///
    /// ```
    /// use greenroom::task::ContextVar;
    /// static USER: ContextVar<&str> = ContextVar::new("user");
    /// greenroom::run(async |_system| {
    ///     assert_eq!(USER.get(), None);
    ///     USER.set("ann");
    ///     assert_eq!(USER.get(), Some("ann"));
    /// });
    /// ```
    #[must_use]
    pub fn get(&'static self) -> Option<T> {
        here().get(self.key()).and_then(|value| value.downcast_ref::<T>().cloned())
    }

    /// Gives the variable a value from here on, for this task and what it will spawn; what there
    /// was before.
    ///
    /// ```
    /// use greenroom::task::ContextVar;
    /// static USER: ContextVar<&str> = ContextVar::new("user");
    /// greenroom::run(async |_system| {
    ///     assert_eq!(USER.set("ann"), None);
    ///     assert_eq!(USER.set("bob"), Some("ann"));
    /// });
    /// ```
    pub fn set(&'static self, value: T) -> Option<T> {
        self.replace(Some(Arc::new(value)))
    }

    /// Takes the value away from here on; what there was before.
    ///
    /// ```
    /// use greenroom::task::ContextVar;
    /// static USER: ContextVar<&str> = ContextVar::new("user");
    /// greenroom::run(async |_system| {
    ///     USER.set("ann");
    ///     assert_eq!(USER.unset(), Some("ann"));
    ///     assert_eq!(USER.get(), None);
    /// });
    /// ```
    pub fn unset(&'static self) -> Option<T> {
        self.replace(None)
    }

    fn replace(&'static self, value: Option<Arc<T>>) -> Option<T> {
        let before = here();
        let value = value.map(|value| value as Arc<dyn Any + Send + Sync>);
        drop(change(before.with(self.key(), value)));
        before.get(self.key()).and_then(|value| value.downcast_ref::<T>().cloned())
    }

    /// Gives the variable a value for this future only.
    ///
    /// # Cancel safety
    /// As the future's own.
    ///
    /// ```
    /// use greenroom::task::ContextVar;
    /// static USER: ContextVar<&str> = ContextVar::new("user");
    /// greenroom::run(async |_system| {
    ///     assert_eq!(USER.scope("ann", async { USER.get() }).await, Some("ann"));
    ///     assert_eq!(USER.get(), None);
    /// });
    /// ```
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> InContext<F> {
        let context = here().with(self.key(), Some(Arc::new(value)));
        InContext { context, future }
    }
}

impl<T> fmt::Debug for ContextVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContextVar").field(&self.name).finish()
    }
}

/// All values that are seen at one place; a copy costs next to nothing.
///
/// ```
/// use greenroom::task::{ContextVar, TaskContext};
/// static USER: ContextVar<&str> = ContextVar::new("user");
/// greenroom::run(async |_system| {
///     USER.set("ann");
///     let kept = TaskContext::current();
///     USER.set("bob");
///     assert_eq!(kept.run(|| USER.get()), Some("ann"));
///     assert_eq!(USER.get(), Some("bob"));
/// });
/// ```
#[derive(Clone, Default)]
pub struct TaskContext(Context);

impl TaskContext {
    /// What is seen here.
    ///
    /// ```
    /// use greenroom::task::{ContextVar, TaskContext};
    /// static USER: ContextVar<&str> = ContextVar::new("user");
    /// greenroom::run(async |_system| {
    ///     USER.set("ann");
    ///     let here = TaskContext::current();
    ///     assert_eq!(std::thread::spawn(move || here.run(|| USER.get())).join().unwrap(), Some("ann"));
    /// });
    /// ```
    #[must_use]
    pub fn current() -> Self {
        Self(here())
    }

    /// Runs `f` with these values; what it sets is lost.
    ///
    /// ```
    /// use greenroom::task::{ContextVar, TaskContext};
    /// static USER: ContextVar<&str> = ContextVar::new("user");
    /// greenroom::run(async |_system| {
    ///     TaskContext::default().run(|| USER.set("ann"));
    ///     assert_eq!(USER.get(), None);
    /// });
    /// ```
    pub fn run<T>(&self, f: impl FnOnce() -> T) -> T {
        within(self.0.clone(), f)
    }

    pub(crate) fn into_inner(self) -> Context {
        self.0
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext").field("empty", &self.0.is_empty()).finish_non_exhaustive()
    }
}

pin_project! {
    /// A future with values of its own; made by [`ContextVar::scope`].
    ///
    /// ```
    /// use greenroom::task::{ContextVar, InContext};
    /// static USER: ContextVar<&str> = ContextVar::new("user");
    /// greenroom::run(async |_system| {
    ///     let scoped: InContext<_> = USER.scope("ann", async { USER.get() });
    ///     assert_eq!(scoped.await, Some("ann"));
    /// });
    /// ```
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct InContext<F> {
        context: Context,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskCx<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _back = Back::after(this.context.clone());
        let output = this.future.poll(cx);
        // What the future set is seen when it is polled next.
        *this.context = here();
        output
    }
}

impl<F> fmt::Debug for InContext<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InContext").finish_non_exhaustive()
    }
}
