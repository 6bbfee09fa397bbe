//! The catalogue: one row for each command, in the order of their names.
//!
//! The number of arguments counts the name; a negative one is a least number. The keys are the
//! first, the last (negative: from the end) and the step, as `COMMAND INFO` reports them.

use crate::command::{Command, collections, connection, keyspace, strings};
use crate::wire::{Args, Reply};

/// What the server knows of a command before it looks at the arguments.
#[derive(Debug)]
pub(crate) struct Spec {
    /// In lower case, as in error texts.
    pub(crate) name: &'static str,
    pub(crate) arity: i64,
    pub(crate) keys: (i64, i64, i64),
    /// Separated by single spaces.
    pub(crate) flags: &'static str,
    pub(crate) group: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) parse: fn(Args<'_>) -> Result<Command, Reply>,
}

impl Spec {
    /// Whether a request of `count` arguments, the name included, may be right.
    pub(crate) fn accepts(&self, count: usize) -> bool {
        let least = usize::try_from(self.arity.unsigned_abs()).unwrap_or(usize::MAX);
        if self.arity < 0 { count >= least } else { count == least }
    }
}

const NAME_BYTES_MAX: usize = 16;

/// The command of this name, in whatever case.
pub(crate) fn find(name: &[u8]) -> Option<&'static Spec> {
    let mut lower = [0; NAME_BYTES_MAX];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let found = CATALOG.binary_search_by(|spec| spec.name.as_bytes().cmp(lower)).ok()?;
    CATALOG.get(found)
}

const NONE: (i64, i64, i64) = (0, 0, 0);
const ONE: (i64, i64, i64) = (1, 1, 1);
const ALL: (i64, i64, i64) = (1, -1, 1);
const PAIRS: (i64, i64, i64) = (1, -1, 2);

macro_rules! catalog {
    ($($name:literal $arity:literal $keys:ident $flags:literal $group:ident
       $file:ident::$parse:ident $summary:literal;)*) => {
        /// Every command, sorted by name.
        pub(crate) static CATALOG: &[Spec] = &[$(Spec {
            name: $name,
            arity: $arity,
            keys: $keys,
            flags: $flags,
            group: stringify!($group),
            summary: $summary,
            parse: $file::$parse,
        }),*];
    };
}

catalog! {
    "append" 3 ONE "write fast" string strings::append
        "Appends a string to the value of a key.";
    "auth" -2 NONE "fast" connection connection::auth
        "Authenticates the connection.";
    "client" -2 NONE "" connection connection::client
        "Commands about the connection itself.";
    "command" -1 NONE "" server connection::command
        "Describes the commands of this server.";
    "config" -2 NONE "admin" server connection::config
        "Reads the configuration.";
    "dbsize" 1 NONE "readonly fast" server keyspace::dbsize
        "Returns the number of keys.";
    "debug" -2 NONE "admin" server keyspace::debug
        "PANIC key: crashes the shard that owns the key.";
    "decr" 2 ONE "write fast" string strings::decr
        "Decrements the integer value of a key by one.";
    "decrby" 3 ONE "write fast" string strings::decrby
        "Decrements the integer value of a key.";
    "del" -2 ALL "write" generic keyspace::del
        "Deletes one or more keys.";
    "echo" 2 NONE "fast" connection connection::echo
        "Returns the given string.";
    "exists" -2 ALL "readonly fast" generic keyspace::exists
        "Counts which of the keys exist.";
    "expire" -3 ONE "write fast" generic keyspace::expire
        "Sets the time to live of a key in seconds.";
    "flushall" -1 NONE "write" server keyspace::flush
        "Removes all keys.";
    "flushdb" -1 NONE "write" server keyspace::flush
        "Removes all keys.";
    "get" 2 ONE "readonly fast" string strings::get
        "Returns the string value of a key.";
    "getdel" 2 ONE "write fast" string strings::getdel
        "Returns the string value of a key and deletes it.";
    "getset" 3 ONE "write fast" string strings::getset
        "Sets a key and returns its old value.";
    "hdel" -3 ONE "write fast" hash collections::hdel
        "Deletes fields of a hash.";
    "hello" -1 NONE "fast" connection connection::hello
        "Shakes hands with the server.";
    "hget" 3 ONE "readonly fast" hash collections::hget
        "Returns the value of a field of a hash.";
    "hgetall" 2 ONE "readonly" hash collections::hgetall
        "Returns all fields and values of a hash.";
    "hlen" 2 ONE "readonly fast" hash collections::hlen
        "Returns the number of fields of a hash.";
    "hset" -4 ONE "write fast" hash collections::hset
        "Sets fields of a hash.";
    "incr" 2 ONE "write fast" string strings::incr
        "Increments the integer value of a key by one.";
    "incrby" 3 ONE "write fast" string strings::incrby
        "Increments the integer value of a key.";
    "info" -1 NONE "" server connection::info
        "Returns figures about the server.";
    "keys" 2 NONE "readonly" generic keyspace::keys
        "Returns all keys that match a pattern.";
    "llen" 2 ONE "readonly fast" list collections::llen
        "Returns the length of a list.";
    "lpop" -2 ONE "write fast" list collections::lpop
        "Removes and returns the first elements of a list.";
    "lpush" -3 ONE "write fast" list collections::lpush
        "Prepends elements to a list.";
    "lrange" 4 ONE "readonly" list collections::lrange
        "Returns a range of elements of a list.";
    "mget" -2 ALL "readonly fast" string strings::mget
        "Returns the string values of keys.";
    "mset" -3 PAIRS "write" string strings::mset
        "Sets the string values of keys.";
    "msetnx" -3 PAIRS "write" string strings::msetnx
        "Sets keys only when none of them exists.";
    "persist" 2 ONE "write fast" generic keyspace::persist
        "Removes the time to live of a key.";
    "pexpire" -3 ONE "write fast" generic keyspace::pexpire
        "Sets the time to live of a key in milliseconds.";
    "ping" -1 NONE "fast" connection connection::ping
        "Answers, to show that the server lives.";
    "psetex" 4 ONE "write" string strings::psetex
        "Sets a key with a time to live in milliseconds.";
    "pttl" 2 ONE "readonly fast" generic keyspace::pttl
        "Returns the time to live of a key in milliseconds.";
    "publish" 3 NONE "pubsub fast" pubsub connection::publish
        "Sends a message to a channel.";
    "quit" -1 NONE "fast" connection connection::quit
        "Closes the connection.";
    "reset" 1 NONE "fast" connection connection::reset
        "Resets the connection.";
    "rpop" -2 ONE "write fast" list collections::rpop
        "Removes and returns the last elements of a list.";
    "rpush" -3 ONE "write fast" list collections::rpush
        "Appends elements to a list.";
    "sadd" -3 ONE "write fast" set collections::sadd
        "Adds members to a set.";
    "scan" -2 NONE "readonly" generic keyspace::scan
        "Goes through the keys step by step.";
    "scard" 2 ONE "readonly fast" set collections::scard
        "Returns the number of members of a set.";
    "select" 2 NONE "fast" connection connection::select
        "Selects the database; there is only 0.";
    "set" -3 ONE "write" string strings::set
        "Sets the string value of a key.";
    "setex" 4 ONE "write" string strings::setex
        "Sets a key with a time to live in seconds.";
    "setnx" 3 ONE "write fast" string strings::setnx
        "Sets a key only when it does not exist.";
    "sismember" 3 ONE "readonly fast" set collections::sismember
        "Says whether a member belongs to a set.";
    "smembers" 2 ONE "readonly" set collections::smembers
        "Returns all members of a set.";
    "spop" -2 ONE "write fast" set collections::spop
        "Removes and returns random members of a set.";
    "srem" -3 ONE "write fast" set collections::srem
        "Removes members from a set.";
    "strlen" 2 ONE "readonly fast" string strings::strlen
        "Returns the length of a string value.";
    "subscribe" -2 NONE "pubsub" pubsub connection::subscribe
        "Listens to channels.";
    "ttl" 2 ONE "readonly fast" generic keyspace::ttl
        "Returns the time to live of a key in seconds.";
    "type" 2 ONE "readonly fast" generic keyspace::kind
        "Returns the type of a key.";
    "unlink" -2 ALL "write fast" generic keyspace::del
        "Deletes one or more keys.";
    "unsubscribe" -1 NONE "pubsub" pubsub connection::unsubscribe
        "Stops listening to channels.";
}

#[cfg(test)]
mod tests {
    use crate::command::catalog::{CATALOG, NAME_BYTES_MAX, find};

    #[test]
    fn the_rows_are_sorted_so_that_each_can_be_found() {
        assert!(CATALOG.is_sorted_by(|left, right| left.name < right.name));
        for spec in CATALOG {
            assert!(spec.name.len() <= NAME_BYTES_MAX);
            assert_eq!(spec.name, spec.name.to_lowercase());
            let found = find(spec.name.to_uppercase().as_bytes()).expect("it is in the table");
            assert!(std::ptr::eq(found, spec));
        }
        assert!(find(b"").is_none());
        assert!(find(b"gets").is_none());
        assert!(find(&[b'a'; 1000]).is_none());
    }
}
