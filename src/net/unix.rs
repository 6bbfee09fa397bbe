//! Unix sockets: the same as TCP and UDP, by path and within one machine.

use std::fmt;
use std::io;
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use socket2::SockRef;

use super::accept::{Shortage, accept};
use super::datagram::datagrams;
use super::incoming::Incoming;
use super::stream::byte_stream;
use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;

/// Says which path an error is about, and what may be done about it where that is not plain.
fn at<T>(path: &Path, what: &str, outcome: io::Result<T>) -> io::Result<T> {
    outcome.map_err(|error| {
        let hint = match (error.kind(), what) {
            (io::ErrorKind::AddrInUse, _) => {
                "; if no program uses that socket any more, remove the file"
            }
            (io::ErrorKind::WouldBlock, "connect to") => "; too many wait there to be accepted",
            (io::ErrorKind::ConnectionRefused, _) => "; no program uses that socket now",
            _ => "",
        };
        let text = format!("could not {what} {}: {error}{hint}", path.display());
        io::Error::new(error.kind(), text)
    })
}

/// The path of an address, if it has one.
fn path_of(address: &SocketAddr) -> Option<PathBuf> {
    address.as_pathname().map(Path::to_owned)
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
    shortage: Shortage,
}

impl UnixListener {
    /// Listens at a path, which must not exist.
    ///
    /// # Errors
    /// When the path exists, is too long or may not be written, naming it.
    ///
    /// ```
    /// use greenroom::net::UnixListener;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-listen-{}", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let error = UnixListener::bind(&path).unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let listener = at(path, "listen at", mio::net::UnixListener::bind(path))?;
        Ok(Self { source: Source::new(listener), shortage: Shortage::default() })
    }

    /// Takes over a listener of the standard library.
    ///
    /// # Errors
    /// When it cannot be made non-blocking.
    ///
    /// ```
    /// use greenroom::net::UnixListener;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-listen-from-{}", std::process::id()));
    /// let listener = UnixListener::from_std(std::os::unix::net::UnixListener::bind(&path)?)?;
    /// assert_eq!(listener.local_path()?.as_ref(), Some(&path));
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn from_std(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let source = Source::new(mio::net::UnixListener::from_std(listener));
        Ok(Self { source, shortage: Shortage::default() })
    }

    /// Gives the listener back to the standard library; it stays non-blocking.
    ///
    /// # Errors
    /// When there is no descriptor left to hand it over.
    ///
    /// ```
    /// use greenroom::net::UnixListener;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-listen-into-{}", std::process::id()));
    /// let listener = UnixListener::bind(&path)?.into_std()?;
    /// assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn into_std(self) -> io::Result<std::os::unix::net::UnixListener> {
        let socket = self.source.with(|listener| SockRef::from(listener).try_clone())?;
        Ok(socket.into())
    }

    /// Where it listens; `None` for one without a path.
    ///
    /// # Errors
    /// When the kernel does not tell.
    ///
    /// ```
    /// use greenroom::net::UnixListener;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-listen-at-{}", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// assert_eq!(listener.local_path()?.as_ref(), Some(&path));
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn local_path(&self) -> io::Result<Option<PathBuf>> {
        self.source.with(mio::net::UnixListener::local_addr).map(|address| path_of(&address))
    }

    /// Waits for a connection; see [`TcpListener::accept`](super::TcpListener::accept).
    ///
    /// # Errors
    /// When the listener itself is broken.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no connection is lost.
    ///
    /// ```
    /// use futures::io::{AsyncReadExt, AsyncWriteExt};
    /// use greenroom::net::{UnixListener, UnixStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-accept-{}", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// (&UnixStream::connect(&path)?).write_all(b"ping").await?;
    /// let mut text = String::new();
    /// (&listener.accept().await?).read_to_string(&mut text).await?;
    /// assert_eq!(text, "ping");
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn accept(&self) -> io::Result<UnixStream> {
        self.accept_from().await.map(|(stream, _)| stream)
    }

    /// A connection and the path of who has connected, if it has one.
    pub(crate) async fn accept_from(&self) -> io::Result<(UnixStream, Option<PathBuf>)> {
        let name = || format!("{self:?}");
        let accept = accept(&self.source, &self.shortage, name, mio::net::UnixListener::accept);
        accept.await.map(|(stream, peer)| (UnixStream::new(stream), path_of(&peer)))
    }

    /// The connections, one after another.
    ///
    /// ```
    /// use futures::StreamExt;
    /// use greenroom::net::{UnixListener, UnixStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-incoming-{}", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let _clients = (UnixStream::connect(&path)?, UnixStream::connect(&path)?);
    /// let connections: Vec<_> = listener.incoming().take(2).collect().await;
    /// assert!(connections.iter().all(Result::is_ok));
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn incoming(&self) -> Incoming<'_, UnixStream> {
        Incoming::new(async || self.accept().await)
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
///
/// ```
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// use greenroom::net::UnixStream;
/// # greenroom::EventLoop::new().unwrap().run(async {
/// let (mut here, mut there) = UnixStream::pair()?;
/// here.write_all(b"ping").await?;
/// here.close().await?;
/// let mut text = String::new();
/// there.read_to_string(&mut text).await?;
/// assert_eq!(text, "ping");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub struct UnixStream {
    source: Source<mio::net::UnixStream>,
}

byte_stream!(
    UnixStream,
    mio::net::UnixStream,
    std::os::unix::net::UnixStream,
    "let (here, there) = UnixStream::pair()?;"
);

impl UnixStream {
    const fn new(stream: mio::net::UnixStream) -> Self {
        Self { source: Source::new(stream) }
    }

    /// Connects to whoever listens at a path. The kernel answers at once.
    ///
    /// # Errors
    /// When nobody listens there, or too many wait already, naming the path.
    ///
    /// ```
    /// use greenroom::net::{UnixListener, UnixStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-connect-{}", std::process::id()));
    /// let error = UnixStream::connect(&path).unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    /// let _listener = UnixListener::bind(&path)?;
    /// assert!(UnixStream::connect(&path).is_ok(), "before it is accepted");
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        Ok(Self::new(at(path, "connect to", mio::net::UnixStream::connect(path))?))
    }

    /// Two connected streams without a path.
    ///
    /// # Errors
    /// When there are no descriptors left.
    ///
    /// ```
    /// use greenroom::net::UnixStream;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let (here, there) = UnixStream::pair()?;
    /// assert_eq!(here.try_write(b"ping")?, 4);
    /// assert_eq!(there.try_read(&mut [0; 16])?, 4);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = mio::net::UnixStream::pair()?;
        Ok((Self::new(a), Self::new(b)))
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

datagrams!(
    UnixDatagram,
    mio::net::UnixDatagram,
    std::os::unix::net::UnixDatagram,
    "let (a, b) = UnixDatagram::pair()?;"
);

impl UnixDatagram {
    /// Binds to a path, which must not exist.
    ///
    /// # Errors
    /// When the path exists, is too long or may not be written, naming it.
    ///
    /// ```
    /// use greenroom::net::UnixDatagram;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-bind-{}", std::process::id()));
    /// let socket = UnixDatagram::bind(&path)?;
    /// let error = UnixDatagram::bind(&path).unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        Ok(Self::new(at(path, "bind to", mio::net::UnixDatagram::bind(path))?))
    }

    /// A socket without a path: it can send, and others cannot answer.
    ///
    /// # Errors
    /// When there are no descriptors left.
    ///
    /// ```
    /// use greenroom::net::UnixDatagram;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-unbound-{}", std::process::id()));
    /// let (here, named) = (UnixDatagram::unbound()?, UnixDatagram::bind(&path)?);
    /// here.send_to(b"ping", &path).await?;
    /// assert_eq!(named.recv_from(&mut [0; 16]).await?, (4, None));
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn unbound() -> io::Result<Self> {
        Ok(Self::new(mio::net::UnixDatagram::unbound()?))
    }

    /// Sends to whoever is bound to a path, and receives from nobody else, from now on.
    ///
    /// # Errors
    /// When nobody is, naming the path.
    ///
    /// ```
    /// use greenroom::net::UnixDatagram;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-connected-{}", std::process::id()));
    /// let (here, named) = (UnixDatagram::unbound()?, UnixDatagram::bind(&path)?);
    /// here.connect(&path)?;
    /// assert_eq!(here.send(b"ping").await?, 4);
    /// assert_eq!(named.recv(&mut [0; 16]).await?, 4);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        at(path, "connect to", self.source.with(|socket| socket.connect(path)))
    }

    /// Two connected sockets without a path.
    ///
    /// # Errors
    /// When there are no descriptors left.
    ///
    /// ```
    /// use greenroom::net::UnixDatagram;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let (a, b) = UnixDatagram::pair()?;
    /// a.send(b"ping").await?;
    /// assert_eq!(b.recv(&mut [0; 16]).await?, 4);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = mio::net::UnixDatagram::pair()?;
        Ok((Self::new(a), Self::new(b)))
    }

    /// Sends a datagram to whoever is bound to a path.
    ///
    /// # Errors
    /// When nobody is, or it is too long, naming the path.
    ///
    /// # Cancel safety
    /// Dropped while it waits, nothing was sent.
    ///
    /// ```
    /// use greenroom::net::UnixDatagram;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-send-to-{}", std::process::id()));
    /// let (here, named) = (UnixDatagram::unbound()?, UnixDatagram::bind(&path)?);
    /// assert_eq!(here.send_to(b"ping", &path).await?, 4);
    /// drop(named);
    /// assert!(here.send_to(b"ping", &path).await.is_err(), "nobody is bound to it now");
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn send_to(&self, datagram: &[u8], to: impl AsRef<Path>) -> io::Result<usize> {
        let path = to.as_ref();
        let sent = self.source.io(Direction::Write, |socket| socket.send_to(datagram, path)).await;
        at(path, "send to", sent)
    }

    /// Receives a datagram and tells the sender's path, if it has one; what does not fit is cut
    /// off.
    ///
    /// # Errors
    /// When the kernel reports one.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no datagram is lost.
    ///
    /// ```
    /// use greenroom::net::UnixDatagram;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let path = std::env::temp_dir().join(format!("greenroom-recv-from-{}", std::process::id()));
    /// let named = UnixDatagram::bind(&path)?;
    /// named.send_to(b"ping", &path).await?; // to itself
    /// assert_eq!(named.recv_from(&mut [0; 16]).await?, (4, Some(path.clone())));
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Option<PathBuf>)> {
        let received = self.source.io(Direction::Read, |socket| socket.recv_from(buffer)).await;
        received.map(|(length, from)| (length, path_of(&from)))
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.source.with(mio::net::UnixDatagram::local_addr);
        f.debug_struct("UnixDatagram").field("local", &local.ok()).finish()
    }
}
