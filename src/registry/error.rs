//! What names can come to; each error says what is certain.

use std::fmt;
use std::sync::Arc;

use crate::actor::{ActorId, AskError, Cause, TellError, dead_letter, name_of};

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
    Unresolved(Unresolved<M>),
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
        matches!(self, Self::Unresolved(_))
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
            Self::Unresolved(error) => error.into_message(),
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
            Self::Unresolved(error) => NamedError::Unresolved(error.without_message()),
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
            Self::Unresolved(error) => error.into_message(),
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
            Self::Unresolved(_) => true,
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
            Self::Unresolved(error) => NamedError::Unresolved(error.without_message()),
            Self::Sending(error) => NamedError::Sending(error.without_message()),
        }
    }
}

impl<M, E: fmt::Display> fmt::Display for NamedError<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved(error) => error.fmt(f),
            Self::Sending(error) => error.fmt(f),
        }
    }
}

impl<M, E: fmt::Display> fmt::Debug for NamedError<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved(error) => fmt::Debug::fmt(error, f),
            Self::Sending(error) => write!(f, "Sending({error})"),
        }
    }
}

impl<M, E: std::error::Error> std::error::Error for NamedError<M, E> {}

/// A message for a name that led to nobody.
///
/// It comes back by [`into_message`](Self::into_message). Dropped with this error instead, it is a
/// [dead letter](crate::actor::DeadLetter), as it is with [`TellError`].
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::registry::{LookupError, NamedError};
/// enum Msg { Hello }
/// impl Protocol for Msg {}
/// greenroom::run(async |system| {
///     let error = system.named::<Msg>("printer").tell(Msg::Hello).await.unwrap_err();
///     let NamedError::Unresolved(error) = error else { panic!("nobody has the name") };
///     assert_eq!(*error.why(), LookupError::NotFound { name: "printer".into() });
///     assert!(error.into_message().is_some());
///     // Nobody takes this one.
///     let _ = system.named::<Msg>("printer").try_tell(Msg::Hello);
///     assert_eq!(system.dead_letters(), 1);
/// });
/// ```
pub struct Unresolved<M> {
    why: LookupError,
    message: Option<M>,
}

impl<M> Unresolved<M> {
    pub(crate) const fn new(why: LookupError, message: M) -> Self {
        Self { why, message: Some(message) }
    }

    /// Why the name led to nobody.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::registry::{LookupError, NamedError};
    /// enum Msg { Hello }
    /// impl Protocol for Msg {}
    /// greenroom::run(async |system| {
    ///     match system.named::<Msg>("printer").try_tell(Msg::Hello) {
    ///         Err(NamedError::Unresolved(error)) => {
    ///             assert!(matches!(error.why(), LookupError::NotFound { .. }));
    ///         }
    ///         other => panic!("nobody has the name: {other:?}"),
    ///     }
    /// });
    /// ```
    #[must_use]
    pub const fn why(&self) -> &LookupError {
        &self.why
    }

    /// The message, unless it was taken out before.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::registry::NamedError;
    /// struct Text(String);
    /// impl Protocol for Text {}
    /// greenroom::run(async |system| {
    ///     let sent = system.named::<Text>("printer").try_tell(Text("hello".into()));
    ///     let Err(NamedError::Unresolved(error)) = sent else { panic!("nobody has the name") };
    ///     assert_eq!(error.into_message().unwrap().0, "hello");
    /// });
    /// ```
    #[must_use]
    pub fn into_message(mut self) -> Option<M> {
        self.message.take()
    }

    /// The message is dropped.
    fn without_message(self) -> Unresolved<()> {
        Unresolved { why: self.why.clone(), message: None }
    }
}

impl<M> Drop for Unresolved<M> {
    fn drop(&mut self) {
        if let Some(message) = self.message.take() {
            let (LookupError::NotFound { name } | LookupError::OtherProtocol { name, .. }) =
                &self.why;
            dead_letter::undelivered(name, None, message, Cause::Unresolved);
        }
    }
}

impl<M> fmt::Display for Unresolved<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was not sent: {}", name_of::<M>(), self.why)
    }
}

impl<M> fmt::Debug for Unresolved<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unresolved({self})")
    }
}

impl<M> std::error::Error for Unresolved<M> {}
