//! Codecs: how frames are made of bytes and bytes of frames, as plain functions.

use std::error::Error;
use std::io;

/// Makes frames of bytes. It is given what has come and was not yet used, and says by moving the
/// slice what it has used now; it knows no stream and does not wait.
///
/// ```
/// use greenroom::io::{Decoder, FrameError};
///
/// /// Frames of three bytes.
/// struct Triples;
/// impl Decoder for Triples {
///     type Frame = [u8; 3];
///     fn decode(&mut self, input: &mut &[u8]) -> Result<Option<[u8; 3]>, FrameError> {
///         let Some((frame, rest)) = input.split_first_chunk() else { return Ok(None) };
///         *input = rest;
///         Ok(Some(*frame))
///     }
/// }
///
/// let mut input = &b"abcdefg"[..];
/// assert_eq!(Triples.decode(&mut input)?, Some(*b"abc"));
/// assert_eq!(Triples.decode(&mut input)?, Some(*b"def"));
/// assert_eq!((Triples.decode(&mut input)?, input), (None, &b"g"[..]));
/// assert!(matches!(Triples.decode_end(&mut input), Err(FrameError::Incomplete { got: 1 })));
/// # Ok::<(), FrameError>(())
/// ```
pub trait Decoder {
    /// What it makes.
    type Frame;

    /// Takes the next frame off the front of `input`; `None` when more bytes are needed. It may use
    /// bytes without giving a frame.
    ///
    /// # Errors
    /// When the bytes are no frame. If it has used some of them, the stream goes on behind; if not,
    /// the stream is over.
    fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Self::Frame>, FrameError>;

    /// The same when no more bytes will come; called until it gives `None`.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), and when what is left is no whole frame.
    fn decode_end(&mut self, input: &mut &[u8]) -> Result<Option<Self::Frame>, FrameError> {
        match self.decode(input)? {
            None if !input.is_empty() => {
                let got = input.len();
                *input = &[];
                Err(FrameError::Incomplete { got })
            }
            frame => Ok(frame),
        }
    }

    /// The most bytes it needs to see for one frame. More are never kept for it: if it makes
    /// nothing of so many, that is an error. 64 KiB.
    fn bytes_max(&self) -> usize {
        64 * 1024
    }
}

/// Makes bytes of frames.
///
/// ```
/// use greenroom::io::{Encoder, FrameError};
///
/// struct Decimal;
/// impl Encoder<u32> for Decimal {
///     fn encode(&mut self, number: u32, output: &mut Vec<u8>) -> Result<(), FrameError> {
///         output.extend_from_slice(format!("{number};").as_bytes());
///         Ok(())
///     }
/// }
///
/// let mut output = Vec::new();
/// Decimal.encode(7, &mut output)?;
/// Decimal.encode(42, &mut output)?;
/// assert_eq!(output, b"7;42;");
/// # Ok::<(), FrameError>(())
/// ```
pub trait Encoder<T> {
    /// Appends a frame to `output`.
    ///
    /// # Errors
    /// When it is no frame of this codec. What was appended is taken back.
    fn encode(&mut self, frame: T, output: &mut Vec<u8>) -> Result<(), FrameError>;
}

/// A frame could not be read or written.
///
/// ```
/// use greenroom::io::{Encoder, FrameError, Lines};
/// let error = Lines::new().encode("two\nlines", &mut Vec::new()).unwrap_err();
/// assert_eq!(error.to_string(), "not a frame: a line that holds a line break");
/// assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidData);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// It is longer than it may be. One that is read is passed over as it comes; one that is to be
    /// written is not.
    #[error("a frame of {length} bytes or more, where at most {maximum} are allowed")]
    TooLong {
        /// How long it is, or how much of it has come.
        length: u64,
        /// How long a frame may be.
        maximum: usize,
    },
    /// The stream ended in the middle of a frame.
    #[error("the stream ended in the middle of a frame, of which {got} bytes had come")]
    Incomplete {
        /// How much of it had come.
        got: usize,
    },
    /// These bytes are no frame.
    #[error("not a frame: {0}")]
    Invalid(#[source] Box<dyn Error + Send + Sync>),
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FrameError {
    /// For codecs: the bytes are no frame, and why.
    ///
    /// ```
    /// use greenroom::io::FrameError;
    /// let error = FrameError::invalid("an unknown kind of message");
    /// assert_eq!(error.to_string(), "not a frame: an unknown kind of message");
    /// ```
    pub fn invalid(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Invalid(why.into())
    }
}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> Self {
        let kind = match error {
            FrameError::Io(error) => return error,
            FrameError::Incomplete { .. } => io::ErrorKind::UnexpectedEof,
            FrameError::TooLong { .. } | FrameError::Invalid(_) => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
