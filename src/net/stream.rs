//! Reading and writing a stream of bytes, the same for every kind of socket.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::task::{Context, Poll, ready};

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

/// After a short read the kernel has nothing more; the end of the stream is no short read.
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

/// A stream whose write side can be ended for itself, as an owned [`WriteHalf`](super::WriteHalf)
/// does when it is dropped.
pub trait EndWrites {
    #[doc(hidden)]
    fn end_writes(&self) -> io::Result<()>;
}

/// Implements the `futures` I/O traits for a stream with a `source`, by value and by reference.
macro_rules! byte_stream {
    ($Stream:ty) => {
        $crate::net::stream::byte_stream!(@impl $Stream);
        $crate::net::stream::byte_stream!(@impl &$Stream);

        impl $crate::net::stream::EndWrites for $Stream {
            fn end_writes(&self) -> ::std::io::Result<()> {
                self.shutdown(::std::net::Shutdown::Write)
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
