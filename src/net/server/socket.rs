//! What a server needs of a listener and of the connections it accepts.

use std::any::Any;
use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::{AsyncRead as _, AsyncWrite as _};

use crate::net::options::SocketOptions;
use crate::net::{TcpListener, TcpStream};

/// Something that accepts connections, for [`serve`](super::serve()): [`TcpListener`], on Unix
/// `UnixListener`, and what else is wanted, as one in memory for tests on a virtual clock.
///
/// ```
/// use std::io;
/// use greenroom::net::{Connection, Listener, ServerOptions, TcpListener, TcpStream, serve};
///
/// /// Accepts every second connection.
/// struct Picky(TcpListener);
/// impl Listener for Picky {
///     type Socket = TcpStream;
///     fn local_addr(&self) -> io::Result<std::net::SocketAddr> {
///         self.0.local_addr()
///     }
///     async fn accept(&self) -> io::Result<(TcpStream, std::net::SocketAddr)> {
///         drop(self.0.accept().await?);
///         self.0.accept().await
///     }
/// }
///
/// # greenroom::EventLoop::new().unwrap().run(async {
/// use futures::{AsyncReadExt, AsyncWriteExt};
/// let hello = async |mut connection: Connection| connection.write_all(b"hello").await;
/// let server = serve(Picky(TcpListener::bind("127.0.0.1:0").await?), ServerOptions::new(), hello);
/// for expected in [0, 5] {
///     let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
///     assert_eq!(client.read(&mut [0; 16]).await?, expected);
/// }
/// # Ok::<(), io::Error>(()) }).unwrap();
/// ```
pub trait Listener: 'static {
    /// What it accepts.
    type Socket: Socket;

    /// Where it listens.
    ///
    /// # Errors
    /// When that is unknown: then it cannot be served.
    fn local_addr(&self) -> io::Result<<Self::Socket as Socket>::Addr>;

    /// Waits for a connection, and tells who has connected. Dropped while it waits, it must lose
    /// none.
    ///
    /// # Errors
    /// When the listener is broken: the server drops it. What passes by itself is waited for here.
    #[allow(async_fn_in_trait, reason = "nothing on a loop is `Send`")]
    async fn accept(&self) -> io::Result<(Self::Socket, <Self::Socket as Socket>::Addr)>;

    /// Something that tidies up when it is dropped, just before the listener: for a Unix socket,
    /// what removes its file.
    fn tidy(&self) -> Option<Box<dyn Any>> {
        None
    }
}

/// A connection that a [`Listener`] accepts: [`TcpStream`], on Unix `UnixStream`, and what else is
/// wanted.
///
/// ```
/// use std::{io, rc::Rc, task::{Context, Poll}};
/// use greenroom::net::Socket;
///
/// /// Gives zeros, and forgets what is written.
/// #[derive(Debug)]
/// struct Zeros;
/// impl Socket for Zeros {
///     type Addr = ();
///     fn poll_read(&self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
///         buffer.fill(0);
///         Poll::Ready(Ok(buffer.len()))
///     }
///     fn poll_write(&self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
///         Poll::Ready(Ok(bytes.len()))
///     }
///     fn end_write(&self) -> io::Result<()> {
///         Ok(())
///     }
/// }
/// let mut cx = Context::from_waker(std::task::Waker::noop());
/// assert!(matches!(Zeros.poll_read(&mut cx, &mut [1; 3]), Poll::Ready(Ok(3))));
/// ```
pub trait Socket: fmt::Debug + 'static {
    /// Where it is connected to.
    type Addr: Clone + fmt::Debug + 'static;

    /// As `AsyncRead::poll_read`, for whoever asked last.
    ///
    /// # Errors
    /// When the connection failed.
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// As `AsyncWrite::poll_write`, for whoever asked last.
    ///
    /// # Errors
    /// When the connection failed.
    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Ends the write side: the peer reads to the end.
    ///
    /// # Errors
    /// When the connection is gone.
    fn end_write(&self) -> io::Result<()>;

    /// Sets what the server's options say.
    ///
    /// # Errors
    /// When the socket refuses; the server goes on with it as it is.
    fn set_options(&self, _options: SocketOptions) -> io::Result<()> {
        Ok(())
    }

    /// Makes sure that closing it looks like no proper end, so that its peer takes no part for the
    /// whole. Nothing where there is no such thing.
    fn reset_on_close(&self) {}
}

impl Listener for TcpListener {
    type Socket = TcpStream;

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.accept().await
    }
}

impl Socket for TcpStream {
    type Addr = SocketAddr;

    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(cx, buffer)
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(cx, bytes)
    }

    fn end_write(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn set_options(&self, options: SocketOptions) -> io::Result<()> {
        self.set_options(options)
    }

    fn reset_on_close(&self) {
        // One that is gone needs no reset.
        let _ = self.set_options(SocketOptions::new().reset_on_close(true));
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::net::{UnixListener, UnixStream};

    impl Listener for UnixListener {
        type Socket = UnixStream;

        fn local_addr(&self) -> io::Result<Option<PathBuf>> {
            self.local_path()
        }

        async fn accept(&self) -> io::Result<(UnixStream, Option<PathBuf>)> {
            self.accept_from().await
        }

        fn tidy(&self) -> Option<Box<dyn Any>> {
            let path = self.local_path().ok()??;
            let identity = identity(&path)?;
            Some(Box::new(SocketFile { path, identity }))
        }
    }

    impl Socket for UnixStream {
        type Addr = Option<PathBuf>;

        fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut &*self).poll_read(cx, buffer)
        }

        fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut &*self).poll_write(cx, bytes)
        }

        fn end_write(&self) -> io::Result<()> {
            self.shutdown(Shutdown::Write)
        }
    }

    /// Removes the file of a Unix socket.
    struct SocketFile {
        path: PathBuf,
        identity: (u64, u64),
    }

    impl Drop for SocketFile {
        fn drop(&mut self) {
            // Another program may have put its own there meanwhile.
            if identity(&self.path) == Some(self.identity) {
                let _ = std::fs::remove_file(&self.path);
            }
        }
    }

    fn identity(path: &Path) -> Option<(u64, u64)> {
        let file = std::fs::symlink_metadata(path).ok()?;
        Some((file.dev(), file.ino()))
    }
}
