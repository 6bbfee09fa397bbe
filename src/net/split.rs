//! Read and write halves without a lock: both stay on the loop of their stream.

use std::io;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite, IoSlice, IoSliceMut};

use super::stream::EndWrites;

/// The reading half of a stream, borrowed (`ReadHalf<&TcpStream>`) or owned
/// (`ReadHalf<Rc<TcpStream>>`).
#[derive(Debug)]
pub struct ReadHalf<H> {
    stream: H,
}

/// The writing half of a stream. An owned one ends the write side when it is dropped, so that the
/// peer reads to the end.
#[derive(Debug)]
pub struct WriteHalf<H>
where
    H: Deref<Target: EndWrites>,
{
    stream: Option<H>,
    ends_on_drop: bool,
}

pub(crate) fn borrowed<T: EndWrites>(stream: &T) -> (ReadHalf<&T>, WriteHalf<&T>) {
    (ReadHalf { stream }, WriteHalf { stream: Some(stream), ends_on_drop: false })
}

pub(crate) fn owned<T: EndWrites>(stream: T) -> (ReadHalf<Rc<T>>, WriteHalf<Rc<T>>) {
    let stream = Rc::new(stream);
    let write = WriteHalf { stream: Some(Rc::clone(&stream)), ends_on_drop: true };
    (ReadHalf { stream }, write)
}

impl<T: EndWrites> ReadHalf<Rc<T>> {
    /// Puts the two halves of one stream together again.
    ///
    /// # Errors
    /// Both halves, when they are not of one stream.
    pub fn reunite(self, mut write: WriteHalf<Rc<T>>) -> Result<T, (Self, WriteHalf<Rc<T>>)> {
        let same = write.stream.as_ref().is_some_and(|other| Rc::ptr_eq(&self.stream, other));
        if !same {
            return Err((self, write));
        }
        drop(write.stream.take());
        Rc::try_unwrap(self.stream).map_err(|stream| {
            let other = WriteHalf { stream: Some(Rc::clone(&stream)), ends_on_drop: true };
            (Self { stream }, other)
        })
    }
}

impl<H: Deref<Target: EndWrites>> Drop for WriteHalf<H> {
    fn drop(&mut self) {
        if let Some(stream) = &self.stream
            && self.ends_on_drop
        {
            // A peer that is gone needs to be told nothing.
            let _ = stream.end_writes();
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

impl<H: Unpin, T> WriteHalf<H>
where
    T: EndWrites,
    H: Deref<Target = T>,
{
    fn with<R>(&self, f: impl FnOnce(&T) -> Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        match &self.stream {
            Some(stream) => f(stream),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<H: Unpin, T> AsyncWrite for WriteHalf<H>
where
    T: EndWrites,
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
