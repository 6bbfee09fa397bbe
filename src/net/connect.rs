//! Connecting: one address after another, none of them blocking, all within one limit.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::address::Endpoint;
use super::options::SocketOptions;
use super::resolve::lookup;
use super::tcp_stream::TcpStream;
use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;
use crate::time::timeout;

/// How a connection is made.
///
/// ```
/// use std::time::Duration;
/// use greenroom::net::{ConnectOptions, SocketOptions, TcpListener, TcpStream};
///
/// greenroom::run(async |_system| {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let options = ConnectOptions::new()
///         .limit(Duration::from_secs(3))
///         .socket(SocketOptions::new().nodelay(true));
///     let stream = TcpStream::connect_with(listener.local_addr()?, options).await?;
///     assert!(stream.nodelay()?);
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectOptions {
    limit: Duration,
    socket: SocketOptions,
}

impl ConnectOptions {
    /// 30 s for everything; sockets as the system has them.
    #[must_use]
    pub fn new() -> Self {
        Self { limit: Duration::from_secs(30), socket: SocketOptions::new() }
    }

    /// How long the lookup and all attempts together may take.
    #[must_use]
    pub const fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Options of the connected socket.
    #[must_use]
    pub const fn socket(mut self, socket: SocketOptions) -> Self {
        self.socket = socket;
        self
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}

pub(crate) async fn connect(endpoint: Endpoint, options: ConnectOptions) -> io::Result<TcpStream> {
    let attempts = async {
        let mut failures = Vec::new();
        for address in lookup(endpoint.clone()).await? {
            match attempt(address, options).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failures.push((address, error)),
            }
        }
        Err(all_failed("could not connect to", &endpoint, failures))
    };
    timeout(options.limit, attempts).await.unwrap_or_else(|_| {
        let text = format!("could not connect to {endpoint} within {:?}", options.limit);
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    })
}

async fn attempt(address: SocketAddr, options: ConnectOptions) -> io::Result<TcpStream> {
    let source = Source::new(mio::net::TcpStream::connect(address)?);
    // The kernel answers in its own time; it is connected when it has a peer and no error.
    source
        .io(Direction::Write, |stream| {
            if let Some(error) = stream.take_error()? {
                return Err(error);
            }
            match stream.peer_addr() {
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    Err(io::ErrorKind::WouldBlock.into())
                }
                peer => peer,
            }
        })
        .await?;
    source.with(|stream| options.socket.apply(socket2::SockRef::from(stream)))?;
    Ok(TcpStream::from_source(source))
}

/// One error that names every address that was tried.
pub(crate) fn all_failed(
    what: &str,
    endpoint: &Endpoint,
    failures: Vec<(SocketAddr, io::Error)>,
) -> io::Error {
    let kind = failures.last().map_or(io::ErrorKind::NotFound, |(_, error)| error.kind());
    let causes: Vec<String> =
        failures.iter().map(|(address, error)| format!("{address}: {error}")).collect();
    io::Error::new(kind, format!("{what} {endpoint} ({})", causes.join("; ")))
}
