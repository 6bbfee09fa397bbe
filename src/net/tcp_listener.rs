//! `TcpListener`: accepting connections.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use futures::stream::{LocalBoxStream, StreamExt as _};
use socket2::{Domain, Protocol, Socket, Type};

use super::accept::accept;
use super::address::Endpoint;
use super::options::ListenOptions;
use super::resolve::lookup;
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
}

impl TcpListener {
    /// Listens on the first address of `endpoint` that can be had; port 0 is any free one.
    ///
    /// # Errors
    /// When none can be had, naming each with its cause.
    ///
    /// # Cancel safety
    /// Dropped while it looks a name up, nothing is bound.
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
    pub async fn bind_with(
        endpoint: impl Into<Endpoint>,
        options: ListenOptions,
    ) -> io::Result<Self> {
        let endpoint = endpoint.into();
        let mut failures = Vec::new();
        for address in lookup(endpoint.clone()).await? {
            match listen(address, options) {
                Ok(listener) => return Self::from_std(listener),
                Err(error) => failures.push((address, error)),
            }
        }
        Err(super::connect::all_failed("could not listen on", &endpoint, failures))
    }

    /// Takes over a listener of the standard library.
    ///
    /// # Errors
    /// When it cannot be made non-blocking.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { source: Source::new(mio::net::TcpListener::from_std(listener)) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the kernel does not tell.
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
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let name = || self.local_addr().map_or_else(|_| "?".to_owned(), |addr| addr.to_string());
        let accepted = accept(&self.source, name, mio::net::TcpListener::accept).await;
        accepted.map(|(stream, peer)| (TcpStream::new(stream), peer))
    }

    /// The connections, one after another.
    pub fn incoming(&self) -> Incoming<'_> {
        let stream = futures::stream::unfold(self, async |listener| {
            Some((listener.accept().await.map(|(stream, _)| stream), listener))
        });
        Incoming { stream: stream.boxed_local() }
    }
}

fn listen(address: SocketAddr, options: ListenOptions) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(options.reuse_address)?;
    #[cfg(unix)]
    if options.reuse_port {
        socket.set_reuse_port(true)?;
    }
    if let (true, Some(only)) = (address.is_ipv6(), options.only_v6) {
        socket.set_only_v6(only)?;
    }
    socket.bind(&address.into())?;
    socket.listen(options.backlog)?;
    Ok(socket.into())
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("local", &self.local_addr().ok()).finish()
    }
}

/// The stream of connections of [`TcpListener::incoming`]; it never ends.
#[must_use = "a stream does nothing unless it is polled"]
pub struct Incoming<'a> {
    stream: LocalBoxStream<'a, io::Result<TcpStream>>,
}

impl futures::Stream for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(cx)
    }
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}
