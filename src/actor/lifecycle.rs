//! The edges of actors' lives as events, for tests and for whoever watches a whole system.
//!
//! Nothing is made or kept while nobody listens.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::control::Control;
use super::exit::ExitReason;
use super::id::ActorId;
#[cfg(doc)]
use super::recovery::Recovery;
use crate::base::panics::catch;
use crate::event_loop::current;

/// Something happened in the life of an actor.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg {}
/// impl Protocol for Msg {}
/// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
///
/// greenroom::run(async |system| {
///     let (sender, receiver) = std::sync::mpsc::channel();
///     let addr = greenroom::actor::spawn("idle", idle);
///     system.on_lifecycle(move |event| {
///         if event.actor == addr.id() { sender.send(event.to_string()).unwrap() }
///     });
///     greenroom::task::yield_now().await;
///     addr.stop();
///     addr.ended().await;
///     let events: Vec<String> = receiver.try_iter().collect();
///     assert_eq!(events, ["idle started", "idle finished: shutdown", "idle ended: shutdown"]);
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LifecycleEvent {
    /// Who it happened to.
    pub actor: ActorId,
    /// Its name, with those of the supervisors above it.
    pub name: Arc<str>,
    /// In which of its incarnations, counted from 0.
    pub incarnation: u32,
    /// What happened.
    pub edge: Lifecycle,
}

/// An edge in the life of an actor.
///
/// ```
/// use greenroom::actor::{ExitReason, Lifecycle};
/// let edge = Lifecycle::Crashed(ExitReason::Killed);
/// assert_eq!(edge.to_string(), "crashed: killed");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Lifecycle {
    /// An incarnation has started.
    Started,
    /// The actor declined to start.
    Declined,
    /// An incarnation did not start.
    StartFailed(ExitReason),
    /// An incarnation ended in good order.
    Finished(ExitReason),
    /// An incarnation crashed.
    Crashed(ExitReason),
    /// A handler returned this error, and the incarnation goes on: [`Recovery::Resume`].
    Resumed(ExitReason),
    /// The actor has ended for good; its name is free, and watchers are about to be told.
    Ended(ExitReason),
    /// This supervisor restarts a child, after a crash or after a start that failed.
    Restarting {
        /// Which of its children.
        child: Arc<str>,
        /// The how-manieth restart it is within the present period.
        restarts: u32,
        /// How many there may be within a period.
        limit: u32,
    },
    /// A child that this supervisor had asked to stop ended otherwise than asked.
    StoppedOddly {
        /// Which of its children.
        child: Arc<str>,
        /// How it ended.
        reason: ExitReason,
    },
    /// This supervisor gives up: with one more restart of this child there would be more than
    /// `limit` within `period`.
    IntensityReached {
        /// Which of its children failed.
        child: Arc<str>,
        /// How many restarts there may be within a period.
        limit: u32,
        /// How long a period is.
        period: Duration,
    },
    /// This supervisor gives up: the back-off of this child allows no more failures in a row.
    BackoffExhausted {
        /// Which of its children failed.
        child: Arc<str>,
        /// How many restarts failed in a row.
        failures: u32,
    },
    /// A restart of this child took so long that its failures alone can never be more than `limit`
    /// within `period`: this supervisor will never give up on it. Told once for each child.
    EndlessRestarts {
        /// Which of its children.
        child: Arc<str>,
        /// How long it was down.
        down: Duration,
        /// How many restarts there may be within a period.
        limit: u32,
        /// How long a period is.
        period: Duration,
    },
    /// The end of a significant child ends this supervisor.
    AutoShutdown {
        /// Which of its children ended.
        child: Arc<str>,
    },
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("started"),
            Self::Declined => f.write_str("declined to start"),
            Self::StartFailed(reason) => write!(f, "did not start: {reason}"),
            Self::Finished(reason) => write!(f, "finished: {reason}"),
            Self::Crashed(reason) => write!(f, "crashed: {reason}"),
            Self::Resumed(reason) => write!(f, "goes on: {reason}"),
            Self::Ended(reason) => write!(f, "ended: {reason}"),
            Self::Restarting { child, restarts, limit } => {
                write!(f, "restarts `{child}` ({restarts} of {limit})")
            }
            Self::StoppedOddly { child, reason } => {
                write!(f, "asked `{child}` to stop, which ended otherwise: {reason}")
            }
            Self::IntensityReached { child, limit, period } => {
                write!(f, "gives up: `{child}` needs more than {limit} restarts in {period:?}")
            }
            Self::BackoffExhausted { child, failures } => {
                write!(f, "gives up: `{child}` failed after {failures} restarts in a row")
            }
            Self::EndlessRestarts { child, down, limit, period } => write!(
                f,
                "will never give up on `{child}`, which was down for {down:?}: more than {limit} \
                 restarts do not fit into {period:?}"
            ),
            Self::AutoShutdown { child } => write!(f, "ends with its significant child `{child}`"),
        }
    }
}

impl fmt::Display for LifecycleEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.edge)
    }
}

type Listener = Rc<RefCell<dyn FnMut(&LifecycleEvent)>>;

/// Who listens on one loop.
#[derive(Default)]
pub(crate) struct Lifecycles {
    listeners: RefCell<Vec<Listener>>,
    telling: Cell<bool>,
}

impl Lifecycles {
    pub(crate) fn listen(&self, listener: impl FnMut(&LifecycleEvent) + 'static) {
        self.listeners.borrow_mut().push(Rc::new(RefCell::new(listener)));
        current::with(|core| core.observed.set(true));
    }

    fn tell(&self, event: &LifecycleEvent) {
        // A listener that causes events of its own is not told of them: no recursion.
        if self.telling.replace(true) {
            return;
        }
        let listeners = self.listeners.borrow().clone();
        for listener in listeners {
            if let Err(text) = catch(|| (listener.borrow_mut())(event)) {
                tracing::error!(
                    target: "greenroom::actor", panic = %text,
                    "a lifecycle listener panicked and is removed",
                );
                self.listeners.borrow_mut().retain(|other| !Rc::ptr_eq(other, &listener));
            }
        }
        self.telling.set(false);
    }
}

/// Tells whoever listens of an edge in an actor's life; the edge is made only when somebody does,
/// and there may be none.
pub(crate) fn tell<E: Into<Option<Lifecycle>>>(control: &Control, edge: impl FnOnce() -> E) {
    if current::with(|core| core.observed.get()) != Some(true) {
        return;
    }
    let Some(core) = current::get() else { return };
    let Some(edge) = edge().into() else { return };
    core.locals.get::<Lifecycles>().tell(&LifecycleEvent {
        actor: control.id(),
        name: Arc::clone(&control.name),
        incarnation: control.incarnation(),
        edge,
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ExitReason, Lifecycle};

    #[test]
    fn every_edge_reads_well() {
        let (child, limit, period) = (|| "w".into(), 3, Duration::from_secs(5));
        let down = Duration::from_secs(2);
        let killed = ExitReason::Killed;
        let table = [
            (Lifecycle::Started, "started"),
            (Lifecycle::Declined, "declined to start"),
            (Lifecycle::StartFailed(killed.clone()), "did not start: killed"),
            (Lifecycle::Finished(ExitReason::Normal), "finished: normal"),
            (Lifecycle::Crashed(killed.clone()), "crashed: killed"),
            (Lifecycle::Resumed(ExitReason::Error("no".into())), "goes on: error: no"),
            (Lifecycle::Ended(killed.clone()), "ended: killed"),
            (Lifecycle::Restarting { child: child(), restarts: 2, limit }, "restarts `w` (2 of 3)"),
            (
                Lifecycle::StoppedOddly { child: child(), reason: killed },
                "asked `w` to stop, which ended otherwise: killed",
            ),
            (
                Lifecycle::IntensityReached { child: child(), limit, period },
                "gives up: `w` needs more than 3 restarts in 5s",
            ),
            (
                Lifecycle::BackoffExhausted { child: child(), failures: 4 },
                "gives up: `w` failed after 4 restarts in a row",
            ),
            (
                Lifecycle::EndlessRestarts { child: child(), down, limit, period },
                "will never give up on `w`, which was down for 2s: more than 3 restarts do not fit \
                 into 5s",
            ),
            (Lifecycle::AutoShutdown { child: child() }, "ends with its significant child `w`"),
        ];
        for (edge, text) in table {
            assert_eq!(edge.to_string(), text);
        }
    }
}
