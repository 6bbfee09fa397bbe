//! A value as bytes, for the journal.
//!
//! ```text
//!   version (1) | type: 's' string, 'l' list, 'e' set, 'h' hash | content
//!   content of a string: its bytes; of the others: count, then each element as length, bytes
//! ```
//!
//! Numbers are written seven bits a byte, the least first, with the high bit set on all bytes
//! but the last. A later version gets another first byte, and this one is read on.

use redis_protocol::bytes::Bytes;

use crate::store::table::Table;
use crate::store::value::{List, Set, Value};

const VERSION: u8 = 1;

/// The bytes are not a value that this program wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("malformed value")
    }
}

impl std::error::Error for Malformed {}

/// Writes `value` down.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    match value {
        Value::String(bytes) => {
            out.reserve_exact(bytes.len() + 2);
            out.extend_from_slice(&[VERSION, b's']);
            out.extend_from_slice(bytes);
        }
        Value::List(list) => {
            out.extend_from_slice(&[VERSION, b'l']);
            put_number(&mut out, list.len());
            list.iter().for_each(|element| put_bytes(&mut out, element));
        }
        Value::Set(set) => {
            out.extend_from_slice(&[VERSION, b'e']);
            put_number(&mut out, set.len());
            set.iter().for_each(|(member, ())| put_bytes(&mut out, member));
        }
        Value::Hash(hash) => {
            out.extend_from_slice(&[VERSION, b'h']);
            put_number(&mut out, hash.len());
            for (field, value) in hash.iter() {
                put_bytes(&mut out, field);
                put_bytes(&mut out, value);
            }
        }
    }
    out
}

/// Reads a value back.
///
/// # Errors
///
/// [`Malformed`] if the bytes end too early or too late, or begin with an unknown version.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<Value, Malformed> {
    let mut rest = bytes.get(2..).ok_or(Malformed)?;
    if bytes[0] != VERSION {
        return Err(Malformed);
    }
    let rest = &mut rest;
    let value = match bytes[1] {
        b's' => return Ok(Value::String(Bytes::from(bytes).slice(2..))),
        b'l' => {
            let mut list = List::new();
            for _ in 0..take_number(rest)? {
                list.push_back(take_bytes(rest)?);
            }
            Value::List(list)
        }
        b'e' => {
            let mut set = Set::default();
            for _ in 0..take_number(rest)? {
                set.insert(&take_bytes(rest)?, ());
            }
            Value::Set(set)
        }
        b'h' => {
            let mut hash = Table::default();
            for _ in 0..take_number(rest)? {
                let field = take_bytes(rest)?;
                hash.insert(&field, take_bytes(rest)?);
            }
            Value::Hash(hash)
        }
        _ => return Err(Malformed),
    };
    if rest.is_empty() { Ok(value) } else { Err(Malformed) }
}

fn put_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn take_number(rest: &mut &[u8]) -> Result<usize, Malformed> {
    let mut number = 0_usize;
    for shift in (0..usize::BITS - 7).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(Malformed)?;
        *rest = after;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Malformed)
}

fn take_bytes(rest: &mut &[u8]) -> Result<Bytes, Malformed> {
    let length = take_number(rest)?;
    let (bytes, after) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = after;
    Ok(Bytes::from(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redis_protocol::bytes::Bytes;

    use crate::store::encoding::{Malformed, decode, encode};
    use crate::store::value::{Hash, Set, Value};

    fn bytes() -> impl Strategy<Value = Bytes> {
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from)
    }

    fn values() -> impl Strategy<Value = Value> {
        let many = || prop::collection::vec(bytes(), 0..20);
        prop_oneof![
            bytes().prop_map(Value::String),
            many().prop_map(|list| Value::List(list.into())),
            many().prop_map(|members| {
                let mut set = Set::default();
                for member in &members {
                    set.insert(member, ());
                }
                Value::Set(set)
            }),
            many().prop_map(|fields| {
                let mut hash = Hash::default();
                fields.iter().for_each(|field| drop(hash.insert(field, field.clone())));
                Value::Hash(hash)
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_value_comes_back_as_it_was(value in values()) {
            let encoded = encode(&value);
            let decoded = decode(encoded.clone()).expect("it was encoded here");
            prop_assert_eq!(decoded.kind(), value.kind());
            prop_assert_eq!(encode(&decoded), encoded);
        }

        #[test]
        fn a_cut_collection_is_malformed_and_nothing_panics(
            value in values(),
            cut: prop::sample::Index,
        ) {
            let encoded = encode(&value);
            let cut = cut.index(encoded.len());
            let outcome = decode(encoded[..cut].to_vec());
            prop_assert!(matches!(value, Value::String(_)) || outcome.is_err());
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(bytes.clone());
            if bytes.len() > 1 {
                (bytes[0], bytes[1]) = (1, b'h');
                let _ = decode(bytes);
            }
        }
    }

    #[test]
    fn what_is_foreign_is_refused() {
        for bytes in [&b""[..], b"\x01", b"\x02sabc", b"\x01xabc", b"\x01l\x00more", b"\x01l\x01"] {
            assert_eq!(decode(bytes.to_vec()).err(), Some(Malformed), "{bytes:?}");
        }
        let huge = b"\x01l\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(decode(huge.to_vec()).err(), Some(Malformed));
    }
}
