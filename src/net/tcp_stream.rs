//! `TcpStream`: one TCP connection.

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;

use super::address::Endpoint;
use super::connect::{ConnectOptions, connect};
use super::options::SocketOptions;
use super::split::{self, ReadHalf, WriteHalf};
use super::stream::byte_stream;
use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;

/// One TCP connection, with the `futures` traits `AsyncRead` and `AsyncWrite`, for `TcpStream` and
/// for `&TcpStream`. See [`TcpListener`](super::TcpListener) for an example.
///
/// Dropping it closes the connection. `poll_close` ends the write side only: the peer reads to the
/// end and may still answer.
pub struct TcpStream {
    source: Source<mio::net::TcpStream>,
}

byte_stream!(TcpStream);

impl TcpStream {
    pub(crate) const fn new(stream: mio::net::TcpStream) -> Self {
        Self { source: Source::new(stream) }
    }

    pub(crate) const fn from_source(source: Source<mio::net::TcpStream>) -> Self {
        Self { source }
    }

    /// Connects to the first address of `endpoint` that answers, within 30 s for all together.
    ///
    /// # Errors
    /// When none does, naming each address with its cause.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the attempt is given up.
    pub async fn connect(endpoint: impl Into<Endpoint>) -> io::Result<Self> {
        connect(endpoint.into(), ConnectOptions::new()).await
    }

    /// As [`connect`](Self::connect), with a limit and options of your choice.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// As [`connect`](Self::connect).
    pub async fn connect_with(
        endpoint: impl Into<Endpoint>,
        options: ConnectOptions,
    ) -> io::Result<Self> {
        connect(endpoint.into(), options).await
    }

    /// Takes over a connected stream of the standard library.
    ///
    /// # Errors
    /// When it cannot be made non-blocking.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::new(mio::net::TcpStream::from_std(stream)))
    }

    /// The address at this end.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.with(mio::net::TcpStream::local_addr)
    }

    /// The address at the other end.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.source.with(mio::net::TcpStream::peer_addr)
    }

    /// Whether small writes are sent at once.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.source.with(mio::net::TcpStream::nodelay)
    }

    /// Whether small writes are to be sent at once.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.source.with(|stream| stream.set_nodelay(nodelay))
    }

    /// Sets several options at once.
    ///
    /// # Errors
    /// When the kernel refuses one; those before it are set.
    pub fn set_options(&self, options: SocketOptions) -> io::Result<()> {
        self.source.with(|stream| options.apply(socket2::SockRef::from(stream)))
    }

    /// Reads without taking: the next read gives the same bytes again.
    ///
    /// # Errors
    /// When the connection failed.
    ///
    /// # Cancel safety
    /// Nothing is taken either way.
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.io(Direction::Read, |stream| stream.peek(buffer)).await
    }

    /// Waits until a read is worth trying.
    ///
    /// # Errors
    /// When no loop runs here, or another than the socket's.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn readable(&self) -> io::Result<()> {
        self.source.ready(Direction::Read).await
    }

    /// Waits until a write is worth trying.
    ///
    /// # Errors
    /// When no loop runs here, or another than the socket's.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn writable(&self) -> io::Result<()> {
        self.source.ready(Direction::Write).await
    }

    /// Ends one side of the connection, or both.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.source.with(|stream| stream.shutdown(how))
    }

    /// Lends both halves, for reading and writing at the same time in one task.
    pub fn split(&mut self) -> (ReadHalf<&Self>, WriteHalf<&Self>) {
        split::borrowed(self)
    }

    /// Takes the stream apart, for two tasks of this loop. Dropping the write half ends the write
    /// side.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf<Rc<Self>>, WriteHalf<Rc<Self>>) {
        split::owned(self)
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStream")
            .field("local", &self.local_addr().ok())
            .field("peer", &self.peer_addr().ok())
            .finish()
    }
}
