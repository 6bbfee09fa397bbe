//! Dead letters: messages that nobody will handle, counted and told of, never lost in silence.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::control::Control;
use super::exit::ExitReason;
use super::id::ActorId;
use super::orphan::Orphans;
use super::reply::Lost;
use crate::base::panics::{catch, drop_quietly};
use crate::event_loop::core::Core;
use crate::event_loop::current;

/// A message that nobody will handle.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg { Get(Reply<u32>) }
/// impl Protocol for Msg {}
/// async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
/// }
///
/// greenroom::run(async |system| {
///     system.on_dead_letter(|letter| eprintln!("{} for {:?}: {:?}", letter.message, letter.name, letter.cause));
///     let addr = greenroom::actor::spawn("seven", actor);
///     addr.stop();
///     assert!(addr.ask_with(Msg::Get).await.is_err());
///     assert_eq!(system.dead_letters(), 1);
/// });
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Whom it was for; `None` for a reply that came too late.
    pub recipient: Option<ActorId>,
    /// The recipient's name, when it is known.
    pub name: Option<Arc<str>>,
    /// The type of the message: of the protocol, or of a reply.
    pub message: &'static str,
    /// Why nobody will handle it.
    pub cause: Cause,
}

/// Why a message became a dead letter.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The actor had ended when the message came; only for messages that cannot be given back.
    Closed,
    /// The actor ended with the message in its mailbox.
    Ended(ExitReason),
    /// The incarnation that handled the message crashed.
    Crashed(ExitReason),
    /// The mailbox was full and its policy dropped the message.
    Overflow,
    /// A reply to somebody who no longer waited.
    LateReply,
    /// A [router](crate::router) had nobody to pass it on to.
    NoRoutee,
}

type Listener = Rc<RefCell<dyn FnMut(&DeadLetter)>>;

/// The dead letters of one loop: how many, and who wants to hear.
#[derive(Default)]
pub(crate) struct DeadLetters {
    count: Cell<u64>,
    listeners: RefCell<Vec<Listener>>,
    publishing: Cell<bool>,
    logged: Cell<(u64, u32)>,
}

/// How many dead letters are logged in a second; the rest is only counted.
const LOGGED_PER_SECOND: u32 = 10;
const SECOND: u64 = 1_000_000_000;

impl DeadLetters {
    pub(crate) const fn count(&self) -> u64 {
        self.count.get()
    }

    pub(crate) fn listen(&self, listener: impl FnMut(&DeadLetter) + 'static) {
        self.listeners.borrow_mut().push(Rc::new(RefCell::new(listener)));
    }

    fn publish(&self, core: &Core, letter: &DeadLetter) {
        self.count.set(self.count.get() + 1);
        let (second, logged) = self.logged.get();
        let now = core.now() / SECOND;
        let logged = if now == second { logged + 1 } else { 1 };
        self.logged.set((now, logged));
        if logged <= LOGGED_PER_SECOND {
            let name = letter.name.as_deref().unwrap_or("?");
            tracing::warn!(
                target: "greenroom::dead_letter", actor = name, recipient = ?letter.recipient,
                message = letter.message, cause = ?letter.cause, "a message will not be handled",
            );
        }
        // A listener that causes dead letters of its own is not told of them: no recursion.
        if self.publishing.replace(true) {
            return;
        }
        let listeners = self.listeners.borrow().clone();
        for listener in listeners {
            let told = catch(|| (listener.borrow_mut())(letter));
            if let Err(text) = told {
                tracing::error!(
                    target: "greenroom::dead_letter", panic = %text,
                    "a listener panicked and is removed",
                );
                self.listeners.borrow_mut().retain(|other| !Rc::ptr_eq(other, &listener));
            }
        }
        self.publishing.set(false);
    }
}

/// Drops a message for good and tells of it; an ask in it is told that it was never handled.
pub(crate) fn bury<P: 'static>(control: &Control, message: P, cause: &Cause) {
    let Some(core) = current::get() else { return drop_quietly(message) };
    let lost = match cause {
        Cause::Ended(reason) | Cause::Crashed(reason) => Lost::NeverHandled(reason.clone()),
        Cause::Overflow => Lost::Overflow,
        Cause::NoRoutee => Lost::NeverHandled(ExitReason::NoActor),
        Cause::Closed | Cause::LateReply => Lost::NotSent,
    };
    core.locals.get::<Orphans>().during(lost, || drop_quietly(message));
    announce::<P>(&core, control, cause.clone());
}

/// Tells of a message that is gone already: the one in whose handler an actor crashed.
pub(crate) fn announce<P>(core: &Core, control: &Control, cause: Cause) {
    let letter = DeadLetter {
        recipient: Some(control.id()),
        name: Some(Arc::clone(&control.name)),
        message: type_name::<P>(),
        cause,
    };
    core.locals.get::<DeadLetters>().publish(core, &letter);
}

/// The same by a message type's name.
pub(crate) fn announce_named(control: &Control, message: &'static str, cause: Cause) {
    if let Some(core) = current::get() {
        let (recipient, name) = (Some(control.id()), Some(Arc::clone(&control.name)));
        let letter = DeadLetter { recipient, name, message, cause };
        core.locals.get::<DeadLetters>().publish(&core, &letter);
    }
}

/// A message from another thread for an actor that had ended.
pub(crate) fn stray<P: 'static>(recipient: ActorId, message: P) {
    if let Some(core) = current::get() {
        core.locals.get::<Orphans>().during(Lost::NotSent, || drop_quietly(message));
        let letter = DeadLetter {
            recipient: Some(recipient),
            name: None,
            message: type_name::<P>(),
            cause: Cause::Closed,
        };
        core.locals.get::<DeadLetters>().publish(&core, &letter);
    }
}

/// A reply to somebody who no longer waits.
pub(crate) fn late_reply<R>(reply: R) {
    drop_quietly(reply);
    if let Some(core) = current::get() {
        let message = type_name::<R>();
        let letter = DeadLetter { recipient: None, name: None, message, cause: Cause::LateReply };
        core.locals.get::<DeadLetters>().publish(&core, &letter);
    }
}
