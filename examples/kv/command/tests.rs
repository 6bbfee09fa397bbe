//! Requests and what becomes of them. Error texts are also compared with a real Redis, see
//! `oracle.rs` of the store's tests.

use redis_protocol::bytes::Bytes;

use crate::command::{
    Command, Deadline, End, ExpireCondition, KeyCommand, KeyOp, Local, Scan, SetCondition,
    SetExpiry, SetOptions, Spread,
};
use crate::wire::{Decoder, Reply};

fn parse(line: &str) -> Result<Command, Reply> {
    let mut decoder = Decoder::default();
    decoder.feed(line.as_bytes());
    decoder.feed(b"\r\n");
    Command::parse(decoder.next().expect("the line is well-formed").expect("the line is whole"))
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn on_k(op: KeyOp) -> Command {
    Command::Key(KeyCommand { key: bytes("k"), op })
}

fn set(expiry: SetExpiry, condition: Option<SetCondition>, get: bool) -> Command {
    on_k(KeyOp::Set(Box::new(SetOptions { value: bytes("v"), expiry, condition, get })))
}

fn within(ms: i64, command: &'static str) -> Deadline {
    Deadline { ms, relative: true, command }
}

#[test]
fn a_request_becomes_a_typed_command() {
    let rows = [
        ("get k", on_k(KeyOp::Get)),
        ("SET k v", set(SetExpiry::Discard, None, false)),
        ("set k v ex 10", set(SetExpiry::New(within(10_000, "set")), None, false)),
        (
            "set k v nx get px 10",
            set(SetExpiry::New(within(10, "set")), Some(SetCondition::IfMissing), true),
        ),
        (
            "set k v PXAT 10 XX",
            set(
                SetExpiry::New(Deadline { ms: 10, relative: false, command: "set" }),
                Some(SetCondition::IfPresent),
                false,
            ),
        ),
        ("set k v keepttl", set(SetExpiry::Keep, None, false)),
        ("setex k 2 v", set(SetExpiry::New(within(2000, "setex")), None, false)),
        ("decrby k 3", on_k(KeyOp::Add(-3))),
        ("del k", on_k(KeyOp::Delete)),
        ("unlink a b", Command::Spread(Spread::Delete(vec![bytes("a"), bytes("b")]))),
        ("mset a b", Command::Spread(Spread::SetMany(vec![(bytes("a"), bytes("b"))]))),
        (
            "expire k -1 gt xx",
            on_k(KeyOp::Expire {
                deadline: within(-1000, "expire"),
                condition: Some(ExpireCondition::Later),
            }),
        ),
        ("lpop k", on_k(KeyOp::Pop { end: End::Left, count: None })),
        ("rpop k 2", on_k(KeyOp::Pop { end: End::Right, count: Some(2) })),
        ("lrange k 0 -1", on_k(KeyOp::ListRange { start: 0, stop: -1 })),
        ("hset k a b", on_k(KeyOp::HashSet(vec![(bytes("a"), bytes("b"))]))),
        (
            "scan 17 match a* count 5 type LIST",
            Command::Scan(Scan {
                cursor: 17,
                count: 5,
                pattern: Some(bytes("a*")),
                kind: Some(bytes("list")),
            }),
        ),
        ("debug panic k", on_k(KeyOp::Panic)),
        ("ping", Command::Local(Local::Ping(None))),
        ("unsubscribe", Command::Local(Local::Unsubscribe(vec![]))),
        ("hello 2 setname n", Command::Local(Local::Hello { name: Some(bytes("n")) })),
        ("echo 'a b'", Command::Local(Local::Answer(Reply::text("a b")))),
    ];
    for (line, expected) in rows {
        assert_eq!(parse(line), Ok(expected), "{line:?}");
    }
}

#[test]
fn a_wrong_request_is_refused_in_redis_words() {
    let rows = [
        ("foo a b", "ERR unknown command 'foo', with args beginning with: 'a' 'b' "),
        ("get", "ERR wrong number of arguments for 'get' command"),
        ("GET a b", "ERR wrong number of arguments for 'get' command"),
        ("mset a", "ERR wrong number of arguments for 'mset' command"),
        ("mset a b c", "ERR wrong number of arguments for 'mset' command"),
        ("hset k a b c", "ERR wrong number of arguments for 'hset' command"),
        ("set k v nx xx", "ERR syntax error"),
        ("set k v ex 1 px 1", "ERR syntax error"),
        ("set k v ex", "ERR syntax error"),
        ("set k v ex 1 keepttl", "ERR syntax error"),
        ("set k v ex a", "ERR value is not an integer or out of range"),
        ("set k v ex 0", "ERR invalid expire time in 'set' command"),
        ("set k v ex 9223372036854775807", "ERR invalid expire time in 'set' command"),
        ("setex k -1 v", "ERR invalid expire time in 'setex' command"),
        ("expire k a", "ERR value is not an integer or out of range"),
        ("expire k 1 no", "ERR Unsupported option no"),
        ("expire k 9223372036854775807", "ERR invalid expire time in 'expire' command"),
        ("incrby k 1.5", "ERR value is not an integer or out of range"),
        ("decrby k -9223372036854775808", "ERR decrement would overflow"),
        ("lpop k -1", "ERR value is out of range, must be positive"),
        ("scan a", "ERR invalid cursor"),
        ("scan 0 count 0", "ERR syntax error"),
        ("select 1", "ERR DB index is out of range"),
        ("hello 3", "NOPROTO unsupported protocol version"),
        ("client nothing", "ERR unknown subcommand 'nothing'. Try CLIENT HELP."),
        ("client setname", "ERR wrong number of arguments for 'client|setname' command"),
    ];
    for (line, expected) in rows {
        assert_eq!(parse(line), Err(Reply::error(expected)), "{line:?}");
    }
}
