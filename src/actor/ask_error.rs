//! `AskError`: how an ask ends without a reply, and what is certain about the message then.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::{ActorLabel, TellError, name_of};
use super::exit::ExitReason;

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
    /// It was not sent; nobody will handle it. The actor had ended, or its mailbox had no room, be
    /// it at once or up to the limit, or the inbox of its loop was full.
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
        /// Who stopped: who was asked, or whoever the request was [passed on](super::Request) to.
        actor: ActorLabel,
        /// Why it stopped.
        reason: ExitReason,
    },
    /// The actor crashed before it replied: handled, perhaps in part.
    Crashed {
        /// Who crashed: who was asked, or whoever the request was passed on to.
        actor: ActorLabel,
        /// How it crashed.
        reason: ExitReason,
    },
    /// The message was handled, and its reply port dropped, by an actor that lives on.
    NoReply {
        /// Who did not reply: who was asked, or whoever the request was passed on to.
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
    /// The actor that was asked waits, as far as the loop can see, over other asks for the asker
    /// itself, so that none of them can go on. The message was sent; whether it will be handled,
    /// once one of the others has given up, is unknown.
    ///
    /// The loop does not see that a handler has sent a reply port on inside a message or a channel
    /// of its own, nor that an ask which was begun is not awaited any more: a handler that asks
    /// back after either may be told of a circle where there is none.
    /// [`Request::forward`](super::Request::forward) is seen, and so is a task that it starts.
    Cycle {
        /// Everybody on the cycle: the asker, whom it asked, whom that one waits for, and so on.
        cycle: Arc<[ActorLabel]>,
    },
    /// The ask was sent on one loop and then polled on another, where its reply cannot be had.
    /// Whether it was or will be handled is unknown.
    WrongLoop {
        /// Who was asked.
        actor: ActorLabel,
    },
}

impl<M> AskError<M> {
    /// The message, when it was not sent and came back.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// #[derive(PartialEq, Debug)]
    /// struct Sum(u8, u8);
    /// protocol! { enum Msg { Sum(Sum) -> u8 } }
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("brief", async |_: &mut Cx<Msg>| Ok::<(), Fault>(()));
    ///     addr.ended().await;
    ///     assert_eq!(addr.ask(Sum(2, 3)).await.unwrap_err().into_message(), Some(Sum(2, 3)));
    /// });
    /// ```
    #[must_use]
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::NotSent(error) | Self::SelfAsk(error) => error.into_message(),
            _ => None,
        }
    }

    /// Whether it is certain that no handler saw the message, so that asking again is safe.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Get(Reply<u8>) } impl Protocol for Msg {}
    /// greenroom::run(async |_system| {
    ///     let crashes = async |cx: &mut Cx<Msg>| { let Msg::Get(_reply) = cx.recv().await; Err::<(), _>("no paper") };
    ///     let addr = greenroom::actor::spawn("crashes", crashes);
    ///     // It may have been handled in part; the second was not sent at all.
    ///     assert!(!addr.ask_with(Msg::Get).await.unwrap_err().is_unhandled());
    ///     assert!(addr.ask_with(Msg::Get).await.unwrap_err().is_unhandled());
    /// });
    /// ```
    #[must_use]
    pub const fn is_unhandled(&self) -> bool {
        matches!(
            self,
            Self::NotSent(_) | Self::SelfAsk(_) | Self::NeverHandled { .. } | Self::Dropped { .. }
        )
    }

    /// Whether the limit was reached.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Get(Reply<u8>) } impl Protocol for Msg {}
    /// use std::time::Duration;
    /// greenroom::run(async |_system| {
    ///     let silent = async |_: &mut Cx<Msg>| std::future::pending::<Result<(), Fault>>().await;
    ///     let addr = greenroom::actor::spawn("silent", silent);
    ///     let error = addr.ask_with(Msg::Get).timeout(Duration::from_millis(1)).await.unwrap_err();
    ///     assert!(error.is_timeout() && !error.is_unhandled());
    /// });
    /// ```
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }

    /// Why the actor ended, when that is why there is no reply.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Get(Reply<u8>) } impl Protocol for Msg {}
    /// greenroom::run(async |_system| {
    ///     let crashes = async |cx: &mut Cx<Msg>| { let Msg::Get(_reply) = cx.recv().await; Err::<(), _>("no paper") };
    ///     let error = greenroom::actor::spawn("crashes", crashes).ask_with(Msg::Get).await.unwrap_err();
    ///     assert_eq!(error.exit_reason(), Some(&ExitReason::Error("no paper".into())));
    /// });
    /// ```
    #[must_use]
    pub const fn exit_reason(&self) -> Option<&ExitReason> {
        match self {
            Self::NeverHandled { reason, .. }
            | Self::Stopped { reason, .. }
            | Self::Crashed { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// The same error without the message, for messages that are not `Send`; the message is
    /// dropped.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// struct Shared(std::rc::Rc<str>);
    /// protocol! { enum Msg { Shared(Shared) -> u8 } }
    /// async fn ask(whom: Addr<Msg>) -> Result<u8, Fault> {
    ///     // A `Fault` must be `Send`, and this message is not.
    ///     Ok(whom.ask(Shared("you".into())).await.map_err(|error| error.without_message())?)
    /// }
    /// # greenroom::run(async |_system| {
    /// let addr = greenroom::actor::spawn("brief", async |_: &mut Cx<Msg>| Ok::<(), Fault>(()));
    /// addr.ended().await;
    /// assert!(ask(addr).await.is_err());
    /// # });
    /// ```
    #[must_use]
    pub fn without_message(self) -> AskError<()> {
        match self {
            Self::NotSent(error) => AskError::NotSent(error.without_message()),
            Self::SelfAsk(error) => AskError::SelfAsk(error.without_message()),
            other => other.map(|_| ()),
        }
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
            Self::Cycle { cycle } => AskError::Cycle { cycle },
            Self::WrongLoop { actor } => AskError::WrongLoop { actor },
        }
    }
}

impl<M> fmt::Display for AskError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = name_of::<M>();
        match self {
            Self::NotSent(error) => error.fmt(f),
            Self::NeverHandled { actor, reason: ExitReason::NoActor } => {
                write!(f, "{message} was never handled: {actor} had nobody to pass it on to")
            }
            Self::NeverHandled { actor, reason } => {
                write!(
                    f,
                    "{message} was never handled: {actor} ended before it came to it ({reason})"
                )
            }
            Self::Dropped { actor } => {
                write!(f, "{message} was never handled: the mailbox of {actor} overflowed")
            }
            Self::Stopped { actor, reason } => {
                write!(f, "{actor} stopped without replying to {message} ({reason})")
            }
            Self::Crashed { actor, reason } => {
                write!(f, "{actor} crashed before it replied to {message} ({reason})")
            }
            Self::NoReply { actor } => write!(f, "{actor} did not reply to {message}"),
            Self::TimedOut { actor, after } => write!(
                f,
                "{actor} did not reply to {message} within {after:?}; whether it was or will be \
                 handled is unknown"
            ),
            Self::SelfAsk(error) => write!(
                f,
                "{} asked itself {message}, which it cannot answer while it waits; tell it, or \
                 call a function",
                error.actor
            ),
            Self::Cycle { cycle } => {
                write!(f, "{message} can have no reply, because these wait for each other: ")?;
                for actor in cycle.iter() {
                    write!(f, "{actor} -> ")?;
                }
                match cycle.first() {
                    Some(first) => write!(f, "{first}; let one of them tell instead of ask"),
                    None => Ok(()),
                }
            }
            Self::WrongLoop { actor } => {
                write!(f, "the reply of {actor} to {message} arrives on another event loop")
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
            Self::Cycle { .. } => "Cycle",
            Self::WrongLoop { .. } => "WrongLoop",
        };
        write!(f, "{variant}({self})")
    }
}

impl<M> std::error::Error for AskError<M> {}
