//! Reading and writing a stream of bytes, the same for every kind of socket.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::task::{Context, Poll, ready};

use futures::future::FutureExt as _;

use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;

pub(crate) fn poll_read<S>(
    source: &Source<S>,
    cx: &Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>>
where
    S: mio::event::Source,
    for<'a> &'a S: Read,
{
    let read = ready!(source.poll_io(Direction::Read, cx, |mut io| io.read(buffer)))?;
    note_short(source, read, buffer.len());
    Poll::Ready(Ok(read))
}

pub(crate) fn poll_read_vectored<S>(
    source: &Source<S>,
    cx: &Context<'_>,
    buffers: &mut [IoSliceMut<'_>],
) -> Poll<io::Result<usize>>
where
    S: mio::event::Source,
    for<'a> &'a S: Read,
{
    let room = buffers.iter().map(|buffer| buffer.len()).sum();
    let read = ready!(source.poll_io(Direction::Read, cx, |mut io| io.read_vectored(buffers)))?;
    note_short(source, read, room);
    Poll::Ready(Ok(read))
}

/// After a short read the kernel has nothing more; the end of the stream is no short read. (Urgent
/// TCP data and descriptors sent along a Unix stream cut a read short too. A peer that sends them
/// to a program that wants neither holds up itself, until it sends again.)
fn note_short<S: mio::event::Source>(source: &Source<S>, read: usize, room: usize) {
    if read > 0 && read < room {
        source.short_read();
    }
}

pub(crate) fn poll_write<S>(
    source: &Source<S>,
    cx: &Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>>
where
    S: mio::event::Source,
    for<'a> &'a S: Write,
{
    source.poll_io(Direction::Write, cx, |mut io| io.write(bytes))
}

pub(crate) fn poll_write_vectored<S>(
    source: &Source<S>,
    cx: &Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>>
where
    S: mio::event::Source,
    for<'a> &'a S: Write,
{
    source.poll_io(Direction::Write, cx, |mut io| io.write_vectored(slices))
}

/// Tries `operation` once. Out of budget it would block too: then `readable` and `writable` yield.
pub(crate) fn attempt<S: mio::event::Source, R>(
    source: &Source<S>,
    direction: Direction,
    operation: impl FnMut(&S) -> io::Result<R>,
) -> io::Result<R> {
    let tried = source.io(direction, operation).now_or_never();
    tried.unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
}

pub(crate) fn try_read<S>(source: &Source<S>, buffer: &mut [u8]) -> io::Result<usize>
where
    S: mio::event::Source,
    for<'a> &'a S: Read,
{
    let read = attempt(source, Direction::Read, |mut io| io.read(buffer))?;
    note_short(source, read, buffer.len());
    Ok(read)
}

pub(crate) fn try_write<S>(source: &Source<S>, bytes: &[u8]) -> io::Result<usize>
where
    S: mio::event::Source,
    for<'a> &'a S: Write,
{
    attempt(source, Direction::Write, |mut io| io.write(bytes))
}

/// What the streams have in common: the `futures` I/O traits, by value and by reference, and the
/// methods that are the same. `$Mio` and `$Std` are the types of those libraries; `$pair` is how
/// the examples come by the two ends of a connection, `here` and `there`.
macro_rules! byte_stream {
    ($Stream:ty, $Mio:ty, $Std:ty, $pair:literal) => {
        $crate::net::stream::byte_stream!(@impl $Stream);
        $crate::net::stream::byte_stream!(@impl &$Stream);

        impl $Stream {
            /// Takes over a connected stream of the standard library.
            ///
            /// # Errors
            /// When it cannot be made non-blocking.
            ///
            /// ```
            /// use futures::io::{AsyncReadExt, AsyncWriteExt};
            /// # greenroom::EventLoop::new().unwrap().run(async {
            #[doc = concat!("use greenroom::net::", stringify!($Stream), ";")]
            #[doc = $pair]
            #[doc = concat!("let again = ", stringify!($Stream), "::from_std(here.into_std()?)?;")]
            /// (&again).write_all(b"ping").await?;
            /// assert_eq!((&there).read(&mut [0; 16]).await?, 4);
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
            pub fn from_std(stream: $Std) -> ::std::io::Result<Self> {
                stream.set_nonblocking(true)?;
                Ok(Self::new(<$Mio>::from_std(stream)))
            }

            /// Gives the stream back to the standard library; it stays non-blocking.
            ///
            /// # Errors
            /// When there is no descriptor left to hand it over.
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            /// use std::io::Read;
            #[doc = concat!("use greenroom::net::", stringify!($Stream), ";")]
            #[doc = $pair]
            /// let mut here = here.into_std()?;
            /// let error = here.read(&mut [0; 16]).unwrap_err();
            /// assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
            /// # drop(there);
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
            pub fn into_std(self) -> ::std::io::Result<$Std> {
                let copied = self.source.with(|io| ::socket2::SockRef::from(io).try_clone())?;
                Ok(copied.into())
            }

            /// Waits until a read is worth trying: there are bytes, or the end, or an error, or
            /// nobody has tried yet. A read that then says `WouldBlock` makes the next wait a true
            /// one.
            ///
            /// # Errors
            /// When no loop runs here, or one without sockets, or another than the socket's.
            ///
            /// # Cancel safety
            /// Nothing changes.
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            #[doc = concat!("use greenroom::net::", stringify!($Stream), ";")]
            #[doc = $pair]
            /// there.try_write(b"ping")?;
            /// let read = loop {
            ///     here.readable().await?;
            ///     match here.try_read(&mut [0; 16]) {
            ///         Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            ///         read => break read?,
            ///     }
            /// };
            /// assert_eq!(read, 4);
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
            pub async fn readable(&self) -> ::std::io::Result<()> {
                self.source.io($crate::reactor::readiness::Direction::Read, |_| Ok(())).await
            }

            /// Waits until a write is worth trying: there is room, or an error, or nobody has tried
            /// yet. A write that then says `WouldBlock` makes the next wait a true one.
            ///
            /// # Errors
            /// When no loop runs here, or one without sockets, or another than the socket's.
            ///
            /// # Cancel safety
            /// Nothing changes.
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            #[doc = concat!("use greenroom::net::", stringify!($Stream), ";")]
            #[doc = $pair]
            /// here.writable().await?;
            /// assert_eq!(here.try_write(b"ping")?, 4);
            /// # drop(there);
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
            pub async fn writable(&self) -> ::std::io::Result<()> {
                self.source.io($crate::reactor::readiness::Direction::Write, |_| Ok(())).await
            }

            /// Reads what is there; 0 is the end of the stream. For loops that begin with
            /// [`readable`](Self::readable).
            ///
            /// # Errors
            /// `WouldBlock` when nothing is there, or when the task has had its share of this turn:
            /// wait by [`readable`](Self::readable). Otherwise as the connection failed.
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            #[doc = concat!("use greenroom::net::", stringify!($Stream), ";")]
            #[doc = $pair]
            /// let error = here.try_read(&mut [0; 16]).unwrap_err();
            /// assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
            /// drop(there);
            /// here.readable().await?;
            /// assert_eq!(here.try_read(&mut [0; 16])?, 0, "the end");
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
            pub fn try_read(&self, buffer: &mut [u8]) -> ::std::io::Result<usize> {
                $crate::net::stream::try_read(&self.source, buffer)
            }

            /// Writes what there is room for.
            ///
            /// # Errors
            /// `WouldBlock` when there is no room, or when the task has had its share of this turn:
            /// wait by [`writable`](Self::writable). Otherwise as the connection failed.
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            #[doc = concat!("use greenroom::net::", stringify!($Stream), ";")]
            #[doc = $pair]
            /// let block = [0; 65_536];
            /// let full = loop {
            ///     here.writable().await?;
            ///     if let Err(error) = here.try_write(&block) { break error; }
            /// };
            /// assert_eq!(full.kind(), std::io::ErrorKind::WouldBlock); // `there` reads nothing
            /// # drop(there);
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
            pub fn try_write(&self, bytes: &[u8]) -> ::std::io::Result<usize> {
                $crate::net::stream::try_write(&self.source, bytes)
            }

            /// Ends one side of the connection, or both.
            ///
            /// # Errors
            /// When the connection is gone.
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            /// use futures::io::AsyncReadExt;
            #[doc = concat!("use greenroom::net::", stringify!($Stream), ";")]
            #[doc = $pair]
            /// here.shutdown(std::net::Shutdown::Write)?;
            /// assert_eq!((&there).read(&mut [0; 16]).await?, 0, "the end");
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
            pub fn shutdown(&self, how: ::std::net::Shutdown) -> ::std::io::Result<()> {
                self.source.with(|stream| stream.shutdown(how))
            }

            /// Lends both halves, for reading and writing at the same time in one task. (`split` is
            /// the name of the same in `futures::AsyncReadExt`, for any stream and with a lock.)
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            /// use futures::io::{AsyncReadExt, AsyncWriteExt};
            #[doc = concat!("use greenroom::net::", stringify!($Stream), ";")]
            #[doc = $pair]
            /// let mut here = here;
            /// let (mut reader, mut writer) = here.halves();
            /// let (mut one, mut two) = ([0; 4], [0; 4]);
            /// let mut far = &there;
            /// futures::try_join!(writer.write_all(b"ping"), reader.read_exact(&mut one), async {
            ///     far.read_exact(&mut two).await?;
            ///     far.write_all(&two).await
            /// })?;
            /// assert_eq!(&one, b"ping");
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
            pub fn halves(
                &mut self,
            ) -> ($crate::net::ReadHalf<&Self>, $crate::net::WriteHalf<&Self>) {
                $crate::net::split::borrowed(self)
            }

            /// Takes the stream apart, for two tasks of this loop. Dropping the write half ends the
            /// write side; [`ReadHalf::reunite`](crate::net::ReadHalf::reunite) puts both together.
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            /// use futures::io::{AsyncReadExt, AsyncWriteExt};
            /// use greenroom::task;
            #[doc = concat!("use greenroom::net::", stringify!($Stream), ";")]
            #[doc = $pair]
            /// let (mut reader, mut writer) = here.into_split();
            /// task::spawn(async move { writer.write_all(b"ping").await }).detach();
            /// (&there).read_exact(&mut [0; 4]).await?;
            /// drop(there);
            /// assert_eq!(reader.read(&mut [0; 4]).await?, 0, "the end");
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
            #[must_use]
            pub fn into_split(
                self,
            ) -> (
                $crate::net::ReadHalf<::std::rc::Rc<Self>>,
                $crate::net::WriteHalf<::std::rc::Rc<Self>>,
            ) {
                use ::std::net::Shutdown;
                $crate::net::split::owned(self, |stream| stream.shutdown(Shutdown::Write))
            }

            /// Takes the stream apart into a reader with limits and a writer with water marks.
            ///
            /// # Panics
            /// When this thread runs no loop.
            ///
            /// ```
            /// use greenroom::prelude::*;
            /// # greenroom::EventLoop::new().unwrap().run(async {
            #[doc = concat!("use greenroom::net::", stringify!($Stream), ";")]
            #[doc = $pair]
            /// let (mut reader, writer) = here.into_buffered();
            /// let (mut far_reader, far_writer) = there.into_buffered();
            /// writer.push("ping\n")?;
            /// far_writer.push(far_reader.read_line().await?.unwrap_or_default())?;
            /// assert_eq!(reader.read_line().await?, Some(&b"ping\n"[..]));
            /// # Ok::<(), Fault>(()) }).unwrap();
            /// ```
            #[must_use]
            #[track_caller]
            pub fn into_buffered(
                self,
            ) -> (
                $crate::io::Reader<$crate::net::ReadHalf<::std::rc::Rc<Self>>>,
                $crate::io::Writer,
            ) {
                let (read, write) = self.into_split();
                ($crate::io::Reader::new(read), $crate::io::Writer::new(write))
            }
        }
    };
    (@impl $Stream:ty) => {
        impl ::futures::io::AsyncRead for $Stream {
            fn poll_read(
                self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
                buffer: &mut [u8],
            ) -> ::std::task::Poll<::std::io::Result<usize>> {
                $crate::net::stream::poll_read(&self.source, cx, buffer)
            }

            fn poll_read_vectored(
                self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
                buffers: &mut [::std::io::IoSliceMut<'_>],
            ) -> ::std::task::Poll<::std::io::Result<usize>> {
                $crate::net::stream::poll_read_vectored(&self.source, cx, buffers)
            }
        }

        impl ::futures::io::AsyncWrite for $Stream {
            fn poll_write(
                self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
                bytes: &[u8],
            ) -> ::std::task::Poll<::std::io::Result<usize>> {
                $crate::net::stream::poll_write(&self.source, cx, bytes)
            }

            fn poll_write_vectored(
                self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
                slices: &[::std::io::IoSlice<'_>],
            ) -> ::std::task::Poll<::std::io::Result<usize>> {
                $crate::net::stream::poll_write_vectored(&self.source, cx, slices)
            }

            fn poll_flush(
                self: ::std::pin::Pin<&mut Self>,
                _: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<::std::io::Result<()>> {
                // What was written is with the kernel already.
                ::std::task::Poll::Ready(Ok(()))
            }

            fn poll_close(
                self: ::std::pin::Pin<&mut Self>,
                _: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<::std::io::Result<()>> {
                let ended = self.shutdown(::std::net::Shutdown::Write);
                ::std::task::Poll::Ready(match ended {
                    // The peer was quicker.
                    Err(error) if error.kind() == ::std::io::ErrorKind::NotConnected => Ok(()),
                    ended => ended,
                })
            }
        }
    };
}
pub(crate) use byte_stream;
