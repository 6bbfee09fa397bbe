//! `Lines`: a codec for lines of text.

use super::codec::{Decoder, Encoder, FrameError};

/// Lines of UTF-8 text that end with `\n` or `\r\n`; frames are without their end.
///
/// The last line may lack its end. A line that is too long, or no UTF-8, is an error in its place,
/// and the next one follows. A line that is written must hold no line break, or whoever chose its
/// text could write lines of their own.
///
/// ```
/// use futures::{SinkExt, TryStreamExt};
/// use greenroom::io::{FrameError, Framed, Lines};
///
/// greenroom::run(async |_system| {
///     let lines = Framed::new(&b"one\r\ntwo\n\nend"[..], Lines::new());
///     let lines: Vec<String> = lines.try_collect().await?;
///     assert_eq!(lines, ["one", "two", "", "end"]);
///
///     let mut lines = Framed::new(Vec::new(), Lines::new());
///     lines.send("one").await?;
///     assert_eq!(*lines.get_ref(), b"one\n");
///     Ok::<(), FrameError>(())
/// }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Lines {
    maximum: usize,
    /// No line break is in the first `clear` bytes.
    clear: usize,
    /// The rest of a line that was too long is still to come.
    skipping: bool,
}

impl Lines {
    /// Lines of at most 64 KiB.
    ///
    /// ```
    /// use greenroom::io::{Decoder, Lines};
    /// let mut input = &b"one\ntwo"[..];
    /// assert_eq!(Lines::new().decode(&mut input).unwrap().as_deref(), Some("one"));
    /// assert_eq!(input, b"two");
    /// ```
    pub const fn new() -> Self {
        Self::with_maximum(64 * 1024)
    }

    /// Lines of at most `maximum` bytes, their ends not counted.
    ///
    /// ```
    /// use greenroom::io::{Decoder, FrameError, Lines};
    /// let (mut lines, mut input) = (Lines::with_maximum(3), &b"1234\n123\n"[..]);
    /// let error = lines.decode(&mut input).unwrap_err();
    /// assert!(matches!(error, FrameError::TooLong { length: 4, maximum: 3 }));
    /// assert_eq!(lines.decode(&mut input).unwrap().as_deref(), Some("123"));
    /// ```
    pub const fn with_maximum(maximum: usize) -> Self {
        Self { maximum, clear: 0, skipping: false }
    }

    /// A line without its `\n`, and how it is to be seen.
    fn line(&self, line: &[u8]) -> Result<String, FrameError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.check(line.len())?;
        let text = std::str::from_utf8(line).map_err(FrameError::invalid)?;
        Ok(text.to_owned())
    }

    const fn check(&self, length: usize) -> Result<(), FrameError> {
        if length > self.maximum {
            return Err(FrameError::TooLong { length: length as u64, maximum: self.maximum });
        }
        Ok(())
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder for Lines {
    type Frame = String;

    fn decode(&mut self, input: &mut &[u8]) -> Result<Option<String>, FrameError> {
        loop {
            let clear = self.clear.min(input.len());
            let Some(end) = memchr::memchr(b'\n', &input[clear..]).map(|at| clear + at) else {
                let length = input.strip_suffix(b"\r").unwrap_or(input).len();
                let checked = if self.skipping { Ok(()) } else { self.check(length) };
                if self.skipping || checked.is_err() {
                    self.skipping = true;
                    *input = &[];
                }
                self.clear = input.len();
                return checked.map(|()| None);
            };
            let line = &input[..end];
            *input = &input[end + 1..];
            self.clear = 0;
            if !std::mem::take(&mut self.skipping) {
                return self.line(line).map(Some);
            }
        }
    }

    fn decode_end(&mut self, input: &mut &[u8]) -> Result<Option<String>, FrameError> {
        match self.decode(input)? {
            None if !input.is_empty() => {
                let line = std::mem::take(input);
                self.clear = 0;
                // Without its `\n` a `\r` is no part of an end.
                let text = std::str::from_utf8(line).map_err(FrameError::invalid)?;
                Ok(Some(text.to_owned()))
            }
            frame => Ok(frame),
        }
    }

    fn bytes_max(&self) -> usize {
        self.maximum.saturating_add(2)
    }
}

impl<T: AsRef<str>> Encoder<T> for Lines {
    fn encode(&mut self, line: T, output: &mut Vec<u8>) -> Result<(), FrameError> {
        let line = line.as_ref();
        self.check(line.len())?;
        if line.contains(['\n', '\r']) {
            return Err(FrameError::invalid("a line that holds a line break"));
        }
        output.extend_from_slice(line.as_bytes());
        output.push(b'\n');
        Ok(())
    }
}
