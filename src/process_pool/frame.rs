//! What pool and worker say to each other: a length and as many bytes; pure.
//!
//! ```text
//!   u32, little endian │ a request:  name of the job │ its input      (both as `postcard` has them)
//!      the length      │ a reply:    kind, one byte  │ output or text
//! ```

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Says which form frames have; the greeting of a worker.
pub(crate) const GREETING: &[u8] = b"greenroom worker 1";

/// The bytes of a length.
pub(crate) const HEADER: usize = 4;

/// A reply of a worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    /// It is there.
    Greeting,
    /// The job's output.
    Done(Vec<u8>),
    /// The job panicked, and the worker ends.
    Panicked(Arc<str>),
    /// There is no such job, or its input is not what it takes.
    Unknown(Arc<str>),
    /// The job ran, and its output cannot be sent.
    Unsent(Arc<str>),
}

/// The frame of a request.
pub(crate) fn request<I: Serialize>(name: &str, input: &I, max: usize) -> Result<Vec<u8>, String> {
    let named = postcard::to_extend(name, vec![0; HEADER]).map_err(|error| error.to_string())?;
    let before = named.len();
    let frame = postcard::to_extend(input, named).map_err(|error| error.to_string())?;
    finish(frame, before, max)
}

/// The job's name and its input, of what follows the length.
pub(crate) fn parse_request(body: &[u8]) -> Result<(&str, &[u8]), String> {
    postcard::take_from_bytes(body).map_err(|error| error.to_string())
}

pub(crate) fn value<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|error| error.to_string())?;
    match rest.len() {
        0 => Ok(value),
        more => Err(format!("{more} bytes are left over")),
    }
}

/// The frame of an output.
pub(crate) fn output<O: Serialize>(output: &O) -> Result<Vec<u8>, String> {
    let kind = vec![0, 0, 0, 0, Kind::Done as u8];
    let before = kind.len();
    let frame = postcard::to_extend(output, kind).map_err(|error| error.to_string())?;
    finish(frame, before, usize::MAX)
}

/// The frame of any other reply.
pub(crate) fn reply(kind: Kind, text: &[u8]) -> Vec<u8> {
    // No text of a panic is that long; if one is, its end is cut off.
    let text = &text[..text.len().min(TEXT_MAX)];
    let mut frame = ((text.len() + 1) as u32).to_le_bytes().to_vec();
    frame.push(kind as u8);
    frame.extend_from_slice(text);
    frame
}

const TEXT_MAX: usize = 64 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Greeting = 1,
    Done = 2,
    Panicked = 3,
    Unknown = 4,
    Unsent = 5,
}

/// A reply, of what follows the length.
pub(crate) fn parse_reply(mut body: Vec<u8>) -> Option<Reply> {
    let (kind, rest) = body.split_first()?;
    let text = || Arc::from(String::from_utf8_lossy(rest));
    Some(match kind {
        1 if rest == GREETING => Reply::Greeting,
        2 => {
            body.drain(..1);
            Reply::Done(body)
        }
        3 => Reply::Panicked(text()),
        4 => Reply::Unknown(text()),
        5 => Reply::Unsent(text()),
        _ => return None,
    })
}

/// The length of what follows the header of a request.
pub(crate) const fn request_length(header: [u8; HEADER]) -> usize {
    u32::from_le_bytes(header) as usize
}

/// The length of what follows the header of a reply, if its output may be that long.
pub(crate) fn reply_length(header: [u8; HEADER], max: usize) -> Result<usize, String> {
    let length = u32::from_le_bytes(header) as usize;
    let output = length.saturating_sub(1);
    if output > max { Err(too_long(output, max)) } else { Ok(length) }
}

/// Writes the length to the front; what comes after the first `before` bytes is limited.
fn finish(mut frame: Vec<u8>, before: usize, max: usize) -> Result<Vec<u8>, String> {
    let value = frame.len() - before;
    match u32::try_from(frame.len() - HEADER) {
        Ok(length) if value <= max => {
            frame[..HEADER].copy_from_slice(&length.to_le_bytes());
            Ok(frame)
        }
        _ => Err(too_long(value, max.min(u32::MAX as usize))),
    }
}

fn too_long(length: usize, max: usize) -> String {
    format!("it has {length} bytes, and {max} are the limit (see `PoolOptions::message_max`)")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Input = (String, Vec<i64>, Option<bool>);

    fn body(frame: &[u8]) -> &[u8] {
        let length = request_length(frame[..HEADER].try_into().unwrap());
        assert_eq!(length, frame.len() - HEADER);
        &frame[HEADER..]
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_arrives(name: String, input: Input) {
            let frame = request(&name, &input, usize::MAX).unwrap();
            let (found, rest) = parse_request(body(&frame)).unwrap();
            prop_assert_eq!(found, &name);
            prop_assert_eq!(&value::<Input>(rest).unwrap(), &input);
            let frame = output(&input).unwrap();
            let Some(Reply::Done(rest)) = parse_reply(body(&frame).to_vec()) else { panic!() };
            prop_assert_eq!(value::<Input>(&rest).unwrap(), input);
        }

        #[test]
        fn noise_is_refused_and_never_a_panic(bytes: Vec<u8>) {
            let _ = parse_reply(bytes.clone());
            if let Ok((name, rest)) = parse_request(&bytes) {
                prop_assert!(name.len() + rest.len() < bytes.len());
            }
            let _ = value::<Vec<String>>(&bytes);
        }
    }

    #[test]
    fn each_kind_of_reply_is_told_from_the_others() {
        let text = || Arc::from("text");
        for (kind, expected) in [
            (Kind::Panicked, Reply::Panicked(text())),
            (Kind::Unknown, Reply::Unknown(text())),
            (Kind::Unsent, Reply::Unsent(text())),
            (Kind::Done, Reply::Done(b"text".to_vec())),
        ] {
            assert_eq!(parse_reply(body(&reply(kind, b"text")).to_vec()), Some(expected));
        }
        let greeting = reply(Kind::Greeting, GREETING);
        assert_eq!(parse_reply(body(&greeting).to_vec()), Some(Reply::Greeting));
        for strange in [&b""[..], b"\x01greenroom worker 2", b"\x09", b"running 0 tests"] {
            assert_eq!(parse_reply(strange.to_vec()), None);
        }
        let long = reply(Kind::Panicked, &vec![b'x'; 1_000_000]);
        assert_eq!(body(&long).len(), 1 + TEXT_MAX);
    }

    #[test]
    fn the_limit_is_that_of_the_value_and_no_byte_off() {
        let frame = request("n", &"abc", 4).unwrap(); // a length and three letters
        assert_eq!(frame.len(), HEADER + 2 + 4);
        let error = request("n", &"abc", 3).unwrap_err();
        assert!(error.contains("4 bytes") && error.contains("3 are the limit"), "{error}");
        assert_eq!(reply_length([7, 0, 0, 0], 6), Ok(7)); // its kind is one of them
        let error = reply_length([8, 0, 0, 0], 6).unwrap_err();
        assert!(error.contains("7 bytes") && error.contains("6 are the limit"), "{error}");
        assert!(value::<u8>(&[1, 2]).unwrap_err().contains("1 bytes are left over"));
    }
}
