//! Dead letters: messages that nobody will handle, counted and told of, never lost in silence.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::control::Control;
use super::error::{ActorLabel, TellErrorKind};
use super::exit::ExitReason;
use super::id::ActorId;
use super::orphan::Orphans;
use super::reply::{Loss, Lost};
use crate::base::panics::{catch, drop_quietly, drop_reporting};
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
    /// Whom it was for; `None` for a reply that came too late, and on a topic without subscribers.
    pub recipient: Option<ActorId>,
    /// The recipient's name, when it is known; that of the topic for
    /// [`Cause::NoSubscriber`], and the one it was sent to for [`Cause::Unresolved`].
    pub name: Option<Arc<str>>,
    /// The type of the message: of the protocol, of a reply, or of what was published.
    pub message: &'static str,
    /// Why nobody will handle it.
    pub cause: Cause,
}

/// Why a message became a dead letter.
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use greenroom::actor::Cause;
/// use greenroom::prelude::*;
/// # enum Msg { Job } impl Protocol for Msg {}
/// greenroom::run(async |system| {
///     let causes = Rc::new(RefCell::new(Vec::new()));
///     let heard = Rc::clone(&causes);
///     system.on_dead_letter(move |letter| heard.borrow_mut().push(letter.cause.clone()));
///     let mailbox = MailboxOptions::bounded(1).overflow(Overflow::DropNewest);
///     let addr = greenroom::actor::spawn_with("idle", mailbox, async |_: &mut Cx<Msg>| {
///         std::future::pending::<Result<(), Fault>>().await
///     });
///     for _ in 0..2 { addr.try_tell(Msg::Job).unwrap(); }
///     addr.kill();
///     addr.ended().await;
///     assert_eq!(*causes.borrow(), [Cause::Overflow, Cause::Ended(ExitReason::Killed)]);
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The actor had ended when the message came, and the message could not be given back or was
    /// dropped by the sender who had got it back.
    Closed,
    /// The actor ended with the message in its mailbox; or the incarnation did that had asked for
    /// it by [`Cx::continue_with`](super::Cx::continue_with).
    Ended(ExitReason),
    /// The incarnation that handled the message crashed.
    Crashed(ExitReason),
    /// The mailbox was full, and its policy dropped the message, or the sender who had got it back.
    Overflow,
    /// An actor asked itself, and dropped the message when it came back.
    SelfAsk,
    /// A reply to somebody who no longer waited.
    LateReply,
    /// It was sent to a name that led to nobody, and dropped when it came back.
    Unresolved,
    /// It was published on a topic that nobody subscribed to, or whose subscriber left before there
    /// was room for it.
    NoSubscriber,
    /// A [router](crate::router) had nobody to pass it on to.
    NoRoutee,
    /// The actor said that it has no use for it; see [`Cx::unhandled`](super::Cx::unhandled).
    Unhandled,
    /// It was put aside, and given up; see [`Cx::clear_stash`](super::Cx::clear_stash).
    Cleared,
    /// It was held under [lease](super::Cx::lease), and one incarnation too many crashed with it.
    Poison {
        /// How many incarnations crashed with it.
        attempts: u32,
        /// How the last one ended.
        reason: ExitReason,
    },
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

/// Drops a message for good and tells of it; an ask in it is told that it was never handled. Gives
/// the text of a panic in the message's own `Drop`, which goes no further.
pub(crate) fn bury<P: 'static>(control: &Control, message: P, cause: &Cause) -> Option<Arc<str>> {
    let Some(core) = current::get() else { return drop_reporting(message) };
    let why = match cause {
        Cause::Ended(reason) => Lost::NeverHandled(reason.clone()),
        // An incarnation has had it in its hand.
        Cause::Crashed(reason) | Cause::Poison { reason, .. } => Lost::Ended(reason.clone()),
        Cause::Overflow => Lost::Overflow,
        Cause::NoRoutee => Lost::NeverHandled(ExitReason::NoActor),
        Cause::Unhandled | Cause::Cleared => Lost::Dropped,
        Cause::Closed
        | Cause::SelfAsk
        | Cause::LateReply
        | Cause::NoSubscriber
        | Cause::Unresolved => Lost::NotSent,
    };
    let loss = Loss { by: Some(control.label()), why };
    let dropped = core.locals.get::<Orphans>().during(loss, || drop_reporting(message));
    announce(control, type_name::<P>(), cause.clone());
    dropped
}

/// Tells of a message that is gone already: the one in whose handler an actor crashed.
pub(crate) fn announce(control: &Control, message: &'static str, cause: Cause) {
    publish(Some(&control.label()), message, cause);
}

/// A message that came back to its sender, who dropped it.
#[cold]
pub(crate) fn unsent<M>(message: M, recipient: &ActorLabel, kind: TellErrorKind) {
    drop_quietly(message);
    let cause = match kind {
        TellErrorKind::Closed => Cause::Closed,
        TellErrorKind::Full { .. } | TellErrorKind::LoopFull => Cause::Overflow,
        TellErrorKind::SelfAsk => Cause::SelfAsk,
    };
    publish(Some(recipient), type_name::<M>(), cause);
}

/// A message from another thread for an actor that had ended.
pub(crate) fn stray<P: 'static>(recipient: ActorId, message: P) {
    let by = ActorLabel { id: recipient, name: None };
    match current::get() {
        Some(core) => {
            let loss = Loss { by: Some(by.clone()), why: Lost::NotSent };
            core.locals.get::<Orphans>().during(loss, || drop_quietly(message));
        }
        None => drop_quietly(message),
    }
    publish(Some(&by), type_name::<P>(), Cause::Closed);
}

/// A message for a name or a topic, which had nobody for it.
pub(crate) fn undelivered<M>(
    name: &Arc<str>,
    recipient: Option<ActorId>,
    message: M,
    cause: Cause,
) {
    drop_quietly(message);
    if let Some(core) = current::get() {
        let name = Some(Arc::clone(name));
        let letter = DeadLetter { recipient, name, message: type_name::<M>(), cause };
        core.locals.get::<DeadLetters>().publish(&core, &letter);
    }
}

/// A reply to somebody who no longer waits.
pub(crate) fn late_reply<R>(reply: R) {
    drop_quietly(reply);
    publish(None, type_name::<R>(), Cause::LateReply);
}

/// Without a loop on this thread nobody listens and nobody counts, but the log tells.
fn publish(recipient: Option<&ActorLabel>, message: &'static str, cause: Cause) {
    let Some(core) = current::get() else {
        tracing::warn!(
            target: "greenroom::dead_letter", recipient = ?recipient.map(|actor| actor.id),
            message, ?cause, "a message will not be handled",
        );
        return;
    };
    let letter = DeadLetter {
        recipient: recipient.map(|actor| actor.id),
        name: recipient.and_then(|actor| actor.name.clone()),
        message,
        cause,
    };
    core.locals.get::<DeadLetters>().publish(&core, &letter);
}
