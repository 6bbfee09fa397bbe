//! `copy`: from a reader to a writer, with a limit and with news of how far it is.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::io::{AsyncRead, AsyncWrite};

const BLOCK: usize = 64 * 1024;

/// Copies everything that comes to where it goes, in blocks of 64 KiB, and gives how many bytes
/// that were. The writer is flushed in the end and not closed.
///
/// This is what `sendfile` is for elsewhere, for any two streams: files, sockets, TLS, pipes. There
/// is no shortcut through the kernel: it exists for some pairs on some systems, and what it saves
/// is a copy within memory, which is not what a transfer waits for.
///
/// # Errors
/// As reading or writing fails; [`copied`](Copying::copied) says how far it has got.
///
/// # Cancel safety
/// It may be polled through `&mut`, given up and taken up again: what was read and not
/// written stays in it, and is lost when it is dropped.
///
/// ```
/// greenroom::run(async |_system| {
///     let (mut from, mut to) = (&b"hello"[..], Vec::new());
///     assert_eq!(greenroom::io::copy(&mut from, &mut to).await?, 5);
///     assert_eq!(to, b"hello");
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub fn copy<R, W>(from: R, to: W) -> Copying<R, W>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let progress = None;
    Copying { from, to, block: Vec::new(), held: 0..0, left: u64::MAX, copied: 0, progress }
}

/// The future of [`copy`].
///
/// ```
/// use greenroom::io::{Copying, copy};
/// greenroom::run(async |_system| {
///     let (mut from, mut to) = (&b"hello"[..], Vec::new());
///     let mut copying: Copying<_, _> = copy(&mut from, &mut to);
///     assert_eq!((&mut copying).await?, 5);
///     assert_eq!(copying.copied(), 5);
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
#[must_use = "a future does nothing unless it is awaited"]
pub struct Copying<R, W> {
    from: R,
    to: W,
    block: Vec<u8>,
    /// What of the block was read and is not written.
    held: std::ops::Range<usize>,
    /// How many bytes may still be read.
    left: u64,
    copied: u64,
    progress: Option<Progress>,
}

type Progress = Box<dyn FnMut(u64)>;

impl<R, W> Copying<R, W> {
    /// Ends after that many bytes. No more are read, so what follows is still there to be read.
    ///
    /// ```
    /// # greenroom::run(async |_system| {
    /// let (mut from, mut to) = (&b"hello world"[..], Vec::new());
    /// assert_eq!(greenroom::io::copy(&mut from, &mut to).limit(5).await?, 5);
    /// assert_eq!((from, &to[..]), (&b" world"[..], &b"hello"[..]));
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub const fn limit(mut self, bytes: u64) -> Self {
        self.left = bytes;
        self
    }

    /// Calls `progress` after each write with how many bytes are written by then.
    ///
    /// ```
    /// # use std::{cell::Cell, rc::Rc};
    /// # greenroom::run(async |_system| {
    /// let (seen, from) = (Rc::new(Cell::new(0)), vec![7; 100_000]);
    /// let sees = Rc::clone(&seen);
    /// let copying = greenroom::io::copy(&from[..], futures::io::sink());
    /// copying.on_progress(move |bytes| sees.set(bytes)).await?;
    /// assert_eq!(seen.get(), 100_000);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn on_progress(mut self, progress: impl FnMut(u64) + 'static) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// How many bytes are written by now.
    ///
    /// ```
    /// # use futures::FutureExt;
    /// # greenroom::run(async |_system| {
    /// let mut copying = greenroom::io::copy(&b"hello"[..], futures::io::sink());
    /// assert_eq!(copying.copied(), 0);
    /// (&mut copying).await?;
    /// assert_eq!(copying.copied(), 5);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub const fn copied(&self) -> u64 {
        self.copied
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Copying<R, W> {
    /// Reads a block; `false` when there is nothing more to read.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let most = usize::try_from(self.left).unwrap_or(BLOCK).min(BLOCK);
        if most == 0 {
            return Poll::Ready(Ok(false));
        }
        self.block.resize(BLOCK, 0);
        let block = &mut self.block[..most];
        let read = match Pin::new(&mut self.from).poll_read(cx, block) {
            Poll::Ready(read) => read?.min(most),
            Poll::Pending => {
                // What is written by now should not wait for what comes later.
                ready!(Pin::new(&mut self.to).poll_flush(cx))?;
                return Poll::Pending;
            }
        };
        self.left -= read as u64;
        self.held = 0..read;
        Poll::Ready(Ok(read > 0))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let bytes = &self.block[self.held.clone()];
            let written = ready!(Pin::new(&mut self.to).poll_write(cx, bytes))?.min(bytes.len());
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.held.start += written;
            self.copied += written as u64;
            if let Some(progress) = &mut self.progress {
                progress(self.copied);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Future for Copying<R, W> {
    type Output = io::Result<u64>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            ready!(this.poll_write(cx))?;
            if !ready!(this.poll_read(cx))? {
                ready!(Pin::new(&mut this.to).poll_flush(cx))?;
                return Poll::Ready(Ok(this.copied));
            }
        }
    }
}

impl<R: fmt::Debug, W: fmt::Debug> fmt::Debug for Copying<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copying")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("copied", &self.copied)
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}
