//! Receiving: how an actor takes its messages, and what comes before them.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::{Context, Poll};

use super::context::Cx;
use super::control::Control;
use super::dead_letter::{self, Cause};
use super::protocol::{Accepts, Protocol};
use super::reply::Reply;
use crate::event_loop::current;

/// A wait for a message: when it is dropped, the actor waits for none any more.
struct Waits<'a> {
    control: &'a Control,
    /// In which poll of the actor it was left pending.
    pending: Cell<Option<u32>>,
}

impl<'a> Waits<'a> {
    const fn new(control: &'a Control) -> Self {
        Self { control, pending: Cell::new(None) }
    }

    #[inline]
    fn until<T>(&self, polled: Poll<T>) -> Poll<T> {
        let pending = polled.is_pending().then(|| self.control.listening.polls());
        self.pending.set(pending);
        polled
    }
}

impl Drop for Waits<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(polled_in) = self.pending.get() {
            self.control.listening.give_up(polled_in);
        }
    }
}

impl<P: Protocol> Cx<P> {
    /// The next message.
    ///
    /// When the actor is asked to stop, the function or the handler that awaits this ends here: its
    /// locals are dropped and nothing after this line runs, but for the hook of a struct. To clean
    /// up with code of your own, use [`next`](Self::next). The first call says that the actor has
    /// started.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no message is lost.
    ///
    /// ```
    /// use greenroom::prelude::*;
    ///
    /// enum Msg { Inc, Get(Reply<u64>) }
    /// impl Protocol for Msg {}
    /// async fn counter(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     let mut n = 0;
    ///     loop { match cx.recv().await { Msg::Inc => n += 1, Msg::Get(reply) => reply.send(n) } }
    /// }
    ///
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("counter", counter);
    ///     addr.tell(Msg::Inc).await.unwrap();
    ///     assert_eq!(addr.ask_with(Msg::Get).await.unwrap(), 1);
    /// });
    /// ```
    pub async fn recv(&mut self) -> P {
        let waits = Waits::new(&self.cell.control);
        poll_fn(|task| match self.poll_next(task) {
            Poll::Ready(Some(message)) => waits.until(Poll::Ready(message)),
            Poll::Ready(None) => {
                // The actor's body sees this after the poll and drops the incarnation.
                self.cell.control.end_here();
                Poll::Pending
            }
            Poll::Pending => waits.until(Poll::Pending),
        })
        .await
    }

    /// The next message, or `None` once the actor is asked to stop, which comes before any message
    /// that waits. The first call says that the actor has started.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no message is lost.
    ///
    /// ```
    /// use greenroom::prelude::*;
    ///
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn tidy(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     while let Some(message) = cx.next().await { match message {} }
    ///     println!("asked to stop: last words");
    ///     Ok(())
    /// }
    ///
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("tidy", tidy);
    ///     addr.stop();
    ///     assert_eq!(addr.ended().await, ExitReason::Shutdown);
    /// });
    /// ```
    pub async fn next(&mut self) -> Option<P> {
        let waits = Waits::new(&self.cell.control);
        poll_fn(|task| waits.until(self.poll_next(task))).await
    }

    /// The next message even while the actor is stopping: for the last exchanges of an orderly end.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no message is lost.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg { Get(Reply<u8>) } impl Protocol for Msg {} greenroom::run(async |_| {
    /// let last_words = async |cx: &mut Cx<Msg>| {
    ///     while let Some(Msg::Get(reply)) = cx.next().await { reply.send(1) }
    ///     let Msg::Get(reply) = cx.recv_while_stopping().await;
    ///     Ok::<(), Fault>(reply.send(0))
    /// };
    /// let addr = spawn("last-words", last_words);
    /// addr.stop();
    /// assert_eq!(addr.ask_with(Msg::Get).await.unwrap(), 0);
    /// # });
    /// ```
    pub async fn recv_while_stopping(&mut self) -> P {
        let waits = Waits::new(&self.cell.control);
        poll_fn(|task| waits.until(self.poll_message(task))).await
    }

    /// The next message or, once asked to stop, `None`, without saying that the actor has started.
    pub(crate) async fn next_unstarted(&self) -> Option<P> {
        poll_fn(|task| {
            if !self.cell.control.is_stopping() && self.cell.control.take_stop() {
                return Poll::Ready(None);
            }
            self.poll_message(task).map(Some)
        })
        .await
    }

    /// A message that is there already, if the actor's share of this turn allows it. It does not
    /// look whether the actor is asked to stop.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg { Job } impl Protocol for Msg {} greenroom::run(async |_| {
    /// let addr = spawn("batch", async |cx: &mut Cx<Msg>| {
    ///     let (Msg::Job, mut jobs) = (cx.recv().await, 1);
    ///     while let Some(Msg::Job) = cx.try_recv() { jobs += 1 }
    ///     if jobs == 3 { Ok(()) } else { Err(jobs) }
    /// });
    /// for _ in 0..3 { addr.try_tell(Msg::Job).unwrap(); }
    /// assert_eq!(addr.ended().await, ExitReason::Normal);
    /// # });
    /// ```
    pub fn try_recv(&mut self) -> Option<P> {
        self.cell.control.end_message();
        if self.cell.control.is_suspended() { None } else { self.take() }
    }

    /// A message that may be taken at once, with nothing else to do first.
    #[inline]
    pub(crate) fn take_next(&self) -> Option<P> {
        let cell = &self.cell;
        if cell.control.has_errands() && !cell.mailbox.has_next() { None } else { self.take() }
    }

    #[inline(always)]
    fn take(&self) -> Option<P> {
        let cell = &*self.cell;
        let message =
            if cell.mailbox.has_side() { cell.take_beside() } else { cell.mailbox.take() }?;
        if let Some(next) = self.cell.mailbox.grant_next() {
            next.wake();
        }
        self.cell.control.begin_message::<P>();
        Some(message)
    }

    /// Waits until there is something to take, or the actor is asked to stop: `false`.
    #[inline]
    pub(crate) async fn wait_next(&self) -> bool {
        poll_fn(|task| self.poll_ready(task)).await
    }

    fn poll_ready(&self, task: &Context<'_>) -> Poll<bool> {
        let control = &self.cell.control;
        control.mark_started();
        control.end_message();
        if (control.has_errands() || self.cell.mailbox.has_side())
            && let Some(ready) = self.poll_errands(task)
        {
            return ready;
        }
        self.poll_mailbox(task).map(|()| true)
    }

    /// What comes before the mailbox: a stop, a pause.
    #[cold]
    fn poll_errands(&self, task: &Context<'_>) -> Option<Poll<bool>> {
        let (control, mailbox) = (&self.cell.control, &self.cell.mailbox);
        if mailbox.has_side() {
            self.cell.finish_taken();
        }
        // What a handler asked for comes directly after it, before anything else.
        if mailbox.has_next() {
            return None;
        }
        if control.take_stop() {
            return Some(Poll::Ready(false));
        }
        if control.is_suspended() {
            control.listen(task.waker());
            return Some(Poll::Pending);
        }
        None
    }

    #[inline]
    fn poll_next(&self, task: &Context<'_>) -> Poll<Option<P>> {
        if let Some(message) = self.take_next() {
            return Poll::Ready(Some(message));
        }
        match self.poll_ready(task) {
            Poll::Ready(true) => Poll::Ready(self.take()),
            Poll::Ready(false) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_message(&self, task: &Context<'_>) -> Poll<P> {
        self.cell.control.end_message();
        if self.cell.mailbox.has_side() {
            self.cell.finish_taken();
        }
        match self.poll_mailbox(task) {
            Poll::Ready(()) => self.take().map_or(Poll::Pending, Poll::Ready),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Ready when a message may be taken.
    fn poll_mailbox(&self, task: &Context<'_>) -> Poll<()> {
        let mailbox = &self.cell.mailbox;
        if mailbox.is_empty() {
            if self.poll_receive_timeout(task) && self.cell.mailbox.may_take() {
                return Poll::Ready(());
            }
            self.cell.control.listen(task.waker());
        } else if mailbox.may_take() {
            return Poll::Ready(());
        } else {
            // A stop that comes before the next turn finds nobody listening, but a turn to come.
            self.cell.control.listening.ask_again();
            task.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Whether a receive timeout was due, and stands in the mailbox now.
    #[inline]
    fn poll_receive_timeout(&self, task: &Context<'_>) -> bool {
        let Some(extra) = self.cell.made_extra() else { return false };
        extra.receive_timeout.is_set() && self.put_receive_timeout(task)
    }

    #[cold]
    fn put_receive_timeout(&self, task: &Context<'_>) -> bool {
        let Some(core) = current::get() else { return false };
        let handled = self.cell.control.handled();
        let due = self.cell.extra().receive_timeout.poll(&core, handled, task);
        let Some((tag, message)) = due else { return false };
        self.cell.mailbox.put_notice(tag, message);
        // This poll began with an empty mailbox and so with no share.
        if !self.cell.mailbox.may_take() {
            task.waker().wake_by_ref();
        }
        true
    }

    /// Asks for a message to be handled directly after the one in hand, before all that is in the
    /// mailbox: for the rest of a start, or of a handler, that others need not wait for. Several
    /// are handled in the order in which they were asked for.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// #[derive(Debug, PartialEq)]
    /// enum Msg { First, Next, Last }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |_test| {
    ///     let addr = greenroom::actor::spawn("continues", async |cx: &mut Cx<Msg>| {
    ///         assert_eq!(cx.recv().await, Msg::First);
    ///         cx.continue_with(Msg::Next);
    ///         assert_eq!(cx.recv().await, Msg::Next);
    ///         assert_eq!(cx.recv().await, Msg::Last);
    ///         Ok::<(), Fault>(())
    ///     });
    ///     addr.tell(Msg::First).await.unwrap();
    ///     addr.tell(Msg::Last).await.unwrap();
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn continue_with<M>(&self, message: M)
    where
        P: Accepts<M>,
    {
        self.cell.mailbox.put_next(P::wrap(message, Reply::nobody()));
    }

    /// Says that the actor has no use for this message: it is a dead letter,
    /// [`Cause::Unhandled`](super::Cause::Unhandled), and whoever asked is told that there will be
    /// no reply. The actor goes on.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::actor::Cause;
    /// enum Msg { Wanted, Other }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let addr = greenroom::actor::spawn("picky", async |cx: &mut Cx<Msg>| {
    ///         loop {
    ///             match cx.recv().await {
    ///                 Msg::Wanted => return Ok::<(), Fault>(()),
    ///                 other => cx.unhandled(other),
    ///             }
    ///         }
    ///     });
    ///     addr.tell(Msg::Other).await.unwrap();
    ///     addr.tell(Msg::Wanted).await.unwrap();
    ///     addr.ended().await;
    ///     assert_eq!(test.letters()[0].cause, Cause::Unhandled);
    /// });
    /// ```
    pub fn unhandled<M: 'static>(&self, message: M) {
        dead_letter::bury(&self.cell.control, message, &Cause::Unhandled);
    }
}
