//! Bytes in and out of any stream: a reader with limits, a writer with water marks, codecs.
//!
//! Everything here works on whatever has the `futures` traits `AsyncRead` and `AsyncWrite`: the
//! sockets of [`net`](crate::net), pipes, TLS, memory.
//!
//! | wish | tool |
//! | --- | --- |
//! | lines, separators, exact lengths, and you decide what comes next | [`Reader`] |
//! | to write from several places, without waiting, and yet not without bounds | [`Writer`] |
//! | messages, as a `Stream` and a `Sink` | [`Framed`], a codec: [`Lines`], [`LengthPrefix`] |
//! | everything from here to there | [`copy()`] |
//!
//! A socket as both, reader and writer, is what its `into_buffered` gives. Codecs are plain
//! functions: see [`Decoder`] and [`Encoder`] for how to write one.
//!
//! # What is certain
//!
//! A peer does not decide how much memory it gets, neither by sending fast nor by reading slowly:
//!
//! * **B1** a reader never holds more than twice its limit, unless it was asked for more by number
//! * **B2** what is pushed is written in that order and once, or the writer says that it failed
//!
//! A [`Reader`] reads only while somebody waits for it: then the kernel's buffer fills, and the
//! peer has to wait. Nobody but its owner can read from it, so there is one reader at a time.
//! Dropping a future of a reader or a writer loses nothing: what came stays in the buffer, what was
//! pushed is written.
//!
//! A [`Writer`] holds back whoever awaits [`drain`](Writer::drain), by marks, and fails when
//! somebody does not and the other side reads too slowly: at a [maximum](WriterOptions::maximum) of
//! bytes, or of [time](WriterOptions::stall).

mod buffer;
mod codec;
mod copy;
mod framed;
mod length_prefix;
mod limits;
mod lines;
mod marks;
mod outbox;
mod read_error;
mod reader;
mod search;
mod write_error;
mod writer;
mod writer_options;

#[cfg(test)]
mod tests;

pub use codec::{Decoder, Encoder, FrameError};
pub use copy::{Copying, copy};
pub use framed::{Framed, FramedParts};
pub use length_prefix::LengthPrefix;
pub use limits::LimitError;
pub use lines::Lines;
pub use read_error::ReadError;
pub use reader::Reader;
pub use write_error::WriteError;
pub use writer::Writer;
pub use writer_options::WriterOptions;
