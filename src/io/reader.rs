//! `Reader`: lines, separators and exact lengths out of a stream of bytes, within limits.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::io::{AsyncBufRead, AsyncRead};

use super::buffer::Buffer;
use super::limits::LimitError;
use super::read_error::ReadError;
use super::search::{Found, Search};

/// A reader with a buffer and a limit; see the [module](super) for what is certain.
///
/// What it gives is borrowed from its buffer, so a line costs no allocation; `to_vec` keeps it.
///
/// ```
/// use futures::io::AsyncWriteExt;
/// use greenroom::io::{ReadError, Reader};
/// use greenroom::net::{TcpListener, TcpStream};
///
/// greenroom::run(async |_system| {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let mut client = TcpStream::connect(listener.local_addr()?).await?;
///     client.write_all(b"PUT /a\nlength: 5\n\nhello").await?;
///     client.close().await?;
///
///     let mut reader = Reader::new(listener.accept().await?.0);
///     assert_eq!(reader.read_line().await?, Some(&b"PUT /a\n"[..]));
///     assert_eq!(reader.read_until("\n\n").await?, b"length: 5\n\n");
///     assert_eq!(reader.read_exact(5).await?, b"hello");
///     assert_eq!(reader.read_line().await?, None);
///     Ok::<(), ReadError>(())
/// }).unwrap();
/// ```
pub struct Reader<R> {
    inner: R,
    buffer: Buffer,
    limit: usize,
    ended: bool,
    /// The rest of a line that was too long is still to come, and to be passed over.
    skipping: bool,
}

impl<R> Reader<R> {
    /// The limit of [`new`](Self::new), in bytes.
    pub const LIMIT: usize = 64 * 1024;

    /// A reader with the usual limit of 64 KiB. Nothing is read before it is asked for.
    ///
    /// ```
    /// let reader = greenroom::io::Reader::new(&b"a\n"[..]);
    /// assert_eq!((reader.limit(), reader.buffer().len()), (65_536, 0));
    /// ```
    pub fn new(inner: R) -> Self {
        let buffer = Buffer::default();
        Self { inner, buffer, limit: Self::LIMIT, ended: false, skipping: false }
    }

    /// A reader with a limit of your choice, in bytes.
    ///
    /// # Errors
    /// [`LimitError::Zero`].
    ///
    /// ```
    /// # use greenroom::io::{ReadError, Reader};
    /// greenroom::run(async |_system| {
    ///     let mut reader = Reader::with_limit(&b"1234\n12345\n"[..], 4).unwrap();
    ///     assert_eq!(reader.read_line().await?, Some(&b"1234\n"[..]));
    ///     let error = reader.read_line().await.unwrap_err();
    ///     assert!(matches!(error, ReadError::LimitExceeded { limit: 4, length: 5, .. }));
    ///     Ok::<(), ReadError>(())
    /// }).unwrap();
    /// ```
    pub fn with_limit(inner: R, limit: usize) -> Result<Self, LimitError> {
        if limit == 0 {
            return Err(LimitError::Zero);
        }
        Ok(Self { limit, ..Self::new(inner) })
    }

    /// How many bytes may come before a separator.
    ///
    /// ```
    /// let reader = greenroom::io::Reader::with_limit(&b"a\n"[..], 512).unwrap();
    /// assert_eq!(reader.limit(), 512);
    /// ```
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// What was read and not yet taken.
    ///
    /// ```
    /// # greenroom::run(async |_system| {
    /// let mut reader = greenroom::io::Reader::new(&b"one\ntwo\n"[..]);
    /// reader.read_line().await?;
    /// assert_eq!(reader.buffer(), b"two\n");
    /// # Ok::<(), greenroom::io::ReadError>(()) }).unwrap();
    /// ```
    pub fn buffer(&self) -> &[u8] {
        self.buffer.filled()
    }

    /// Throws away that many bytes of the [buffer](Self::buffer), or all there are.
    ///
    /// ```
    /// # greenroom::run(async |_system| {
    /// let mut reader = greenroom::io::Reader::new(&b"one\ntwo\n"[..]);
    /// assert_eq!(reader.peek(4).await?, b"one\n");
    /// reader.consume(4);
    /// assert_eq!(reader.buffer(), b"two\n");
    /// # Ok::<(), greenroom::io::ReadError>(()) }).unwrap();
    /// ```
    pub fn consume(&mut self, length: usize) {
        self.buffer.take(length);
    }

    /// Whether the stream has ended and everything was taken. The end is known only once a read has
    /// met it.
    ///
    /// ```
    /// # greenroom::run(async |_system| {
    /// let mut reader = greenroom::io::Reader::new(&b"one"[..]);
    /// assert!(!reader.at_eof());
    /// assert_eq!(reader.read_line().await?, Some(&b"one"[..]));
    /// assert!(reader.at_eof());
    /// # Ok::<(), greenroom::io::ReadError>(()) }).unwrap();
    /// ```
    pub const fn at_eof(&self) -> bool {
        self.ended && self.buffer.is_empty()
    }

    /// The stream itself.
    ///
    /// ```
    /// let reader = greenroom::io::Reader::new(&b"one"[..]);
    /// assert_eq!(*reader.get_ref(), b"one");
    /// ```
    pub const fn get_ref(&self) -> &R {
        &self.inner
    }

    /// The stream itself. What is read from it directly is missing here.
    ///
    /// ```
    /// let mut reader = greenroom::io::Reader::new(&b"one"[..]);
    /// *reader.get_mut() = b"two";
    /// assert_eq!(*reader.get_ref(), b"two");
    /// ```
    pub const fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// The stream, and what was read from it and not yet taken.
    ///
    /// ```
    /// # greenroom::run(async |_system| {
    /// let mut reader = greenroom::io::Reader::new(&b"one\ntwo\n"[..]);
    /// reader.read_line().await?;
    /// let (rest, buffered) = reader.into_parts();
    /// assert_eq!((rest, &buffered[..]), (&b""[..], &b"two\n"[..]));
    /// # Ok::<(), greenroom::io::ReadError>(()) }).unwrap();
    /// ```
    pub fn into_parts(mut self) -> (R, Vec<u8>) {
        let buffered = self.buffer.take_all();
        (self.inner, buffered)
    }
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads a line with its `\n`. The last one may have none, and `None` is the end.
    ///
    /// # Errors
    /// [`LimitExceeded`](ReadError::LimitExceeded) when more bytes than the limit come before the
    /// `\n`. The line is gone then, also the part of it that is still to come: the next call gives
    /// the next line. [`Io`](ReadError::Io) when the stream fails.
    ///
    /// # Cancel safety
    /// Dropped while it waits, what came stays in the buffer.
    ///
    /// ```
    /// # use greenroom::io::{ReadError, Reader};
    /// greenroom::run(async |_system| {
    ///     let mut reader = Reader::new(&b"one\ntwo"[..]);
    ///     let mut lines = Vec::new();
    ///     while let Some(line) = reader.read_line().await? {
    ///         lines.push(line.to_vec());
    ///     }
    ///     assert_eq!(lines, [&b"one\n"[..], b"two"]);
    ///     Ok::<(), ReadError>(())
    /// }).unwrap();
    /// ```
    pub async fn read_line(&mut self) -> Result<Option<&[u8]>, ReadError> {
        while self.skipping {
            let end = memchr::memchr(b'\n', self.buffer.filled());
            self.buffer.take(end.map_or(usize::MAX, |at| at + 1));
            self.skipping = end.is_none() && self.fill(self.bound()).await?;
        }
        let length = match self.seek(&[b"\n"]).await {
            Err(ReadError::LimitExceeded { limit, length, complete }) => {
                self.buffer.take(if complete { length + 1 } else { usize::MAX });
                self.skipping = !complete;
                return Err(ReadError::LimitExceeded { limit, length, complete });
            }
            Err(ReadError::Incomplete { .. }) if self.buffer.is_empty() => return Ok(None),
            Err(ReadError::Incomplete { .. }) => self.buffer.len(),
            sought => sought?,
        };
        Ok(Some(self.buffer.take(length)))
    }

    /// Reads up to and with a separator.
    ///
    /// # Errors
    /// [`LimitExceeded`](ReadError::LimitExceeded) when more bytes than the limit come before the
    /// separator: they stay in the buffer. [`Incomplete`](ReadError::Incomplete) when the stream
    /// ends without one, with what came, which is no longer in the buffer.
    /// [`NoSeparator`](ReadError::NoSeparator) when it is empty. [`Io`](ReadError::Io) when the
    /// stream fails.
    ///
    /// # Cancel safety
    /// Dropped while it waits, what came stays in the buffer.
    ///
    /// ```
    /// # use greenroom::io::{ReadError, Reader};
    /// greenroom::run(async |_system| {
    ///     let mut reader = Reader::new(&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..]);
    ///     assert_eq!(reader.read_until(" ").await?, b"GET ");
    ///     assert!(reader.read_until("\r\n\r\n").await?.ends_with(b"Host: a\r\n\r\n"));
    ///     Ok::<(), ReadError>(())
    /// }).unwrap();
    /// ```
    pub async fn read_until(&mut self, separator: impl AsRef<[u8]>) -> Result<&[u8], ReadError> {
        self.read_until_any(&[separator]).await
    }

    /// As [`read_until`](Self::read_until), with whichever separator ends first.
    ///
    /// # Errors
    /// As [`read_until`](Self::read_until).
    ///
    /// # Cancel safety
    /// Dropped while it waits, what came stays in the buffer.
    ///
    /// ```
    /// # use greenroom::io::{ReadError, Reader};
    /// greenroom::run(async |_system| {
    ///     let mut reader = Reader::new(&b"one;two\n"[..]);
    ///     assert_eq!(reader.read_until_any(&["\n", ";"]).await?, b"one;");
    ///     assert_eq!(reader.read_until_any(&["\n", ";"]).await?, b"two\n");
    ///     Ok::<(), ReadError>(())
    /// }).unwrap();
    /// ```
    pub async fn read_until_any(
        &mut self,
        separators: &[impl AsRef<[u8]>],
    ) -> Result<&[u8], ReadError> {
        self.skipping = false;
        let separators: Vec<&[u8]> = separators.iter().map(AsRef::as_ref).collect();
        match self.seek(&separators).await {
            Err(ReadError::Incomplete { .. }) => Err(self.incomplete(None)),
            sought => Ok(self.buffer.take(sought?)),
        }
    }

    /// Reads exactly `length` bytes, whatever the limit is: check a length that a peer has sent.
    /// Memory is taken as bytes come and not before.
    ///
    /// # Errors
    /// [`Incomplete`](ReadError::Incomplete) when the stream ends too early, with what came, which
    /// is no longer in the buffer. [`Io`](ReadError::Io) when the stream fails.
    ///
    /// # Cancel safety
    /// Dropped while it waits, what came stays in the buffer.
    ///
    /// ```
    /// # use greenroom::io::{ReadError, Reader};
    /// greenroom::run(async |_system| {
    ///     let mut reader = Reader::new(&b"12345678"[..]);
    ///     assert_eq!(reader.read_exact(5).await?, b"12345");
    ///     let error = reader.read_exact(5).await.unwrap_err();
    ///     assert_eq!(error.to_string(), "the stream ended after 3 bytes of 5");
    ///     Ok::<(), ReadError>(())
    /// }).unwrap();
    /// ```
    pub async fn read_exact(&mut self, length: usize) -> Result<&[u8], ReadError> {
        self.skipping = false;
        while self.buffer.len() < length {
            if !self.fill(length.max(self.bound())).await? {
                return Err(self.incomplete(Some(length)));
            }
        }
        Ok(self.buffer.take(length))
    }

    /// Reads what is there, at most `most` bytes, and waits only while there is nothing. Nothing is
    /// the end.
    ///
    /// # Errors
    /// [`Io`](ReadError::Io) when the stream fails.
    ///
    /// # Cancel safety
    /// Dropped while it waits, nothing is lost.
    ///
    /// ```
    /// # use greenroom::io::{ReadError, Reader};
    /// greenroom::run(async |_system| {
    ///     let mut reader = Reader::new(&b"12345"[..]);
    ///     assert_eq!(reader.read(3).await?, b"123");
    ///     assert_eq!(reader.read(3).await?, b"45");
    ///     assert_eq!(reader.read(3).await?, b"", "the end");
    ///     Ok::<(), ReadError>(())
    /// }).unwrap();
    /// ```
    pub async fn read(&mut self, most: usize) -> Result<&[u8], ReadError> {
        self.skipping = false;
        if self.buffer.is_empty() && most > 0 {
            self.fill(self.bound()).await?;
        }
        Ok(self.buffer.take(most))
    }

    /// Reads everything up to the end.
    ///
    /// # Errors
    /// [`LimitExceeded`](ReadError::LimitExceeded) when more than `maximum` bytes come: they stay
    /// in the buffer. [`Io`](ReadError::Io) when the stream fails.
    ///
    /// # Cancel safety
    /// Dropped while it waits, what came stays in the buffer.
    ///
    /// ```
    /// # use greenroom::io::{ReadError, Reader};
    /// greenroom::run(async |_system| {
    ///     assert_eq!(Reader::new(&b"12345"[..]).read_to_end(5).await?, b"12345");
    ///     let error = Reader::new(&b"12345"[..]).read_to_end(4).await.unwrap_err();
    ///     assert!(matches!(error, ReadError::LimitExceeded { limit: 4, .. }));
    ///     Ok::<(), ReadError>(())
    /// }).unwrap();
    /// ```
    pub async fn read_to_end(&mut self, maximum: usize) -> Result<Vec<u8>, ReadError> {
        self.skipping = false;
        let bound = maximum.saturating_add(1).max(self.bound());
        loop {
            let length = self.buffer.len();
            if length > maximum {
                return Err(ReadError::LimitExceeded { limit: maximum, length, complete: false });
            }
            if !self.fill(bound).await? {
                return Ok(self.buffer.take_all());
            }
        }
    }

    /// Shows the next `length` bytes and takes none; fewer when the stream ends before, or when
    /// `length` is more than twice the limit.
    ///
    /// # Errors
    /// [`Io`](ReadError::Io) when the stream fails.
    ///
    /// # Cancel safety
    /// Dropped while it waits, what came stays in the buffer.
    ///
    /// ```
    /// # use greenroom::io::{ReadError, Reader};
    /// greenroom::run(async |_system| {
    ///     let mut reader = Reader::new(&b"PRI * HTTP/2.0"[..]);
    ///     assert_eq!(reader.peek(3).await?, b"PRI");
    ///     assert_eq!(reader.read(5).await?, b"PRI *");
    ///     Ok::<(), ReadError>(())
    /// }).unwrap();
    /// ```
    pub async fn peek(&mut self, length: usize) -> Result<&[u8], ReadError> {
        let most = length.min(self.bound());
        while self.buffer.len() < most && self.fill(self.bound()).await? {}
        Ok(&self.buffer.filled()[..most.min(self.buffer.len())])
    }

    /// Reads until a separator is in the buffer; gives how many bytes there are up to and with it.
    async fn seek(&mut self, separators: &[&[u8]]) -> Result<usize, ReadError> {
        let limit = self.limit;
        let search = Search::new(separators, limit).ok_or(ReadError::NoSeparator)?;
        let mut clear = 0;
        loop {
            match search.look(self.buffer.filled(), clear) {
                Found::At { end, .. } => return Ok(end),
                Found::TooLong { length, complete } => {
                    return Err(ReadError::LimitExceeded { limit, length, complete });
                }
                Found::Not { clear: next } => clear = next,
            }
            if !self.fill(search.bound()).await? {
                return Err(ReadError::Incomplete { got: Vec::new(), wanted: None });
            }
        }
    }

    /// How much may be held that nobody has asked for by number.
    const fn bound(&self) -> usize {
        self.limit.saturating_mul(2)
    }

    fn incomplete(&mut self, wanted: Option<usize>) -> ReadError {
        ReadError::Incomplete { got: self.buffer.take_all(), wanted }
    }

    /// Reads once, so that at most `bound` bytes are held; `false` at the end of the stream.
    async fn fill(&mut self, bound: usize) -> io::Result<bool> {
        poll_fn(|cx| self.poll_fill(cx, bound)).await
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, bound: usize) -> Poll<io::Result<bool>> {
        if !self.ended {
            let room = self.buffer.room(bound);
            let read = ready!(Pin::new(&mut self.inner).poll_read(cx, room))?;
            self.buffer.grew(read, bound);
            self.ended = read == 0;
        }
        Poll::Ready(Ok(!self.ended))
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Reader<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if into.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let there = ready!(self.as_mut().poll_fill_buf(cx))?;
        let length = there.len().min(into.len());
        into[..length].copy_from_slice(&there[..length]);
        self.buffer.take(length);
        Poll::Ready(Ok(length))
    }
}

impl<R: AsyncRead + Unpin> AsyncBufRead for Reader<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        this.skipping = false;
        if this.buffer.is_empty() {
            ready!(this.poll_fill(cx, this.bound()))?;
        }
        Poll::Ready(Ok(this.buffer.filled()))
    }

    fn consume(self: Pin<&mut Self>, length: usize) {
        self.get_mut().buffer.take(length);
    }
}

impl<R: fmt::Debug> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("inner", &self.inner)
            .field("buffered", &self.buffer.len())
            .field("limit", &self.limit)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
