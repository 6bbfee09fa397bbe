//! `Server`: the ways to close it, and to know that it is closed.

use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::accepting::Shared;
use super::socket::{Listener, Socket};
use crate::net::tcp_stream::TcpStream;
use crate::time::timeout;

/// What [`serve`](super::serve()) gives. Clones are the same server, and dropping them changes
/// nothing.
///
/// | wish | call |
/// | --- | --- |
/// | accept no more | [`close`](Self::close) |
/// | ask those who are there to end | [`close_clients`](Self::close_clients) |
/// | end them now | [`abort_clients`](Self::abort_clients) |
/// | know that all is over | [`wait_closed`](Self::wait_closed) |
/// | all of that, within a limit | [`shutdown`](Self::shutdown) |
/// | a server that ends with its scope | [`serve_forever`](Self::serve_forever) |
///
/// ```
/// # greenroom::EventLoop::new().unwrap().run(async {
/// use greenroom::net::{Connection, Server, ServerOptions, TcpListener, serve};
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let handler = async |_: Connection| Ok::<(), std::io::Error>(());
/// let server: Server = serve(listener, ServerOptions::new(), handler);
/// assert!(server.is_serving());
/// server.close();
/// server.wait_closed().await;
/// assert!(!server.is_serving());
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub struct Server<S: Socket = TcpStream> {
    shared: Rc<Shared<S>>,
}

impl<S: Socket> Server<S> {
    pub(crate) const fn new(shared: Rc<Shared<S>>) -> Self {
        Self { shared }
    }

    /// Accepts from another listener too, as for a second address; the limits are of all together.
    /// On a server that is closed the listener is dropped.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, serve};
    /// let handler = async |_: Connection| Ok::<(), std::io::Error>(());
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// server.listen_also(TcpListener::bind("127.0.0.1:0").await?);
    /// assert_eq!(server.local_addrs().len(), 2);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    pub fn listen_also<L: Listener<Socket = S>>(&self, listener: L) {
        if self.is_serving() {
            self.shared.listen(listener);
        }
    }

    /// Where it listens: nowhere when it is closed.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, serve};
    /// # let handler = async |_: Connection| Ok::<(), std::io::Error>(());
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let address = listener.local_addr()?;
    /// let server = serve(listener, ServerOptions::new(), handler);
    /// assert_eq!(server.local_addrs(), [address]);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn local_addrs(&self) -> Vec<S::Addr> {
        self.shared.addresses()
    }

    /// Whether it is not closed.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, serve};
    /// # let handler = async |_: Connection| Ok::<(), std::io::Error>(());
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// assert!(server.is_serving());
    /// server.close();
    /// assert!(!server.is_serving());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn is_serving(&self) -> bool {
        !self.shared.closed.get()
    }

    /// How many connections there are: those whose socket is open or whose handler runs.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, serve};
    /// # let handler = async |_: Connection| Ok::<(), std::io::Error>(());
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// assert_eq!(server.connections(), 0);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.roll.open()
    }

    /// Stops listening: the port is free when this returns. Connections stay as they are; clients
    /// that wait to be accepted are refused. (Called outside the loop, the loop does it when it
    /// runs next.)
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, serve};
    /// # let handler = async |_: Connection| Ok::<(), std::io::Error>(());
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// let address = server.local_addrs()[0];
    /// assert!(TcpListener::bind(address).await.is_err());
    /// server.close();
    /// assert!(TcpListener::bind(address).await.is_ok());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn close(&self) {
        self.shared.close();
    }

    /// Asks all connections to end: from now on they read the end of the stream, and
    /// [`closing`](super::Connection::closing) is done. Their handlers may still finish what they
    /// have begun and write.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// let handler = async |mut connection: Connection| {
    ///     connection.write_all(b"hello").await?;
    ///     connection.read(&mut [0; 16]).await?;
    ///     connection.write_all(b" and goodbye").await
    /// };
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// client.read_exact(&mut [0; 5]).await?;
    /// server.close_clients();
    /// let mut rest = String::new();
    /// client.read_to_string(&mut rest).await?;
    /// assert_eq!(rest, " and goodbye");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn close_clients(&self) {
        self.shared.roll.close_all();
    }

    /// Ends all connections here and now: handlers are dropped where they wait, sockets are closed
    /// wherever they are, what was not sent is lost. A TCP peer sees a reset. Gives how many those
    /// were.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// let handler = async |mut connection: Connection| {
    ///     connection.write_all(b"hello").await?;
    ///     std::future::pending::<std::io::Result<()>>().await
    /// };
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// client.read_exact(&mut [0; 5]).await?;
    /// assert_eq!((server.abort_clients(), server.connections()), (1, 0));
    /// let error = client.read(&mut [0; 16]).await.unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn abort_clients(&self) -> usize {
        self.shared.roll.abort_all()
    }

    /// Waits until the server is closed and all its connections are gone, in whichever order.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// use futures::{AsyncReadExt, FutureExt};
    /// let handler = async |mut connection: Connection| connection.read(&mut [0; 16]).await.map(drop);
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// let client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// while server.connections() == 0 { greenroom::task::yield_now().await; }
    /// server.close();
    /// assert!(server.wait_closed().now_or_never().is_none(), "a client is there");
    /// drop(client);
    /// server.wait_closed().await;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn wait_closed(&self) {
        let shared = &self.shared;
        shared.changed.until(|| shared.closed.get().then_some(())).await;
        shared.roll.fewer.until(|| (shared.roll.open() == 0).then_some(())).await;
    }

    /// Closes it in order: it accepts no more, asks all connections to end, and aborts those that
    /// are still there after `grace`. Gives how many had to be aborted.
    ///
    /// # Cancel safety
    /// Dropped while it waits, it is closed and its connections are asked to end; none is aborted.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// let deaf = async |_: Connection| std::future::pending::<std::io::Result<()>>().await;
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), deaf);
    /// let _client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// while server.connections() == 0 { greenroom::task::yield_now().await; }
    /// let grace = std::time::Duration::from_millis(5);
    /// assert_eq!(server.shutdown(grace).await, 1);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn shutdown(&self, grace: Duration) -> usize {
        self.close();
        self.close_clients();
        if timeout(grace, self.wait_closed()).await.is_ok() {
            return 0;
        }
        let aborted = self.abort_clients();
        self.wait_closed().await;
        aborted
    }

    /// Waits until the server is closed from elsewhere and all its connections are gone. Dropped
    /// before, it closes the server and aborts the connections: nothing outlives the scope in which
    /// this is awaited.
    ///
    /// # Errors
    /// When the server has closed by itself, as its listener broke.
    ///
    /// # Cancel safety
    /// See above.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// let handler = async |_: Connection| std::future::pending::<std::io::Result<()>>().await;
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// let _client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// let limit = std::time::Duration::from_millis(5);
    /// assert!(greenroom::time::timeout(limit, server.serve_forever()).await.is_err());
    /// assert!(!server.is_serving() && server.connections() == 0);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn serve_forever(&self) -> io::Result<()> {
        let scope = Scope(self);
        self.wait_closed().await;
        let failure = scope.0.shared.failure.take();
        failure.map_or(Ok(()), Err)
    }
}

/// Ends a server with the scope that serves.
struct Scope<'a, S: Socket>(&'a Server<S>);

impl<S: Socket> Drop for Scope<'_, S> {
    fn drop(&mut self) {
        self.0.close();
        self.0.abort_clients();
    }
}

impl<S: Socket> Clone for Server<S> {
    fn clone(&self) -> Self {
        Self { shared: Rc::clone(&self.shared) }
    }
}

impl<S: Socket> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("local", &self.local_addrs())
            .field("connections", &self.connections())
            .field("serving", &self.is_serving())
            .finish_non_exhaustive()
    }
}
