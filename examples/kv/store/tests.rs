//! The store by tables: requests as they are typed, and the replies as they are printed.

use redis_protocol::bytes::{Bytes, BytesMut};

use crate::command::Command;
use crate::route::{ShardCommand, first_hash, shard_of, shard_of_hash};
use crate::store::changes::Effect;
use crate::store::{Options, Store};
use crate::wire::{Decoder, Reply};

pub(crate) const NOW: u64 = 1_700_000_000_000;

pub(crate) fn store() -> Store {
    Store::new(Options { shard: 0, shards: 1, journalled: true, seed: 7 })
}

/// Lets a store that owns all keys answer a request line.
pub(crate) fn ask(store: &mut Store, line: &str, now: u64) -> Reply {
    let mut decoder = Decoder::default();
    decoder.feed(line.as_bytes());
    decoder.feed(b"\n");
    let args = decoder.next().expect("the line is well-formed").expect("the line is whole");
    match Command::parse(args) {
        Ok(Command::Key(command)) => store.apply(ShardCommand::Key(command), now),
        Ok(Command::Scan(scan)) => store.apply(ShardCommand::Scan(scan), now),
        Ok(Command::Spread(spread)) => {
            let split = spread.split(1).expect("one shard owns all keys");
            let parts = split.parts.into_iter();
            split
                .merge
                .merge(parts.map(|part| store.apply(ShardCommand::Part(part.1), now)).collect())
        }
        Ok(Command::Local(crate::command::Local::Answer(reply))) | Err(reply) => reply,
        Ok(Command::Local(local)) => panic!("{local:?} is for a connection"),
    }
}

/// Runs a script of lines `seconds request → reply`, with spaces for line ends in the reply.
fn check(script: &str) {
    let mut store = store();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (request, expected) = line.split_once(" → ").expect("a line has an arrow");
        let (seconds, request) = request.split_once(' ').expect("a line begins with a time");
        let ms: u64 = seconds.parse().expect("a time is in milliseconds");
        let mut out = BytesMut::new();
        ask(&mut store, request, NOW + ms).encode(&mut out);
        let reply = String::from_utf8_lossy(&out).replace("\r\n", " ");
        assert_eq!(reply.trim_end(), expected.trim_end(), "{line}");
    }
}

#[test]
fn strings_are_set_changed_and_read() {
    check(
        "0 get a → $-1
         0 set a 1 → +OK
         0 set a 2 nx → $-1
         0 set a 2 nx get → $1 1
         0 set b 2 xx → $-1
         0 set b 2 xx get → $-1
         0 set a 2 get → $1 1
         0 incr a → :3
         0 decrby a 5 → :-2
         0 append a xy → :4
         0 get a → $4 -2xy
         0 incr a → -ERR value is not an integer or out of range
         0 strlen a → :4
         0 getset a 9223372036854775807 → $4 -2xy
         0 incr a → -ERR increment or decrement would overflow
         0 mget a b c → *3 $19 9223372036854775807 $-1 $-1
         0 mset a 1 b 2 a 3 → +OK
         0 msetnx c 1 b 1 → :0
         0 msetnx c 1 d 1 → :1
         0 exists a b c a e → :4
         0 del a b e → :2
         0 getdel c → $1 1
         0 dbsize → :1
         0 append n '' → :0
         0 exists n → :1",
    );
}

#[test]
fn keys_end_at_their_moment_and_not_before() {
    check(
        "0 set a 1 px 100 → +OK
         0 pttl a → :100
         99 get a → $1 1
         99 dbsize → :1
         100 get a → $-1
         100 dbsize → :0
         100 ttl a → :-2
         0 set a 1 → +OK
         0 ttl a → :-1
         0 expire a 10 xx → :0
         0 expire a 10 gt → :0
         0 expire a 10 lt → :1
         0 expire a 20 lt → :0
         0 expire a 20 gt → :1
         0 expire a 20 nx → :0
         600 ttl a → :19
         400 ttl a → :20
         0 persist a → :1
         0 persist a → :0
         0 expire a -1 → :1
         0 exists a → :0
         0 set a 1 exat 1 → +OK
         0 exists a → :0
         0 set a 1 ex 100 → +OK
         0 set a 2 keepttl → +OK
         0 ttl a → :100
         0 append a 2 → :2
         0 incr a → :23
         0 ttl a → :100
         0 getset a 1 → $2 23
         0 ttl a → :-1
         0 pexpire a 9223372036854775807 → -ERR invalid expire time in 'pexpire' command
         0 lpush l 1 → :1
         0 expire l 1 → :1
         1000 rpush l 2 → :1
         1000 lrange l 0 -1 → *1 $1 2",
    );
}

#[test]
fn lists_grow_and_shrink_at_both_ends() {
    check(
        "0 rpush l a b c → :3
         0 lpush l x y → :5
         0 lrange l 0 -1 → *5 $1 y $1 x $1 a $1 b $1 c
         0 lrange l -2 -1 → *2 $1 b $1 c
         0 lrange l -100 0 → *1 $1 y
         0 lrange l 3 100 → *2 $1 b $1 c
         0 lrange l 3 2 → *0
         0 lrange l 5 9 → *0
         0 lpop l → $1 y
         0 rpop l 2 → *2 $1 c $1 b
         0 lpop l 0 → *0
         0 llen l → :2
         0 type l → +list
         0 get l → -WRONGTYPE Operation against a key holding the wrong kind of value
         0 sadd l a → -WRONGTYPE Operation against a key holding the wrong kind of value
         0 mget l → *1 $-1
         0 lpop l 9 → *2 $1 x $1 a
         0 exists l → :0
         0 lpop l → $-1
         0 lpop l 1 → *-1
         0 llen l → :0",
    );
}

#[test]
fn sets_and_hashes_know_their_members() {
    check(
        "0 sadd s a a b → :2
         0 sadd s b c → :1
         0 scard s → :3
         0 sismember s a → :1
         0 sismember s z → :0
         0 srem s a z → :1
         0 spop s 5 → *2 $1 b $1 c
         0 exists s → :0
         0 spop s → $-1
         0 spop s 1 → *0
         0 smembers s → *0
         0 hset h a 1 b 2 → :2
         0 hset h a 3 c 4 → :1
         0 hget h a → $1 3
         0 hget h z → $-1
         0 hlen h → :3
         0 hdel h b c z → :2
         0 hgetall h → *2 $1 a $1 3
         0 type h → +hash
         0 hdel h a → :1
         0 type h → +none",
    );
}

#[test]
fn what_changed_is_noted_once_and_in_order() {
    let mut store = store();
    let key = |text: &'static str| Bytes::from_static(text.as_bytes());
    ask(&mut store, "set a 1", NOW);
    ask(&mut store, "get a", NOW);
    ask(&mut store, "incr a", NOW);
    ask(&mut store, "set b 1 px 5", NOW);
    let put = |name, value: &[u8], expires_at_ms| Effect::Put {
        key: key(name),
        value: value.to_vec(),
        expires_at_ms,
    };
    let expected = vec![put("a", b"\x01s2", None), put("b", b"\x01s1", Some(NOW + 5))];
    assert_eq!(store.take_effects(), expected);
    assert!(!store.has_changes());

    for read in ["get a", "lpush a 1", "del z", "persist a", "expire z 1", "hget z a", "keys *"] {
        ask(&mut store, read, NOW);
        assert!(!store.has_changes(), "{read} changes nothing");
    }
    assert_eq!(store.next_expiry(), Some(NOW + 5));
    assert_eq!(store.expire_some(NOW + 4, 10), [] as [Bytes; 0]);
    assert_eq!(store.expire_some(NOW + 5, 10), [key("b")]);
    assert_eq!(store.take_effects(), [Effect::Delete { key: key("b") }]);

    ask(&mut store, "set c 1", NOW);
    ask(&mut store, "flushall", NOW);
    ask(&mut store, "set d 1", NOW);
    assert_eq!(store.take_effects(), [Effect::Clear, put("d", b"\x01s1", None)]);
}

#[test]
fn only_a_limited_number_of_keys_is_removed_at_a_time() {
    let mut store = store();
    for number in 0..10 {
        ask(&mut store, &format!("set k{number} v px {}", number + 1), NOW);
    }
    assert_eq!(store.expire_some(NOW + 8, 3).len(), 3);
    assert_eq!(store.expire_some(NOW + 8, 100).len(), 5);
    assert_eq!(store.size(), (2, 2));
}

#[test]
fn a_scan_over_all_shards_returns_what_is_there_throughout() {
    const SHARDS: usize = 3;
    let options = |shard| Options { shard, shards: SHARDS, journalled: false, seed: 1 };
    let mut stores: Vec<Store> = (0..SHARDS).map(|shard| Store::new(options(shard))).collect();
    let set = |stores: &mut Vec<Store>, name: String, verb: &str| {
        let shard = shard_of(name.as_bytes(), SHARDS);
        ask(&mut stores[shard], &format!("{verb} {name} 1"), NOW);
    };
    (0..500).for_each(|number| set(&mut stores, format!("stay:{number}"), "set"));
    let (mut cursor, mut seen, mut calls) = (0_u64, Vec::new(), 0);
    loop {
        let shard = shard_of_hash(cursor, SHARDS);
        let line = format!("scan {cursor} match stay:* count 7 type string");
        let Reply::Array(reply) = ask(&mut stores[shard], &line, NOW) else {
            panic!("SCAN returns an array");
        };
        let [Reply::Bulk(next), Reply::Array(keys)] = &reply[..] else {
            panic!("SCAN returns a cursor and keys");
        };
        seen.extend(keys.iter().map(|key| format!("{key:?}")));
        // The table grows and shrinks under the walk.
        (0..20).for_each(|n| set(&mut stores, format!("come:{calls}:{n}"), "set"));
        (0..20).for_each(|n| set(&mut stores, format!("come:{}:{n}", calls / 2), "del"));
        calls += 1;
        cursor = std::str::from_utf8(next).expect("a number").parse().expect("a number");
        if cursor == 0 {
            break;
        }
    }
    assert!(calls > 500 / 7);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 500);
    assert_eq!(first_hash(0, SHARDS), Some(0));
}

#[test]
fn an_entry_of_the_journal_that_has_ended_is_not_taken() {
    let mut store = store();
    let key = |text: &'static str| Bytes::from_static(text.as_bytes());
    store.restore(key("a"), b"\x01sA".to_vec(), None, NOW).expect("it is a value");
    store.restore(key("b"), b"\x01sB".to_vec(), Some(NOW + 1), NOW).expect("it is a value");
    store.restore(key("c"), b"\x01sC".to_vec(), Some(NOW), NOW).expect("it is a value");
    assert!(store.restore(key("d"), b"\x07sD".to_vec(), None, NOW).is_err());
    assert_eq!(store.size(), (2, 1));
    assert_eq!(store.take_effects(), [Effect::Delete { key: key("c") }]);
}
