//! The ends of pipes, with the `futures` I/O traits.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite};
use mio::unix::pipe::{Receiver, Sender};

use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;

/// A pipe of one's own: what is written to the one end is read at the other.
///
/// # Errors
/// When there are no descriptors left.
///
/// ```
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// use greenroom::process::pipe;
/// greenroom::run(async |_system| {
///     let (mut writer, mut reader) = pipe()?;
///     writer.write_all(b"ping").await?;
///     writer.close().await?;
///     let mut text = String::new();
///     reader.read_to_string(&mut text).await?;
///     assert_eq!(text, "ping");
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub fn pipe() -> io::Result<(PipeWriter, PipeReader)> {
    let (writer, reader) = mio::unix::pipe::new()?;
    Ok((PipeWriter { source: Some(Source::new(writer)) }, PipeReader::new(reader)))
}

/// The end of a pipe that is read: what a process writes. A read of 0 bytes is the end, which is
/// there when every copy of the other end is closed, also those of the process's own children.
///
/// ```
/// use futures::io::AsyncReadExt;
/// use greenroom::process::{Command, PipeReader, Stdio};
/// greenroom::run(async |_system| {
///     let mut echo = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
///     let mut output: PipeReader = echo.stdout.take().unwrap();
///     let mut text = String::new();
///     output.read_to_string(&mut text).await?;
///     assert_eq!(text, "hello\n");
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub struct PipeReader {
    source: Source<Receiver>,
}

impl PipeReader {
    const fn new(receiver: Receiver) -> Self {
        Self { source: Source::new(receiver) }
    }

    /// Takes over a descriptor that was opened elsewhere: of a pipe, a terminal, a device; not of a
    /// file, which is always ready. It is made non-blocking, for everybody who shares it.
    ///
    /// # Errors
    /// When it cannot be made non-blocking.
    ///
    /// ```
    /// use futures::io::AsyncReadExt;
    /// use greenroom::process::PipeReader;
    /// greenroom::run(async |_system| {
    ///     let (reader, writer) = std::io::pipe()?;
    ///     std::io::Write::write_all(&mut { writer }, b"ping")?;
    ///     let mut text = String::new();
    ///     PipeReader::from_fd(reader)?.read_to_string(&mut text).await?;
    ///     assert_eq!(text, "ping");
    ///     Ok::<(), std::io::Error>(())
    /// }).unwrap();
    /// ```
    pub fn from_fd(descriptor: impl Into<OwnedFd>) -> io::Result<Self> {
        let receiver = Receiver::from(descriptor.into());
        receiver.set_nonblocking(true)?;
        Ok(Self::new(receiver))
    }

    /// As the input of a process that is still to be started; it blocks again.
    ///
    /// # Errors
    /// When there are no descriptors left.
    ///
    /// ```
    /// use greenroom::process::{Command, Stdio};
    /// greenroom::run(async |_system| {
    ///     let mut echo = Command::new("echo").arg("a b").stdout(Stdio::piped()).spawn()?;
    ///     let words = echo.stdout.take().unwrap().into_stdio()?;
    ///     let counted = Command::new("wc").arg("-w").stdin(words).output().await?;
    ///     assert_eq!(counted.stdout.trim_ascii(), b"2"); // echo a b | wc -w
    ///     Ok::<(), std::io::Error>(())
    /// }).unwrap();
    /// ```
    pub fn into_stdio(self) -> io::Result<Stdio> {
        self.source.with(|receiver| {
            receiver.set_nonblocking(false)?;
            Ok(receiver.as_fd().try_clone_to_owned()?.into())
        })
    }
}

impl AsyncRead for PipeReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.source.poll_io(Direction::Read, cx, |mut pipe| pipe.read(buffer))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.source.poll_io(Direction::Read, cx, |mut pipe| pipe.read_vectored(buffers))
    }
}

impl fmt::Debug for PipeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipeReader").finish_non_exhaustive()
    }
}

/// The end of a pipe that is written to: what a process reads. Closing or dropping it is the end of
/// what the other side reads; if nobody is there to read, writing fails with `BrokenPipe`.
///
/// ```
/// use futures::io::AsyncWriteExt;
/// use greenroom::process::{Command, PipeWriter, Stdio};
/// greenroom::run(async |_system| {
///     let mut grep = Command::new("grep").args(["-q", "needle"]).stdin(Stdio::piped()).spawn()?;
///     let mut input: PipeWriter = grep.stdin.take().unwrap();
///     input.write_all(b"hay\nneedle\nhay\n").await?;
///     input.close().await?;
///     assert!(grep.wait().await?.success());
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub struct PipeWriter {
    /// None once it is closed.
    source: Option<Source<Sender>>,
}

impl PipeWriter {
    /// Takes over a descriptor that was opened elsewhere: of a pipe, a terminal, a device; not of a
    /// file, which is always ready. It is made non-blocking, for everybody who shares it.
    ///
    /// # Errors
    /// When it cannot be made non-blocking.
    ///
    /// ```
    /// use futures::io::AsyncWriteExt;
    /// use greenroom::process::PipeWriter;
    /// greenroom::run(async |_system| {
    ///     let (reader, writer) = std::io::pipe()?;
    ///     PipeWriter::from_fd(writer)?.write_all(b"ping").await?;
    ///     assert_eq!(std::io::read_to_string(reader)?, "ping");
    ///     Ok::<(), std::io::Error>(())
    /// }).unwrap();
    /// ```
    pub fn from_fd(descriptor: impl Into<OwnedFd>) -> io::Result<Self> {
        let sender = Sender::from(descriptor.into());
        sender.set_nonblocking(true)?;
        Ok(Self { source: Some(Source::new(sender)) })
    }

    /// As an output of a process that is still to be started; it blocks again.
    ///
    /// # Errors
    /// When there are no descriptors left, or it is closed.
    ///
    /// ```
    /// use greenroom::process::{Command, Stdio};
    /// greenroom::run(async |_system| {
    ///     let mut count = Command::new("wc").arg("-w");
    ///     let mut count = count.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    ///     let words = count.stdin.take().unwrap().into_stdio()?;
    ///     assert!(Command::new("echo").arg("a b").stdout(words).status().await?.success());
    ///     assert_eq!(count.communicate("").await?.stdout.trim_ascii(), b"2");
    ///     Ok::<(), std::io::Error>(())
    /// }).unwrap();
    /// ```
    pub fn into_stdio(self) -> io::Result<Stdio> {
        let source = self.source.as_ref().ok_or_else(closed)?;
        source.with(|sender| {
            sender.set_nonblocking(false)?;
            Ok(sender.as_fd().try_clone_to_owned()?.into())
        })
    }

    fn poll_io(
        &self,
        cx: &Context<'_>,
        operation: impl FnMut(&Sender) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        match &self.source {
            Some(source) => source.poll_io(Direction::Write, cx, operation),
            None => Poll::Ready(Err(closed())),
        }
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "this end of the pipe was closed")
}

impl AsyncWrite for PipeWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_io(cx, |mut pipe| pipe.write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_io(cx, |mut pipe| pipe.write_vectored(slices))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What was written is with the kernel already.
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.source = None;
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for PipeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipeWriter").field("closed", &self.source.is_none()).finish_non_exhaustive()
    }
}
