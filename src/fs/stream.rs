//! A file as a stream of bytes: the `futures` I/O traits over jobs at a position.

use std::io::{self, SeekFrom, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::FutureExt as _;
use futures::io::{AsyncRead, AsyncSeek, AsyncWrite};

use super::done;
use super::file::{File, Job, PIECE_MAX, piece};
use super::positional::write_all_at;
use super::written::go_on;

/// The last place that the kernel knows.
const PLACE_MAX: u64 = i64::MAX as u64;

fn too_far(position: u64) -> io::Error {
    let text = format!("no file is so long that bytes could be written at {position}");
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

impl File {
    /// Takes what was read for this place, if anything was.
    fn take_ahead(&mut self, buffer: &mut [u8]) -> usize {
        let (start, bytes) = &self.ahead;
        let past = self.position.checked_sub(*start).and_then(|past| usize::try_from(past).ok());
        let rest = past.and_then(|past| bytes.get(past..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.position += length as u64;
        if rest_is_used_up(&self.ahead, self.position) {
            self.forget_ahead();
        }
        length
    }

    /// What was read before says nothing of what is there now.
    fn forget_ahead(&mut self) {
        self.ahead.1 = Vec::new();
    }

    /// How long the file is, asked anew.
    fn poll_length(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        loop {
            if let Job::Length(asked) = &mut self.job {
                let outcome = ready!(asked.poll_unpin(cx));
                self.job = Job::None;
                return Poll::Ready(done(outcome));
            }
            self.job = Job::Length(self.offload(|file| Ok(file.metadata()?.len())));
        }
    }
}

fn rest_is_used_up((start, bytes): &(u64, Vec<u8>), position: u64) -> bool {
    position >= start.saturating_add(bytes.len() as u64)
}

impl AsyncRead for File {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_written(cx))?;
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.changed.take() {
            self.forget_ahead();
            self.job = Job::None;
        }
        loop {
            let taken = self.take_ahead(buffer);
            if taken > 0 {
                return Poll::Ready(Ok(taken));
            }
            let (here, length) = (self.position, buffer.len());
            match &mut self.job {
                Job::Read(start, reading) if *start == here => {
                    let outcome = ready!(reading.poll_unpin(cx));
                    self.job = Job::None;
                    let bytes = done(outcome)?;
                    if bytes.is_empty() {
                        return Poll::Ready(Ok(0));
                    }
                    self.ahead = (here, bytes);
                }
                // None yet, or one for a place that nobody asks for any more.
                _ => {
                    let reading = self.offload(move |file| piece(file, here, length));
                    self.job = Job::Read(here, reading);
                }
            }
        }
    }
}

impl AsyncWrite for File {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_written(cx))?;
        let bytes = bytes[..bytes.len().min(PIECE_MAX)].to_vec();
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let end = self.position.checked_add(bytes.len() as u64).filter(|end| *end <= PLACE_MAX);
        let Some(end) = end else { return Poll::Ready(Err(too_far(self.position))) };
        self.changed.set(true);
        let (here, length, appends) = (self.position, bytes.len(), self.appends);
        let mut writing = self.offload(move |mut file| match appends {
            true => file.write_all(&bytes),
            false => write_all_at(file, &bytes, here),
        });
        self.position = end;
        // It begins when it is polled; on a virtual clock it is done by that.
        match writing.poll_unpin(cx) {
            Poll::Ready(written) => done(written)?,
            Poll::Pending => self.job = Job::Write(go_on(writing)),
        }
        Poll::Ready(Ok(length))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_written(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_written(cx)
    }
}

impl AsyncSeek for File {
    fn poll_seek(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        ready!(self.poll_written(cx))?;
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => ready!(self.poll_length(cx))?.checked_add_signed(by),
        };
        let Some(position) = position.filter(|position| *position <= PLACE_MAX) else {
            let text =
                format!("there is no place {to:?} in a file: it is before its start or too far");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidInput, text)));
        };
        self.position = position;
        self.forget_ahead();
        if matches!(self.job, Job::Read(..)) {
            self.job = Job::None;
        }
        Poll::Ready(Ok(position))
    }
}
