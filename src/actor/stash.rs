//! The stash: messages put aside until the actor is ready for them.
//!
//! A stash is bounded. [`Cx::unstash_all`] brings back what is in it at that moment, in its order
//! and before any other mail; what is put aside again meanwhile stays. When an incarnation crashes,
//! the next finds what was put aside before its mail; when the actor ends, it becomes dead letters.
//! The rules are those of Akka's `StashBuffer`.

use std::any::type_name;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::cell::ActorCell;
use super::context::Cx;
use super::dead_letter::{self, Cause};
use super::protocol::{Accepts, Protocol};
use super::reply::Reply;

/// The messages that one actor has put aside.
pub(crate) struct Stash<P> {
    messages: RefCell<VecDeque<P>>,
}

impl<P> Default for Stash<P> {
    fn default() -> Self {
        Self { messages: RefCell::default() }
    }
}

impl<P> Stash<P> {
    pub(crate) fn take(&self) -> VecDeque<P> {
        self.messages.take()
    }
}

/// The stash is full; the message comes back.
///
/// ```
/// use greenroom::prelude::*;
/// struct Job(u32);
/// protocol! { enum WorkerProtocol { Job(Job) } }
/// struct Worker;
/// impl Actor for Worker { type Protocol = WorkerProtocol; type Error = Fault; }
/// impl Handler<Job> for Worker {
///     async fn handle(&mut self, job: Job, cx: &mut Cx<WorkerProtocol>) -> Result<(), Fault> {
///         if let Err(full) = cx.stash(job) {
///             assert!(full.to_string().contains("holds 1"));
///             assert_eq!(full.into_message().0, 2);
///         }
///         Ok(())
///     }
/// }
/// greenroom::test::run(async |test| {
///     let mailbox = MailboxOptions::default().stash(1);
///     let worker = greenroom::actor::spawn_with("worker", mailbox, || Worker);
///     worker.tell(Job(1)).await.unwrap();
///     worker.tell(Job(2)).await.unwrap();
///     test.settle().await;
///     assert!(worker.is_alive());
/// });
/// ```
pub struct StashFull<M> {
    message: M,
    actor: Arc<str>,
    capacity: usize,
}

impl<M> StashFull<M> {
    /// The message that was not put aside.
    ///
    /// See [`StashFull`] for an example.
    ///
    /// ```
    /// use greenroom::actor::StashFull;
    /// fn give_back(full: StashFull<String>) -> String { full.into_message() }
    /// # let _ = give_back;
    /// ```
    #[must_use]
    pub fn into_message(self) -> M {
        self.message
    }

    /// How many messages the stash holds.
    ///
    /// ```
    /// use greenroom::actor::StashFull;
    /// fn limit(full: &StashFull<String>) -> usize { full.capacity() }
    /// # let _ = limit;
    /// ```
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }
}

impl<M> fmt::Display for StashFull<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` was not put aside: the stash of actor `{}` holds {} messages and is full; bring \
             them back, or give it more by `MailboxOptions::stash`",
            type_name::<M>(),
            self.actor,
            self.capacity
        )
    }
}

impl<M> fmt::Debug for StashFull<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StashFull({self})")
    }
}

impl<M> std::error::Error for StashFull<M> {}

/// See [`Cx::unstash_at_end`].
pub(crate) struct UnstashAtEnd<P: Protocol>(Rc<ActorCell<P>>);

impl<P: Protocol> Drop for UnstashAtEnd<P> {
    fn drop(&mut self) {
        unstash_first(&self.0);
    }
}

fn unstash_first<P>(cell: &ActorCell<P>) {
    if let Some(extra) = cell.made_extra() {
        cell.mailbox.put_replayed_first(extra.stash.take());
    }
}

impl<P: Protocol> Cx<P> {
    /// Puts a message aside, to be brought back by [`unstash_all`](Self::unstash_all): the whole
    /// message of a plain enum, a message that is told, or a deferred
    /// [`Request`](super::Request) with its reply port.
    ///
    /// # Errors
    /// When the stash is full (1,024 messages unless
    /// [`MailboxOptions::stash`](super::MailboxOptions::stash) says otherwise): the message comes
    /// back, and nothing changed.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// #[derive(Debug, PartialEq)]
    /// enum Msg { Data(u32), Open }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |_test| {
    ///     let addr = greenroom::actor::spawn("closed at first", async |cx: &mut Cx<Msg>| {
    ///         loop {
    ///             match cx.recv().await {
    ///                 Msg::Open => break,
    ///                 data => cx.stash(data)?,
    ///             }
    ///         }
    ///         assert_eq!(cx.unstash_all(), 2);
    ///         for n in 1..=3 { assert_eq!(cx.recv().await, Msg::Data(n)); }
    ///         Ok::<(), Fault>(())
    ///     });
    ///     for message in [Msg::Data(1), Msg::Data(2), Msg::Open, Msg::Data(3)] {
    ///         addr.tell(message).await.unwrap();
    ///     }
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn stash<M>(&self, message: M) -> Result<(), StashFull<M>>
    where
        P: Accepts<M>,
    {
        let stash = &self.cell.extra().stash;
        let capacity = self.cell.options.stash;
        if stash.messages.borrow().len() >= capacity {
            return Err(StashFull { message, actor: Arc::clone(self.name()), capacity });
        }
        // `wrap` may be user code, so nothing is borrowed while it runs.
        let message = P::wrap(message, Reply::nobody());
        stash.messages.borrow_mut().push_back(message);
        Ok(())
    }

    /// Brings back what is put aside now, in its order, before any other mail. Gives how many
    /// messages that were.
    ///
    /// See [`stash`](Self::stash) for an example.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Hello }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |_test| {
    ///     let addr = greenroom::actor::spawn("again", async |cx: &mut Cx<Msg>| {
    ///         let hello = cx.recv().await;
    ///         cx.stash(hello)?;
    ///         assert_eq!((cx.unstash_all(), cx.unstash_all()), (1, 0));
    ///         let Msg::Hello = cx.recv().await;
    ///         Ok::<(), Fault>(())
    ///     });
    ///     addr.tell(Msg::Hello).await.unwrap();
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn unstash_all(&self) -> usize {
        let messages = self.cell.extra().stash.take();
        let count = messages.len();
        if count > 0 {
            self.cell.mailbox.put_replayed(messages);
        }
        count
    }

    /// Puts messages before all that have come, those that were brought back included.
    pub(crate) fn put_first(&self, messages: Vec<P>) {
        self.cell.mailbox.put_replayed_first(messages);
    }

    /// Brings back what is put aside before all that has come, what was brought back before
    /// included: for a state machine, which puts aside what is older than all that waits.
    pub(crate) fn unstash_first(&self) {
        unstash_first(&self.cell);
    }

    /// Does the same when the incarnation is dropped, so that the next one finds the oldest first.
    pub(crate) fn unstash_at_end(&self) -> UnstashAtEnd<P> {
        UnstashAtEnd(Rc::clone(&self.cell))
    }

    /// How many messages are put aside.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Hello }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |_test| {
    ///     let addr = greenroom::actor::spawn("counts", async |cx: &mut Cx<Msg>| {
    ///         let hello = cx.recv().await;
    ///         cx.stash(hello)?;
    ///         assert_eq!(cx.stashed(), 1);
    ///         Ok::<(), Fault>(())
    ///     });
    ///     addr.tell(Msg::Hello).await.unwrap();
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    /// });
    /// ```
    #[must_use]
    pub fn stashed(&self) -> usize {
        self.cell.extra().stash.messages.borrow().len()
    }

    /// Gives up what is put aside, and what was brought back and not handled yet: dead letters.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::actor::Cause;
    /// enum Msg { Hello }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let addr = greenroom::actor::spawn("forgets", async |cx: &mut Cx<Msg>| {
    ///         let hello = cx.recv().await;
    ///         cx.stash(hello)?;
    ///         cx.clear_stash();
    ///         Ok::<(), Fault>(())
    ///     });
    ///     addr.tell(Msg::Hello).await.unwrap();
    ///     addr.ended().await;
    ///     assert_eq!(test.letters()[0].cause, Cause::Cleared);
    /// });
    /// ```
    pub fn clear_stash(&self) {
        let stashed = self.cell.extra().stash.take();
        let replayed = self.cell.mailbox.drain_replayed();
        self.cell.control.skip(replayed.len());
        for message in replayed.into_iter().chain(stashed) {
            dead_letter::bury(&self.cell.control, message, &Cause::Cleared);
        }
    }
}
