//! The error texts of Redis, word for word, in one place.

use crate::wire::{Args, Reply};

/// How much of a client's words an error repeats, in bytes.
const QUOTED_BYTES_MAX: usize = 128;

pub(crate) fn syntax() -> Reply {
    Reply::error("ERR syntax error")
}

pub(crate) fn not_an_integer() -> Reply {
    Reply::error("ERR value is not an integer or out of range")
}

pub(crate) fn not_positive() -> Reply {
    Reply::error("ERR value is out of range, must be positive")
}

pub(crate) fn wrong_type() -> Reply {
    Reply::error("WRONGTYPE Operation against a key holding the wrong kind of value")
}

pub(crate) fn overflow() -> Reply {
    Reply::error("ERR increment or decrement would overflow")
}

pub(crate) fn string_too_long() -> Reply {
    Reply::error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
}

pub(crate) fn invalid_expiry(command: &str) -> Reply {
    Reply::error_owned(format!("ERR invalid expire time in '{command}' command"))
}

/// `command` is the full name: `get`, or `client|setname`.
pub(crate) fn wrong_arity(command: &str) -> Reply {
    Reply::error_owned(format!("ERR wrong number of arguments for '{command}' command"))
}

pub(crate) fn unknown_command(args: &Args<'_>) -> Reply {
    let mut quoted = String::new();
    for argument in args.from(1) {
        if quoted.len() >= QUOTED_BYTES_MAX {
            break;
        }
        let room = QUOTED_BYTES_MAX - quoted.len();
        quoted.push_str(&format!("'{}' ", shown(argument, room)));
    }
    let name = shown(args.get(0), QUOTED_BYTES_MAX);
    Reply::error_owned(format!("ERR unknown command '{name}', with args beginning with: {quoted}"))
}

/// `container` is the command's name in capitals, as in `Try CLIENT HELP`.
pub(crate) fn unknown_subcommand(container: &str, subcommand: &[u8]) -> Reply {
    let subcommand = shown(subcommand, QUOTED_BYTES_MAX);
    Reply::error_owned(format!("ERR unknown subcommand '{subcommand}'. Try {container} HELP."))
}

/// A client's bytes as text for an error, at most `limit` of them.
pub(crate) fn shown(bytes: &[u8], limit: usize) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(limit)]).into_owned()
}
