//! The edges of actors' lives as events, for tests and for whoever watches a whole system.
//!
//! Nothing is made or kept while nobody listens.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::control::Control;
use super::exit::ExitReason;
use super::id::ActorId;
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
///     system.on_lifecycle(move |event| sender.send(event.to_string()).unwrap());
///     let addr = greenroom::actor::spawn("idle", idle);
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
    /// The actor has ended for good; its name is free, and watchers are about to be told.
    Ended(ExitReason),
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("started"),
            Self::Declined => f.write_str("declined to start"),
            Self::StartFailed(reason) => write!(f, "did not start: {reason}"),
            Self::Finished(reason) => write!(f, "finished: {reason}"),
            Self::Crashed(reason) => write!(f, "crashed: {reason}"),
            Self::Ended(reason) => write!(f, "ended: {reason}"),
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

/// Tells whoever listens of an edge in an actor's life.
pub(crate) fn tell(control: &Control, edge: impl FnOnce() -> Lifecycle) {
    if current::with(|core| core.observed.get()) != Some(true) {
        return;
    }
    let Some(core) = current::get() else { return };
    core.locals.get::<Lifecycles>().tell(&LifecycleEvent {
        actor: control.id(),
        name: Arc::clone(&control.name),
        incarnation: control.incarnation(),
        edge: edge(),
    });
}
