//! `File`: an open file with the `futures` I/O traits; each step is a job on the pool.
//!
//! The position is ours and not the kernel's: a job is told where to read or write. So a read that
//! was given up has moved nothing, and can be made again or elsewhere.

use std::cell::Cell;
use std::fmt;
use std::fs::{Metadata, OpenOptions};
use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::future::FutureExt as _;

use super::positional::{read_at, write_all_at};
use super::written::Written;
use super::{at, done};
use crate::offload::{Offload, offload};

/// How much one job reads or writes at most.
pub(crate) const PIECE_MAX: usize = 1024 * 1024;

/// An open file, with the traits `AsyncRead`, `AsyncWrite` and `AsyncSeek` of `futures`.
///
/// A write takes the bytes over and is done: they are written in order, behind your back, by the
/// time that a flush is done. An error of theirs is told once, by that write or by what is next
/// asked of the file; so flush before you drop it, to hear of the last. Others see the bytes from
/// then on; [`sync_all`](Self::sync_all) says that they are on the disk.
///
/// # Giving up half-way
/// Dropping the future of a read loses no bytes: the next read gives them. Dropping that of a write
/// means that all the bytes it would have told of were taken over, or none. Dropping the file lets
/// bytes that were taken over be written, unless the loop ends first.
///
/// ```
/// use futures::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};
/// use greenroom::fs::{self, File};
/// greenroom::run(async |_system| {
///     # let path = std::env::temp_dir().join(format!("greenroom-file-{}", std::process::id()));
///     let mut file = File::create(&path).await?;
///     file.write_all(b"hello, world").await?;
///     file.seek(SeekFrom::Start(7)).await?;
///     let mut rest = String::new();
///     file.read_to_string(&mut rest).await?;
///     assert_eq!(rest, "world");
///     fs::remove_file(&path).await
/// }).unwrap();
/// ```
pub struct File {
    file: Arc<std::fs::File>,
    pub(crate) position: u64,
    pub(crate) appends: bool,
    /// What was read and not yet taken, from this place on.
    pub(crate) ahead: (u64, Vec<u8>),
    /// The file was written to since, so that what was read before is no longer it.
    pub(crate) changed: Cell<bool>,
    pub(crate) job: Job,
}

/// What the pool does for this file right now.
pub(crate) enum Job {
    None,
    Read(u64, Offload<io::Result<Vec<u8>>>),
    Write(Written),
    Length(Offload<io::Result<u64>>),
}

impl File {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// As the kernel says, naming the path.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// use futures::io::AsyncReadExt;
    /// use greenroom::fs::File;
    /// greenroom::run(async |_system| {
    ///     assert_eq!(File::open("/dev/null").await?.read(&mut [0; 8]).await?, 0);
    ///     assert!(File::open("/no/such/file").await.is_err());
    ///     Ok::<(), std::io::Error>(())
    /// }).unwrap();
    /// ```
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_with(path, OpenOptions::new().read(true)).await
    }

    /// Opens a file for writing and reading and empties it; makes it when there is none.
    ///
    /// # Errors
    /// As the kernel says, naming the path.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the file may be made or emptied all the same.
    ///
    /// ```
    /// use greenroom::fs::{self, File};
    /// greenroom::run(async |_system| {
    ///     # let path = std::env::temp_dir().join(format!("greenroom-create-{}", std::process::id()));
    ///     let file = File::create(&path).await?;
    ///     assert_eq!(file.metadata().await?.len(), 0);
    ///     fs::remove_file(&path).await
    /// }).unwrap();
    /// ```
    pub async fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let options = &mut OpenOptions::new();
        Self::open_with(path, options.read(true).write(true).create(true).truncate(true)).await
    }

    /// Opens a file for writing at its end, wherever that is by then; makes it when there is none.
    ///
    /// # Errors
    /// As the kernel says, naming the path.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the file may be made all the same.
    ///
    /// ```
    /// use futures::io::AsyncWriteExt;
    /// use greenroom::fs::{self, File};
    /// greenroom::run(async |_system| {
    ///     # let path = std::env::temp_dir().join(format!("greenroom-append-{}", std::process::id()));
    ///     for line in ["one\n", "two\n"] {
    ///         let mut log = File::append(&path).await?;
    ///         log.write_all(line.as_bytes()).await?;
    ///         log.flush().await?;
    ///     }
    ///     assert_eq!(fs::read(&path).await?, b"one\ntwo\n");
    ///     fs::remove_file(&path).await
    /// }).unwrap();
    /// ```
    pub async fn append(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut file = Self::open_with(path, OpenOptions::new().append(true).create(true)).await?;
        file.appends = true;
        Ok(file)
    }

    /// Opens a file as you say; for writing at the end use [`append`](Self::append).
    ///
    /// # Errors
    /// As the kernel says, naming the path.
    ///
    /// # Cancel safety
    /// Dropped while it waits, what the options ask for may be done all the same.
    ///
    /// ```
    /// use std::fs::OpenOptions;
    /// use greenroom::fs::File;
    /// greenroom::run(async |_system| {
    ///     let new = OpenOptions::new().write(true).create_new(true).clone();
    ///     let error = File::open_with("/dev/null", &new).await.unwrap_err();
    ///     assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    /// });
    /// ```
    pub async fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> io::Result<Self> {
        let options = options.clone();
        Ok(Self::from_std(at(path, "open", move |path| options.open(path)).await?))
    }

    /// Takes over an open file of the standard library; reading and writing begin at its start.
    ///
    /// ```
    /// use futures::io::AsyncReadExt;
    /// use greenroom::fs::File;
    /// greenroom::run(async |_system| {
    ///     let mut file = File::from_std(std::fs::File::open("/dev/null")?);
    ///     assert_eq!(file.read(&mut [0; 8]).await?, 0);
    ///     Ok::<(), std::io::Error>(())
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn from_std(file: std::fs::File) -> Self {
        let (file, ahead) = (Arc::new(file), (0, Vec::new()));
        Self { file, position: 0, appends: false, ahead, changed: Cell::new(false), job: Job::None }
    }

    /// Reads up to `length` bytes at a place, wherever the position is; fewer only at the end.
    ///
    /// It does not wait for bytes that were written as a stream and are under way: flush the file
    /// first where both meet.
    ///
    /// # Errors
    /// As the kernel says.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// use greenroom::fs::{self, File};
    /// greenroom::run(async |_system| {
    ///     # let path = std::env::temp_dir().join(format!("greenroom-at-{}", std::process::id()));
    ///     let file = File::create(&path).await?;
    ///     file.write_at(3, "three").await?;
    ///     assert_eq!(file.read_at(2, 4).await?, b"\0thr");
    ///     assert_eq!(file.read_at(6, 99).await?, b"ee");
    ///     fs::remove_file(&path).await
    /// }).unwrap();
    /// ```
    pub async fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let read = move |file: &std::fs::File| {
            let mut bytes = Vec::new();
            while bytes.len() < length {
                let more =
                    piece(file, offset.saturating_add(bytes.len() as u64), length - bytes.len())?;
                if more.is_empty() {
                    break;
                }
                bytes.extend_from_slice(&more);
            }
            Ok(bytes)
        };
        self.ask(read).await
    }

    /// Writes all of the bytes at a place, wherever the position is. It does not wait for bytes
    /// that were written as a stream and are under way: flush the file first where both meet.
    ///
    /// # Errors
    /// As the kernel says; they may be written in part.
    ///
    /// # Cancel safety
    /// Dropped while it waits, they may be written all the same.
    ///
    /// ```
    /// use greenroom::fs::{self, File};
    /// greenroom::run(async |_system| {
    ///     # let path = std::env::temp_dir().join(format!("greenroom-wat-{}", std::process::id()));
    ///     let file = File::create(&path).await?;
    ///     file.write_at(0, "....").await?;
    ///     file.write_at(1, "!").await?;
    ///     assert_eq!(fs::read(&path).await?, b".!..");
    ///     fs::remove_file(&path).await
    /// }).unwrap();
    /// ```
    pub async fn write_at(&self, offset: u64, bytes: impl Into<Vec<u8>>) -> io::Result<()> {
        let bytes = bytes.into();
        self.changed.set(true);
        self.ask(move |file| write_all_at(file, &bytes, offset)).await
    }

    /// Waits until all that was written is on the disk, with what the file system knows of it.
    ///
    /// # Errors
    /// When an earlier write has failed, or the disk says so. What is on the disk is not known
    /// then.
    ///
    /// # Cancel safety
    /// Dropped while it waits, it may be done all the same.
    ///
    /// ```
    /// use futures::io::AsyncWriteExt;
    /// use greenroom::fs::{self, File};
    /// greenroom::run(async |_system| {
    ///     # let path = std::env::temp_dir().join(format!("greenroom-sync-{}", std::process::id()));
    ///     let mut file = File::create(&path).await?;
    ///     file.write_all(b"paid").await?;
    ///     file.sync_all().await?;
    ///     assert_eq!(fs::read(&path).await?, b"paid");
    ///     fs::remove_file(&path).await
    /// }).unwrap();
    /// ```
    pub async fn sync_all(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_written(cx)).await?;
        self.ask(std::fs::File::sync_all).await
    }

    /// Makes the file so long, by cutting it off or by zeros at its end.
    ///
    /// # Errors
    /// When an earlier write has failed, or as the kernel says.
    ///
    /// # Cancel safety
    /// Dropped while it waits, it may be done all the same.
    ///
    /// ```
    /// use futures::io::AsyncWriteExt;
    /// use greenroom::fs::{self, File};
    /// greenroom::run(async |_system| {
    ///     # let path = std::env::temp_dir().join(format!("greenroom-len-{}", std::process::id()));
    ///     let mut file = File::create(&path).await?;
    ///     file.write_all(b"too long").await?;
    ///     file.set_len(3).await?;
    ///     assert_eq!(fs::read(&path).await?, b"too");
    ///     fs::remove_file(&path).await
    /// }).unwrap();
    /// ```
    pub async fn set_len(&mut self, length: u64) -> io::Result<()> {
        poll_fn(|cx| self.poll_written(cx)).await?;
        self.changed.set(true);
        self.ask(move |file| file.set_len(length)).await
    }

    /// What the file system knows of it. Bytes that are not yet flushed need not be counted.
    ///
    /// # Errors
    /// As the kernel says.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// use greenroom::fs::File;
    /// greenroom::run(async |_system| {
    ///     assert!(!File::open("/dev/null").await?.metadata().await?.is_file());
    ///     Ok::<(), std::io::Error>(())
    /// }).unwrap();
    /// ```
    pub async fn metadata(&self) -> io::Result<Metadata> {
        self.ask(std::fs::File::metadata).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        f: impl FnOnce(&std::fs::File) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        done(self.offload(f).await)
    }

    pub(crate) fn offload<T: Send + 'static>(
        &self,
        f: impl FnOnce(&std::fs::File) -> io::Result<T> + Send + 'static,
    ) -> Offload<io::Result<T>> {
        let file = Arc::clone(&self.file);
        offload(move || f(&file))
    }

    /// Waits for the bytes that were taken over.
    pub(crate) fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Job::Write(writing) = &mut self.job else { return Poll::Ready(Ok(())) };
        let outcome = ready!(writing.poll_unpin(cx));
        self.job = Job::None;
        let ended = || Err(io::Error::other("the event loop ended before the bytes were written"));
        Poll::Ready(outcome.unwrap_or_else(|_| ended()))
    }
}

/// One piece of a file, at most [`PIECE_MAX`] bytes of it; empty at its end.
pub(crate) fn piece(file: &std::fs::File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length.min(PIECE_MAX)];
    loop {
        match read_at(file, &mut bytes, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => {
                bytes.truncate(read?);
                return Ok(bytes);
            }
        }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("file", &self.file)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
