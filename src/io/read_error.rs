//! Why a read gave nothing, and what is in the buffer then.

use std::io;

/// A read failed.
///
/// ```
/// use greenroom::io::{ReadError, Reader};
/// greenroom::run(async |_system| {
///     let mut reader = Reader::new(&b"user: ann"[..]);
///     assert_eq!(reader.read_until(": ").await?, b"user: ");
///     let error = reader.read_until("\n").await.unwrap_err();
///     assert!(matches!(&error, ReadError::Incomplete { got, .. } if got == b"ann"));
///     assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::UnexpectedEof);
///     Ok::<(), ReadError>(())
/// }).unwrap();
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// More bytes came than the limit allows before a separator, or before the end. What is in the
    /// buffer says the function that was called.
    #[error(
        "{length} bytes came where at most {limit} are allowed; raise the limit if they are wanted"
    )]
    LimitExceeded {
        /// How many may come.
        limit: usize,
        /// How many there are before the separator; without one, how many surely belong to no
        /// separator. [`Reader::consume`](super::Reader::consume) with this number goes past them.
        length: usize,
        /// Whether the separator has come.
        complete: bool,
    },
    /// The stream ended too early. What came is here and no longer in the buffer.
    #[error("the stream ended after {} bytes{}", got.len(), Wanted(*wanted))]
    Incomplete {
        /// What came before the end.
        got: Vec<u8>,
        /// How many bytes were asked for; `None` where a separator was.
        wanted: Option<usize>,
    },
    /// There is no separator to look for: an empty one would be everywhere.
    #[error("a separator must have at least one byte, and there must be one")]
    NoSeparator,
    /// The stream failed. What came before stays in the buffer, and the next read tries again.
    #[error(transparent)]
    Io(#[from] io::Error),
}

struct Wanted(Option<usize>);

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(wanted) => write!(f, " of {wanted}"),
            None => f.write_str(" and before the separator"),
        }
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        let kind = match error {
            ReadError::Io(error) => return error,
            ReadError::LimitExceeded { .. } => io::ErrorKind::InvalidData,
            ReadError::Incomplete { .. } => io::ErrorKind::UnexpectedEof,
            ReadError::NoSeparator => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}
