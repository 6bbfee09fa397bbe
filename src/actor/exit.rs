//! Why an actor ended: one word for supervisors, watchers and people.
//!
//! Every reason is either clean (the actor was done, or was asked to stop) or abnormal. A
//! supervisor restarts a *transient* child only after an abnormal end; a link passes on every end
//! but `Normal`, of which only an actor that traps exits hears. The texts are copies, not the
//! values themselves, so a reason may go to any number of watchers on any thread.

use std::fmt;
use std::sync::Arc;

use super::id::ActorId;

/// Why an actor ended.
///
/// | reason | clean | crash |
/// | --- | --- | --- |
/// | `Normal`, `Shutdown`, `ShutdownWith` | yes | no |
/// | `Killed`, `Error`, `Panicked`, `RestartLimit`, `TimedOut` | no | yes |
/// | `NoActor`, `Refused`, `NameTaken` | no | no |
///
/// Later versions may add reasons, so a `match` outside this crate needs a last arm; the questions
/// [`is_clean`](Self::is_clean) and [`is_crash`](Self::is_crash) will go on to answer for all of
/// them.
///
/// # Examples
///
/// ```
/// use greenroom::actor::ExitReason;
///
/// let reason = ExitReason::Panicked("index out of bounds".into());
/// assert!(reason.is_abnormal() && reason.is_crash());
/// assert_eq!(reason.to_string(), "panicked: index out of bounds");
///
/// let reason = ExitReason::ShutdownWith("draining".into());
/// assert!(reason.is_clean());
/// assert_eq!(reason.to_string(), "shutdown: draining");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitReason {
    /// The actor was done and stopped by itself.
    Normal,
    /// The actor was asked to stop: by its supervisor, or by whoever called `stop`.
    Shutdown,
    /// As [`Shutdown`](Self::Shutdown), with a word on why.
    ShutdownWith(Arc<str>),
    /// The actor was killed: its future was dropped where it stood and no hook ran.
    Killed,
    /// A handler, the start of the actor or a task [linked](super::Cx::spawn_linked) to it returned
    /// an error; this is the error's text.
    Error(Arc<str>),
    /// A handler, the start of the actor or a task linked to it panicked; this is the panic's text.
    Panicked(Arc<str>),
    /// There was no such actor: what a watcher of a stale address hears.
    NoActor,
    /// A supervisor gave up, because its children needed more restarts than it may give them.
    RestartLimit,
    /// The actor refused to start, for this reason; see [`Cx::refuse`](super::Cx::refuse).
    Refused(Arc<str>),
    /// It never lived: the name that it was to bear from its start belongs to another actor.
    NameTaken {
        /// The name.
        name: Arc<str>,
        /// Who has it.
        owner: ActorId,
    },
    /// The start, or the handling of a message, took longer than the actor may take; this says
    /// which, and how long that is.
    TimedOut(Arc<str>),
}

impl ExitReason {
    /// Whether the actor ended in good order, so that a transient child is left alone.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::actor::ExitReason;
    ///
    /// assert!(ExitReason::Normal.is_clean());
    /// assert!(!ExitReason::Killed.is_clean());
    /// ```
    #[must_use]
    pub fn is_clean(&self) -> bool {
        match self {
            Self::Normal | Self::Shutdown | Self::ShutdownWith(_) => true,
            Self::Killed
            | Self::Error(_)
            | Self::Panicked(_)
            | Self::NoActor
            | Self::RestartLimit
            | Self::Refused(_)
            | Self::TimedOut(_)
            | Self::NameTaken { .. } => false,
        }
    }

    /// The opposite of [`is_clean`](Self::is_clean).
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::actor::ExitReason;
    ///
    /// assert!(ExitReason::RestartLimit.is_abnormal());
    /// ```
    #[must_use]
    pub fn is_abnormal(&self) -> bool {
        !self.is_clean()
    }

    /// Whether an actor that was alive came to a bad end.
    ///
    /// This is [`is_abnormal`](Self::is_abnormal) without [`NoActor`](Self::NoActor) and
    /// [`Refused`](Self::Refused) and [`NameTaken`](Self::NameTaken), which tell of an actor that
    /// never lived and so cannot have crashed.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::actor::ExitReason;
    ///
    /// assert!(ExitReason::Error("disk full".into()).is_crash());
    /// assert!(!ExitReason::NoActor.is_crash());
    /// ```
    #[must_use]
    pub fn is_crash(&self) -> bool {
        match self {
            Self::Killed
            | Self::Error(_)
            | Self::Panicked(_)
            | Self::RestartLimit
            | Self::TimedOut(_) => true,
            Self::Normal
            | Self::Shutdown
            | Self::ShutdownWith(_)
            | Self::NoActor
            | Self::Refused(_)
            | Self::NameTaken { .. } => false,
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::ShutdownWith(why) => write!(f, "shutdown: {why}"),
            Self::Killed => f.write_str("killed"),
            Self::Error(error) => write!(f, "error: {error}"),
            Self::Panicked(text) => write!(f, "panicked: {text}"),
            Self::NoActor => f.write_str("no such actor"),
            Self::RestartLimit => f.write_str("restart limit reached"),
            Self::NameTaken { name, owner } => {
                write!(f, "the name `{name}` belongs to actor {owner}")
            }
            Self::Refused(why) => write!(f, "refused to start: {why}"),
            Self::TimedOut(what) => write!(f, "timed out: {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ActorId, ExitReason};
    use crate::base::key::Key;

    #[test]
    fn every_reason_knows_whether_it_is_clean_or_a_crash_and_reads_well() {
        let taken = ExitReason::NameTaken { name: "db".into(), owner: ActorId(Key::from_bits(7)) };
        let table = [
            (ExitReason::Normal, true, false, "normal"),
            (ExitReason::Shutdown, true, false, "shutdown"),
            (ExitReason::ShutdownWith("draining".into()), true, false, "shutdown: draining"),
            (ExitReason::Killed, false, true, "killed"),
            (ExitReason::Error("disk full".into()), false, true, "error: disk full"),
            (ExitReason::Panicked("boom".into()), false, true, "panicked: boom"),
            (ExitReason::NoActor, false, false, "no such actor"),
            (ExitReason::RestartLimit, false, true, "restart limit reached"),
            (taken, false, false, "the name `db` belongs to actor #0.7.0"),
            (ExitReason::Refused("no key".into()), false, false, "refused to start: no key"),
            (ExitReason::TimedOut("the start".into()), false, true, "timed out: the start"),
        ];
        for (reason, clean, crash, text) in table {
            assert_eq!(reason.is_clean(), clean, "{reason:?}");
            assert_eq!(reason.is_abnormal(), !clean, "{reason:?}");
            assert_eq!(reason.is_crash(), crash, "{reason:?}");
            assert_eq!(reason.to_string(), text);
        }
    }

    #[test]
    fn a_reason_may_go_to_a_watcher_on_any_thread() {
        fn crosses_threads<T: Send + Sync + 'static>() {}
        crosses_threads::<ExitReason>();
    }
}
