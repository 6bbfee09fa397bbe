//! `LengthPrefix`: a codec for frames that begin with their length.

use super::codec::{Decoder, Encoder, FrameError};

/// Frames of bytes, each after its length in 1, 2, 4 or 8 bytes. The length counts the frame and
/// not itself.
///
/// A frame that is too long is an error in its place; its bytes are passed over as they come, and
/// the next frame follows.
///
/// ```
/// use futures::{SinkExt, TryStreamExt};
/// use greenroom::io::{FrameError, Framed, LengthPrefix};
///
/// greenroom::run(async |_system| {
///     let mut frames = Framed::new(Vec::new(), LengthPrefix::two());
///     frames.send("hello").await?;
///     assert_eq!(*frames.get_ref(), b"\x00\x05hello");
///     let bytes = frames.into_parts().stream;
///     let frames: Vec<Vec<u8>> = Framed::new(&bytes[..], LengthPrefix::two()).try_collect().await?;
///     assert_eq!(frames, [b"hello"]);
///     Ok::<(), FrameError>(())
/// }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct LengthPrefix {
    width: usize,
    little_endian: bool,
    maximum: usize,
    /// How much of a frame that was too long is still to come.
    skip: u64,
}

impl LengthPrefix {
    const fn new(width: usize) -> Self {
        Self { width, little_endian: false, maximum: 1024 * 1024, skip: 0 }
    }

    /// Lengths of one byte: frames of at most 255 bytes.
    ///
    /// ```
    /// use greenroom::io::{Decoder, LengthPrefix};
    /// let frame = LengthPrefix::one().decode(&mut &b"\x02hi"[..]);
    /// assert_eq!(frame.unwrap().as_deref(), Some(&b"hi"[..]));
    /// ```
    pub const fn one() -> Self {
        Self::new(1)
    }

    /// Lengths of two bytes: frames of less than 64 KiB.
    ///
    /// ```
    /// use greenroom::io::{Decoder, LengthPrefix};
    /// let frame = LengthPrefix::two().decode(&mut &b"\x00\x02hi"[..]);
    /// assert_eq!(frame.unwrap().as_deref(), Some(&b"hi"[..]));
    /// ```
    pub const fn two() -> Self {
        Self::new(2)
    }

    /// Lengths of four bytes.
    ///
    /// ```
    /// use greenroom::io::{Decoder, LengthPrefix};
    /// let frame = LengthPrefix::four().decode(&mut &b"\0\0\0\x02hi"[..]);
    /// assert_eq!(frame.unwrap().as_deref(), Some(&b"hi"[..]));
    /// ```
    pub const fn four() -> Self {
        Self::new(4)
    }

    /// Lengths of eight bytes.
    ///
    /// ```
    /// use greenroom::io::{Decoder, LengthPrefix};
    /// let frame = LengthPrefix::eight().decode(&mut &b"\0\0\0\0\0\0\0\x02hi"[..]);
    /// assert_eq!(frame.unwrap().as_deref(), Some(&b"hi"[..]));
    /// ```
    pub const fn eight() -> Self {
        Self::new(8)
    }

    /// The least significant byte of a length comes first. Without this it comes last, as networks
    /// usually have it.
    ///
    /// ```
    /// use greenroom::io::{Decoder, LengthPrefix};
    /// let frame = LengthPrefix::two().little_endian().decode(&mut &b"\x02\x00hi"[..]);
    /// assert_eq!(frame.unwrap().as_deref(), Some(&b"hi"[..]));
    /// ```
    pub const fn little_endian(mut self) -> Self {
        self.little_endian = true;
        self
    }

    /// How many bytes a frame may have. 1 MiB, or what the length can say if that is less.
    ///
    /// ```
    /// use greenroom::io::{Decoder, FrameError, LengthPrefix};
    /// let mut codec = LengthPrefix::one().maximum(2);
    /// let mut input = &b"\x03123\x0212"[..];
    /// let error = codec.decode(&mut input).unwrap_err();
    /// assert!(matches!(error, FrameError::TooLong { length: 3, maximum: 2 }));
    /// assert_eq!(codec.decode(&mut input).unwrap().as_deref(), Some(&b"12"[..]));
    /// ```
    pub const fn maximum(mut self, bytes: usize) -> Self {
        self.maximum = bytes;
        self
    }

    /// The longest frame there may be.
    const fn longest(&self) -> usize {
        let sayable = u64::MAX >> (64 - 8 * self.width);
        if (self.maximum as u64) < sayable { self.maximum } else { sayable as usize }
    }

    fn check(&self, length: u64) -> Result<usize, FrameError> {
        let maximum = self.longest();
        match usize::try_from(length) {
            Ok(short) if short <= maximum => Ok(short),
            _ => Err(FrameError::TooLong { length, maximum }),
        }
    }

    fn length(&self, prefix: &[u8]) -> u64 {
        let add = |length: u64, byte: &u8| (length << 8) | u64::from(*byte);
        if self.little_endian {
            prefix.iter().rev().fold(0, add)
        } else {
            prefix.iter().fold(0, add)
        }
    }
}

impl Decoder for LengthPrefix {
    type Frame = Vec<u8>;

    fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, FrameError> {
        let passed = self.skip.min(input.len() as u64);
        self.skip -= passed;
        *input = &input[passed as usize..];
        let Some((prefix, rest)) = input.split_at_checked(self.width) else { return Ok(None) };
        let length = self.length(prefix);
        match self.check(length) {
            Err(error) => {
                self.skip = length;
                *input = rest;
                Err(error)
            }
            Ok(length) => {
                let Some((frame, rest)) = rest.split_at_checked(length) else { return Ok(None) };
                *input = rest;
                Ok(Some(frame.to_vec()))
            }
        }
    }

    fn bytes_max(&self) -> usize {
        self.longest().saturating_add(self.width)
    }
}

impl<T: AsRef<[u8]>> Encoder<T> for LengthPrefix {
    fn encode(&mut self, frame: T, output: &mut Vec<u8>) -> Result<(), FrameError> {
        let frame = frame.as_ref();
        let length = frame.len() as u64;
        self.check(length)?;
        if self.little_endian {
            output.extend_from_slice(&length.to_le_bytes()[..self.width]);
        } else {
            output.extend_from_slice(&length.to_be_bytes()[8 - self.width..]);
        }
        output.extend_from_slice(frame);
        Ok(())
    }
}
