//! The Redis protocol (RESP2) as bytes: requests in, replies out, no sockets and no commands.
//!
//! Replies are encoded with the crate `redis-protocol`. Requests are not decoded with it: it
//! believes announced sizes, starts each time from the front of a frame that is not complete
//! yet, and builds a tree of frames where a server needs a flat list of arguments. The decoder
//! here refuses a size before any memory is reserved for it, goes on where it stopped, and
//! hands out slices of its buffer. The tests use the crate as the second opinion.

pub(crate) mod args;
pub(crate) mod decoder;
pub(crate) mod inline;
pub(crate) mod number;
pub(crate) mod reply;

pub(crate) use args::Args;
pub(crate) use decoder::{Decoder, ProtocolError};
pub(crate) use reply::Reply;

#[cfg(test)]
mod tests;
