//! `TcpListener`: accepting connections.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use socket2::SockRef;

use super::accept::{Shortage, accept};
use super::address::Endpoint;
use super::incoming::Incoming;
use super::options::ListenOptions;
use super::resolve::first_of;
use super::tcp_stream::TcpStream;
use crate::event_loop::source::Source;

/// A TCP socket that listens.
///
/// ```
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// use greenroom::net::{TcpListener, TcpStream};
///
/// greenroom::run(async |_system| {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let address = listener.local_addr()?;
///     let serving = async {
///         let (mut client, _) = listener.accept().await?;
///         client.write_all(b"hello").await?;
///         client.close().await
///     };
///     let asking = async {
///         let mut stream = TcpStream::connect(address).await?;
///         let mut text = String::new();
///         stream.read_to_string(&mut text).await?;
///         Ok::<_, std::io::Error>(text)
///     };
///     let (served, text) = futures::join!(serving, asking);
///     served?;
///     assert_eq!(text?, "hello");
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub struct TcpListener {
    source: Source<mio::net::TcpListener>,
    shortage: Shortage,
}

impl TcpListener {
    /// Listens on the first address of `endpoint` that can be had; port 0 is any free one.
    ///
    /// # Errors
    /// When none can be had, naming each with its cause.
    ///
    /// # Cancel safety
    /// Dropped while it looks a name up, nothing is bound.
    ///
    /// ```
    /// use greenroom::net::TcpListener;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// assert_ne!(listener.local_addr()?.port(), 0);
    /// let error = TcpListener::bind(listener.local_addr()?).await.unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn bind(endpoint: impl Into<Endpoint>) -> io::Result<Self> {
        Self::bind_with(endpoint, ListenOptions::new()).await
    }

    /// As [`bind`](Self::bind), with options of your choice.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    ///
    /// # Cancel safety
    /// As [`bind`](Self::bind).
    ///
    /// ```
    /// use greenroom::net::{ListenOptions, TcpListener};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let options = ListenOptions::new().backlog(16);
    /// let listener = TcpListener::bind_with("127.0.0.1:0", options).await?;
    /// assert!(listener.local_addr()?.ip().is_loopback());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn bind_with(
        endpoint: impl Into<Endpoint>,
        options: ListenOptions,
    ) -> io::Result<Self> {
        let listening =
            first_of(endpoint.into(), "could not listen on", |address| options.listen(address));
        Self::from_std(listening.await?)
    }

    /// Takes over a listener of the standard library.
    ///
    /// # Errors
    /// When it cannot be made non-blocking.
    ///
    /// ```
    /// use greenroom::net::TcpListener;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let address = listener.local_addr()?;
    /// assert_eq!(TcpListener::from_std(listener)?.local_addr()?, address);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let source = Source::new(mio::net::TcpListener::from_std(listener));
        Ok(Self { source, shortage: Shortage::default() })
    }

    /// Gives the listener back to the standard library; it stays non-blocking.
    ///
    /// # Errors
    /// When there is no descriptor left to hand it over.
    ///
    /// ```
    /// use greenroom::net::TcpListener;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let address = listener.local_addr()?;
    /// let listener = listener.into_std()?;
    /// assert_eq!(listener.local_addr()?, address);
    /// assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        let socket = self.source.with(|listener| SockRef::from(listener).try_clone())?;
        Ok(socket.into())
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the kernel does not tell.
    ///
    /// ```
    /// use greenroom::net::TcpListener;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// assert_ne!(listener.local_addr()?.port(), 0, "the kernel has chosen one");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.with(mio::net::TcpListener::local_addr)
    }

    /// Waits for a connection. Any number of tasks may wait at once.
    ///
    /// Connections that fail before they are accepted are passed over. When the process or the
    /// system is out of descriptors or memory it waits, up to a second at a time, and goes on when
    /// there are some: the listener is not lost and the loop does not spin.
    ///
    /// # Errors
    /// When the listener itself is broken.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no connection is lost.
    ///
    /// ```
    /// use greenroom::net::{TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let client = TcpStream::connect(listener.local_addr()?).await?;
    /// let (stream, peer) = listener.accept().await?;
    /// assert_eq!((peer, stream.peer_addr()?), (client.local_addr()?, client.local_addr()?));
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let name = || self.local_addr().map_or_else(|_| "?".to_owned(), |addr| addr.to_string());
        let accepted =
            accept(&self.source, &self.shortage, name, mio::net::TcpListener::accept).await;
        accepted.map(|(stream, peer)| (TcpStream::new(stream), peer))
    }

    /// The connections, one after another.
    ///
    /// ```
    /// use futures::StreamExt;
    /// use greenroom::net::{TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let clients = [TcpStream::connect(listener.local_addr()?).await?, TcpStream::connect(listener.local_addr()?).await?];
    /// let connections: Vec<_> = listener.incoming().take(2).collect().await;
    /// assert!(connections.len() == clients.len() && connections.iter().all(Result::is_ok));
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming::new(async || self.accept().await.map(|(stream, _)| stream))
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("local", &self.local_addr().ok()).finish()
    }
}
