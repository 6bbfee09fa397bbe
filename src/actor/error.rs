//! What sending can come to; each error says what is certain about the message.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::exit::ExitReason;
use super::id::ActorId;

/// Who an error is about: the actor's id and, if it still lived, its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActorLabel {
    /// Which actor.
    pub id: ActorId,
    /// Its name, when it was known at the time of the error.
    pub name: Option<Arc<str>>,
}

impl fmt::Display for ActorLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "actor `{name}` ({})", self.id),
            None => write!(f, "actor {}", self.id),
        }
    }
}

/// The message was not sent; nobody will handle it.
///
/// It comes back by [`into_message`](Self::into_message). Only when the sender is on another thread
/// than the actor may the refusal be learned after the message has left; it is a dead letter then.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg { Hello(String) }
/// impl Protocol for Msg {}
/// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Hello(_) = cx.recv().await; } }
///
/// greenroom::run(async |_system| {
///     let addr = greenroom::actor::spawn("idle", idle);
///     addr.stop();
///     addr.ended().await;
///     let error = addr.try_tell(Msg::Hello("you".into())).unwrap_err();
///     assert!(error.is_closed());
///     assert!(matches!(error.into_message(), Some(Msg::Hello(text)) if text == "you"));
/// });
/// ```
pub struct TellError<M> {
    pub(crate) message: Option<M>,
    pub(crate) actor: ActorLabel,
    pub(crate) kind: TellErrorKind,
}

/// Why a message was not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TellErrorKind {
    /// The actor has ended.
    Closed,
    /// The mailbox holds as many messages as it may.
    Full {
        /// How many that is.
        capacity: usize,
    },
    /// The loop of the actor, on another thread, holds as many posts as it may.
    LoopFull,
}

impl<M> TellError<M> {
    /// The message, unless it had left for another thread already.
    #[must_use]
    pub fn into_message(self) -> Option<M> {
        self.message
    }

    /// Why it was not sent.
    #[must_use]
    pub const fn kind(&self) -> TellErrorKind {
        self.kind
    }

    /// Whom it was for.
    #[must_use]
    pub const fn actor(&self) -> &ActorLabel {
        &self.actor
    }

    /// Whether the actor has ended, so that trying again is of no use.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.kind, TellErrorKind::Closed)
    }

    /// Whether there was no room, so that trying later may be of use.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        !self.is_closed()
    }

    /// The same error without the message, for messages that are not `Send`.
    #[must_use]
    pub fn without_message(self) -> TellError<()> {
        TellError { message: None, actor: self.actor, kind: self.kind }
    }

    pub(crate) fn map<N>(self, f: impl FnOnce(M) -> N) -> TellError<N> {
        TellError { message: self.message.map(f), actor: self.actor, kind: self.kind }
    }
}

impl<M> fmt::Display for TellError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` was not sent to {}: ", type_name::<M>(), self.actor)?;
        match self.kind {
            TellErrorKind::Closed => f.write_str("it has ended"),
            TellErrorKind::Full { capacity } => write!(
                f,
                "its mailbox is full with {capacity} messages; wait with `tell`, send less, or \
                 give it a larger mailbox"
            ),
            TellErrorKind::LoopFull => {
                f.write_str("the inbox of its loop is full; send less at once")
            }
        }
    }
}

impl<M> fmt::Debug for TellError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TellError")
            .field("message", &type_name::<M>())
            .field("actor", &self.actor)
            .field("kind", &self.kind)
            .finish()
    }
}

impl<M> std::error::Error for TellError<M> {}

/// An ask came to no reply. The variant says what is certain about the message.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg { Get(Reply<u32>) }
/// impl Protocol for Msg {}
/// async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
/// }
///
/// greenroom::run(async |_system| {
///     let addr = greenroom::actor::spawn("seven", actor);
///     addr.stop();
///     match addr.ask_with(Msg::Get).await {
///         Err(AskError::NeverHandled { reason, .. }) => assert_eq!(reason, ExitReason::Shutdown),
///         other => panic!("it was stopped before it could answer: {other:?}"),
///     }
///     // It is certain that no handler saw it, so asking somebody else is safe.
///     assert!(addr.ask_with(Msg::Get).await.unwrap_err().is_unhandled());
/// });
/// ```
#[non_exhaustive]
pub enum AskError<M> {
    /// It was not sent; nobody will handle it.
    NotSent(TellError<M>),
    /// It was sent, and the actor ended before it came to it, or, as a router, had nobody to pass
    /// it on to: certainly not handled.
    NeverHandled {
        /// Who ended.
        actor: ActorLabel,
        /// Why it ended; [`ExitReason::NoActor`] for a router that had nobody.
        reason: ExitReason,
    },
    /// It was sent, and the mailbox's overflow policy dropped it: certainly not handled.
    Dropped {
        /// Whose mailbox overflowed.
        actor: ActorLabel,
    },
    /// The actor stopped in good order without replying: handled, perhaps in part.
    Stopped {
        /// Who stopped.
        actor: ActorLabel,
        /// Why it stopped.
        reason: ExitReason,
    },
    /// The actor crashed before it replied: handled, perhaps in part.
    Crashed {
        /// Who crashed.
        actor: ActorLabel,
        /// How it crashed.
        reason: ExitReason,
    },
    /// The message was handled, and its reply port dropped, by an actor that lives on.
    NoReply {
        /// Who did not reply.
        actor: ActorLabel,
    },
    /// The limit was reached. The outcome is unknown: it may be handled now, later, or never.
    TimedOut {
        /// Who was asked.
        actor: ActorLabel,
        /// The limit.
        after: Duration,
    },
    /// An actor asked itself, which could only have ended at the limit. It was not sent.
    SelfAsk(TellError<M>),
    /// The ask was begun on one loop and polled on another, where its reply cannot be had.
    WrongLoop {
        /// Who was asked.
        actor: ActorLabel,
    },
}

impl<M> AskError<M> {
    /// The message, when it was not sent and came back.
    #[must_use]
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::NotSent(error) | Self::SelfAsk(error) => error.into_message(),
            _ => None,
        }
    }

    /// Whether it is certain that no handler saw the message, so that asking again is safe.
    #[must_use]
    pub const fn is_unhandled(&self) -> bool {
        matches!(
            self,
            Self::NotSent(_) | Self::SelfAsk(_) | Self::NeverHandled { .. } | Self::Dropped { .. }
        )
    }

    /// Whether the limit was reached.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }

    /// Why the actor ended, when that is why there is no reply.
    #[must_use]
    pub const fn exit_reason(&self) -> Option<&ExitReason> {
        match self {
            Self::NeverHandled { reason, .. }
            | Self::Stopped { reason, .. }
            | Self::Crashed { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// The same error without the message, for messages that are not `Send`.
    #[must_use]
    pub fn without_message(self) -> AskError<()> {
        self.map(|_| ())
    }

    pub(crate) fn map<N>(self, f: impl FnOnce(M) -> N) -> AskError<N> {
        match self {
            Self::NotSent(error) => AskError::NotSent(error.map(f)),
            Self::SelfAsk(error) => AskError::SelfAsk(error.map(f)),
            Self::NeverHandled { actor, reason } => AskError::NeverHandled { actor, reason },
            Self::Dropped { actor } => AskError::Dropped { actor },
            Self::Stopped { actor, reason } => AskError::Stopped { actor, reason },
            Self::Crashed { actor, reason } => AskError::Crashed { actor, reason },
            Self::NoReply { actor } => AskError::NoReply { actor },
            Self::TimedOut { actor, after } => AskError::TimedOut { actor, after },
            Self::WrongLoop { actor } => AskError::WrongLoop { actor },
        }
    }
}

impl<M> fmt::Display for AskError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = type_name::<M>();
        match self {
            Self::NotSent(error) => error.fmt(f),
            Self::NeverHandled { actor, reason: ExitReason::NoActor } => {
                write!(f, "`{message}` was never handled: {actor} had nobody to pass it on to")
            }
            Self::NeverHandled { actor, reason } => {
                write!(
                    f,
                    "`{message}` was never handled: {actor} ended before it came to it ({reason})"
                )
            }
            Self::Dropped { actor } => {
                write!(f, "`{message}` was never handled: the mailbox of {actor} overflowed")
            }
            Self::Stopped { actor, reason } => {
                write!(f, "{actor} stopped without replying to `{message}` ({reason})")
            }
            Self::Crashed { actor, reason } => {
                write!(f, "{actor} crashed before it replied to `{message}` ({reason})")
            }
            Self::NoReply { actor } => write!(f, "{actor} did not reply to `{message}`"),
            Self::TimedOut { actor, after } => write!(
                f,
                "{actor} did not reply to `{message}` within {after:?}; whether it was or will be \
                 handled is unknown"
            ),
            Self::SelfAsk(error) => write!(
                f,
                "{} asked itself `{message}`, which it cannot answer while it waits; tell it, or \
                 call a function",
                error.actor
            ),
            Self::WrongLoop { actor } => {
                write!(f, "the reply of {actor} to `{message}` arrives on another event loop")
            }
        }
    }
}

impl<M> fmt::Debug for AskError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variant = match self {
            Self::NotSent(_) => "NotSent",
            Self::NeverHandled { .. } => "NeverHandled",
            Self::Dropped { .. } => "Dropped",
            Self::Stopped { .. } => "Stopped",
            Self::Crashed { .. } => "Crashed",
            Self::NoReply { .. } => "NoReply",
            Self::TimedOut { .. } => "TimedOut",
            Self::SelfAsk(_) => "SelfAsk",
            Self::WrongLoop { .. } => "WrongLoop",
        };
        write!(f, "{variant}({self})")
    }
}

impl<M> std::error::Error for AskError<M> {}
