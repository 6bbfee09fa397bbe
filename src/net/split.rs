//! Read and write halves without a lock: both stay on the loop of their stream.

use std::io;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite, IoSlice, IoSliceMut};

/// The reading half of a stream, borrowed (`ReadHalf<&TcpStream>`) or owned
/// (`ReadHalf<Rc<TcpStream>>`).
///
/// ```
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// use greenroom::net::{TcpListener, TcpStream};
/// # greenroom::EventLoop::new().unwrap().run(async {
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let (here, there) = (TcpStream::connect(listener.local_addr()?).await?, listener.accept().await?.0);
/// let (mut reader, _writer) = here.into_split();
/// (&there).write_all(b"ping").await?;
/// let mut bytes = [0; 4];
/// reader.read_exact(&mut bytes).await?;
/// assert_eq!(&bytes, b"ping");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct ReadHalf<H> {
    stream: H,
}

/// The writing half of a stream. An owned one ends the write side when it is dropped, so that the
/// peer reads to the end.
///
/// ```
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// use greenroom::net::{TcpListener, TcpStream};
/// # greenroom::EventLoop::new().unwrap().run(async {
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let (here, there) = (TcpStream::connect(listener.local_addr()?).await?, listener.accept().await?.0);
/// let (_reader, mut writer) = here.into_split();
/// writer.write_all(b"ping").await?;
/// drop(writer);
/// let mut text = String::new();
/// (&there).read_to_string(&mut text).await?;
/// assert_eq!(text, "ping");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct WriteHalf<H: Deref> {
    stream: Option<H>,
    end: Option<End<H::Target>>,
}

/// Ends the write side of a stream.
type End<T> = fn(&T) -> io::Result<()>;

pub(crate) const fn borrowed<T>(stream: &T) -> (ReadHalf<&T>, WriteHalf<&T>) {
    (ReadHalf { stream }, WriteHalf { stream: Some(stream), end: None })
}

pub(crate) fn owned<T>(stream: T, end: End<T>) -> (ReadHalf<Rc<T>>, WriteHalf<Rc<T>>) {
    let stream = Rc::new(stream);
    let write = WriteHalf { stream: Some(Rc::clone(&stream)), end: Some(end) };
    (ReadHalf { stream }, write)
}

impl<H: Deref> ReadHalf<H> {
    /// The whole stream, for its address, its options and its other operations.
    ///
    /// ```
    /// use greenroom::net::{TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let (here, there) = (TcpStream::connect(listener.local_addr()?).await?, listener.accept().await?.0);
    /// let (reader, _writer) = here.into_split();
    /// assert_eq!(reader.stream().peer_addr()?, there.local_addr()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn stream(&self) -> &H::Target {
        &self.stream
    }
}

impl<T> ReadHalf<Rc<T>> {
    /// Puts the two halves of one stream together again.
    ///
    /// # Errors
    /// Both halves, when they are not of one stream.
    ///
    /// ```
    /// use greenroom::net::{TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let (here, there) = (TcpStream::connect(listener.local_addr()?).await?, listener.accept().await?.0);
    /// let (reader, writer) = here.into_split();
    /// let (_, other) = there.into_split();
    /// let (reader, _) = reader.reunite(other).expect_err("of two streams");
    /// assert!(reader.reunite(writer).is_ok());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn reunite(self, mut write: WriteHalf<Rc<T>>) -> Result<T, (Self, WriteHalf<Rc<T>>)> {
        let same = write.stream.as_ref().is_some_and(|other| Rc::ptr_eq(&self.stream, other));
        if !same {
            return Err((self, write));
        }
        drop(write.stream.take());
        Rc::try_unwrap(self.stream).map_err(|stream| {
            write.stream = Some(Rc::clone(&stream));
            (Self { stream }, write)
        })
    }
}

impl<H: Deref> Drop for WriteHalf<H> {
    fn drop(&mut self) {
        if let (Some(stream), Some(end)) = (&self.stream, self.end) {
            // A peer that is gone needs to be told nothing.
            let _ = end(stream);
        }
    }
}

impl<H: Unpin, T> AsyncRead for ReadHalf<H>
where
    H: Deref<Target = T>,
    for<'a> &'a T: AsyncRead + Unpin,
{
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.stream).poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.stream).poll_read_vectored(cx, buffers)
    }
}

impl<T, H: Deref<Target = T>> WriteHalf<H> {
    fn with<R>(&self, f: impl FnOnce(&T) -> Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        match &self.stream {
            Some(stream) => f(stream),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<H: Unpin, T> AsyncWrite for WriteHalf<H>
where
    H: Deref<Target = T>,
    for<'a> &'a T: AsyncWrite + Unpin,
{
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|mut stream| Pin::new(&mut stream).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(|mut stream| Pin::new(&mut stream).poll_write_vectored(cx, slices))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|mut stream| Pin::new(&mut stream).poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|mut stream| Pin::new(&mut stream).poll_close(cx))
    }
}
