//! What a writer may hold, and how long it is patient.

use std::time::Duration;

use super::limits::LimitError;
use super::marks::Marks;

/// The most that may be in a buffer unless something else is said.
const MAXIMUM: usize = 16 * 1024 * 1024;

/// Limits of a [`Writer`](super::Writer); what is not said has the usual value.
///
/// ```
/// use std::time::Duration;
/// use greenroom::io::{LimitError, Writer, WriterOptions};
/// greenroom::run(async |_system| {
///     let options = WriterOptions::new().high(1_000).maximum(50_000).stall(Duration::from_secs(9));
///     assert!(Writer::with_options(Vec::new(), options).is_ok());
///     let refused = Writer::with_options(Vec::new(), options.low(1_001)).unwrap_err();
///     assert_eq!(refused, LimitError::LowAboveHigh { low: 1_001, high: 1_000 });
/// });
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[must_use]
pub struct WriterOptions {
    high: Option<usize>,
    low: Option<usize>,
    maximum: Option<usize>,
    pub(crate) stall: Option<Duration>,
}

impl WriterOptions {
    /// Nothing said: marks at 64 KiB and 16 KiB, a maximum of 16 MiB, endless patience.
    ///
    /// ```
    /// use greenroom::io::WriterOptions;
    /// assert_eq!(WriterOptions::new(), WriterOptions::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// With more bytes than this in the buffer, [`drain`](super::Writer::drain) waits. 64 KiB, or
    /// four times the low mark if only that is said; 0 makes it wait until all is written.
    ///
    /// ```
    /// # use greenroom::io::{Writer, WriterOptions};
    /// # greenroom::run(async |_system| {
    /// let writer = Writer::with_options(Vec::new(), WriterOptions::new().high(0)).unwrap();
    /// writer.push("hello")?;
    /// writer.drain().await?;
    /// assert_eq!(writer.buffered(), 0);
    /// # Ok::<(), greenroom::io::WriteError>(()) }).unwrap();
    /// ```
    pub const fn high(mut self, bytes: usize) -> Self {
        self.high = Some(bytes);
        self
    }

    /// With this many bytes in the buffer, or fewer, [`drain`](super::Writer::drain) has waited
    /// long enough. A quarter of the high mark, which is 16 KiB.
    ///
    /// ```
    /// # use greenroom::io::{LimitError, Writer, WriterOptions};
    /// # greenroom::run(async |_system| {
    /// let options = WriterOptions::new().low(1_000); // and so high is 4,000
    /// assert!(Writer::with_options(Vec::new(), options).is_ok());
    /// # });
    /// ```
    pub const fn low(mut self, bytes: usize) -> Self {
        self.low = Some(bytes);
        self
    }

    /// More bytes than this are never in the buffer: a [`push`](super::Writer::push) that would
    /// make it more fails, and the writer with it. 16 MiB, or the high mark if that is more.
    ///
    /// ```
    /// # use greenroom::io::{LimitError, WriteError, Writer, WriterOptions};
    /// # greenroom::run(async |_system| {
    /// let options = WriterOptions::new().high(3).maximum(4);
    /// let writer = Writer::with_options(Vec::new(), options).unwrap();
    /// let error = writer.push("12345").unwrap_err();
    /// assert!(matches!(error, WriteError::TooSlow { buffered: 5, maximum: 4 }));
    /// let refused = Writer::with_options(Vec::new(), options.maximum(2)).unwrap_err();
    /// assert_eq!(refused, LimitError::HighAboveMaximum { high: 3, maximum: 2 });
    /// # });
    /// ```
    pub const fn maximum(mut self, bytes: usize) -> Self {
        self.maximum = Some(bytes);
        self
    }

    /// For how long the other side may take nothing of what waits for it before the writer fails.
    /// Endless, as with a bare socket. A writer that everybody has dropped waits for 30 s at most.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use greenroom::io::{WriteError, Writer, WriterOptions};
    /// # greenroom::test::run(async |_test| {
    /// let (stream, _reads_nothing) = futures_pipe();
    /// let options = WriterOptions::new().stall(Duration::from_secs(60));
    /// let writer = Writer::with_options(stream, options).unwrap();
    /// writer.push("hello")?;
    /// let error = writer.flush().await.unwrap_err();
    /// assert!(matches!(error, WriteError::Stalled { buffered: 5, .. }));
    /// # Ok::<(), WriteError>(())
    /// # }).unwrap();
    /// # fn futures_pipe() -> (impl futures::AsyncWrite + Unpin, ()) {
    /// #     struct Full;
    /// #     use std::{io, pin::Pin, task::{Context, Poll}};
    /// #     impl futures::AsyncWrite for Full {
    /// #         fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> { Poll::Pending }
    /// #         fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> { Poll::Pending }
    /// #         fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> { Poll::Pending }
    /// #     }
    /// #     (Full, ())
    /// # }
    /// ```
    pub const fn stall(mut self, limit: Duration) -> Self {
        self.stall = Some(limit);
        self
    }

    /// The marks and the maximum, if they do not contradict each other.
    pub(crate) fn check(&self) -> Result<(Marks, usize), LimitError> {
        let high =
            self.high.unwrap_or_else(|| self.low.map_or(64 * 1024, |low| low.saturating_mul(4)));
        let low = self.low.unwrap_or(high / 4);
        let maximum = self.maximum.unwrap_or_else(|| MAXIMUM.max(high));
        let marks = Marks::new(high, low)?;
        if high > maximum {
            return Err(LimitError::HighAboveMaximum { high, maximum });
        }
        Ok((marks, maximum))
    }
}
