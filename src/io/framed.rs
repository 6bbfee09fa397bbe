//! `Framed`: a stream of bytes as a `Stream` and a `Sink` of frames.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::io::{AsyncRead, AsyncWrite};
use futures::{Sink, Stream};

use super::buffer::Buffer;
use super::codec::{Decoder, Encoder, FrameError};

/// With more encoded bytes than this, the next frame waits until they are written.
const UNSENT_MAX: usize = 64 * 1024;

/// A stream of bytes and a codec: a `Stream` of frames that come and a `Sink` for frames that go.
///
/// What it keeps is bounded: of what comes no more than the codec's
/// [`bytes_max`](Decoder::bytes_max), of what goes 64 KiB and one frame. An error is an item: after
/// one that the codec got past, the frames go on; after any other the stream is over.
///
/// ```
/// use futures::{SinkExt, StreamExt};
/// use greenroom::io::{FrameError, Framed, Lines};
/// use greenroom::net::{TcpListener, TcpStream};
///
/// greenroom::run(async |_system| {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let mut here = Framed::new(TcpStream::connect(listener.local_addr()?).await?, Lines::new());
///     let mut there = Framed::new(listener.accept().await?.0, Lines::new());
///     here.send("hello").await?;
///     assert_eq!(there.next().await.transpose()?.as_deref(), Some("hello"));
///     here.close().await?;
///     assert!(there.next().await.is_none());
///     Ok::<(), FrameError>(())
/// }).unwrap();
/// ```
pub struct Framed<S, C> {
    stream: S,
    codec: C,
    read: Buffer,
    unsent: Vec<u8>,
    /// The first so many bytes of `unsent` are sent.
    sent: usize,
    /// No more bytes will come.
    ended: bool,
    /// No more frames will come.
    over: bool,
}

/// What a [`Framed`] is made of.
///
/// ```
/// use greenroom::io::{Framed, FramedParts, Lines};
/// let FramedParts { stream, unread, .. } = Framed::new(&b"one\n"[..], Lines::new()).into_parts();
/// assert_eq!((stream, unread.len()), (&b"one\n"[..], 0));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct FramedParts<S, C> {
    /// The stream.
    pub stream: S,
    /// The codec.
    pub codec: C,
    /// What was read and is not part of a frame that was given.
    pub unread: Vec<u8>,
    /// What was encoded and is not written.
    pub unsent: Vec<u8>,
}

impl<S, C> Framed<S, C> {
    /// Frames of `codec` over `stream`.
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # use greenroom::io::{Framed, Lines};
    /// # greenroom::run(async |_system| {
    /// let lines = Framed::new(&b"one\ntwo\n"[..], Lines::new());
    /// assert_eq!(lines.count().await, 2);
    /// # });
    /// ```
    pub fn new(stream: S, codec: C) -> Self {
        let (read, unsent) = (Buffer::default(), Vec::new());
        Self { stream, codec, read, unsent, sent: 0, ended: false, over: false }
    }

    /// The stream of bytes.
    ///
    /// ```
    /// use greenroom::io::{Framed, Lines};
    /// assert_eq!(*Framed::new(&b"one\n"[..], Lines::new()).get_ref(), b"one\n");
    /// ```
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream of bytes. What is read or written directly is missing among the frames.
    ///
    /// ```
    /// use greenroom::io::{Framed, Lines};
    /// let mut lines = Framed::new(&b"one\n"[..], Lines::new());
    /// *lines.get_mut() = b"two\n";
    /// assert_eq!(*lines.get_ref(), b"two\n");
    /// ```
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The codec.
    ///
    /// ```
    /// use greenroom::io::{Decoder, Framed, Lines};
    /// let lines = Framed::new(&b""[..], Lines::with_maximum(10));
    /// assert_eq!(lines.codec().bytes_max(), 12);
    /// ```
    pub const fn codec(&self) -> &C {
        &self.codec
    }

    /// Goes on with another codec, as after a greeting in lines; no byte is lost in between.
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # use greenroom::io::{FrameError, Framed, LengthPrefix, Lines};
    /// # greenroom::run(async |_system| {
    /// let mut lines = Framed::new(&b"binary please\n\x05hello"[..], Lines::new());
    /// assert_eq!(lines.next().await.transpose()?.as_deref(), Some("binary please"));
    /// let mut frames = lines.map_codec(|_| LengthPrefix::one());
    /// assert_eq!(frames.next().await.transpose()?.as_deref(), Some(&b"hello"[..]));
    /// # Ok::<(), FrameError>(()) }).unwrap();
    /// ```
    pub fn map_codec<D>(self, other: impl FnOnce(C) -> D) -> Framed<S, D> {
        let Self { stream, codec, read, unsent, sent, ended, over } = self;
        Framed { stream, codec: other(codec), read, unsent, sent, ended, over }
    }

    /// Takes it apart.
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # use greenroom::io::{FrameError, Framed, Lines};
    /// # greenroom::run(async |_system| {
    /// let mut lines = Framed::new(&b"one\ntwo\n"[..], Lines::new());
    /// lines.next().await.transpose()?;
    /// assert_eq!(lines.into_parts().unread, b"two\n");
    /// # Ok::<(), FrameError>(()) }).unwrap();
    /// ```
    pub fn into_parts(mut self) -> FramedParts<S, C> {
        self.unsent.drain(..self.sent);
        let unread = self.read.take_all();
        FramedParts { stream: self.stream, codec: self.codec, unread, unsent: self.unsent }
    }
}

impl<S, C: Decoder> Framed<S, C> {
    /// Asks the codec for a frame of what is there.
    fn decode(&mut self) -> Option<Result<C::Frame, FrameError>> {
        let mut input = self.read.filled();
        let length = input.len();
        let decoded = if self.ended {
            self.codec.decode_end(&mut input)
        } else {
            self.codec.decode(&mut input)
        };
        let used = length - input.len().min(length);
        self.read.take(used);
        // An error that was not got past would come again and again.
        self.over |= decoded.is_err() && used == 0;
        decoded.transpose()
    }
}

impl<S: AsyncRead + Unpin, C: Decoder> Framed<S, C> {
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), FrameError>> {
        let maximum = self.codec.bytes_max().max(1);
        if self.read.len() >= maximum {
            return Poll::Ready(Err(FrameError::TooLong {
                length: self.read.len() as u64,
                maximum,
            }));
        }
        let room = self.read.room(maximum);
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, room))?;
        self.read.grew(read, maximum);
        self.ended = read == 0;
        Poll::Ready(Ok(()))
    }
}

impl<S, C> Stream for Framed<S, C>
where
    S: AsyncRead + Unpin,
    C: Decoder + Unpin,
{
    type Item = Result<C::Frame, FrameError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if this.over {
                return Poll::Ready(None);
            }
            if let Some(decoded) = this.decode() {
                return Poll::Ready(Some(decoded));
            }
            if this.ended {
                this.over = true;
            } else if let Err(error) = ready!(this.poll_fill(cx)) {
                this.over = true;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin, C> Framed<S, C> {
    /// Writes all frames that were fed and flushes the stream. (The method of the same name in
    /// `SinkExt` must be told of which frames.)
    ///
    /// # Errors
    /// As the stream fails.
    ///
    /// # Cancel safety
    /// Dropped while it waits, what is not written stays to be.
    ///
    /// ```
    /// # use futures::SinkExt;
    /// # use greenroom::io::{FrameError, Framed, Lines};
    /// # greenroom::run(async |_system| {
    /// let mut lines = Framed::new(Vec::new(), Lines::new());
    /// lines.feed("one").await?;
    /// assert!(lines.get_ref().is_empty());
    /// lines.flush().await?;
    /// assert_eq!(*lines.get_ref(), b"one\n");
    /// # Ok::<(), FrameError>(()) }).unwrap();
    /// ```
    pub async fn flush(&mut self) -> Result<(), FrameError> {
        poll_fn(|cx| self.poll_flush_stream(cx)).await
    }

    /// Writes all frames that were fed and closes the stream, or its writing side.
    ///
    /// # Errors
    /// As the stream fails.
    ///
    /// # Cancel safety
    /// Dropped while it waits, what is not written stays to be.
    ///
    /// ```
    /// # use futures::SinkExt;
    /// # use greenroom::io::{FrameError, Framed, Lines};
    /// # greenroom::run(async |_system| {
    /// let mut lines = Framed::new(futures::io::sink(), Lines::new());
    /// lines.feed("one").await?;
    /// lines.close().await?;
    /// # Ok::<(), FrameError>(()) }).unwrap();
    /// ```
    pub async fn close(&mut self) -> Result<(), FrameError> {
        poll_fn(|cx| self.poll_close_stream(cx)).await
    }

    fn poll_flush_stream(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), FrameError>> {
        ready!(self.poll_send(cx))?;
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        Poll::Ready(Ok(()))
    }

    fn poll_close_stream(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), FrameError>> {
        ready!(self.poll_send(cx))?;
        ready!(Pin::new(&mut self.stream).poll_close(cx))?;
        Poll::Ready(Ok(()))
    }

    /// Writes what was encoded.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), FrameError>> {
        while self.sent < self.unsent.len() {
            let unsent = &self.unsent[self.sent..];
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, unsent))?;
            if written == 0 {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
            }
            self.sent += written.min(unsent.len());
        }
        self.unsent.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl<T, S, C> Sink<T> for Framed<S, C>
where
    S: AsyncWrite + Unpin,
    C: Encoder<T> + Unpin,
{
    type Error = FrameError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), FrameError>> {
        let this = self.get_mut();
        if this.unsent.len() > UNSENT_MAX { this.poll_send(cx) } else { Poll::Ready(Ok(())) }
    }

    fn start_send(self: Pin<&mut Self>, frame: T) -> Result<(), FrameError> {
        let this = self.get_mut();
        let before = this.unsent.len();
        let encoded = this.codec.encode(frame, &mut this.unsent);
        if encoded.is_err() {
            this.unsent.truncate(before);
        }
        encoded
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), FrameError>> {
        self.get_mut().poll_flush_stream(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), FrameError>> {
        self.get_mut().poll_close_stream(cx)
    }
}

impl<S: fmt::Debug, C: fmt::Debug> fmt::Debug for Framed<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed")
            .field("stream", &self.stream)
            .field("codec", &self.codec)
            .field("unread", &self.read.len())
            .field("unsent", &(self.unsent.len() - self.sent))
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
