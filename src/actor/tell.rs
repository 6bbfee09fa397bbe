//! `Tell`: sending, with the wait for room.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::channel::oneshot;
use futures::future::FutureExt as _;

use super::arrival::Arrival;
use super::door::{Door, Opened, Passage, open};
use super::error::{ActorLabel, TellError, TellErrorKind};
use super::reply::Reply;

/// The future of [`Addr::tell`](super::Addr::tell).
///
/// ```
/// use greenroom::actor::Tell;
/// # use greenroom::prelude::*; enum Msg { Job } impl Protocol for Msg {}
/// # async fn work(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
/// greenroom::run(async |_system| {
///     let addr = greenroom::actor::spawn("worker", work);
///     let tell: Tell<Addr<Msg>, Msg, ()> = addr.tell(Msg::Job);
///     // Nothing was sent yet; it is when the future is polled.
///     assert!(tell.await.is_ok());
/// });
/// ```
#[must_use = "nothing is sent unless the future is awaited"]
#[expect(private_bounds, reason = "a door is an address or a recipient, and nothing else")]
pub struct Tell<D: Door<M, R>, M, R: 'static> {
    door: D,
    passage: Passage<M>,
    away: Option<oneshot::Receiver<Result<(), TellErrorKind>>>,
    reply: std::marker::PhantomData<fn() -> R>,
}

#[expect(private_bounds, reason = "a door is an address or a recipient, and nothing else")]
impl<D: Door<M, R>, M, R: 'static> Tell<D, M, R> {
    pub(crate) const fn new(door: D, message: M) -> Self {
        Self { door, passage: Passage::new(message), away: None, reply: std::marker::PhantomData }
    }

    /// The message, if it was not sent yet: for one who waited for room and gives up.
    pub(crate) const fn take_back(&mut self) -> Option<M> {
        self.passage.take()
    }

    #[cold]
    fn poll_away(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TellError<M>>> {
        let id = self.door.key();
        if self.away.is_none() {
            let message = self.passage.take().expect("a tell was polled after it was done");
            let (sender, receiver) = oneshot::channel();
            let sent = self.door.send_away(message, Reply::nobody(), Arrival::Wait(sender));
            if let Err(away) = sent {
                return Poll::Ready(Err(away.into_error(id)));
            }
            self.away = Some(receiver);
        }
        let Some(receiver) = &mut self.away else { return Poll::Pending };
        // A loop that ends drops the other side.
        let outcome = ready!(receiver.poll_unpin(cx)).unwrap_or(Err(TellErrorKind::Closed));
        Poll::Ready(outcome.map_err(|kind| TellError {
            message: None,
            actor: ActorLabel { id, name: None },
            kind,
        }))
    }
}

// No field is ever pinned: the message only passes through.
impl<D: Door<M, R>, M, R: 'static> Unpin for Tell<D, M, R> {}

impl<D: Door<M, R>, M, R: 'static> Future for Tell<D, M, R> {
    type Output = Result<(), TellError<M>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match open(&this.door) {
            Opened::Here(gate) => {
                this.passage.poll(&this.door, &gate, Some(cx.waker()), Reply::nobody)
            }
            Opened::Gone => Poll::Ready(Err(this.passage.closed(this.door.key()))),
            Opened::Elsewhere => this.poll_away(cx),
        }
    }
}

impl<D: Door<M, R>, M, R: 'static> Drop for Tell<D, M, R> {
    #[inline]
    fn drop(&mut self) {
        if self.passage.waits_in_line() {
            self.passage.leave(&self.door);
        }
    }
}

impl<D: Door<M, R> + std::fmt::Debug, M, R: 'static> std::fmt::Debug for Tell<D, M, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tell").field("door", &self.door).finish_non_exhaustive()
    }
}
