//! What failed in a group of tasks.

use std::fmt;
use std::sync::Arc;

/// One failure in a [group](super::group()).
///
/// ```
/// use greenroom::{prelude::*, task};
/// use greenroom::task::GroupFailure;
/// greenroom::run(async |_system| {
///     let error = task::group(async |group| {
///         group.spawn(async { panic!("no luck") as Result<(), Fault> });
///         Ok::<_, Fault>(())
///     }).await.unwrap_err();
///     assert!(matches!(&error.failures()[0], GroupFailure::Panicked(text) if &**text == "no luck"));
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum GroupFailure<E> {
    /// A task, or the body, gave this error.
    Error(E),
    /// A task panicked, with this text.
    Panicked(Arc<str>),
}

impl<E: fmt::Display> fmt::Display for GroupFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panicked(text) => write!(f, "panicked: {text}"),
        }
    }
}

/// What went wrong in a [group](super::group()) of tasks, all of which have ended. There is no
/// failure in it when the group was [cancelled](super::TaskGroup::cancel).
///
/// ```
/// use greenroom::{prelude::*, task};
/// greenroom::run(async |_system| {
///     let error = task::group(async |group| {
///         group.spawn(async {
///             let _ = task::cancellable(std::future::pending::<()>()).await;
///             Err::<(), _>(Fault::new("no net")) // on its way out
///         });
///         group.spawn(async { Err::<(), _>(Fault::new("no disk")) });
///         Ok::<_, Fault>(())
///     }).await.unwrap_err();
///     assert_eq!(error.to_string(), "2 tasks of the group failed: no disk; no net");
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupError<E> {
    pub(crate) failures: Vec<GroupFailure<E>>,
}

impl<E> GroupError<E> {
    /// Every failure, in the order in which they happened.
    ///
    /// ```
    /// use greenroom::{prelude::*, task};
    /// greenroom::run(async |_system| {
    ///     let failed = task::group(async |_| Err::<(), _>(Fault::new("no disk"))).await;
    ///     assert_eq!(failed.unwrap_err().failures().len(), 1);
    /// });
    /// ```
    #[must_use]
    pub fn failures(&self) -> &[GroupFailure<E>] {
        &self.failures
    }

    /// The same, given away.
    ///
    /// ```
    /// use greenroom::{prelude::*, task};
    /// greenroom::run(async |_system| {
    ///     let failed = task::group(async |_| Err::<(), _>(Fault::new("no disk"))).await;
    ///     assert_eq!(failed.unwrap_err().into_failures().len(), 1);
    /// });
    /// ```
    #[must_use]
    pub fn into_failures(self) -> Vec<GroupFailure<E>> {
        self.failures
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failures.len() {
            0 => return f.write_str("the group of tasks was cancelled"),
            1 => f.write_str("a task of the group failed: ")?,
            number => write!(f, "{number} tasks of the group failed: ")?,
        }
        for (index, failure) in self.failures.iter().enumerate() {
            let between = if index == 0 { "" } else { "; " };
            write!(f, "{between}{failure}")?;
        }
        Ok(())
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for GroupError<E> {}
