//! `Connection`: what a handler is given.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite};

use super::line::{Line, Standing};
use super::socket::Socket;
use crate::io::{Reader, Writer};
use crate::net::split::{self, ReadHalf, WriteHalf};
use crate::net::tcp_stream::TcpStream;
use crate::reactor::readiness::Direction;

/// One connection of a [`Server`](super::Server), with the `futures` traits `AsyncRead` and
/// `AsyncWrite`, for `Connection` and for `&Connection`.
///
/// It counts, keeps to the limits and can be ended by its server wherever it is: it may be given to
/// another task or to an actor, and the handler may return before. Dropping it closes it.
///
/// ```
/// use greenroom::io::ReadError;
/// use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
/// use greenroom::prelude::*;
///
/// async fn shout(connection: Connection) -> Result<(), Fault> {
///     let (mut reader, writer) = connection.into_buffered();
///     while let Some(line) = reader.read_line().await? {
///         writer.push(line.to_ascii_uppercase())?;
///         writer.drain().await?;
///     }
///     Ok(writer.close().await?)
/// }
///
/// greenroom::run(async |_system| {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let server = serve(listener, ServerOptions::new(), shout);
///     let (mut reader, writer) = TcpStream::connect(server.local_addrs()[0]).await?.into_buffered();
///     writer.push("hello\n")?;
///     assert_eq!(reader.read_line().await?, Some(&b"HELLO\n"[..]));
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
pub struct Connection<S: Socket = TcpStream> {
    pub(super) line: Rc<Line<S>>,
}

impl<S: Socket> Connection<S> {
    /// Its number: 1 for the first of a server, and no other has it.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// let handler = async |mut connection: Connection| {
    ///     let text = connection.id().to_string();
    ///     connection.write_all(text.as_bytes()).await
    /// };
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// let mut text = String::new();
    /// client.read_to_string(&mut text).await?;
    /// assert_eq!(text, "1");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn id(&self) -> u64 {
        self.line.id
    }

    /// Who has connected, also when the connection is gone. For a Unix socket its path, which
    /// clients mostly have none of.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// let handler = async |mut connection: Connection| {
    ///     let text = connection.peer_addr().to_string();
    ///     connection.write_all(text.as_bytes()).await
    /// };
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// let mut text = String::new();
    /// client.read_to_string(&mut text).await?;
    /// assert_eq!(text, client.local_addr()?.to_string());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn peer_addr(&self) -> &S::Addr {
        &self.line.peer
    }

    /// The address of the listener that has accepted it.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// let handler = async |mut connection: Connection| {
    ///     let text = connection.local_addr().to_string();
    ///     connection.write_all(text.as_bytes()).await
    /// };
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// let mut text = String::new();
    /// client.read_to_string(&mut text).await?;
    /// assert_eq!(text, client.peer_addr()?.to_string());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn local_addr(&self) -> &S::Addr {
        &self.line.local
    }

    /// Lends the socket itself, for its options.
    ///
    /// # Errors
    /// When the server has ended the connection; as `f` does.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// let handler = async |mut connection: Connection| {
    ///     connection.with_socket(|socket| socket.set_nodelay(true))?;
    ///     let text = connection.with_socket(TcpStream::nodelay)?.to_string();
    ///     connection.write_all(text.as_bytes()).await
    /// };
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// let mut text = String::new();
    /// client.read_to_string(&mut text).await?;
    /// assert_eq!(text, "true");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn with_socket<T>(&self, f: impl FnOnce(&S) -> io::Result<T>) -> io::Result<T> {
        f(&*self.line.socket()?)
    }

    /// Whether the server has asked it to end, or has ended it.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// let handler = async |mut connection: Connection| {
    ///     let text = connection.is_closing().to_string();
    ///     connection.write_all(text.as_bytes()).await
    /// };
    /// let server = serve(TcpListener::bind("127.0.0.1:0").await?, ServerOptions::new(), handler);
    /// let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// let mut text = String::new();
    /// client.read_to_string(&mut text).await?;
    /// assert_eq!(text, "false");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.line.standing() != Standing::Open
    }

    /// Waits until the server asks it to end or ends it: for handlers that do not read, whom the
    /// end of the stream does not reach.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// let server = serve(listener, ServerOptions::new(), async |mut connection: Connection| {
    ///     connection.write_all(b"wait ").await?;
    ///     connection.closing().await;
    ///     connection.write_all(b"and see").await
    /// });
    /// let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// client.read_exact(&mut [0; 5]).await?;
    /// server.close_clients();
    /// let mut rest = String::new();
    /// client.read_to_string(&mut rest).await?;
    /// assert_eq!(rest, "and see");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn closing(&self) {
        self.line.closing.until(|| self.is_closing().then_some(())).await;
    }

    /// Ends it at once. A TCP peer sees a reset and not the end of the stream, so that it takes no
    /// part for the whole.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// use futures::AsyncReadExt;
    /// let server = serve(listener, ServerOptions::new(), async |connection: Connection| {
    ///     connection.abort();
    ///     Ok::<(), std::io::Error>(())
    /// });
    /// let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// let error = client.read(&mut [0; 5]).await.unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn abort(self) {
        self.line.end(Standing::Aborted);
    }

    /// Takes it apart, for two tasks. Dropping the write half ends the write side.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// use futures::{AsyncReadExt, AsyncWriteExt};
    /// let server = serve(listener, ServerOptions::new(), async |connection: Connection| {
    ///     let (reader, mut writer) = connection.into_split();
    ///     futures::io::copy(reader, &mut writer).await.map(drop)
    /// });
    /// let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// client.write_all(b"hello").await?;
    /// client.close().await?;
    /// let mut echo = String::new();
    /// client.read_to_string(&mut echo).await?;
    /// assert_eq!(echo, "hello");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn into_split(self) -> (ReadHalf<Rc<Self>>, WriteHalf<Rc<Self>>) {
        split::owned(self, |connection| connection.with_socket(S::end_write))
    }

    /// Takes it apart into a reader with limits and a writer with water marks.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// ```
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// use futures::AsyncReadExt;
    /// let server = serve(listener, ServerOptions::new(), async |connection: Connection| {
    ///     let (_reader, writer) = connection.into_buffered();
    ///     writer.push("hello")?; // it is written though nobody awaits it
    ///     Ok::<(), greenroom::io::WriteError>(())
    /// });
    /// let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
    /// let mut text = String::new();
    /// client.read_to_string(&mut text).await?;
    /// assert_eq!(text, "hello");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    #[track_caller]
    pub fn into_buffered(self) -> (Reader<ReadHalf<Rc<Self>>>, Writer) {
        let (read, write) = self.into_split();
        (Reader::new(read), Writer::new(write))
    }
}

impl<S: Socket> Drop for Connection<S> {
    fn drop(&mut self) {
        self.line.end(Standing::Dropped);
    }
}

impl<S: Socket> AsyncRead for &Connection<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.line.poll_io(Direction::Read, cx, |socket, cx| socket.poll_read(cx, buffer))
    }
}

impl<S: Socket> AsyncWrite for &Connection<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.poll_io(Direction::Write, cx, |socket, cx| socket.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What was written is with the kernel already.
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.with_socket(S::end_write) {
            // The peer was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            ended => ended,
        })
    }
}

impl<S: Socket> AsyncRead for Connection<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(cx, buffer)
    }
}

impl<S: Socket> AsyncWrite for Connection<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_close(cx)
    }
}

impl<S: Socket> fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.line.id)
            .field("peer", &self.line.peer)
            .field("standing", &self.line.standing())
            .finish_non_exhaustive()
    }
}
