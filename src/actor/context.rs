//! `Cx<P>`: what an actor can do from inside.

use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::address::Addr;
use super::cell::ActorCell;
use super::exit::ExitReason;
use super::id::ActorId;
use super::monitor::{self, Down, MonitorId, Numbers};
use super::protocol::{Accepts, Protocol};
use super::reply::Reply;
use crate::event_loop::current;
use crate::task::JoinHandle;

/// An actor's own view of itself: its mailbox, its address, whom it watches.
///
/// It is lent to one incarnation after the other, so the mailbox survives a crash.
pub struct Cx<P> {
    pub(crate) cell: Rc<ActorCell<P>>,
}

impl<P: Protocol> Cx<P> {
    /// The actor's own address, which stays the same over restarts.
    #[must_use]
    pub fn addr(&self) -> Addr<P> {
        current::expect_with("Cx::addr", |core| Addr::new(self.cell.control.key, core))
    }

    /// The actor's id.
    #[must_use]
    pub fn id(&self) -> ActorId {
        self.cell.control.id()
    }

    /// The actor's name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.cell.control.name
    }

    /// How many times the actor was restarted: 0 for its first incarnation.
    #[must_use]
    pub fn incarnation(&self) -> u32 {
        self.cell.control.incarnation()
    }

    /// How many messages are waiting in the mailbox.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.cell.mailbox.len()
    }

    /// The next message.
    ///
    /// When the actor is asked to stop, the function that awaits this ends here: its locals are
    /// dropped and nothing after this line runs. To clean up with code of your own, use
    /// [`next`](Self::next). The first call says that the actor has started.
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
        poll_fn(|task| match self.poll_next(task) {
            Poll::Ready(Some(message)) => Poll::Ready(message),
            Poll::Ready(None) => {
                // The actor's body sees this after the poll and drops the incarnation.
                self.cell.control.end_here();
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
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
        poll_fn(|task| self.poll_next(task)).await
    }

    /// The next message even while the actor is stopping: for the last exchanges of an orderly end.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no message is lost.
    pub async fn recv_while_stopping(&mut self) -> P {
        poll_fn(|task| self.poll_message(task)).await
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

    /// Says that the actor has started, before it first asks for a message: for a function that
    /// does something else first, or receives nothing at all. Whoever waits for its start goes on.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// greenroom::run(async |system| {
    ///     let works = async |cx: &mut Cx<Msg>| {
    ///         cx.ready();
    ///         std::future::pending::<Result<(), Fault>>().await
    ///     };
    ///     assert!(system.spawn(child("works", works).shutdown(Shutdown::Brutal)).await.is_ok());
    /// });
    /// ```
    pub fn ready(&self) {
        self.cell.control.mark_started();
    }

    /// Declines to start, from the `started` hook: the actor ends as [`ExitReason::Normal`] before
    /// its first message, and its supervisor keeps its spec without an instance. It is no error and
    /// is never retried.
    pub fn decline(&self) {
        self.cell.control.decline();
    }

    /// Refuses to start, from the `started` hook or before the first message of a function, and
    /// says why: whoever starts it hears
    /// [`StartError::Refused`](crate::supervisor::StartError::Refused), and the incarnation ends as
    /// [`ExitReason::Refused`]. It is a start that failed, with all that follows from one, but it
    /// was meant: it is not reported as a crash, and a first start is not tried again. Nothing
    /// happens once the actor has started.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::supervisor::StartError;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn unlicensed(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     cx.refuse("there is no licence");
    ///     Ok(())
    /// }
    ///
    /// greenroom::run(async |system| {
    ///     let refused = system.spawn(child("service", unlicensed)).await.unwrap_err();
    ///     assert_eq!(refused.to_string(), "child `service` refused to start: there is no licence");
    ///     assert!(matches!(refused, StartError::Refused { .. }));
    /// });
    /// ```
    pub fn refuse(&self, why: impl Into<Arc<str>>) {
        self.cell.control.refuse(why.into());
    }

    /// A message that is there already, if the actor's share of this turn allows it.
    pub fn try_recv(&mut self) -> Option<P> {
        self.cell.control.end_message();
        self.take()
    }

    /// A message that may be taken at once, with nothing else to do first.
    #[inline]
    pub(crate) fn take_next(&self) -> Option<P> {
        if self.cell.control.has_errands() { None } else { self.take() }
    }

    #[inline(always)]
    fn take(&self) -> Option<P> {
        let message = self.cell.mailbox.take()?;
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
        if control.take_stop() {
            return Poll::Ready(false);
        }
        self.poll_mailbox(task).map(|()| true)
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
        match self.poll_mailbox(task) {
            Poll::Ready(()) => self.take().map_or(Poll::Pending, Poll::Ready),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Ready when a message may be taken.
    fn poll_mailbox(&self, task: &Context<'_>) -> Poll<()> {
        if self.cell.mailbox.may_take() {
            return Poll::Ready(());
        }
        if self.cell.mailbox.is_empty() {
            self.cell.control.listen(task.waker());
        } else {
            // A stop that comes before the next turn finds nobody listening, but a turn to come.
            task.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Ends the actor by itself, reason [`ExitReason::Normal`], before its next message.
    pub fn stop(&self) {
        self.cell.control.ask_to_stop(ExitReason::Normal);
    }

    /// Whether the actor was asked to stop and is on its way out.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.cell.control.is_stopping()
    }

    /// Starts a task that belongs to this incarnation: it is cancelled when the incarnation ends,
    /// however it ends. Use it for work that goes on while messages are handled.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// enum Msg { Tick, Ticks(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn clock(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     let me = cx.addr();
    ///     cx.spawn(async move {
    ///         let mut ticks = greenroom::time::interval(Duration::from_millis(1));
    ///         loop { ticks.tick().await; let _ = me.tell(Msg::Tick).await; }
    ///     });
    ///     let mut n = 0;
    ///     loop { match cx.recv().await { Msg::Tick => n += 1, Msg::Ticks(reply) => reply.send(n) } }
    /// }
    ///
    /// greenroom::run(async |_system| {
    ///     let clock = greenroom::actor::spawn("clock", clock);
    ///     greenroom::time::sleep(Duration::from_millis(20)).await;
    ///     assert!(clock.ask_with(Msg::Ticks).await.unwrap() > 0);
    /// });
    /// ```
    pub fn spawn<F: Future + 'static>(&self, future: F) -> JoinHandle<F::Output> {
        let handle = crate::task::spawn(future);
        if let (Some(task), Some(core)) = (handle.key(), current::get()) {
            self.cell.control.own_task(task, |task| core.scheduler.contains(task));
        }
        handle
    }

    /// Watches an actor: when it has ended for good, one [`Down`] comes as a message. An actor that
    /// has ended already gives one too, with [`ExitReason::NoActor`]. A restart is not an end.
    pub fn monitor(&self, actor: ActorId) -> MonitorId
    where
        P: Accepts<Down>,
    {
        self.monitor_with(actor, |down| P::wrap(down, Reply::nobody()))
    }

    /// As [`monitor`](Self::monitor), with a message of your choice.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Watch(ActorId), Gone(ExitReason) }
    /// impl Protocol for Msg {}
    /// async fn watcher(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop {
    ///         match cx.recv().await {
    ///             Msg::Watch(id) => { cx.monitor_with(id, |down| Msg::Gone(down.reason)); }
    ///             Msg::Gone(_) => return Ok(()),
    ///         }
    ///     }
    /// }
    ///
    /// greenroom::run(async |_system| {
    ///     let watched = greenroom::actor::spawn("watched", watcher);
    ///     let watcher = greenroom::actor::spawn("watcher", watcher);
    ///     watcher.tell(Msg::Watch(watched.id())).await.unwrap();
    ///     watched.kill();
    ///     assert_eq!(watcher.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn monitor_with(
        &self,
        actor: ActorId,
        message: impl FnOnce(Down) -> P + 'static,
    ) -> MonitorId {
        let core = current::expect("Cx::monitor");
        let number = core.locals.get::<Numbers>().next();
        let monitor = MonitorId { target: actor.0, number };
        let watcher = Rc::downgrade(&self.cell);
        let tell = move |down: Down| {
            // A watcher that has ended hears nothing.
            let Some(watcher) = watcher.upgrade().filter(|cell| !cell.control.has_ended()) else {
                return;
            };
            watcher.control.monitors.forget_watched(down.monitor);
            watcher.put_exempt(message(down));
        };
        let tell: Box<dyn FnOnce(Down)> = Box::new(tell);
        if core.id() != actor.0.home() {
            let mine = self.spawn(async move {
                let reason = actor.ended().await;
                tell(Down { actor, name: None, reason, monitor });
            });
            mine.detach();
            return monitor;
        }
        let mut tell = Some(tell);
        let found = super::control::with_on(&core, actor.0, |target| {
            if let Some(tell) = tell.take() {
                target.monitors.add_watcher(monitor, tell);
            }
        });
        self.cell.control.monitors.add_watched(monitor);
        if let (None, Some(tell)) = (found, tell) {
            // Told later, never from inside this call.
            let reason = ExitReason::NoActor;
            let down = Down { actor, name: None, reason, monitor };
            core.defer(move |_| monitor::deliver(tell, down));
        }
        monitor
    }

    /// Takes a monitor back; `true` when it had not fired. A [`Down`] that stands in the mailbox
    /// already still comes.
    pub fn demonitor(&self, monitor: MonitorId) -> bool {
        self.cell.control.monitors.forget_watched(monitor);
        monitor::withdraw(monitor)
    }

    /// Notes which message is handled, for reports and dead letters.
    #[doc(hidden)]
    #[inline]
    pub fn begin_handling<M>(&self) {
        self.cell.control.begin_handling::<M>();
    }
}

impl<P: Protocol> fmt::Debug for Cx<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx")
            .field("name", self.name())
            .field("id", &self.id())
            .field("incarnation", &self.incarnation())
            .field("waiting", &self.waiting())
            .finish()
    }
}
