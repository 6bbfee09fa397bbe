//! Unix sockets: the same as TCP and UDP, by path and within one machine.

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::path::Path;
use std::rc::Rc;

use super::accept::accept;
use super::split::{self, ReadHalf, WriteHalf};
use super::stream::byte_stream;
use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;

/// Says which path an error is about.
fn at<T>(path: &Path, what: &str, outcome: io::Result<T>) -> io::Result<T> {
    outcome.map_err(|error| {
        io::Error::new(error.kind(), format!("could not {what} {}: {error}", path.display()))
    })
}

/// A Unix socket that listens. The file at its path stays when it is dropped.
///
/// ```
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// use greenroom::net::{UnixListener, UnixStream};
///
/// greenroom::run(async |_system| {
///     let path = std::env::temp_dir().join(format!("greenroom-doc-{}.sock", std::process::id()));
///     let listener = UnixListener::bind(&path)?;
///     let (mut here, accepted) = (UnixStream::connect(&path)?, listener.accept().await?);
///     here.write_all(b"hello").await?;
///     here.close().await?;
///     let mut text = String::new();
///     { accepted }.read_to_string(&mut text).await?;
///     assert_eq!(text, "hello");
///     std::fs::remove_file(path)
/// }).unwrap();
/// ```
pub struct UnixListener {
    source: Source<mio::net::UnixListener>,
}

impl UnixListener {
    /// Listens at a path, which must not exist.
    ///
    /// # Errors
    /// When the path exists, is too long or may not be written, naming it.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let listener = at(path, "listen at", mio::net::UnixListener::bind(path))?;
        Ok(Self { source: Source::new(listener) })
    }

    /// Waits for a connection; see [`TcpListener::accept`](super::TcpListener::accept).
    ///
    /// # Errors
    /// When the listener itself is broken.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no connection is lost.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        let name = || format!("{self:?}");
        let accepted = accept(&self.source, name, mio::net::UnixListener::accept).await;
        accepted.map(|(stream, _)| UnixStream { source: Source::new(stream) })
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.source.with(mio::net::UnixListener::local_addr);
        f.debug_struct("UnixListener").field("local", &local.ok()).finish()
    }
}

/// One connection between two programs of this machine, with the `futures` traits; see
/// [`UnixListener`] for an example.
pub struct UnixStream {
    source: Source<mio::net::UnixStream>,
}

byte_stream!(UnixStream);

impl UnixStream {
    /// Connects to whoever listens at a path. The kernel answers at once.
    ///
    /// # Errors
    /// When nobody listens there, or too many wait already, naming the path.
    pub fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let stream = at(path, "connect to", mio::net::UnixStream::connect(path))?;
        Ok(Self { source: Source::new(stream) })
    }

    /// Two connected streams without a path.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = mio::net::UnixStream::pair()?;
        Ok((Self { source: Source::new(a) }, Self { source: Source::new(b) }))
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

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = self.source.with(mio::net::UnixStream::peer_addr);
        f.debug_struct("UnixStream").field("peer", &peer.ok()).finish()
    }
}

/// Datagrams within one machine.
///
/// ```
/// use greenroom::net::UnixDatagram;
/// greenroom::run(async |_system| {
///     let (a, b) = UnixDatagram::pair()?;
///     a.send(b"ping").await?;
///     let mut buffer = [0; 16];
///     let length = b.recv(&mut buffer).await?;
///     assert_eq!(&buffer[..length], b"ping");
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub struct UnixDatagram {
    source: Source<mio::net::UnixDatagram>,
}

impl UnixDatagram {
    /// Binds to a path, which must not exist.
    ///
    /// # Errors
    /// When the path exists, is too long or may not be written, naming it.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let socket = at(path, "bind to", mio::net::UnixDatagram::bind(path))?;
        Ok(Self { source: Source::new(socket) })
    }

    /// Two connected sockets without a path.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = mio::net::UnixDatagram::pair()?;
        Ok((Self { source: Source::new(a) }, Self { source: Source::new(b) }))
    }

    /// Sends a datagram to the connected socket.
    ///
    /// # Errors
    /// When nobody receives there, or it is too long.
    ///
    /// # Cancel safety
    /// Dropped while it waits, nothing was sent.
    pub async fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        self.source.io(Direction::Write, |socket| socket.send(datagram)).await
    }

    /// Sends a datagram to whoever is bound to a path.
    ///
    /// # Errors
    /// When nobody is, or it is too long, naming the path.
    ///
    /// # Cancel safety
    /// Dropped while it waits, nothing was sent.
    pub async fn send_to(&self, datagram: &[u8], to: impl AsRef<Path>) -> io::Result<usize> {
        let path = to.as_ref();
        let sent = self.source.io(Direction::Write, |socket| socket.send_to(datagram, path)).await;
        at(path, "send to", sent)
    }

    /// Receives a datagram; what does not fit is cut off.
    ///
    /// # Errors
    /// When the kernel reports one.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no datagram is lost.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.io(Direction::Read, |socket| socket.recv(buffer)).await
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.source.with(mio::net::UnixDatagram::local_addr);
        f.debug_struct("UnixDatagram").field("local", &local.ok()).finish()
    }
}
