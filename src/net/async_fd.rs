//! `AsyncFd<T>`: readiness of a descriptor that nothing else here has a type for.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, RawFd};

use super::stream::attempt;
use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;

/// A descriptor on the loop: pipes, event and timer descriptors, devices, sockets of C libraries.
///
/// It tells when reading or writing is worth trying; what these are is up to the caller. An
/// operation is tried first, and waits for the kernel's next news only when it says `WouldBlock`;
/// so every operation must go on until it says so, or the news that are there already are not told
/// again.
///
/// It takes its place on the loop where it is made and stays there. Dropping it takes it off the
/// loop before the `T` is dropped; where that loop does not run, its place is free when the
/// descriptor is closed.
///
/// What asyncio's `add_reader` does is a task around it:
///
/// ```
/// use std::io::{Read, Write};
/// use greenroom::{net::AsyncFd, task};
///
/// greenroom::EventLoop::new()?.run(async {
///     let (reader, mut writer) = std::io::pipe()?;
///     let reader = AsyncFd::new(reader)?;
///     let task = task::spawn(async move {
///         let mut heard = Vec::new();
///         let mut buffer = [0; 16];
///         loop {
///             match reader.read_with(|mut pipe| pipe.read(&mut buffer)).await? {
///                 0 => return Ok::<_, std::io::Error>(heard),
///                 read => heard.extend_from_slice(&buffer[..read]),
///             }
///         }
///     });
///     writer.write_all(b"hello")?;
///     drop(writer);
///     assert_eq!(task.await.expect("no panic")?, b"hello");
///     Ok::<(), std::io::Error>(())
/// })
/// # .unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct AsyncFd<T> {
    // In this order: it leaves the poller before its descriptor is closed.
    source: Source<Descriptor>,
    io: T,
}

/// The number of a descriptor that is kept open beside this.
#[derive(Debug)]
struct Descriptor(RawFd);

impl mio::event::Source for Descriptor {
    fn register(
        &mut self,
        registry: &mio::Registry,
        token: mio::Token,
        interests: mio::Interest,
    ) -> io::Result<()> {
        mio::unix::SourceFd(&self.0).register(registry, token, interests)
    }

    fn reregister(
        &mut self,
        registry: &mio::Registry,
        token: mio::Token,
        interests: mio::Interest,
    ) -> io::Result<()> {
        mio::unix::SourceFd(&self.0).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &mio::Registry) -> io::Result<()> {
        mio::unix::SourceFd(&self.0).deregister(registry)
    }
}

impl<T: AsFd> AsyncFd<T> {
    /// Puts the descriptor on this loop, after making it non-blocking. That holds for everybody who
    /// has the same open file, another process too: mind this with standard input.
    ///
    /// # Errors
    /// When no loop runs here or one on a virtual clock; when the descriptor is on this loop
    /// already; when it is a file or a directory, which the kernel calls always ready
    /// (use [`offload`](crate::offload)); and when it cannot be made non-blocking. The `T` was
    /// dropped.
    ///
    /// ```
    /// use greenroom::net::AsyncFd;
    /// greenroom::EventLoop::new()?.run(async {
    ///     let (reader, _writer) = std::io::pipe()?;
    ///     assert!(AsyncFd::new(reader).is_ok());
    ///     let file = std::fs::File::open("Cargo.toml")?;
    ///     let error = AsyncFd::new(file).unwrap_err();
    ///     assert!(error.to_string().contains("offload"));
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// # .unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(io: T) -> io::Result<Self> {
        let registered = Self::new_nonblocking(io)?;
        socket2::SockRef::from(registered.get_ref()).set_nonblocking(true)?;
        Ok(registered)
    }

    /// The same for one that is non-blocking already, or that must not be made so: then an
    /// operation on it may hold the loop.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use greenroom::net::AsyncFd;
    /// use std::os::unix::net::UnixStream;
    /// greenroom::EventLoop::new()?.run(async {
    ///     let (here, _there) = UnixStream::pair()?;
    ///     here.set_nonblocking(true)?;
    ///     AsyncFd::new_nonblocking(here)?.writable().await
    /// })
    /// # .unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new_nonblocking(io: T) -> io::Result<Self> {
        let number = io.as_fd().as_raw_fd();
        let source = Source::new(Descriptor(number));
        source.take_place().map_err(|error| explained(error, number))?;
        Ok(Self { source, io })
    }
}

impl<T> AsyncFd<T> {
    /// Waits until reading is worth trying: there is something, or the end, or an error, or nobody
    /// has tried yet. One that then says `WouldBlock` in
    /// [`try_read_with`](Self::try_read_with) makes the next wait a true one.
    ///
    /// # Errors
    /// When no loop runs here, or another than its own.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use greenroom::net::AsyncFd;
    /// greenroom::EventLoop::new()?.run(async {
    ///     let (reader, mut writer) = std::io::pipe()?;
    ///     let reader = AsyncFd::new(reader)?;
    ///     writer.write_all(b"ping")?;
    ///     reader.readable().await?;
    ///     assert_eq!(reader.try_read_with(|mut pipe| pipe.read(&mut [0; 16]))?, 4);
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// # .unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub async fn readable(&self) -> io::Result<()> {
        self.source.io(Direction::Read, |_| Ok(())).await
    }

    /// Waits until writing is worth trying: there is room, or an error, or nobody has tried yet.
    ///
    /// # Errors
    /// When no loop runs here, or another than its own.
    ///
    /// # Cancel safety
    /// Nothing changes.
    ///
    /// ```
    /// use std::io::Write;
    /// use greenroom::net::AsyncFd;
    /// greenroom::EventLoop::new()?.run(async {
    ///     let (_reader, writer) = std::io::pipe()?;
    ///     let writer = AsyncFd::new(writer)?;
    ///     writer.writable().await?;
    ///     assert_eq!(writer.try_write_with(|mut pipe| pipe.write(b"ping"))?, 4);
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// # .unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub async fn writable(&self) -> io::Result<()> {
        self.source.io(Direction::Write, |_| Ok(())).await
    }

    /// Tries `operation` until it says something else than `WouldBlock`, and waits in between.
    ///
    /// # Errors
    /// Those of `operation`; and when no loop runs here, or another than its own.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the operation did nothing.
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use greenroom::net::AsyncFd;
    /// greenroom::EventLoop::new()?.run(async {
    ///     let (reader, mut writer) = std::io::pipe()?;
    ///     let reader = AsyncFd::new(reader)?;
    ///     let mut buffer = [0; 4];
    ///     let read = reader.read_with(|mut pipe| pipe.read(&mut buffer));
    ///     let (read, ()) = futures::try_join!(read, async { writer.write_all(b"ping") })?;
    ///     assert_eq!(read, 4);
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// # .unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub async fn read_with<R>(
        &self,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.source.io(Direction::Read, |_| operation(&self.io)).await
    }

    /// The same for writing.
    ///
    /// # Errors
    /// Those of `operation`; and when no loop runs here, or another than its own.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the operation did nothing.
    ///
    /// ```
    /// use std::io::Write;
    /// use greenroom::net::AsyncFd;
    /// greenroom::EventLoop::new()?.run(async {
    ///     let (_reader, writer) = std::io::pipe()?;
    ///     let writer = AsyncFd::new(writer)?;
    ///     assert_eq!(writer.write_with(|mut pipe| pipe.write(b"ping")).await?, 4);
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// # .unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub async fn write_with<R>(
        &self,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.source.io(Direction::Write, |_| operation(&self.io)).await
    }

    /// Tries `operation` once, if reading is worth it.
    ///
    /// # Errors
    /// `WouldBlock` when the operation says so, when it is known that it would, or when the task
    /// has had its share of this turn: wait by [`readable`](Self::readable). Otherwise those of
    /// `operation`.
    ///
    /// ```
    /// use std::io::Read;
    /// use greenroom::net::AsyncFd;
    /// greenroom::EventLoop::new()?.run(async {
    ///     let (reader, _writer) = std::io::pipe()?;
    ///     let reader = AsyncFd::new(reader)?;
    ///     let error = reader.try_read_with(|mut pipe| pipe.read(&mut [0; 4])).unwrap_err();
    ///     assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// # .unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn try_read_with<R>(
        &self,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        attempt(&self.source, Direction::Read, |_| operation(&self.io))
    }

    /// The same for writing.
    ///
    /// # Errors
    /// `WouldBlock` when the operation says so, when it is known that it would, or when the task
    /// has had its share of this turn: wait by [`writable`](Self::writable). Otherwise those of
    /// `operation`.
    ///
    /// ```
    /// use std::io::Write;
    /// use greenroom::net::AsyncFd;
    /// greenroom::EventLoop::new()?.run(async {
    ///     let (_reader, writer) = std::io::pipe()?;
    ///     let writer = AsyncFd::new(writer)?;
    ///     assert_eq!(writer.try_write_with(|mut pipe| pipe.write(b"ping"))?, 4);
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// # .unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn try_write_with<R>(
        &self,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        attempt(&self.source, Direction::Write, |_| operation(&self.io))
    }

    /// What it was made of.
    ///
    /// ```
    /// use std::os::fd::{AsFd, AsRawFd};
    /// use greenroom::net::AsyncFd;
    /// greenroom::EventLoop::new()?.run(async {
    ///     let (reader, _writer) = std::io::pipe()?;
    ///     let number = reader.as_raw_fd();
    ///     assert_eq!(AsyncFd::new(reader)?.get_ref().as_fd().as_raw_fd(), number);
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// # .unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn get_ref(&self) -> &T {
        &self.io
    }

    /// Takes it off the loop and gives it back, still non-blocking.
    ///
    /// ```
    /// use greenroom::net::AsyncFd;
    /// greenroom::EventLoop::new()?.run(async {
    ///     let (reader, _writer) = std::io::pipe()?;
    ///     let reader = AsyncFd::new(reader)?.into_inner();
    ///     assert!(AsyncFd::new(reader).is_ok(), "it may come again");
    ///     Ok::<(), std::io::Error>(())
    /// })
    /// # .unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_inner(self) -> T {
        let Self { source, io } = self;
        drop(source);
        io
    }
}

/// Says what the two refusals of the poller mean that a user can do something about.
fn explained(error: io::Error, number: RawFd) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::AlreadyExists => format!(
            "descriptor {number} is on this event loop already; use the `AsyncFd` that it has, or \
             a copy made by `try_clone`"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "descriptor {number} is a file or a directory, which the kernel calls always ready \
             and cannot wait for; read and write it by `offload`"
        ),
        _ => return error,
    };
    io::Error::new(error.kind(), text)
}
