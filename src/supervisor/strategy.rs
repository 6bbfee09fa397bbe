//! What a supervisor does about an end: restart types, strategies and shutdown rules; pure.
//!
//! The vocabulary is OTP's, unchanged. The decision table is [`Restart::verdict`].

use std::time::Duration;

use crate::actor::{ExitReason, Recovery};
use crate::supervisor::children::ChildId;

/// Whether a child that ended is started again.
///
/// # Examples
///
/// ```
/// use greenroom::supervisor::Restart;
///
/// // A cache must always be there; a migration is over when it is done; a session is its user's.
/// let (cache, migration, session) =
///     (Restart::Permanent, Restart::Transient, Restart::Temporary);
/// assert_eq!(Restart::default(), cache);
/// # let _ = (migration, session);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// Always restarted, whatever the reason of its end. The default.
    #[default]
    Permanent,
    /// Restarted after an [abnormal](ExitReason::is_abnormal) end only. After a clean end the
    /// supervisor remembers how to start it, but does not.
    Transient,
    /// Never restarted, and forgotten when it ends.
    Temporary,
}

/// What is to happen to a child that ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It comes back: same address, same mailbox, next incarnation.
    Restart,
    /// Its end is final.
    Finish,
}

impl Restart {
    /// The decision table of supervision; the error of a handler may ask for a final end.
    pub(crate) fn verdict(self, reason: &ExitReason, recovery: Recovery) -> Verdict {
        let ends = match self {
            Self::Permanent => false,
            Self::Transient => reason.is_clean(),
            Self::Temporary => true,
        };
        if ends || recovery == Recovery::Stop { Verdict::Finish } else { Verdict::Restart }
    }
}

/// Which siblings are restarted together with a child that failed.
///
/// Siblings that are taken along are stopped in reverse start order, then all are started in start
/// order. They keep their addresses and mailboxes. This costs one restart of the budget, however
/// many children there are. Temporary siblings are stopped and not started again.
///
/// # Examples
///
/// ```
/// use greenroom::supervisor::Strategy;
///
/// // Children that know nothing of each other need not suffer for each other.
/// assert_eq!(Strategy::default(), Strategy::OneForOne);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Only the child that failed. The default.
    #[default]
    OneForOne,
    /// All children: for those that cannot work with a partner that has forgotten everything.
    OneForAll,
    /// The child that failed and those started after it: for a chain, each link of which relies on
    /// the one before.
    RestForOne,
}

impl Strategy {
    /// The first child, in start order, that shares the fate of `failed`; the cases where the fate
    /// is shared by everything from a child to the last are all there are.
    pub(crate) fn group_start(self, failed: ChildId) -> Option<ChildId> {
        match self {
            Self::OneForOne => None,
            Self::OneForAll => Some(ChildId::FIRST),
            Self::RestForOne => Some(failed),
        }
    }
}

/// How a supervisor stops a child.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use greenroom::supervisor::Shutdown;
///
/// // What a worker gets when nothing is said.
/// assert_eq!(Shutdown::default(), Shutdown::Timeout(Duration::from_secs(5)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Kill it: its future is dropped at its next suspension point and its stop hook does not run.
    Brutal,
    /// Ask it to stop, and kill it if it has not ended after this time. The default, with 5 s.
    Timeout(Duration),
    /// Ask it to stop and wait for as long as it takes: right for a supervisor, whose children need
    /// their own time.
    Infinity,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::Timeout(Duration::from_secs(5))
    }
}

/// Whether the end of *significant* children ends their supervisor.
///
/// Only an end by itself and for good counts: of a transient child that ended cleanly, of a
/// temporary child whatever the reason. A child that was stopped through the supervisor never
/// counts.
///
/// # Examples
///
/// ```
/// use greenroom::supervisor::AutoShutdown;
///
/// assert_eq!(AutoShutdown::default(), AutoShutdown::Never);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoShutdown {
    /// The supervisor stays, with or without children. The default.
    #[default]
    Never,
    /// The end of one significant child ends the supervisor and all its children.
    AnySignificant,
    /// The end of the last significant child that was alive ends the supervisor.
    AllSignificant,
}

/// What a child is, which decides how it is counted and how it is stopped when nothing is said.
///
/// # Examples
///
/// ```
/// use greenroom::supervisor::{ChildKind, Shutdown};
///
/// assert_eq!(ChildKind::Worker.default_shutdown(), Shutdown::default());
/// assert_eq!(ChildKind::Supervisor.default_shutdown(), Shutdown::Infinity);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChildKind {
    /// An actor that does some work. The default.
    #[default]
    Worker,
    /// An actor that supervises others.
    Supervisor,
}

impl ChildKind {
    /// The shutdown rule of a child that names none: 5 s for a worker, no limit for a supervisor.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::supervisor::{ChildKind, Shutdown};
    ///
    /// let limit = Duration::from_secs(5);
    /// assert_eq!(ChildKind::Worker.default_shutdown(), Shutdown::Timeout(limit));
    /// ```
    #[must_use]
    pub fn default_shutdown(self) -> Shutdown {
        match self {
            Self::Worker => Shutdown::default(),
            Self::Supervisor => Shutdown::Infinity,
        }
    }
}
