//! The arguments of one request, borrowed from the decoder's buffer.

use redis_protocol::bytes::Bytes;

/// Where one argument lies in the request's bytes. A request is shorter than 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The arguments of one request; the first is the command's name. Never empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Args<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// Views `bytes` through `spans`, each of which must lie within them.
    pub(crate) fn new(bytes: &'a [u8], spans: &'a [Span]) -> Self {
        Self { bytes, spans }
    }

    /// How many arguments there are, the command's name included.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The argument at `index`; an empty one past the end, which the arity check rules out.
    pub(crate) fn get(&self, index: usize) -> &'a [u8] {
        match self.spans.get(index) {
            Some(span) => &self.bytes[span.start as usize..span.end as usize],
            None => &[],
        }
    }

    /// The argument at `index` as bytes of their own, to be kept beyond the request.
    pub(crate) fn owned(&self, index: usize) -> Bytes {
        Bytes::from(self.get(index).to_vec())
    }

    /// All arguments from `index` on.
    pub(crate) fn from(self, index: usize) -> impl Iterator<Item = &'a [u8]> {
        (index..self.len()).map(move |at| self.get(at))
    }

    /// All arguments from `index` on, as bytes of their own.
    pub(crate) fn owned_from(self, index: usize) -> Vec<Bytes> {
        self.from(index).map(|argument| Bytes::from(argument.to_vec())).collect()
    }
}
