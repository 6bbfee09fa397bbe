//! What a writer and the task that writes for it share: the bytes, the marks, and how it ended.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use std::future::poll_fn;

use futures::io::AsyncWrite;

use super::limits::LimitError;
use super::marks::Marks;
use super::write_error::WriteError;
use crate::base::invariant::invariant;
use crate::base::waiters::Waiters;
use crate::event_loop::turn_end::turn_ended;
use crate::time::sleep;

/// How long a stream may stall that nobody writes to any more.
const LINGER: Duration = Duration::from_secs(30);
/// A buffer that has grown for a burst is given back.
const KEPT: usize = 256 * 1024;

#[derive(Clone, Debug)]
enum State {
    Open,
    /// Nothing more is taken; what is there is still written.
    Closing,
    /// All was written, and the stream is closed.
    Closed,
    Failed(WriteError),
}

pub(crate) struct Outbox {
    /// Pushed, and not yet in the hand of the task.
    pending: RefCell<Vec<u8>>,
    /// All bytes ever pushed, written, and known to be flushed.
    pushed: Cell<u64>,
    written: Cell<u64>,
    flushed: Cell<u64>,
    marks: Cell<Marks>,
    maximum: usize,
    stall: Option<Duration>,
    /// Everybody who could push has gone.
    forsaken: Cell<bool>,
    state: RefCell<State>,
    /// The task that writes is gone, and the stream with it.
    gone: Cell<bool>,
    /// The task that writes.
    task: RefCell<Option<Waker>>,
    /// Who waits for the buffer to fall, to be empty, or for the end.
    waiters: Waiters,
}

impl Outbox {
    pub(crate) fn new(marks: Marks, maximum: usize, stall: Option<Duration>) -> Rc<Self> {
        Rc::new(Self {
            pending: RefCell::default(),
            pushed: Cell::new(0),
            written: Cell::new(0),
            flushed: Cell::new(0),
            marks: Cell::new(marks),
            maximum,
            stall,
            forsaken: Cell::new(false),
            state: RefCell::new(State::Open),
            gone: Cell::new(false),
            task: RefCell::new(None),
            waiters: Waiters::default(),
        })
    }

    pub(crate) fn buffered(&self) -> usize {
        usize::try_from(self.pushed.get() - self.written.get()).unwrap_or(usize::MAX)
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(*self.state.borrow(), State::Open)
    }

    /// Why nothing more is taken.
    fn refusal(&self) -> Option<WriteError> {
        match &*self.state.borrow() {
            State::Open => None,
            State::Closing | State::Closed => Some(WriteError::Closed),
            State::Failed(error) => Some(error.clone()),
        }
    }

    fn failure(&self) -> Option<WriteError> {
        match &*self.state.borrow() {
            State::Failed(error) => Some(error.clone()),
            _ => None,
        }
    }

    pub(crate) fn push(&self, bytes: &[u8]) -> Result<(), WriteError> {
        if let Some(error) = self.refusal() {
            return Err(error);
        }
        let buffered = self.buffered().saturating_add(bytes.len());
        if buffered > self.maximum {
            let error = WriteError::TooSlow { buffered, maximum: self.maximum };
            self.fail(error.clone());
            return Err(error);
        }
        self.pending.borrow_mut().extend_from_slice(bytes);
        self.pushed.set(self.pushed.get() + bytes.len() as u64);
        self.level();
        self.wake_task();
        Ok(())
    }

    pub(crate) fn set_marks(&self, high: usize, low: usize) -> Result<(), LimitError> {
        if high > self.maximum {
            return Err(LimitError::HighAboveMaximum { high, maximum: self.maximum });
        }
        self.marks.set(self.marks.get().moved(high, low)?);
        self.level();
        Ok(())
    }

    /// Looks at the marks; tells those who wait when they may go on.
    fn level(&self) {
        let before = self.marks.get();
        let marks = before.level(self.buffered());
        self.marks.set(marks);
        if before.is_held() && !marks.is_held() {
            self.waiters.wake_all();
        }
    }

    pub(crate) async fn drained(&self) -> Result<(), WriteError> {
        let check = || match self.refusal() {
            Some(error) => Some(Err(error)),
            None => (!self.marks.get().is_held()).then_some(Ok(())),
        };
        self.waiters.until(check).await
    }

    pub(crate) async fn flushed(&self) -> Result<(), WriteError> {
        let wanted = self.pushed.get();
        let check = || match self.failure() {
            _ if self.flushed.get() >= wanted => Some(Ok(())),
            failure => failure.map(Err),
        };
        self.waiters.until(check).await
    }

    pub(crate) async fn closed(&self) -> Result<(), WriteError> {
        let check = || self.gone.get().then(|| self.failure().map_or(Ok(()), Err));
        self.waiters.until(check).await
    }

    pub(crate) fn close(&self) {
        if self.is_open() {
            self.end(State::Closing);
        }
    }

    /// Nobody is left who could push or wait.
    pub(crate) fn forsake(&self) {
        self.forsaken.set(true);
        self.close();
        // A write that waits is patient no longer.
        self.wake_task();
    }

    /// Ends it with `error`, unless it had ended before.
    pub(crate) fn fail(&self, error: WriteError) {
        if matches!(*self.state.borrow(), State::Open | State::Closing) {
            self.pending.take();
            self.end(State::Failed(error));
        }
    }

    fn end(&self, state: State) {
        *self.state.borrow_mut() = state;
        self.waiters.wake_all();
        self.wake_task();
    }

    fn wake_task(&self) {
        let waker = self.task.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn wrote(&self, bytes: usize) {
        self.written.set(self.written.get() + bytes as u64);
        self.level();
    }

    /// How long the stream may take nothing.
    fn patience(&self) -> Option<Duration> {
        let linger = self.forsaken.get().then_some(LINGER);
        self.stall.into_iter().chain(linger).min()
    }

    /// The next bytes to write, once there are some; `None` when there will be no more.
    async fn next(&self, mut spent: Vec<u8>) -> Option<Vec<u8>> {
        spent.clear();
        if spent.capacity() > KEPT {
            spent = Vec::new();
        }
        poll_fn(|_| {
            let some = !self.pending.borrow().is_empty();
            if some || !self.is_open() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        if self.is_open() && !self.marks.get().is_held() {
            // What others push in this turn goes along with it.
            turn_ended().await;
        }
        let pending = self.pending.replace(spent);
        (!pending.is_empty()).then_some(pending)
    }
}

/// Writes what is pushed until the outbox ends, one way or another. The stream is dropped then.
pub(crate) async fn serve<W: AsyncWrite + Unpin>(stream: W, guard: Guard) {
    let outbox = &guard.0;
    let mut stream = Some(stream);
    let outcome = {
        let mut driving = pin!(drive(outbox, stream.as_mut()));
        poll_fn(|cx| {
            if let Some(error) = outbox.failure() {
                return Poll::Ready(Err(error));
            }
            let waker = cx.waker().clone();
            drop(outbox.task.replace(Some(waker)));
            driving.as_mut().poll(cx)
        })
        .await
    };
    // Before anybody hears of the end.
    drop(stream.take());
    match outcome {
        Ok(()) if outbox.failure().is_none() => outbox.end(State::Closed),
        Ok(()) => {}
        Err(error) => outbox.fail(error),
    }
}

/// However the task ends, and if it never begins, nobody waits for it in vain.
pub(crate) struct Guard(pub(crate) Rc<Outbox>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fail(WriteError::NoLoop);
        self.0.gone.set(true);
        self.0.waiters.wake_all();
    }
}

async fn drive<W: AsyncWrite + Unpin>(
    outbox: &Outbox,
    stream: Option<&mut W>,
) -> Result<(), WriteError> {
    let Some(stream) = stream else { return Ok(()) };
    let mut bytes = Vec::new();
    while let Some(next) = outbox.next(bytes).await {
        bytes = next;
        let end = outbox.written.get() + bytes.len() as u64;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let write = |cx: &mut Context<'_>| Pin::new(&mut *stream).poll_write(cx, rest);
            let written = patiently(outbox, write).await?.min(rest.len());
            if written == 0 {
                return Err(lost(io::ErrorKind::WriteZero.into()));
            }
            rest = &rest[written..];
            outbox.wrote(written);
        }
        patiently(outbox, |cx| Pin::new(&mut *stream).poll_flush(cx)).await?;
        outbox.flushed.set(end);
        outbox.waiters.wake_all();
    }
    patiently(outbox, |cx| Pin::new(&mut *stream).poll_close(cx)).await?;
    let (pushed, written) = (outbox.pushed.get(), outbox.written.get());
    invariant!(B2, pushed == written, "{pushed} bytes were pushed, {written} written");
    Ok(())
}

/// Waits for one step of the stream, as long as the outbox is patient.
async fn patiently<T>(
    outbox: &Outbox,
    mut step: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
) -> Result<T, WriteError> {
    let mut limit = None;
    poll_fn(|cx| {
        if let Poll::Ready(done) = step(cx) {
            return Poll::Ready(done.map_err(lost));
        }
        let Some(patience) = outbox.patience() else { return Poll::Pending };
        // Shorter once nobody holds the writer any more.
        let limit = match &mut limit {
            Some((of, limit)) if *of == patience => limit,
            limit => &mut limit.insert((patience, sleep(patience))).1,
        };
        let stalled = WriteError::Stalled { limit: patience, buffered: outbox.buffered() };
        Pin::new(limit).poll(cx).map(|()| Err(stalled))
    })
    .await
}

fn lost(error: io::Error) -> WriteError {
    WriteError::Lost(Arc::new(error))
}
