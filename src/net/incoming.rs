//! `Incoming`: the connections of a listener as a stream.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{LocalBoxStream, Stream, StreamExt as _};

use super::tcp_stream::TcpStream;

/// The stream of connections of [`TcpListener::incoming`](super::TcpListener::incoming) and of
/// `UnixListener::incoming`; it never ends, and an error is an item of it.
///
/// ```
/// use futures::stream::StreamExt;
/// use greenroom::net::{TcpListener, TcpStream};
/// # fn main() -> std::io::Result<()> {
/// greenroom::EventLoop::new()?.run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let _client = TcpStream::connect(listener.local_addr()?).await?;
///     let mut connections = listener.incoming();
///     assert!(connections.next().await.is_some_and(|connection| connection.is_ok()));
///     Ok(())
/// })
/// # }
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct Incoming<'a, T = TcpStream> {
    stream: LocalBoxStream<'a, io::Result<T>>,
}

impl<'a, T: 'a> Incoming<'a, T> {
    /// Calls `accept` again and again.
    pub(crate) fn new(accept: impl AsyncFn() -> io::Result<T> + 'a) -> Self {
        let stream = futures::stream::unfold(accept, async |accept| Some((accept().await, accept)));
        Self { stream: stream.boxed_local() }
    }
}

impl<T> Stream for Incoming<'_, T> {
    type Item = io::Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(cx)
    }
}

impl<T> fmt::Debug for Incoming<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}
