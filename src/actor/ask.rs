//! `Ask`: sending, the wait for room, the wait for the reply, and every way it can end.
//!
//! ```text
//!   Unsent ──▶ (in line for room) ──▶ Waiting ──▶ reply, or what is certain instead
//!      │                                 │
//!      └── not sent: the message         └── limit: outcome unknown
//!          comes back
//! ```

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::FutureExt as _;

use super::arrival::Arrival;
use super::ask_error::AskError;
use super::cell::Gate as _;
use super::control;
use super::door::{Door, Passage, is_here};
use super::error::{ActorLabel, TellErrorKind};
use super::exit::ExitReason;
use super::reply::{self, Loss, Lost, Reply};
use super::wait;
use crate::base::clock::nanos;
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::scheduler::remote::{self, Post};
use crate::time::sleep;
use crate::timer::TimerKey;

/// How long an ask waits if nothing else is said.
pub(crate) const DEFAULT_LIMIT: Duration = Duration::from_secs(5);

/// The future of [`Addr::ask`](super::Addr::ask).
///
/// [`Addr::ask`](super::Addr::ask) says how it can end and what is certain then. The limit counts
/// from the turn of the loop in which it is first polled, and includes the wait for room.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg { Get(Reply<u32>) }
/// impl Protocol for Msg {}
/// async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
/// }
/// use std::time::Duration;
///
/// greenroom::run(async |_system| {
///     let addr = greenroom::actor::spawn("seven", actor);
///     let answer = addr.ask_with(Msg::Get).timeout(Duration::from_millis(200)).await;
///     assert_eq!(answer.unwrap(), 7);
/// });
/// ```
#[must_use = "nothing is asked unless the future is awaited"]
#[expect(private_bounds, reason = "a door is an address or a recipient, and nothing else")]
pub struct Ask<D: Door<M, R>, M, R: 'static> {
    door: D,
    passage: Passage<M>,
    limit: Limit,
    clock: Clock,
    state: State<R>,
}

/// How long an ask waits.
#[derive(Clone, Copy, Debug)]
enum Limit {
    /// As long as is usual for whoever is asked.
    Usual,
    After(Duration),
    Never,
}

impl Limit {
    const fn duration(self) -> Option<Duration> {
        match self {
            Self::Usual => Some(DEFAULT_LIMIT),
            Self::After(limit) => Some(limit),
            Self::Never => None,
        }
    }
}

/// How far the limit is.
#[derive(Clone, Copy)]
enum Clock {
    /// It has not had to wait yet.
    Idle,
    Armed(TimerKey),
    /// The limit was reached in this turn of the loop; whoever replies in it still wins.
    Reached(u64),
}

enum State<R> {
    Unsent,
    /// Sent on this loop; the reply comes into this slot.
    Waiting(Key),
    /// Sent to another loop.
    Away(Box<Away<R>>),
    Done,
}

struct Away<R> {
    sent: Option<oneshot::Receiver<Result<(), TellErrorKind>>>,
    reply: oneshot::Receiver<Result<R, Loss>>,
    limit: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

#[expect(private_bounds, reason = "a door is an address or a recipient, and nothing else")]
impl<D: Door<M, R>, M, R: 'static> Ask<D, M, R> {
    pub(crate) const fn new(door: D, message: M) -> Self {
        Self {
            door,
            passage: Passage::new(message),
            limit: Limit::Usual,
            clock: Clock::Idle,
            state: State::Unsent,
        }
    }

    /// Waits this long instead of as long as is usual for the actor, which is 5 s or what
    /// [`MailboxOptions::ask_timeout`](super::MailboxOptions::ask_timeout) says; for room and reply
    /// together.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Get(Reply<u8>) } impl Protocol for Msg {}
    /// use std::time::Duration;
    /// greenroom::run(async |_system| {
    ///     let silent = async |_: &mut Cx<Msg>| std::future::pending::<Result<(), Fault>>().await;
    ///     let addr = greenroom::actor::spawn("silent", silent);
    ///     let limit = Duration::from_millis(1);
    ///     let error = addr.ask_with(Msg::Get).timeout(limit).await.unwrap_err();
    ///     assert!(matches!(error, AskError::TimedOut { after, .. } if after == limit));
    /// });
    /// ```
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Limit::After(limit);
        self
    }

    /// Waits as long as it takes. An actor that ends still ends the wait.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Get(Reply<u8>) } impl Protocol for Msg {}
    /// greenroom::run(async |_system| {
    ///     let leaves = async |cx: &mut Cx<Msg>| { let Msg::Get(_reply) = cx.recv().await; Ok::<(), Fault>(()) };
    ///     let addr = greenroom::actor::spawn("leaves", leaves);
    ///     let error = addr.ask_with(Msg::Get).no_timeout().await.unwrap_err();
    ///     assert!(matches!(error, AskError::Stopped { reason: ExitReason::Normal, .. }));
    /// });
    /// ```
    pub const fn no_timeout(mut self) -> Self {
        self.limit = Limit::Never;
        self
    }

    #[inline]
    fn poll_here(&mut self, core: &Core, cx: &Context<'_>) -> Poll<Result<R, AskError<M>>> {
        match self.state {
            State::Unsent => self.poll_send(core, cx),
            State::Waiting(slot) if slot.home() == core.id() => {
                match reply::table::<R>(core).poll(slot, cx.waker()) {
                    Poll::Ready(outcome) => {
                        self.state = State::Done;
                        self.disarm(core);
                        Poll::Ready(outcome.map_err(|loss| self.explain(loss, Some(core))))
                    }
                    Poll::Pending => self.poll_limit(core, cx),
                }
            }
            State::Waiting(_) => Poll::Ready(Err(AskError::WrongLoop { actor: self.label(core) })),
            State::Away(_) | State::Done => {
                Poll::Ready(Err(AskError::NoReply { actor: self.label(core) }))
            }
        }
    }

    #[inline]
    fn poll_send(&mut self, core: &Core, cx: &Context<'_>) -> Poll<Result<R, AskError<M>>> {
        if !self.passage.waits_in_line() && core.scheduler.running() == Some(self.door.key().0) {
            let kind = TellErrorKind::SelfAsk;
            let error = self.passage.refusal(self.door.key(), self.name(core), kind);
            return Poll::Ready(Err(AskError::SelfAsk(error)));
        }
        let Some(gate) = self.door.find(core) else {
            let error = self.passage.closed(self.door.key());
            return Poll::Ready(Err(AskError::NotSent(error)));
        };
        if let (Limit::Usual, Some(usual)) = (self.limit, gate.ask_timeout()) {
            self.limit = Limit::After(usual);
        }
        let mut opened = None;
        let port = || {
            let (slot, port) = reply::table::<R>(core).open(core, cx.waker());
            opened = Some(slot);
            port
        };
        match self.passage.poll(&self.door, &gate, Some(cx.waker()), port) {
            // Whatever comes into the slot, at once or later, wakes the asker.
            Poll::Ready(Ok(())) => {
                self.state = opened.map_or(State::Done, State::Waiting);
                if let Some(slot) = opened {
                    wait::note::<R, _>(core, &*gate, slot, D::message_name);
                }
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Err(AskError::NotSent(error))),
            Poll::Pending => {}
        }
        self.poll_limit(core, cx)
    }

    /// Arms the limit when it first has to wait, and looks whether it is reached.
    #[inline]
    fn poll_limit(&mut self, core: &Core, cx: &Context<'_>) -> Poll<Result<R, AskError<M>>> {
        let Some(limit) = self.limit.duration() else { return Poll::Pending };
        match self.clock {
            Clock::Idle if limit == DEFAULT_LIMIT => {
                self.clock = Clock::Armed(core.arm_last(DEFAULT_LIMIT, cx.waker()));
                Poll::Pending
            }
            Clock::Idle => {
                let deadline = core.now().saturating_add(nanos(limit));
                self.clock = Clock::Armed(core.arm(deadline, cx.waker()));
                Poll::Pending
            }
            Clock::Armed(timer) if core.rearm(timer, cx.waker()) => Poll::Pending,
            // The timer is gone, so it fired: that is the limit. But a reply at the deadline wins,
            // so whatever is due in this turn has its effect first.
            Clock::Armed(_) => {
                let turn = core.turn_end.turn();
                self.clock = Clock::Reached(turn);
                self.poll_overdue(core, cx, turn, limit)
            }
            Clock::Reached(turn) => self.poll_overdue(core, cx, turn, limit),
        }
    }

    #[cold]
    fn poll_overdue(
        &mut self,
        core: &Core,
        cx: &Context<'_>,
        turn: u64,
        after: Duration,
    ) -> Poll<Result<R, AskError<M>>> {
        if core.turn_end.turn() == turn {
            core.turn_end.wait(cx.waker());
            return Poll::Pending;
        }
        let (id, name) = (self.door.key(), self.name(core));
        if !self.passage.waits_in_line() {
            self.abandon(core);
            let actor = ActorLabel { id, name };
            return Poll::Ready(Err(AskError::TimedOut { actor, after }));
        }
        // It is certain that it was not sent: it still waited for room.
        let capacity = self.door.find(core).map_or(0, |gate| gate.capacity());
        self.abandon(core);
        let kind = TellErrorKind::Full { capacity };
        Poll::Ready(Err(AskError::NotSent(self.passage.refusal(id, name, kind))))
    }

    #[cold]
    fn poll_away(&mut self, cx: &mut Context<'_>) -> Poll<Result<R, AskError<M>>> {
        let id = self.door.key();
        let label = ActorLabel { id, name: None };
        if let State::Waiting(_) = self.state {
            return Poll::Ready(Err(AskError::WrongLoop { actor: label }));
        }
        if let State::Unsent = self.state {
            let message = self.passage.take().expect("an ask was polled after it was done");
            let ((arrived, sent), (reply_to, reply)) = (oneshot::channel(), oneshot::channel());
            let port = Reply::shared(reply_to);
            if let Err(away) = self.door.send_away(message, port, Arrival::Wait(arrived)) {
                return Poll::Ready(Err(AskError::NotSent(away.into_error(id))));
            }
            let limit = self.limit.duration().map(|limit| limit_away(limit, id.0));
            self.state = State::Away(Box::new(Away { sent: Some(sent), reply, limit }));
        }
        let State::Away(away) = &mut self.state else {
            return Poll::Ready(Err(AskError::NoReply { actor: label }));
        };
        if let Some(sent) = &mut away.sent
            && let Poll::Ready(outcome) = sent.poll_unpin(cx)
        {
            away.sent = None;
            if let Err(kind) = outcome.unwrap_or(Err(TellErrorKind::Closed)) {
                let error = self.passage.refusal(id, None, kind);
                return Poll::Ready(Err(AskError::NotSent(error)));
            }
        }
        match away.reply.poll_unpin(cx) {
            Poll::Ready(Ok(Ok(value))) => return Poll::Ready(Ok(value)),
            Poll::Ready(Ok(Err(loss))) => return Poll::Ready(Err(self.explain(loss, None))),
            // A port tells when it is dropped, so this is one that could not.
            Poll::Ready(Err(_)) => return Poll::Ready(Err(AskError::NoReply { actor: label })),
            Poll::Pending => {}
        }
        if let (Some(limit), Some(after)) = (&mut away.limit, self.limit.duration())
            && limit.poll_unpin(cx).is_ready()
        {
            return Poll::Ready(Err(AskError::TimedOut { actor: label, after }));
        }
        Poll::Pending
    }

    /// What is certain. A port that another actor lost was passed on, so whoever was asked has
    /// handled the message, in part at least.
    #[cold]
    fn explain(&mut self, loss: Loss, core: Option<&Core>) -> AskError<M> {
        let asked = self.door.key();
        let actor = loss.by.unwrap_or_else(|| ActorLabel {
            id: asked,
            name: core.and_then(|core| self.name(core)),
        });
        let passed_on = actor.id != asked;
        match loss.why {
            Lost::NeverHandled(reason) if !passed_on => AskError::NeverHandled { actor, reason },
            Lost::Ended(reason) | Lost::NeverHandled(reason) if reason.is_crash() => {
                AskError::Crashed { actor, reason }
            }
            Lost::Ended(reason) | Lost::NeverHandled(reason) => AskError::Stopped { actor, reason },
            Lost::Overflow if !passed_on => AskError::Dropped { actor },
            Lost::Dropped | Lost::Overflow => AskError::NoReply { actor },
            Lost::Cycle(cycle) => AskError::Cycle { cycle },
            Lost::NotSent if passed_on => AskError::Stopped { actor, reason: ExitReason::NoActor },
            Lost::NotSent => {
                let kind = TellErrorKind::Closed;
                AskError::NotSent(self.passage.refusal(actor.id, actor.name, kind))
            }
        }
    }

    fn label(&self, core: &Core) -> ActorLabel {
        ActorLabel { id: self.door.key(), name: self.name(core) }
    }

    fn name(&self, core: &Core) -> Option<Arc<str>> {
        control::with_on(core, self.door.key().0, |control| Arc::clone(&control.name))
    }

    #[inline]
    fn disarm(&mut self, core: &Core) {
        if let Clock::Armed(timer) = std::mem::replace(&mut self.clock, Clock::Idle) {
            core.disarm(timer);
        }
    }

    /// Gives up whatever it holds of the loop: the place in the line, the slot, the timer.
    #[cold]
    fn abandon(&mut self, core: &Core) {
        if let State::Waiting(slot) = std::mem::replace(&mut self.state, State::Done)
            && slot.home() == core.id()
        {
            reply::table::<R>(core).close(slot);
        }
        self.passage.leave(&self.door);
        self.disarm(core);
    }
}

/// Waits for the limit of an ask that went to another loop: here if a loop runs here, else there.
fn limit_away(limit: Duration, actor: Key) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    if current::get().is_some() {
        return Box::pin(sleep(limit));
    }
    let (mut reached, receiver) = oneshot::channel::<()>();
    let watch = move || {
        if let Some(core) = current::get() {
            core.spawn(Box::pin(async move {
                // Whoever asked may have its answer before: the sleep then ends with its channel.
                futures::future::select(sleep(limit), reached.cancellation()).await;
                let _ = reached.send(());
            }));
        }
    };
    if let Some(remote) = remote::find(actor.home()) {
        let _ = remote.post_always(Post::Run(Box::new(watch)));
    }
    Box::pin(receiver.map(|_| ()))
}

// No field is ever pinned: message and reply only pass through.
impl<D: Door<M, R>, M, R: 'static> Unpin for Ask<D, M, R> {}

impl<D: Door<M, R>, M, R: 'static> Future for Ask<D, M, R> {
    type Output = Result<R, AskError<M>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match current::get() {
            Some(core) if is_here(&core, this.door.key().0) => this.poll_here(&core, cx),
            _ => this.poll_away(cx),
        }
    }
}

impl<D: Door<M, R>, M, R: 'static> Drop for Ask<D, M, R> {
    #[inline]
    fn drop(&mut self) {
        let holds = matches!(self.state, State::Waiting(_))
            || matches!(self.clock, Clock::Armed(_))
            || self.passage.waits_in_line();
        // On another loop the slot is filled once more, for nobody.
        if holds
            && let Some(core) = current::get()
            && is_here(&core, self.door.key().0)
        {
            self.abandon(&core);
        }
    }
}

impl<D: Door<M, R> + fmt::Debug, M, R: 'static> fmt::Debug for Ask<D, M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("door", &self.door)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
