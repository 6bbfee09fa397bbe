//! What names can come to; each error says what is certain.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use crate::actor::{ActorId, AskError, TellError};

/// A name was not given; nothing changed.
///
/// ```
/// use greenroom::registry::RegisterError;
/// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
/// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// greenroom::run(async |system| {
///     let (a, b) = (system.spawn(child("a", idle)).await?, system.spawn(child("b", idle)).await?);
///     system.register("printer", a)?;
///     match system.register("printer", b) {
///         Err(RegisterError::Taken { owner, .. }) => assert_eq!(owner, a.id()),
///         other => panic!("the name is taken: {other:?}"),
///     }
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Another actor has the name, or this one already.
    #[error("the name `{name}` belongs to actor {owner}")]
    Taken {
        /// The name.
        name: Arc<str>,
        /// Who has it.
        owner: ActorId,
    },
    /// The actor has ended, or lives on another loop.
    #[error("the name `{name}` was not given to actor {actor}, which has ended")]
    Ended {
        /// The name.
        name: Arc<str>,
        /// For whom it was.
        actor: ActorId,
    },
}

/// A name led to no address.
///
/// ```
/// use greenroom::registry::LookupError;
/// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {} enum Other {} impl Protocol for Other {}
/// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// greenroom::run(async |system| {
///     let nobody = system.lookup::<Msg>("printer");
///     assert!(matches!(nobody, Err(LookupError::NotFound { .. })));
///     system.register("printer", system.spawn(child("idle", idle)).await?)?;
///     let other = system.lookup::<Other>("printer");
///     assert!(matches!(other, Err(LookupError::OtherProtocol { .. })));
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// Nobody on this loop has the name.
    #[error("no actor has the name `{name}`")]
    NotFound {
        /// The name.
        name: Arc<str>,
    },
    /// Whoever has the name understands another protocol.
    #[error("the actor `{name}` understands `{found}`, not `{wanted}`")]
    OtherProtocol {
        /// The name.
        name: Arc<str>,
        /// The protocol that was asked for.
        wanted: &'static str,
        /// The protocol that it understands.
        found: &'static str,
        /// Who has it.
        owner: ActorId,
    },
}

/// A send by name came to nothing: because of the name, or as with any address.
///
/// `E` is [`TellError`] or [`AskError`].
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::registry::NamedError;
/// enum Msg { Hello }
/// impl Protocol for Msg {}
/// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
/// greenroom::run(async |system| {
///     let printer = system.named::<Msg>("printer");
///     let error = printer.tell(Msg::Hello).await.unwrap_err();
///     assert!(error.to_string().ends_with("was not sent: no actor has the name `printer`"));
///
///     let small = MailboxOptions::bounded(1).overflow(Overflow::Fail);
///     let child = child("printer", idle).registered("printer").mailbox(small);
///     system.spawn(child).await.unwrap();
///     printer.try_tell(Msg::Hello).unwrap();
///     match printer.try_tell(Msg::Hello) {
///         Err(NamedError::Sending(error)) => assert!(error.is_full()),
///         other => panic!("there was no room: {other:?}"),
///     }
/// });
/// ```
#[non_exhaustive]
pub enum NamedError<M, E> {
    /// The name led to nobody. The message was not sent and certainly never handled.
    Unresolved {
        /// Why the name led to nobody.
        error: LookupError,
        /// The message.
        message: M,
    },
    /// The name led to an actor, and this came of sending to it.
    Sending(E),
}

impl<M, E> NamedError<M, E> {
    /// Whether the name led to nobody.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Hello }
    /// impl Protocol for Msg {}
    /// greenroom::run(async |system| {
    ///     assert!(system.named::<Msg>("nobody").tell(Msg::Hello).await.unwrap_err().is_unresolved());
    /// });
    /// ```
    #[must_use]
    pub const fn is_unresolved(&self) -> bool {
        matches!(self, Self::Unresolved { .. })
    }
}

impl<M> NamedError<M, TellError<M>> {
    /// The message, which was not sent.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// #[derive(Debug, PartialEq)]
    /// struct Ping;
    /// protocol! { enum Pong { Ping(Ping) -> () } }
    /// greenroom::run(async |system| {
    ///     let error = system.named::<Pong>("nobody").tell(Ping).await.unwrap_err();
    ///     assert_eq!(error.into_message(), Some(Ping));
    /// });
    /// ```
    #[must_use]
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::Unresolved { message, .. } => Some(message),
            Self::Sending(error) => error.into_message(),
        }
    }

    /// The same error without the message, for messages that are not `Send`.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// #[derive(Debug, PartialEq)]
    /// struct Ping;
    /// protocol! { enum Pong { Ping(Ping) -> () } }
    /// greenroom::run(async |system| {
    ///     let error = system.named::<Pong>("nobody").tell(Ping).await.unwrap_err().without_message();
    ///     assert!(error.is_unresolved());
    /// });
    /// ```
    #[must_use]
    pub fn without_message(self) -> NamedError<(), TellError<()>> {
        match self {
            Self::Unresolved { error, .. } => NamedError::Unresolved { error, message: () },
            Self::Sending(error) => NamedError::Sending(error.without_message()),
        }
    }
}

impl<M> NamedError<M, AskError<M>> {
    /// The message, when it was not sent.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// #[derive(Debug, PartialEq)]
    /// struct Ping;
    /// protocol! { enum Pong { Ping(Ping) -> () } }
    /// greenroom::run(async |system| {
    ///     let error = system.named::<Pong>("nobody").ask(Ping).await.unwrap_err();
    ///     assert_eq!(error.into_message(), Some(Ping));
    /// });
    /// ```
    #[must_use]
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::Unresolved { message, .. } => Some(message),
            Self::Sending(error) => error.into_message(),
        }
    }

    /// Whether it is certain that no handler saw the message, so that asking again is safe.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// #[derive(Debug, PartialEq)]
    /// struct Ping;
    /// protocol! { enum Pong { Ping(Ping) -> () } }
    /// greenroom::run(async |system| {
    ///     assert!(system.named::<Pong>("nobody").ask(Ping).await.unwrap_err().is_unhandled());
    /// });
    /// ```
    #[must_use]
    pub const fn is_unhandled(&self) -> bool {
        match self {
            Self::Unresolved { .. } => true,
            Self::Sending(error) => error.is_unhandled(),
        }
    }

    /// The same error without the message, for messages that are not `Send`.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// #[derive(Debug, PartialEq)]
    /// struct Ping;
    /// protocol! { enum Pong { Ping(Ping) -> () } }
    /// greenroom::run(async |system| {
    ///     let error = system.named::<Pong>("nobody").ask(Ping).await.unwrap_err().without_message();
    ///     assert!(error.is_unresolved());
    /// });
    /// ```
    #[must_use]
    pub fn without_message(self) -> NamedError<(), AskError<()>> {
        match self {
            Self::Unresolved { error, .. } => NamedError::Unresolved { error, message: () },
            Self::Sending(error) => NamedError::Sending(error.without_message()),
        }
    }
}

impl<M, E: fmt::Display> fmt::Display for NamedError<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved { error, .. } => {
                write!(f, "`{}` was not sent: {error}", type_name::<M>())
            }
            Self::Sending(error) => error.fmt(f),
        }
    }
}

impl<M, E: fmt::Display> fmt::Debug for NamedError<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variant = if self.is_unresolved() { "Unresolved" } else { "Sending" };
        write!(f, "{variant}({self})")
    }
}

impl<M, E: std::error::Error> std::error::Error for NamedError<M, E> {}
