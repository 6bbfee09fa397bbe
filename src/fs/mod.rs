//! Files: the calls of the standard library on the [thread pool](crate::offload), because the
//! kernel makes whoever asks for a file wait for it.
//!
//! ```
//! use greenroom::fs;
//! greenroom::run(async |_system| {
//!     let path = std::env::temp_dir().join(format!("greenroom-fs-{}", std::process::id()));
//!     fs::write(&path, "hello").await?;
//!     assert_eq!(fs::read_to_string(&path).await?, "hello");
//!     fs::remove_file(&path).await
//! }).unwrap();
//! ```
//!
//! A call costs a trip to a thread and back, some 10 µs: read and write in large pieces, or put a
//! buffer between ([`BufReader`](futures::io::BufReader), [`BufWriter`](futures::io::BufWriter)).
//! Errors name the path and keep their [kind](std::io::Error::kind). On a loop with a virtual clock
//! the same calls hold the loop, so that runs do not depend on threads.
//!
//! # Giving up half-way
//!
//! No call to the kernel can be taken back. A future of this module that is dropped before a thread
//! has taken its job has done nothing; dropped later, the job goes on to its end, and nobody hears
//! of it. So after giving up a [`write`](write()), a [`rename`] or a [`remove_file`] it may have
//! been done, or be done in a moment. [`File`] says what holds for it.

mod atomic;
mod file;
mod positional;
mod stream;
mod written;

use std::fs::{DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};

pub use atomic::write_atomic;
pub use file::File;

use crate::offload::{OffloadError, offload};

/// Reads a whole file.
///
/// # Errors
/// As the kernel says, naming the path; when no loop runs here or its pool is closed.
///
/// # Cancel safety
/// Nothing changes.
///
/// ```
/// greenroom::run(async |_system| {
///     assert!(greenroom::fs::read("/dev/null").await?.is_empty());
///     let error = greenroom::fs::read("/no/such/file").await.unwrap_err();
///     assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
///     assert!(error.to_string().starts_with("could not read `/no/such/file`: "));
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub async fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    at(path, "read", |path| std::fs::read(path)).await
}

/// Reads a whole file of text.
///
/// # Errors
/// As those of [`read`]; `InvalidData` when it is not UTF-8.
///
/// # Cancel safety
/// Nothing changes.
///
/// ```
/// greenroom::run(async |_system| {
///     assert_eq!(greenroom::fs::read_to_string("/dev/null").await?, "");
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub async fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    at(path, "read", |path| std::fs::read_to_string(path)).await
}

/// Writes a file, over what is there. See [`write_atomic`] for one that others may read meanwhile,
/// or that must outlive a crash.
///
/// # Errors
/// As the kernel says, naming the path; the file may be written in part.
///
/// # Cancel safety
/// Dropped while it waits, the file may be written all the same.
///
/// ```
/// greenroom::run(async |_system| {
///     # let path = std::env::temp_dir().join(format!("greenroom-write-{}", std::process::id()));
///     greenroom::fs::write(&path, [1, 2, 3]).await?;
///     assert_eq!(greenroom::fs::read(&path).await?, [1, 2, 3]);
///     greenroom::fs::remove_file(&path).await
/// }).unwrap();
/// ```
pub async fn write(path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) -> io::Result<()> {
    let bytes = bytes.into();
    at(path, "write", move |path| std::fs::write(path, bytes)).await
}

/// Copies a file with its permissions, over what is there; gives the number of bytes.
///
/// # Errors
/// As the kernel says, naming both paths; the copy may be there in part.
///
/// # Cancel safety
/// Dropped while it waits, the copy may be made all the same.
///
/// ```
/// greenroom::run(async |_system| {
///     # let path = std::env::temp_dir().join(format!("greenroom-copy-{}", std::process::id()));
///     # let other = path.with_extension("2");
///     greenroom::fs::write(&path, "four").await?;
///     assert_eq!(greenroom::fs::copy(&path, &other).await?, 4);
///     # greenroom::fs::remove_file(&path).await?;
///     greenroom::fs::remove_file(&other).await
/// }).unwrap();
/// ```
pub async fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    between(from, to, "copy", |from, to| std::fs::copy(from, to)).await
}

/// Gives a file or a directory another name on the same file system, in place of what has it now.
///
/// # Errors
/// As the kernel says, naming both paths; nothing has changed then.
///
/// # Cancel safety
/// Dropped while it waits, it may be done all the same.
///
/// ```
/// greenroom::run(async |_system| {
///     # let path = std::env::temp_dir().join(format!("greenroom-rename-{}", std::process::id()));
///     # let other = path.with_extension("2");
///     greenroom::fs::write(&path, "moved").await?;
///     greenroom::fs::rename(&path, &other).await?;
///     assert!(!greenroom::fs::exists(&path).await?);
///     greenroom::fs::remove_file(&other).await
/// }).unwrap();
/// ```
pub async fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    between(from, to, "rename", |from, to| std::fs::rename(from, to)).await
}

/// Removes a file.
///
/// # Errors
/// As the kernel says, naming the path.
///
/// # Cancel safety
/// Dropped while it waits, it may be done all the same.
///
/// ```
/// greenroom::run(async |_system| {
///     let error = greenroom::fs::remove_file("/no/such/file").await.unwrap_err();
///     assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
/// });
/// ```
pub async fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    at(path, "remove", |path| std::fs::remove_file(path)).await
}

/// Makes a directory and those above it that are missing; one that is there is no error.
///
/// # Errors
/// As the kernel says, naming the path; some of them may be there.
///
/// # Cancel safety
/// Dropped while it waits, it may be done all the same.
///
/// ```
/// greenroom::run(async |_system| {
///     # let base = std::env::temp_dir().join(format!("greenroom-dir-{}", std::process::id()));
///     greenroom::fs::create_dir_all(base.join("a/b/c")).await?;
///     greenroom::fs::create_dir_all(base.join("a/b/c")).await?;
///     greenroom::fs::remove_dir_all(&base).await
/// }).unwrap();
/// ```
pub async fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    at(path, "make the directory", |path| std::fs::create_dir_all(path)).await
}

/// Removes a directory and all that is in it; what links lead to stays.
///
/// # Errors
/// As the kernel says, naming the path; some of it may be gone.
///
/// # Cancel safety
/// Dropped while it waits, it may be done all the same.
///
/// ```
/// greenroom::run(async |_system| {
///     # let base = std::env::temp_dir().join(format!("greenroom-rmdir-{}", std::process::id()));
///     greenroom::fs::create_dir_all(base.join("a/b")).await?;
///     greenroom::fs::remove_dir_all(&base).await?;
///     assert!(!greenroom::fs::exists(&base).await?);
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub async fn remove_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    at(path, "remove the directory", |path| std::fs::remove_dir_all(path)).await
}

/// What the file system knows of a file or a directory, or of what a link leads to.
///
/// # Errors
/// As the kernel says, naming the path.
///
/// # Cancel safety
/// Nothing changes.
///
/// ```
/// greenroom::run(async |_system| {
///     assert!(greenroom::fs::metadata("/").await?.is_dir());
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub async fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    at(path, "look at", |path| std::fs::metadata(path)).await
}

/// Whether there is something at a path. What is true now need not be true in a moment.
///
/// # Errors
/// When that cannot be said, as for want of permission, naming the path.
///
/// # Cancel safety
/// Nothing changes.
///
/// ```
/// greenroom::run(async |_system| {
///     assert!(greenroom::fs::exists("/").await?);
///     assert!(!greenroom::fs::exists("/no/such/file").await?);
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub async fn exists(path: impl AsRef<Path>) -> io::Result<bool> {
    at(path, "look for", |path| path.try_exists()).await
}

/// All that is in a directory, in the order of the names.
///
/// # Errors
/// As the kernel says, naming the path.
///
/// # Cancel safety
/// Nothing changes.
///
/// ```
/// greenroom::run(async |_system| {
///     # let base = std::env::temp_dir().join(format!("greenroom-ls-{}", std::process::id()));
///     # greenroom::fs::create_dir_all(&base).await?;
///     for name in ["b", "a"] {
///         greenroom::fs::write(base.join(name), "").await?;
///     }
///     let found = greenroom::fs::read_dir(&base).await?;
///     assert!(found.iter().map(|entry| entry.file_name()).eq(["a", "b"]));
///     greenroom::fs::remove_dir_all(&base).await
/// }).unwrap();
/// ```
pub async fn read_dir(path: impl AsRef<Path>) -> io::Result<Vec<DirEntry>> {
    let list = |path: &Path| {
        let mut entries = std::fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(DirEntry::file_name);
        Ok(entries)
    };
    at(path, "list", list).await
}

/// Does `f` with a path on the pool; an error says what could not be done with which path.
async fn at<T: Send + 'static>(
    path: impl AsRef<Path>,
    what: &'static str,
    f: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let path = path.as_ref().to_owned();
    let job = move || f(&path).map_err(|error| failed(what, &path.display(), &error));
    done(offload(job).await)
}

async fn between<T: Send + 'static>(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    what: &'static str,
    f: impl FnOnce(&Path, &Path) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (from, to): (PathBuf, PathBuf) = (from.as_ref().into(), to.as_ref().into());
    let job = move || {
        let (one, two) = (from.display(), to.display());
        f(&from, &to).map_err(|error| failed(what, &format_args!("{one}` to `{two}"), &error))
    };
    done(offload(job).await)
}

fn failed(what: &str, path: &dyn std::fmt::Display, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not {what} `{path}`: {error}"))
}

/// A job that never ran is an error of its own.
fn done<T>(outcome: Result<io::Result<T>, OffloadError>) -> io::Result<T> {
    outcome.unwrap_or_else(|error| Err(io::Error::other(error)))
}
