//! Replies, and how they are written to the wire.
//!
//! Strings of the store are shared with the reply (`Bytes` counts references), so that a reply
//! that waits for a slow client holds no copy.

use std::borrow::Cow;

use redis_protocol::bytes::{BufMut as _, Bytes, BytesMut};
use redis_protocol::resp2::encode::extend_encode_borrowed;
use redis_protocol::resp2::types::BorrowedFrame;

/// One reply of RESP2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(&'static str),
    Error(Cow<'static, str>),
    Integer(i64),
    Bulk(Bytes),
    Null,
    NullArray,
    Array(Vec<Self>),
}

impl Reply {
    /// `+OK`
    pub(crate) const OK: Self = Self::Simple("OK");

    /// A fixed error text, with its code in front: `ERR syntax error`.
    pub(crate) fn error(text: &'static str) -> Self {
        Self::Error(Cow::Borrowed(text))
    }

    /// An error text made for the occasion, with its code in front.
    pub(crate) fn error_owned(text: String) -> Self {
        Self::Error(Cow::Owned(text))
    }

    /// A bulk string from text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Bulk(Bytes::from(text.into()))
    }

    /// A count as an integer reply. No collection holds more than `i64::MAX` elements.
    pub(crate) fn count(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// `:1` or `:0`
    pub(crate) fn flag(yes: bool) -> Self {
        Self::Integer(i64::from(yes))
    }

    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// Appends the reply to `out`.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Simple(text) => leaf(out, &BorrowedFrame::SimpleString(text.as_bytes())),
            Self::Error(text) if text.contains(['\r', '\n']) => {
                // An error is one line; a client's argument in it must not make it two.
                let text = text.replace(['\r', '\n'], " ");
                leaf(out, &BorrowedFrame::Error(&text));
            }
            Self::Error(text) => leaf(out, &BorrowedFrame::Error(text)),
            Self::Integer(value) => leaf(out, &BorrowedFrame::Integer(*value)),
            Self::Bulk(bytes) => leaf(out, &BorrowedFrame::BulkString(bytes)),
            Self::Null => out.put_slice(b"$-1\r\n"),
            Self::NullArray => out.put_slice(b"*-1\r\n"),
            Self::Array(items) => {
                header(out, items.len());
                for item in items {
                    item.encode(out);
                }
            }
        }
    }
}

fn leaf(out: &mut BytesMut, frame: &BorrowedFrame<'_>) {
    extend_encode_borrowed(out, frame, false)
        .expect("the encoder makes room for the frame before it writes");
}

fn header(out: &mut BytesMut, length: usize) {
    use std::fmt::Write as _;
    write!(out, "*{length}\r\n").expect("a BytesMut grows as needed");
}
