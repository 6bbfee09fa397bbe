//! Which tasks there are, and which one runs.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::life::{self, Life};
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::event_loop::current;

/// The identity of a task: no other task of the process has it.
///
/// ```
/// use greenroom::task;
/// greenroom::run(async |_system| {
///     let (one, two) = (task::spawn(async {}), task::spawn(async {}));
///     assert_ne!(one.id(), two.id());
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TaskId(pub(crate) Key);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// What can be seen of a task from outside, at one moment.
///
/// ```
/// use greenroom::task;
/// greenroom::test::run(async |test| {
///     let inner = task::builder().name("inner").spawn(std::future::pending::<()>());
///     let outer = task::spawn(inner);
///     test.settle().await;
///     let inner = task::all().into_iter().find(|task| task.name.as_deref() == Some("inner"));
///     assert_eq!(inner.unwrap().awaited_by, outer.id());
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Which one it is.
    pub id: TaskId,
    /// Its name, if it was given one.
    pub name: Option<Arc<str>>,
    /// Where it was spawned.
    pub location: Option<&'static Location<'static>>,
    /// The task, or actor, that awaits its handle, or else the one whose group it belongs to.
    pub awaited_by: Option<TaskId>,
    /// How many requests to cancel it were not taken back.
    pub cancelling: u32,
}

impl TaskInfo {
    fn of(key: Key, life: &Life) -> Self {
        Self {
            id: TaskId(key),
            name: life.name(),
            location: life.location(),
            awaited_by: life.awaited_by().map(TaskId),
            cancelling: life.cancelling(),
        }
    }
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", label(self.name.as_deref(), self.location))
    }
}

/// A task, for people.
pub(crate) fn label(name: Option<&str>, location: Option<&'static Location<'static>>) -> String {
    let name = name.map_or_else(|| "task".to_owned(), |name| format!("task `{name}`"));
    match location {
        Some(location) => format!("{name} of {}:{}", location.file(), location.line()),
        None => name,
    }
}

/// The task that runs now; `None` in an actor, in the future that the loop was given, and where no
/// loop runs.
///
/// ```
/// use greenroom::task;
/// greenroom::run(async |_system| {
///     assert!(task::current().is_none());
///     let task = task::builder().name("me").spawn(async { task::current().unwrap().name });
///     assert_eq!(task.await.unwrap().as_deref(), Some("me"));
/// });
/// ```
#[must_use]
pub fn current() -> Option<TaskInfo> {
    let core = current::get()?;
    let key = core.scheduler.running()?;
    life::with(&core, key, |life| TaskInfo::of(key, life))
}

/// All tasks of this loop that have not ended, without actors, and without those that Greenroom
/// runs for itself.
///
/// ```
/// use greenroom::task;
/// greenroom::test::run(async |_test| {
///     let before = task::all().len();
///     let task = task::spawn(async {});
///     assert_eq!(task::all().len(), before + 1);
///     task.await.unwrap();
///     assert_eq!(task::all().len(), before);
/// });
/// ```
#[must_use]
pub fn all() -> Vec<TaskInfo> {
    current::get().map_or_else(Vec::new, |core| all_on(&core))
}

pub(crate) fn all_on(core: &Core) -> Vec<TaskInfo> {
    let mut all = Vec::new();
    core.scheduler.attached(|key| {
        all.extend(life::with(core, key, |life| TaskInfo::of(key, life)));
    });
    all
}
