//! The wire format against tables, arbitrary splits, and the crate `redis-protocol`.

use proptest::prelude::*;
use redis_protocol::bytes::{Bytes, BytesMut};
use redis_protocol::resp2::decode::decode_bytes_mut;
use redis_protocol::resp2::encode::encode_borrowed;
use redis_protocol::resp2::types::{BorrowedFrame, BytesFrame};

use crate::wire::decoder::{INLINE_BYTES_MAX, Limits};
use crate::wire::{Args, Decoder, ProtocolError, Reply};

type Request = Vec<Vec<u8>>;

fn own(args: Args<'_>) -> Request {
    args.from(0).map(<[u8]>::to_vec).collect()
}

/// Feeds `chunks` one after the other and takes out all there is after each.
fn decode<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Request>, Option<ProtocolError>, usize) {
    let mut decoder = Decoder::default();
    let mut requests = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk);
        loop {
            match decoder.next() {
                Ok(Some(args)) => requests.push(own(args)),
                Ok(None) => break,
                Err(error) => return (requests, Some(error), decoder.pending()),
            }
        }
    }
    (requests, None, decoder.pending())
}

fn check(stream: &[u8], expected: &[&[&str]], error: Option<ProtocolError>) {
    let expected: Vec<Request> = expected
        .iter()
        .map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect())
        .collect();
    for size in [1, 2, 3, 7, stream.len().max(1)] {
        let (requests, failure, _) = decode(stream.chunks(size));
        assert_eq!(requests, expected, "{} by {size}", stream.escape_ascii());
        assert_eq!(failure, error, "{} by {size}", stream.escape_ascii());
    }
}

#[test]
fn whole_requests_come_out_and_the_rest_waits() {
    let rows: &[(&str, &[&[&str]])] = &[
        ("", &[]),
        ("*1\r\n$4\r\nPING\r\n", &[&["PING"]]),
        ("*2\r\n$4\r\nECHO\r\n$0\r\n\r\n*1\r\n$4\r\nQUIT\r\n", &[&["ECHO", ""], &["QUIT"]]),
        ("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI", &[&["PING"]]),
        ("*0\r\n*-1\r\n*1\r\n$1\r\na\r\n", &[&["a"]]),
        ("*2\r\n$2\r\n\r\n\r\n$1\r\n*\r\n", &[&["\r\n", "*"]]),
        ("PING\r\n", &[&["PING"]]),
        ("\r\n\n  \r\nset a 'b c'\nPING", &[&["set", "a", "b c"]]),
        ("PING\r\n*1\r\n$1\r\na\r\nPING\n", &[&["PING"], &["a"], &["PING"]]),
    ];
    for (stream, expected) in rows {
        check(stream.as_bytes(), expected, None);
    }
}

#[test]
fn what_cannot_be_a_request_is_named_in_redis_words() {
    use ProtocolError as P;
    let rows: &[(&str, ProtocolError, &str)] = &[
        ("*x\r\n", P::InvalidMultibulkLength, "invalid multibulk length"),
        ("*1048577\r\n", P::InvalidMultibulkLength, "invalid multibulk length"),
        ("*99999999999999999999\r\n", P::InvalidMultibulkLength, "invalid multibulk length"),
        ("*1\rx", P::InvalidMultibulkLength, "invalid multibulk length"),
        ("*1\r\nPING\r\n", P::ExpectedDollar(b'P'), "expected '$', got 'P'"),
        ("*1\r\n\u{1}", P::ExpectedDollar(1), "expected '$', got '\\x01'"),
        ("*1\r\n$x\r\n", P::InvalidBulkLength, "invalid bulk length"),
        ("*1\r\n$-1\r\n", P::InvalidBulkLength, "invalid bulk length"),
        ("*1\r\n$67108865\r\n", P::InvalidBulkLength, "invalid bulk length"),
        ("*1\r\n$9223372036854775807\r\n", P::InvalidBulkLength, "invalid bulk length"),
        ("*1\r\n$00000000000000000000000000000001", P::InvalidBulkLength, "invalid bulk length"),
        ("*1\r\n$1\r\nabc", P::MissingLineEnd, "expected CRLF after bulk"),
        ("get \"a\r\n", P::UnbalancedQuotes, "unbalanced quotes in request"),
    ];
    for (stream, error, text) in rows {
        check(stream.as_bytes(), &[], Some(*error));
        assert_eq!(error.to_string(), format!("Protocol error: {text}"));
    }
    let before = "*1\r\n$1\r\na\r\n*1\r\n#";
    check(before.as_bytes(), &[&["a"]], Some(P::ExpectedDollar(b'#')));
}

#[test]
fn an_error_is_final_and_frees_the_buffer() {
    let mut decoder = Decoder::default();
    decoder.feed(b"*x\r\n*1\r\n$1\r\na\r\n");
    for _ in 0..2 {
        let error = decoder.next().expect_err("the stream is broken");
        assert_eq!(error, ProtocolError::InvalidMultibulkLength);
    }
    assert_eq!(decoder.pending(), 0);
}

#[test]
fn a_line_has_a_limit_whether_its_end_came_or_not() {
    let longest = vec![b'a'; INLINE_BYTES_MAX];
    let too_long = vec![b'a'; INLINE_BYTES_MAX + 2];
    let (requests, error, _) = decode([&longest[..], b"\r\n"]);
    assert_eq!((requests, error), (vec![vec![longest.clone()]], None));
    assert_eq!(decode([&too_long[..]]).1, Some(ProtocolError::TooBigInline));
    assert_eq!(decode([&longest[..], b"a\n"]).1, Some(ProtocolError::TooBigInline));
}

#[test]
fn an_announced_size_over_a_limit_is_refused_before_its_bytes_come() {
    let mut decoder = Decoder::new(Limits { bulk_bytes: 10, request_bytes: 40 });
    decoder.feed(b"*2\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n");
    assert!(matches!(decoder.next(), Ok(Some(_))));
    decoder.feed(b"*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n$10\r\n");
    assert_eq!(decoder.next().expect_err("31 + 10 > 40"), ProtocolError::RequestTooBig);
    let mut decoder = Decoder::new(Limits { bulk_bytes: 10, request_bytes: 40 });
    decoder.feed(b"*1\r\n$11\r\n");
    assert_eq!(decoder.next().expect_err("11 > 10"), ProtocolError::InvalidBulkLength);
}

fn encode_request(request: &Request) -> Vec<u8> {
    let frames: Vec<_> = request.iter().map(|word| BorrowedFrame::BulkString(word)).collect();
    let frame = BorrowedFrame::Array(&frames);
    let mut out = vec![0; frame.encode_len(false)];
    encode_borrowed(&mut out, &frame, false).expect("there is room");
    out
}

fn encode(reply: &Reply) -> BytesMut {
    let mut out = BytesMut::new();
    reply.encode(&mut out);
    out
}

#[test]
fn replies_look_as_redis_writes_them() {
    let bulk = |text: &str| Reply::text(text);
    let rows = [
        (Reply::OK, "+OK\r\n"),
        (Reply::error("ERR syntax error"), "-ERR syntax error\r\n"),
        (Reply::error_owned("ERR a\r\nb".to_string()), "-ERR a  b\r\n"),
        (Reply::Integer(i64::MIN), ":-9223372036854775808\r\n"),
        (bulk(""), "$0\r\n\r\n"),
        (bulk("a\r\nb"), "$4\r\na\r\nb\r\n"),
        (Reply::Null, "$-1\r\n"),
        (Reply::NullArray, "*-1\r\n"),
        (Reply::Array(vec![]), "*0\r\n"),
        (
            Reply::Array(vec![Reply::Array(vec![bulk("a")]), Reply::Null, Reply::Integer(3)]),
            "*3\r\n*1\r\n$1\r\na\r\n$-1\r\n:3\r\n",
        ),
    ];
    for (reply, expected) in rows {
        assert_eq!(encode(&reply), expected.as_bytes(), "{reply:?}");
    }
}

fn as_frame(reply: &Reply) -> BytesFrame {
    match reply {
        Reply::Simple(text) => BytesFrame::SimpleString(Bytes::from_static(text.as_bytes())),
        Reply::Error(text) => BytesFrame::Error(text.as_ref().into()),
        Reply::Integer(value) => BytesFrame::Integer(*value),
        Reply::Bulk(bytes) => BytesFrame::BulkString(bytes.clone()),
        Reply::Null | Reply::NullArray => BytesFrame::Null,
        Reply::Array(items) => BytesFrame::Array(items.iter().map(as_frame).collect()),
    }
}

fn replies() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        Just(Reply::OK),
        Just(Reply::Null),
        Just(Reply::NullArray),
        "ERR [a-z ]{0,20}".prop_map(Reply::error_owned),
        any::<i64>().prop_map(Reply::Integer),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Reply::Bulk(bytes.into())),
    ];
    leaf.prop_recursive(3, 30, 6, |inner| prop::collection::vec(inner, 0..6).prop_map(Reply::Array))
}

proptest! {
    #[test]
    fn requests_survive_any_split(
        requests in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..5), 0..5),
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let stream: Vec<u8> = requests.iter().flat_map(encode_request).collect();
        let mut chunks = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.drain(..) {
            let (head, tail) = rest.split_at(cut.index(rest.len() + 1));
            chunks.push(head);
            rest = tail;
        }
        chunks.push(rest);
        prop_assert_eq!(decode(chunks), (requests.clone(), None, 0));
        prop_assert_eq!(decode(stream.chunks(1)), (requests, None, 0));
    }

    #[test]
    fn arbitrary_bytes_give_the_same_outcome_however_they_are_cut(
        stream in prop::collection::vec(
            prop_oneof![Just(b'*'), Just(b'$'), Just(b'\r'), Just(b'\n'), Just(b'1'), Just(b'2'),
                Just(b'"'), Just(b'a'), any::<u8>()], 0..60),
    ) {
        let whole = decode([&stream[..]]);
        let pieces = decode(stream.chunks(1));
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn an_independent_decoder_reads_the_replies(reply in replies()) {
        let mut bytes = encode(&reply);
        let length = bytes.len();
        let (frame, used, _) = decode_bytes_mut(&mut bytes)
            .expect("the reply is well-formed").expect("the reply is whole");
        prop_assert_eq!(frame, as_frame(&reply));
        prop_assert_eq!(used, length);
    }
}
