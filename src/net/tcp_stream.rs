//! `TcpStream`: one TCP connection.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use socket2::SockRef;

use super::address::Endpoint;
use super::connect::{ConnectOptions, connect};
use super::options::SocketOptions;
use super::stream::byte_stream;
use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;

/// One TCP connection, with the `futures` traits `AsyncRead` and `AsyncWrite`, for `TcpStream` and
/// for `&TcpStream`.
///
/// Dropping it closes the connection. `poll_close` ends the write side only: the peer reads to the
/// end and may still answer. In each direction one task at a time waits by the `poll` functions,
/// the last that asked; `peek`, `readable` and `writable` may be awaited by any number.
///
/// ```
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// use greenroom::net::{TcpListener, TcpStream};
/// # fn main() -> std::io::Result<()> {
/// greenroom::EventLoop::new()?.run(async {
///     let listener = TcpListener::bind(("localhost", 0)).await?;
///     let mut here = TcpStream::connect(listener.local_addr()?).await?;
///     let (there, _) = listener.accept().await?;
///     let (mut reader, mut writer) = there.into_split();
///     here.write_all(b"hello").await?;
///     here.close().await?;
///     futures::io::copy(&mut reader, &mut writer).await?;
///     drop(writer); // the write side ends here
///     let mut answer = String::new();
///     here.read_to_string(&mut answer).await?;
///     assert_eq!(answer, "hello");
///     Ok(())
/// })
/// # }
/// ```
pub struct TcpStream {
    source: Source<mio::net::TcpStream>,
}

byte_stream!(
    TcpStream,
    mio::net::TcpStream,
    std::net::TcpStream,
    "# let listener = greenroom::net::TcpListener::bind(\"127.0.0.1:0\").await?;
# let here = TcpStream::connect(listener.local_addr()?).await?;
# let (there, _) = listener.accept().await?;"
);

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
    ///
    /// ```
    /// use greenroom::net::{TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
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
    ///
    /// ```
    /// use greenroom::net::{ConnectOptions, TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let options = ConnectOptions::new().limit(std::time::Duration::from_secs(3));
    /// let stream = TcpStream::connect_with(listener.local_addr()?, options).await?;
    /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn connect_with(
        endpoint: impl Into<Endpoint>,
        options: ConnectOptions,
    ) -> io::Result<Self> {
        connect(endpoint.into(), options).await
    }

    /// The address at this end.
    ///
    /// # Errors
    /// When the kernel does not tell.
    ///
    /// ```
    /// use greenroom::net::{TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// let (there, _) = listener.accept().await?;
    /// assert_eq!(stream.local_addr()?, there.peer_addr()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.with(mio::net::TcpStream::local_addr)
    }

    /// The address at the other end.
    ///
    /// # Errors
    /// When the connection is gone.
    ///
    /// ```
    /// use greenroom::net::{TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.source.with(mio::net::TcpStream::peer_addr)
    }

    /// Whether small writes are sent at once.
    ///
    /// # Errors
    /// When the kernel does not tell.
    ///
    /// ```
    /// use greenroom::net::{TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// assert!(!stream.nodelay()?, "the system's own choice");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn nodelay(&self) -> io::Result<bool> {
        self.source.with(mio::net::TcpStream::nodelay)
    }

    /// Says whether small writes are to be sent at once.
    ///
    /// # Errors
    /// When the kernel refuses.
    ///
    /// ```
    /// use greenroom::net::{TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// stream.set_nodelay(true)?;
    /// assert!(stream.nodelay()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.source.with(|stream| stream.set_nodelay(nodelay))
    }

    /// Sets several options at once.
    ///
    /// # Errors
    /// When the kernel refuses one; those before it are set.
    ///
    /// ```
    /// use greenroom::net::{SocketOptions, TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// stream.set_options(SocketOptions::new().nodelay(true).ttl(9))?;
    /// assert!(stream.nodelay()?);
    /// assert_eq!(stream.into_std()?.ttl()?, 9);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn set_options(&self, options: SocketOptions) -> io::Result<()> {
        let v6 = self.local_addr()?.is_ipv6();
        self.source.with(|stream| options.apply(SockRef::from(stream), v6))
    }

    /// Reads without taking: the next read gives the same bytes again.
    ///
    /// # Errors
    /// When the connection failed.
    ///
    /// # Cancel safety
    /// Nothing is taken either way.
    ///
    /// ```
    /// use futures::io::{AsyncReadExt, AsyncWriteExt};
    /// use greenroom::net::{TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let (here, there) = (TcpStream::connect(listener.local_addr()?).await?, listener.accept().await?.0);
    /// (&here).write_all(b"ping").await?;
    /// let mut bytes = [0; 4];
    /// assert_eq!(there.peek(&mut bytes).await?, 4);
    /// assert_eq!((&there).read(&mut bytes).await?, 4, "they are still there");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.io(Direction::Read, |stream| stream.peek(buffer)).await
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
