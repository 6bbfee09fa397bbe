//! Commands: what a request asks for, typed and checked, before anything is done.
//!
//! The kinds follow the route a command takes, so that a connection matches on four cases:
//!
//! | kind | goes to |
//! |---|---|
//! | [`Command::Key`] | the shard that owns the key |
//! | [`Command::Spread`] | several shards; split and merged by [`crate::route`] |
//! | [`Command::Scan`] | the shard that the cursor points into |
//! | [`Command::Local`] | no shard: the connection, or publish/subscribe |

pub(crate) mod catalog;
pub(crate) mod collections;
pub(crate) mod connection;
pub(crate) mod docs;
pub(crate) mod keyspace;
pub(crate) mod strings;

use redis_protocol::bytes::Bytes;

use crate::errors;
use crate::wire::{Args, Reply};

/// A checked request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Key(KeyCommand),
    Spread(Spread),
    Scan(Scan),
    Local(Local),
}

/// A command on one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyCommand {
    pub(crate) key: Bytes,
    pub(crate) op: KeyOp,
}

/// What is done to the one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyOp {
    Get,
    Set(Box<SetOptions>),
    SetNew(Bytes),
    GetSet(Bytes),
    GetDelete,
    Add(i64),
    Append(Bytes),
    StringLength,
    Delete,
    Exists,
    Expire {
        deadline: Deadline,
        condition: Option<ExpireCondition>,
    },
    TimeToLive {
        seconds: bool,
    },
    Persist,
    Type,
    Push {
        end: End,
        values: Vec<Bytes>,
    },
    Pop {
        end: End,
        count: Option<usize>,
    },
    ListLength,
    ListRange {
        start: i64,
        stop: i64,
    },
    SetAdd(Vec<Bytes>),
    SetRemove(Vec<Bytes>),
    SetMembers,
    SetContains(Bytes),
    SetCount,
    SetPop {
        count: Option<usize>,
    },
    HashSet(Vec<(Bytes, Bytes)>),
    HashGet(Bytes),
    HashDelete(Vec<Bytes>),
    HashAll,
    HashLength,
    /// `DEBUG PANIC key`: the shard that owns the key crashes while it handles this.
    Panic,
}

/// The options of `SET`, `SETEX` and `PSETEX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetOptions {
    pub(crate) value: Bytes,
    pub(crate) expiry: SetExpiry,
    pub(crate) condition: Option<SetCondition>,
    /// Reply with the old value.
    pub(crate) get: bool,
}

/// What `SET` does with the key's time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetExpiry {
    Discard,
    Keep,
    New(Deadline),
}

/// When `SET` takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetCondition {
    IfMissing,
    IfPresent,
}

/// A point in time, which for a relative one is fixed only when the shard handles the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline {
    /// Milliseconds, from now or from 1970.
    pub(crate) ms: i64,
    pub(crate) relative: bool,
    /// The command's name, for the error when the sum is out of range.
    pub(crate) command: &'static str,
}

/// When `EXPIRE` takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExpireCondition {
    /// NX: the key has no time to live.
    Endless,
    /// XX: the key has one.
    Ending,
    /// GT: the new one is later; none at all counts as the latest.
    Later,
    /// LT: the new one is earlier.
    Earlier,
    /// XX with LT: LT alone also takes place when there is none.
    EndingAndEarlier,
}

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Left,
    Right,
}

/// A command on many keys or on all. Each shard does its part at its own moment: there is no
/// moment at which all parts are done and none half done, unlike in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spread {
    GetMany(Vec<Bytes>),
    SetMany(Vec<(Bytes, Bytes)>),
    /// `MSETNX`: all or nothing, hence only when one shard owns all the keys.
    SetManyNew(Vec<(Bytes, Bytes)>),
    Delete(Vec<Bytes>),
    Exists(Vec<Bytes>),
    Keys(Bytes),
    Size,
    Clear,
}

/// `SCAN`. The cursor is a place in the order of all key hashes, see [`crate::route`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scan {
    pub(crate) cursor: u64,
    pub(crate) count: usize,
    pub(crate) pattern: Option<Bytes>,
    /// Only keys of this type, in lower case.
    pub(crate) kind: Option<Bytes>,
}

/// A command that touches no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Local {
    /// The reply depends on nothing but the request.
    Answer(Reply),
    Ping(Option<Bytes>),
    Quit,
    Reset,
    Hello {
        name: Option<Bytes>,
    },
    ClientId,
    ClientSetName(Bytes),
    ClientGetName,
    ClientInfo,
    ConfigGet(Vec<Bytes>),
    /// The sections wanted, in lower case; none means the usual ones.
    Info(Vec<String>),
    Subscribe(Vec<Bytes>),
    /// No channel means all of them.
    Unsubscribe(Vec<Bytes>),
    Publish {
        channel: Bytes,
        message: Bytes,
    },
}

impl Command {
    /// Checks a request.
    ///
    /// # Errors
    ///
    /// The error reply to send, in Redis' words.
    pub(crate) fn parse(args: Args<'_>) -> Result<Self, Reply> {
        let Some(spec) = catalog::find(args.get(0)) else {
            return Err(errors::unknown_command(&args));
        };
        if !spec.accepts(args.len()) {
            return Err(errors::wrong_arity(spec.name));
        }
        (spec.parse)(args)
    }

    fn key(args: Args<'_>, op: KeyOp) -> Self {
        Self::Key(KeyCommand { key: args.owned(1), op })
    }
}

/// Arguments in pairs, from `index` on; the caller has checked that their number is even.
fn pairs(args: Args<'_>, index: usize) -> Vec<(Bytes, Bytes)> {
    (index..args.len()).step_by(2).map(|at| (args.owned(at), args.owned(at + 1))).collect()
}

#[cfg(test)]
mod tests;
