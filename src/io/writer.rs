//! `Writer`: bytes pushed without waiting, written behind, with marks that hold back who is too
//! fast.

use std::fmt;
use std::rc::Rc;

use futures::io::AsyncWrite;

use super::limits::LimitError;
use super::outbox::{Guard, Outbox, serve};
use super::write_error::WriteError;
use super::writer_options::WriterOptions;
use crate::task;

/// Writes to a stream from any number of places, in the order of the pushes; see the
/// [module](super) for what is certain.
///
/// Pushing is no waiting: a task of the loop writes everything that was pushed in a turn at once,
/// at its end. [`drain`](Self::drain) between pushes keeps the buffer small. Clones are the same
/// writer. When the last one is dropped it closes by itself: what was pushed is still written, but
/// a stream that takes nothing for 30 s is given up.
///
/// ```
/// use greenroom::io::{Reader, Writer};
/// use greenroom::net::{TcpListener, TcpStream};
/// use greenroom::prelude::*;
///
/// greenroom::run(async |_system| {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let writer = Writer::new(TcpStream::connect(listener.local_addr()?).await?);
///     for line in ["one\n", "two\n"] {
///         writer.push(line)?;
///         writer.drain().await?;
///     }
///     writer.close().await?;
///     let mut reader = Reader::new(listener.accept().await?.0);
///     assert_eq!(reader.read_to_end(100).await?, b"one\ntwo\n");
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[derive(Clone)]
pub struct Writer {
    handle: Rc<Handle>,
}

/// Shared by the clones: when it is dropped there are none.
struct Handle {
    outbox: Rc<Outbox>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.outbox.forsake();
    }
}

impl Writer {
    /// A writer with the usual limits: marks at 64 KiB and 16 KiB, and at most 16 MiB.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// ```
    /// # use greenroom::io::{WriteError, Writer};
    /// greenroom::run(async |_system| {
    ///     let writer = Writer::new(futures::io::sink());
    ///     writer.push("hello")?;
    ///     writer.close().await
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn new(stream: impl AsyncWrite + Unpin + 'static) -> Self {
        match Self::with_options(stream, WriterOptions::new()) {
            Ok(writer) => writer,
            Err(error) => unreachable!("the usual limits contradict each other: {error}"),
        }
    }

    /// A writer with limits of your choice.
    ///
    /// # Errors
    /// When they contradict each other; the stream is dropped.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// ```
    /// # use greenroom::io::{WriteError, Writer, WriterOptions};
    /// greenroom::run(async |_system| {
    ///     let options = WriterOptions::new().high(4_096).low(1_024);
    ///     let writer = Writer::with_options(futures::io::sink(), options).unwrap();
    ///     writer.push("hello")?;
    ///     writer.close().await
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn with_options(
        stream: impl AsyncWrite + Unpin + 'static,
        options: WriterOptions,
    ) -> Result<Self, LimitError> {
        let (marks, maximum) = options.check()?;
        let outbox = Outbox::new(marks, maximum, options.stall);
        task::spawn(serve(stream, Guard(Rc::clone(&outbox)))).detach();
        Ok(Self { handle: Rc::new(Handle { outbox }) })
    }

    /// Puts bytes into the buffer, all or none; they are written at the end of the turn.
    ///
    /// # Errors
    /// When the writer is closed or has failed. When there would be more bytes than the
    /// [maximum](WriterOptions::maximum): the writer fails then, for everybody, as who reads too
    /// slowly must not take all memory.
    ///
    /// ```
    /// # use greenroom::io::{WriteError, Writer};
    /// greenroom::run(async |_system| {
    ///     let writer = Writer::new(futures::io::sink());
    ///     writer.push("hello, ")?;
    ///     writer.push(b"world")?;
    ///     assert_eq!(writer.buffered(), 12);
    ///     Ok::<(), WriteError>(())
    /// }).unwrap();
    /// ```
    pub fn push(&self, bytes: impl AsRef<[u8]>) -> Result<(), WriteError> {
        self.handle.outbox.push(bytes.as_ref())
    }

    /// Waits while there are too many bytes in the buffer: since there were more than the high
    /// mark, until there are no more than the low one. Any number may wait.
    ///
    /// # Errors
    /// When the writer is closed or has failed, also while it waits.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// # use greenroom::io::{WriteError, Writer};
    /// greenroom::run(async |_system| {
    ///     let writer = Writer::new(futures::io::sink());
    ///     writer.push(vec![0; 100_000])?;
    ///     writer.drain().await?;
    ///     assert!(writer.buffered() <= 16 * 1_024);
    ///     Ok::<(), WriteError>(())
    /// }).unwrap();
    /// ```
    pub async fn drain(&self) -> Result<(), WriteError> {
        self.handle.outbox.drained().await
    }

    /// Waits until everything that was pushed before is written and the stream is flushed.
    ///
    /// # Errors
    /// When the writer fails before.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// # use greenroom::io::{WriteError, Writer};
    /// greenroom::run(async |_system| {
    ///     let writer = Writer::new(futures::io::sink());
    ///     writer.push("hello")?;
    ///     writer.flush().await?;
    ///     assert_eq!(writer.buffered(), 0);
    ///     Ok::<(), WriteError>(())
    /// }).unwrap();
    /// ```
    pub async fn flush(&self) -> Result<(), WriteError> {
        self.handle.outbox.flushed().await
    }

    /// Writes what was pushed, closes the stream, and waits for it. Nothing more is taken from the
    /// first poll on; in the end the stream is dropped in any case.
    ///
    /// # Errors
    /// When the writer has failed or fails before all is written.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the writer goes on closing.
    ///
    /// ```
    /// # use greenroom::io::{WriteError, Writer};
    /// greenroom::run(async |_system| {
    ///     let writer = Writer::new(futures::io::sink());
    ///     writer.push("hello")?;
    ///     writer.close().await?;
    ///     assert!(writer.is_closing() && writer.drain().await.is_err());
    ///     Ok::<(), WriteError>(())
    /// }).unwrap();
    /// ```
    pub async fn close(&self) -> Result<(), WriteError> {
        self.handle.outbox.close();
        self.handle.outbox.closed().await
    }

    /// Drops what is in the buffer, and in this turn the stream. Nothing happens when it is closed.
    ///
    /// ```
    /// # use greenroom::io::{WriteError, Writer};
    /// greenroom::run(async |_system| {
    ///     let writer = Writer::new(futures::io::sink());
    ///     writer.abort();
    ///     assert!(matches!(writer.push("late"), Err(WriteError::Aborted)));
    /// });
    /// ```
    pub fn abort(&self) {
        self.handle.outbox.fail(WriteError::Aborted);
    }

    /// Whether it takes nothing more: it was closed, is just closing, or has failed.
    ///
    /// ```
    /// greenroom::run(async |_system| {
    ///     let writer = greenroom::io::Writer::new(futures::io::sink());
    ///     assert!(!writer.is_closing());
    ///     writer.abort();
    ///     assert!(writer.is_closing());
    /// });
    /// ```
    #[must_use]
    pub fn is_closing(&self) -> bool {
        !self.handle.outbox.is_open()
    }

    /// How many bytes were pushed and not yet written.
    ///
    /// ```
    /// # use greenroom::io::{WriteError, Writer};
    /// greenroom::run(async |_system| {
    ///     let writer = Writer::new(futures::io::sink());
    ///     writer.push("hello")?;
    ///     assert_eq!(writer.buffered(), 5);
    ///     Ok::<(), WriteError>(())
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.handle.outbox.buffered()
    }

    /// Moves the water marks, in bytes.
    ///
    /// # Errors
    /// When the low one is above the high one, or that above the maximum; nothing changes then.
    ///
    /// ```
    /// # use greenroom::io::{LimitError, Writer};
    /// greenroom::run(async |_system| {
    ///     let writer = Writer::new(futures::io::sink());
    ///     assert_eq!(writer.set_water_marks(4_096, 1_024), Ok(()));
    ///     let refused = writer.set_water_marks(1_024, 4_096);
    ///     assert_eq!(refused, Err(LimitError::LowAboveHigh { low: 4_096, high: 1_024 }));
    /// });
    /// ```
    pub fn set_water_marks(&self, high: usize, low: usize) -> Result<(), LimitError> {
        self.handle.outbox.set_marks(high, low)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("buffered", &self.buffered())
            .field("closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}
