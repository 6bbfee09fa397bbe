//! What sending can come to; the error says what is certain about the message.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use super::dead_letter;
use super::id::ActorId;

/// Who an error is about: the actor's id and, if it still lived, its name.
///
/// ```
/// # use greenroom::prelude::*; enum Msg { Job } impl Protocol for Msg {}
/// # async fn work(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
/// greenroom::run(async |_system| {
///     let addr = greenroom::actor::spawn_with("worker", MailboxOptions::bounded(1), work);
///     addr.try_tell(Msg::Job).unwrap();
///     let full = addr.try_tell(Msg::Job).unwrap_err();
///     assert_eq!(full.actor().to_string(), format!("actor `worker` ({})", addr.id()));
/// });
/// ```
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
/// It comes back by [`into_message`](Self::into_message), unless the sender is on another thread
/// than the actor: the refusal may then be learned when the message has left. A message that is
/// dropped instead, with this error or where it was refused, is a [dead letter](super::DeadLetter):
/// nobody will handle it, and that does not go unnoticed.
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
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::actor::TellErrorKind;
/// # enum Msg { Job } impl Protocol for Msg {}
/// # async fn work(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
/// greenroom::run(async |_system| {
///     let addr = greenroom::actor::spawn_with("worker", MailboxOptions::bounded(1), work);
///     addr.try_tell(Msg::Job).unwrap();
///     match addr.try_tell(Msg::Job).unwrap_err().kind() {
///         TellErrorKind::Full { capacity } => assert_eq!(capacity, 1),
///         other => panic!("it lives on this loop: {other:?}"),
///     }
/// });
/// ```
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
    /// The sender is the actor itself, and would wait for its own reply.
    SelfAsk,
}

impl<M> TellError<M> {
    /// The message, unless it had left for another thread already.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// struct Text(String);
    /// impl Protocol for Text {}
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("brief", async |_: &mut Cx<Text>| Ok::<(), Fault>(()));
    ///     addr.ended().await;
    ///     let error = addr.tell(Text("you".into())).await.unwrap_err();
    ///     assert!(error.into_message().is_some_and(|text| text.0 == "you"));
    /// });
    /// ```
    #[must_use]
    pub fn into_message(mut self) -> Option<M> {
        self.message.take()
    }

    /// Why it was not sent.
    ///
    /// ```
    /// # use greenroom::prelude::*; use greenroom::actor::TellErrorKind; enum Msg { Job } impl Protocol for Msg {}
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("brief", async |_: &mut Cx<Msg>| Ok::<(), Fault>(()));
    ///     addr.ended().await;
    ///     assert_eq!(addr.try_tell(Msg::Job).unwrap_err().kind(), TellErrorKind::Closed);
    /// });
    /// ```
    #[must_use]
    pub const fn kind(&self) -> TellErrorKind {
        self.kind
    }

    /// Whom it was for.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Job } impl Protocol for Msg {}
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("brief", async |_: &mut Cx<Msg>| Ok::<(), Fault>(()));
    ///     addr.ended().await;
    ///     let error = addr.try_tell(Msg::Job).unwrap_err();
    ///     // It had ended, so its name is gone.
    ///     assert_eq!((error.actor().id, &error.actor().name), (addr.id(), &None));
    /// });
    /// ```
    #[must_use]
    pub const fn actor(&self) -> &ActorLabel {
        &self.actor
    }

    /// Whether the actor has ended, so that trying again is of no use.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Job } impl Protocol for Msg {}
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("brief", async |_: &mut Cx<Msg>| Ok::<(), Fault>(()));
    ///     addr.ended().await;
    ///     assert!(addr.tell(Msg::Job).await.unwrap_err().is_closed());
    /// });
    /// ```
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.kind, TellErrorKind::Closed)
    }

    /// Whether there was no room, so that trying later may be of use.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Job } impl Protocol for Msg {}
    /// # async fn work(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn_with("worker", MailboxOptions::bounded(1), work);
    ///     addr.try_tell(Msg::Job).unwrap();
    ///     let full = addr.try_tell(Msg::Job).unwrap_err();
    ///     assert!(full.is_full() && !full.is_closed());
    ///     // `tell` waits for room instead.
    ///     addr.tell(Msg::Job).await.unwrap();
    /// });
    /// ```
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self.kind, TellErrorKind::Full { .. } | TellErrorKind::LoopFull)
    }

    /// The same error without the message, for messages that are not `Send`; the message is
    /// dropped.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// struct Shared(std::rc::Rc<str>);
    /// impl Protocol for Shared {}
    /// async fn send(to: Addr<Shared>) -> Result<(), Fault> {
    ///     // A `Fault` must be `Send`, and this message is not.
    ///     to.tell(Shared("you".into())).await.map_err(|error| error.without_message())?;
    ///     Ok(())
    /// }
    /// # greenroom::run(async |_system| {
    /// let addr = greenroom::actor::spawn("brief", async |_: &mut Cx<Shared>| Ok::<(), Fault>(()));
    /// addr.ended().await;
    /// assert!(send(addr).await.is_err());
    /// # });
    /// ```
    #[must_use]
    pub fn without_message(self) -> TellError<()> {
        TellError { message: None, actor: self.actor.clone(), kind: self.kind }
    }

    pub(crate) fn map<N>(mut self, f: impl FnOnce(M) -> N) -> TellError<N> {
        let message = self.message.take().map(f);
        TellError { message, actor: self.actor.clone(), kind: self.kind }
    }
}

impl<M> fmt::Display for TellError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was not sent to {}: ", name_of::<M>(), self.actor)?;
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
            TellErrorKind::SelfAsk => f.write_str("it would wait for its own reply"),
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

impl<M> Drop for TellError<M> {
    fn drop(&mut self) {
        if let Some(message) = self.message.take() {
            dead_letter::unsent(message, &self.actor, self.kind);
        }
    }
}

/// How a message is called in a sentence. One that was taken out of its error has no name any more.
pub(crate) fn name_of<M>() -> String {
    match type_name::<M>() {
        "()" => "the message".to_owned(),
        name => format!("`{name}`"),
    }
}
