//! Requests out of a stream of bytes: incremental, pipelined, with every size checked first.
//!
//! ```text
//!            '*' n            '$' len             len bytes, CRLF
//!   Idle ───────────▶ Length ─────────▶ Content ──────────────────▶ Length, or a request when
//!    │ ▲                                                            the n-th argument is whole
//!    │ └── n ≤ 0, empty line: nothing was asked
//!    └──── any other byte ──▶ a line, up to LF ──▶ a request
//! ```
//!
//! No step looks twice at bytes it has finished with, so a request that arrives byte by byte
//! costs as much as one that arrives whole. Memory follows what has been received, never what
//! has been announced.

use std::fmt;

use crate::wire::args::{Args, Span};
use crate::wire::{inline, number};

/// The longest argument, in bytes.
pub(crate) const BULK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The most arguments of one request.
pub(crate) const ARGUMENTS_MAX: usize = 1024 * 1024;
/// The longest line of an inline request, in bytes, its end not counted.
pub(crate) const INLINE_BYTES_MAX: usize = 64 * 1024;
/// The longest request, in bytes: two of the longest arguments and some.
pub(crate) const REQUEST_BYTES_MAX: usize = 2 * BULK_BYTES_MAX + 1024 * 1024;
/// No length in decimal is longer than this, in bytes.
const LENGTH_LINE_MAX: usize = 32;
/// An empty buffer larger than this is given back, so that idle connections cost little.
const KEPT_BYTES_MAX: usize = 32 * 1024;

/// What made the stream unreadable. The connection cannot go on after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProtocolError {
    InvalidMultibulkLength,
    InvalidBulkLength,
    /// The byte that stood where a `$` should be.
    ExpectedDollar(u8),
    TooBigInline,
    UnbalancedQuotes,
    RequestTooBig,
    /// An argument was not followed by CR LF. Redis skips these two bytes unseen.
    MissingLineEnd,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protocol error: ")?;
        match self {
            Self::InvalidMultibulkLength => f.write_str("invalid multibulk length"),
            Self::InvalidBulkLength => f.write_str("invalid bulk length"),
            Self::ExpectedDollar(byte) if byte.is_ascii_graphic() || *byte == b' ' => {
                write!(f, "expected '$', got '{}'", char::from(*byte))
            }
            Self::ExpectedDollar(byte) => {
                write!(f, "expected '$', got '{}'", byte.escape_ascii())
            }
            Self::TooBigInline => f.write_str("too big inline request"),
            Self::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
            Self::RequestTooBig => f.write_str("too big request"),
            Self::MissingLineEnd => f.write_str("expected CRLF after bulk"),
        }
    }
}

impl std::error::Error for ProtocolError {}

/// The limits a decoder keeps to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) bulk_bytes: usize,
    pub(crate) request_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bulk_bytes: BULK_BYTES_MAX, request_bytes: REQUEST_BYTES_MAX }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// At the `$` of the next argument; so many are missing.
    Length {
        missing: usize,
    },
    /// At the first byte of an argument of this length; so many are missing, this one included.
    Content {
        missing: usize,
        length: usize,
    },
}

/// Collects bytes and takes requests out of them.
#[derive(Debug)]
pub(crate) struct Decoder {
    limits: Limits,
    buffer: Vec<u8>,
    /// Where the current request begins in the buffer.
    start: usize,
    /// Up to where the current request has been read.
    scan: usize,
    state: State,
    /// The arguments read so far, counted from `start`, or from the front of `words`.
    spans: Vec<Span>,
    /// The unquoted words of an inline request.
    words: Vec<u8>,
    /// The stream was unreadable once: it stays so.
    failed: Option<ProtocolError>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

/// What a look at the buffer yielded.
enum Found {
    Multibulk,
    Inline,
    Incomplete,
}

impl Decoder {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: Vec::new(),
            start: 0,
            scan: 0,
            state: State::Idle,
            spans: Vec::new(),
            words: Vec::new(),
            failed: None,
        }
    }

    /// Adds bytes received from the client. Take all requests out before adding more: what is
    /// kept then is one request that is not whole, and the limits bound it.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scan -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// How many bytes wait for the rest of their request.
    pub(crate) fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// The next whole request, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`ProtocolError`], from then on every time.
    pub(crate) fn next(&mut self) -> Result<Option<Args<'_>>, ProtocolError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.advance() {
            Ok(Found::Incomplete) => {
                self.give_back_memory();
                Ok(None)
            }
            Ok(Found::Inline) => {
                self.start = self.scan;
                Ok(Some(Args::new(&self.words, &self.spans)))
            }
            Ok(Found::Multibulk) => {
                let start = self.start;
                self.start = self.scan;
                Ok(Some(Args::new(&self.buffer[start..self.scan], &self.spans)))
            }
            Err(error) => {
                self.failed = Some(error);
                self.buffer = Vec::new();
                (self.start, self.scan) = (0, 0);
                Err(error)
            }
        }
    }

    fn advance(&mut self) -> Result<Found, ProtocolError> {
        loop {
            match self.state {
                State::Idle => match self.buffer.get(self.start) {
                    None => return Ok(Found::Incomplete),
                    Some(b'*') => {
                        if !self.read_count()? {
                            return Ok(Found::Incomplete);
                        }
                    }
                    Some(_) => {
                        if !self.read_inline()? {
                            return Ok(Found::Incomplete);
                        }
                        if !self.spans.is_empty() {
                            return Ok(Found::Inline);
                        }
                        self.start = self.scan;
                    }
                },
                State::Length { missing: 0 } => {
                    self.state = State::Idle;
                    return Ok(Found::Multibulk);
                }
                State::Length { missing } => {
                    let Some(length) = self.read_length()? else {
                        return Ok(Found::Incomplete);
                    };
                    self.state = State::Content { missing, length };
                }
                State::Content { missing, length } => {
                    if !self.read_content(length)? {
                        return Ok(Found::Incomplete);
                    }
                    self.state = State::Length { missing: missing - 1 };
                }
            }
        }
    }

    /// Reads `*n CR LF`. A request of no arguments is skipped, as Redis does.
    fn read_count(&mut self) -> Result<bool, ProtocolError> {
        let error = ProtocolError::InvalidMultibulkLength;
        self.scan = self.start;
        let Some(count) = self.read_number(error)? else {
            return Ok(false);
        };
        self.spans.clear();
        if count <= 0 {
            self.start = self.scan;
            return Ok(true);
        }
        let missing = usize::try_from(count).map_err(|_| error)?;
        if missing > ARGUMENTS_MAX {
            return Err(error);
        }
        self.state = State::Length { missing };
        Ok(true)
    }

    /// Reads `$len CR LF` and refuses a length that would break a limit.
    fn read_length(&mut self) -> Result<Option<usize>, ProtocolError> {
        match self.buffer.get(self.scan) {
            None => return Ok(None),
            Some(b'$') => {}
            Some(other) => return Err(ProtocolError::ExpectedDollar(*other)),
        }
        let Some(length) = self.read_number(ProtocolError::InvalidBulkLength)? else {
            return Ok(None);
        };
        let length = usize::try_from(length).map_err(|_| ProtocolError::InvalidBulkLength)?;
        if length > self.limits.bulk_bytes {
            return Err(ProtocolError::InvalidBulkLength);
        }
        if self.scan - self.start + length > self.limits.request_bytes {
            return Err(ProtocolError::RequestTooBig);
        }
        Ok(Some(length))
    }

    /// Reads a type byte, a number and CR LF at `scan`; `None` if they are not all there yet.
    fn read_number(&mut self, error: ProtocolError) -> Result<Option<i64>, ProtocolError> {
        let line = &self.buffer[self.scan + 1..];
        let window = &line[..line.len().min(LENGTH_LINE_MAX)];
        let Some(end) = window.iter().position(|byte| *byte == b'\r') else {
            return if window.len() == LENGTH_LINE_MAX { Err(error) } else { Ok(None) };
        };
        match line.get(end + 1) {
            None => return Ok(None),
            Some(b'\n') => {}
            Some(_) => return Err(error),
        }
        let value = number::parse_i64(&line[..end]).ok_or(error)?;
        self.scan += end + 3;
        Ok(Some(value))
    }

    fn read_content(&mut self, length: usize) -> Result<bool, ProtocolError> {
        let end = self.scan + length;
        let Some(line_end) = self.buffer.get(end..end + 2) else {
            return Ok(false);
        };
        if line_end != b"\r\n" {
            return Err(ProtocolError::MissingLineEnd);
        }
        // Both fit: a request is at most REQUEST_BYTES_MAX long.
        let start = (self.scan - self.start) as u32;
        self.spans.push(Span { start, end: start + length as u32 });
        self.scan = end + 2;
        Ok(true)
    }

    /// Reads a line; false if its end has not come. `scan` remembers how far there is none.
    fn read_inline(&mut self) -> Result<bool, ProtocolError> {
        self.scan = self.scan.max(self.start);
        let unseen = &self.buffer[self.scan..];
        let Some(length) = unseen.iter().position(|byte| *byte == b'\n') else {
            self.scan = self.buffer.len();
            // One more for the CR that may be the last byte so far.
            if self.pending() > INLINE_BYTES_MAX + 1 {
                return Err(ProtocolError::TooBigInline);
            }
            return Ok(false);
        };
        let end = self.scan + length;
        let line = &self.buffer[self.start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > INLINE_BYTES_MAX {
            return Err(ProtocolError::TooBigInline);
        }
        inline::split(line, &mut self.words, &mut self.spans)
            .map_err(|_| ProtocolError::UnbalancedQuotes)?;
        self.scan = end + 1;
        Ok(true)
    }

    /// Called when nothing whole is left: an idle connection keeps little.
    fn give_back_memory(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.buffer.shrink_to(KEPT_BYTES_MAX);
            (self.start, self.scan) = (0, 0);
            self.words.clear();
            self.words.shrink_to(KEPT_BYTES_MAX);
            self.spans.clear();
            self.spans.shrink_to(KEPT_BYTES_MAX / size_of::<Span>());
        }
    }
}
