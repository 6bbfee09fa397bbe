//! Limits of a server.

use std::time::Duration;

use crate::net::options::SocketOptions;

/// Limits of a [`Server`](super::Server); what is not said is not limited.
///
/// ```
/// use std::time::Duration;
/// use greenroom::net::{ServerOptions, SocketOptions};
/// let options = ServerOptions::new()
///     .max_connections(1_000)
///     .idle_timeout(Duration::from_secs(60))
///     .socket(SocketOptions::new().nodelay(true));
/// assert_ne!(options, ServerOptions::new());
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[must_use]
pub struct ServerOptions {
    pub(crate) max_connections: Option<usize>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) socket: SocketOptions,
    pub(crate) keep_file: bool,
}

impl ServerOptions {
    /// No limits.
    ///
    /// ```
    /// use greenroom::net::ServerOptions;
    /// assert_eq!(ServerOptions::new(), ServerOptions::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// How many connections there may be at once; at least 1. At the limit the server accepts none,
    /// so that further clients wait in the kernel's queue, and goes on when one of them is gone.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let one = ServerOptions::new().max_connections(1);
    /// let server = serve(listener, one, async |mut connection: Connection| {
    ///     futures::io::copy(&connection, &mut &connection).await.map(drop)
    /// });
    /// let address = server.local_addrs()[0];
    /// let first = TcpStream::connect(address).await?;
    /// let _second = TcpStream::connect(address).await?; // it waits in the queue
    /// greenroom::time::sleep(std::time::Duration::from_millis(20)).await;
    /// assert_eq!(server.connections(), 1);
    /// # drop(first);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = Some(if connections == 0 { 1 } else { connections });
        self
    }

    /// For how long a read or a write may wait while not a byte comes or goes. The connection is
    /// closed then, and what waits fails with `TimedOut`. Time in which the handler does not wait
    /// for its peer does not count; a wait that is given up counts until bytes come or go, or until
    /// the limit would have been reached.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// use std::time::Duration;
    /// use futures::AsyncReadExt;
    /// use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let brief = ServerOptions::new().idle_timeout(Duration::from_millis(5));
    /// let server = serve(listener, brief, async |mut connection: Connection| {
    ///     connection.read(&mut [0; 16]).await.map(drop) // fails with `TimedOut`
    /// });
    /// let mut silent = TcpStream::connect(server.local_addrs()[0]).await?;
    /// assert_eq!(silent.read(&mut [0; 16]).await?, 0, "it was closed");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub const fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = Some(limit);
        self
    }

    /// Options that each TCP connection is given.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// use greenroom::net::{Connection, ServerOptions, SocketOptions, TcpListener, TcpStream, serve};
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let options = ServerOptions::new().socket(SocketOptions::new().nodelay(true));
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// let server = serve(listener, options, async |mut connection: Connection| {
    ///     let text = connection.with_socket(TcpStream::nodelay)?.to_string();
    ///     connection.write_all(text.as_bytes()).await
    /// });
    /// let mut text = String::new();
    /// TcpStream::connect(server.local_addrs()[0]).await?.read_to_string(&mut text).await?;
    /// assert_eq!(text, "true");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub const fn socket(mut self, options: SocketOptions) -> Self {
        self.socket = options;
        self
    }

    /// Leaves the file of a Unix socket where it is. Without this a server that closes removes it,
    /// unless it is another file by then.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// use greenroom::net::{Connection, ServerOptions, UnixListener, UnixStream, serve};
    /// # let path = std::env::temp_dir().join(format!("greenroom-keep-{}", std::process::id()));
    /// for (options, stays) in [(ServerOptions::new(), false), (ServerOptions::new().keep_file(), true)] {
    ///     let listener = UnixListener::bind(&path)?;
    ///     let server = serve(listener, options, async |_: Connection<UnixStream>| Ok::<(), String>(()));
    ///     server.close();
    ///     assert_eq!(path.exists(), stays);
    /// }
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub const fn keep_file(mut self) -> Self {
        self.keep_file = true;
        self
    }
}
