//! Values that belong to a chain of tasks, found by key; copied when first changed.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value in a context.
pub(crate) type Value = Arc<dyn Any + Send + Sync>;

/// What one task sees; a copy costs one count.
#[derive(Clone, Default)]
pub(crate) struct Context(Option<Arc<BTreeMap<usize, Value>>>);

/// Where a task keeps its context.
pub(crate) type Slot = RefCell<Context>;

impl Context {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn get(&self, key: usize) -> Option<Value> {
        self.0.as_ref()?.get(&key).cloned()
    }

    /// The same with another value for this key, or with none.
    pub(crate) fn with(&self, key: usize, value: Option<Value>) -> Self {
        let mut values = self.0.as_deref().cloned().unwrap_or_default();
        match value {
            Some(value) => _ = values.insert(key, value),
            None => _ = values.remove(&key),
        }
        Self((!values.is_empty()).then(|| Arc::new(values)))
    }
}

thread_local! {
    /// The context of the job that this thread of a pool runs.
    static OF_JOB: Slot = const { RefCell::new(Context(None)) };
}

/// The context of the job that runs on this thread, where no loop does.
pub(crate) fn of_job() -> Context {
    OF_JOB.try_with(|slot| slot.borrow().clone()).unwrap_or_default()
}

/// Gives the job that runs on this thread another context.
pub(crate) fn set_of_job(context: Context) -> Context {
    OF_JOB.try_with(|slot| slot.replace(context)).unwrap_or_default()
}
