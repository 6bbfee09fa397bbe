//! `Signals`: one listener; the handler sets a mark for each signal and writes to a pipe.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use futures::future::FutureExt as _;
use futures::stream::Stream;
use mio::unix::pipe::{self, Receiver};
use signal_hook::consts::FORBIDDEN;
use signal_hook::low_level::{pipe as wake, unregister};
use signal_hook::{SigId, flag};

use super::disposition::Held;
use super::{Signal, SignalError};
use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;

/// Listens to a set of signals, on the current loop, from now until the stream is dropped.
///
/// # Errors
/// When the set is empty, when one of them cannot be handled by any program, when no loop runs here
/// or one with a virtual clock, or when there are no descriptors left. Nothing is listened to then.
///
/// ```
/// use greenroom::signal::{Signal, signals};
/// greenroom::run(async |_system| {
///     let (mut one, mut two) = (signals([Signal::USR1])?, signals([Signal::USR1])?);
///     # signal_hook::low_level::raise(Signal::USR1.number()).unwrap();
///     // Elsewhere: kill -USR1 …
///     assert_eq!((one.recv().await?, two.recv().await?), (Signal::USR1, Signal::USR1));
///     Ok::<(), greenroom::signal::SignalError>(())
/// }).unwrap();
/// ```
pub fn signals(set: impl IntoIterator<Item = Signal>) -> Result<Signals, SignalError> {
    let mut set: Vec<Signal> = set.into_iter().collect();
    // Named twice, it is heard once.
    let mut place = 0;
    while place < set.len() {
        let twice = set[..place].contains(&set[place]);
        if twice { _ = set.remove(place) } else { place += 1 }
    }
    if let Some(refused) = set.iter().find(|signal| FORBIDDEN.contains(&signal.number())) {
        return Err(SignalError::Refused(*refused));
    }
    if set.is_empty() {
        return Err(SignalError::Empty);
    }
    let (writer, reader) = pipe::new().map_err(SignalError::Loop)?;
    let writer = OwnedFd::from(writer);
    let pipe = Source::new(reader);
    // It takes its place on the loop, or says why it has none.
    pipe.ready(Direction::Read).now_or_never().unwrap_or(Ok(())).map_err(SignalError::Loop)?;
    let mut heard = Vec::new();
    for signal in set {
        let one = Heard::new(signal, &writer).map_err(|error| SignalError::System(signal, error));
        heard.push(one?);
    }
    Ok(Signals { heard, pipe })
}

/// Waits for one Ctrl-C (SIGINT) from its first poll on.
///
/// Once it is done, Ctrl-C does again what it did before: the next one ends the process, unless
/// somebody else listens, such as a [`System`](crate::System), which stops in order. To hear all of
/// them keep a stream: [`signals`]`([Signal::INT])`.
///
/// # Errors
/// As those of [`signals`].
///
/// # Cancel safety
/// Dropped while it waits it has changed nothing.
///
/// ```
/// use greenroom::signal::ctrl_c;
/// greenroom::System::builder().signals(false).run(async |_system| {
///     let mut ended = std::pin::pin!(ctrl_c());
///     assert!(futures::poll!(&mut ended).is_pending()); // it listens now
///     # signal_hook::low_level::raise(2).unwrap();
///     // Elsewhere: kill -INT …
///     assert!(ended.await.is_ok());
/// }).unwrap();
/// ```
pub async fn ctrl_c() -> Result<(), SignalError> {
    signals([Signal::INT])?.recv().await.map(drop)
}

/// A stream of signals; made by [`signals`].
///
/// As a [`Stream`] it ends, with an event in the log, where [`recv`](Self::recv) would fail: polled
/// on another loop than its own.
///
/// ```
/// use futures::stream::StreamExt;
/// use greenroom::signal::{Signal, Signals, signals};
/// greenroom::run(async |_system| {
///     let mut asked: Signals = signals([Signal::USR2])?;
///     # signal_hook::low_level::raise(Signal::USR2.number()).unwrap();
///     assert_eq!(asked.next().await, Some(Signal::USR2)); // kill -USR2 …
///     Ok::<(), greenroom::signal::SignalError>(())
/// }).unwrap();
/// ```
#[must_use = "dropping it ends the listening"]
pub struct Signals {
    // In this order: first the handlers go, then the pipe that they write to.
    heard: Vec<Heard>,
    pipe: Source<Receiver>,
}

impl Signals {
    /// Waits for the next signal of the set. Of several that came meanwhile, the one that stands
    /// first in the set is first.
    ///
    /// # Errors
    /// When this is polled on another loop than the one it was made on, or on none.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no signal is lost.
    ///
    /// ```
    /// use greenroom::signal::{Signal, signals};
    /// greenroom::run(async |_system| {
    ///     let mut asked = signals([Signal::HUP, Signal::USR1])?;
    ///     # for signal in [Signal::USR1, Signal::HUP, Signal::HUP] {
    ///     #     signal_hook::low_level::raise(signal.number()).unwrap();
    ///     # }
    ///     // Elsewhere: kill -USR1 …; kill -HUP …; kill -HUP …
    ///     assert_eq!(asked.recv().await?, Signal::HUP); // both of them
    ///     assert_eq!(asked.recv().await?, Signal::USR1);
    ///     Ok::<(), greenroom::signal::SignalError>(())
    /// }).unwrap();
    /// ```
    pub async fn recv(&mut self) -> Result<Signal, SignalError> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&self, cx: &Context<'_>) -> Poll<Result<Signal, SignalError>> {
        let mut scratch = [0; 64];
        loop {
            // A mark is set before its byte is written, so none is missed between look and read.
            if let Some(heard) = self.heard.iter().find(|heard| heard.take()) {
                return Poll::Ready(Ok(heard.signal));
            }
            let read = self.pipe.poll_io(Direction::Read, cx, |mut pipe| pipe.read(&mut scratch));
            ready!(read).map_err(SignalError::Loop)?;
        }
    }
}

impl Stream for Signals {
    type Item = Signal;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Signal>> {
        Poll::Ready(match ready!(self.poll_recv(cx)) {
            Ok(signal) => Some(signal),
            Err(error) => {
                tracing::warn!(
                    target: "greenroom::signal", %error, signals = ?self,
                    "a stream of signals ends",
                );
                None
            }
        })
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heard = self.heard.iter().map(|heard| heard.signal);
        f.write_str("Signals ")?;
        f.debug_list().entries(heard).finish()
    }
}

/// One signal of one stream.
struct Heard {
    signal: Signal,
    came: Arc<AtomicBool>,
    handlers: [SigId; 2],
    /// The signal acts by default from the moment on in which the last of these is dropped.
    held: Option<Held>,
}

impl Heard {
    fn new(signal: Signal, pipe: &OwnedFd) -> io::Result<Self> {
        let pipe = pipe.try_clone()?;
        let came = Arc::new(AtomicBool::new(false));
        let mark = flag::register(signal.number(), Arc::clone(&came))?;
        let wake = wake::register(signal.number(), pipe).inspect_err(|_| _ = unregister(mark))?;
        let mut heard = Self { signal, came, handlers: [mark, wake], held: None };
        // Last: until here it acts by default, and from here on it is marked.
        heard.held = Some(Held::new(signal)?);
        Ok(heard)
    }

    fn take(&self) -> bool {
        self.came.swap(false, Ordering::SeqCst)
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        // The default first: a signal that comes in between is not swallowed.
        self.held = None;
        for handler in self.handlers {
            unregister(handler);
        }
    }
}
