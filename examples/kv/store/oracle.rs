//! The store, the parser and the wire against a real Redis, byte by byte.
//!
//! Left out is `DBSIZE`: Redis counts keys that have ended until it comes across them.
//!
//! Ignored by default, because it needs `redis-server` on the path:
//! `cargo test --example kv -- --ignored`.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis_protocol::bytes::{Bytes, BytesMut};
use redis_protocol::resp2::decode::decode_bytes_mut;
use redis_protocol::resp2::types::BytesFrame;

use crate::store::random::Random;
use crate::store::tests::{ask, store};
use crate::wire::{Decoder, Reply};

struct Redis {
    process: Child,
    port: u16,
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Redis {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--databases", "1"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is on the path");
        Self { process, port }
    }

    fn connect(&self) -> TcpStream {
        let begin = now_ms();
        while now_ms() < begin + 10_000 {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                let limit = Some(Duration::from_secs(5));
                stream.set_read_timeout(limit).expect("a limit above zero is taken");
                return stream;
            }
            std::thread::yield_now();
        }
        panic!("redis-server does not come up");
    }
}

/// Sends a request line and reads one reply.
fn real(stream: &mut TcpStream, line: &str) -> BytesFrame {
    stream.write_all(format!("{line}\r\n").as_bytes()).expect("Redis reads");
    let mut buffer = BytesMut::new();
    loop {
        if let Some((frame, ..)) = decode_bytes_mut(&mut buffer).expect("Redis speaks RESP2") {
            return frame;
        }
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).expect("Redis answers");
        assert!(length > 0, "Redis closed the connection after {line:?}");
        buffer.extend_from_slice(&chunk[..length]);
    }
}

fn ours(reply: &Reply) -> BytesFrame {
    let mut out = BytesMut::new();
    reply.encode(&mut out);
    decode_bytes_mut(&mut out).expect("well-formed").expect("whole").0
}

/// Sets, hashes and key lists have no order; pairs of a hash stay together.
fn in_order(line: &str, frame: BytesFrame) -> BytesFrame {
    let width = match line.split(' ').next() {
        Some("smembers" | "keys") => 1,
        Some("hgetall") => 2,
        _ => return frame,
    };
    let BytesFrame::Array(items) = frame else {
        return frame;
    };
    let mut groups: Vec<_> = items.chunks(width).map(<[BytesFrame]>::to_vec).collect();
    groups.sort_by_key(|group| format!("{group:?}"));
    BytesFrame::Array(groups.concat())
}

#[expect(clippy::disallowed_methods, reason = "Redis reads the wall clock, so must this test")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970");
    u64::try_from(since.as_millis()).expect("the year is near")
}

const TEMPLATES: &[&str] = &[
    "get K",
    "set K V",
    "set K V nx",
    "set K V xx",
    "set K V get",
    "set K V nx get",
    "set K V N",
    "set K V ex N",
    "set K V px N",
    "set K V exat N",
    "set K V pxat N",
    "set K V keepttl",
    "set K V ex N px N",
    "set K V ex",
    "set K V ex N keepttl",
    "set K V nx xx",
    "setnx K V",
    "set K V ex 100 xx get",
    "getset K V",
    "getdel K",
    "del K",
    "del K K K",
    "unlink K K",
    "exists K",
    "exists K K",
    "incr K",
    "decr K",
    "incrby K N",
    "decrby K N",
    "append K V",
    "append K N",
    "strlen K",
    "mget K K K",
    "mset K V K V",
    "mset K V K",
    "msetnx K V K V",
    "msetnx K V K",
    "expire K N",
    "pexpire K N000",
    "expire K N nx",
    "expire K 50 xx",
    "expire K 70 gt",
    "expire K 90 lt",
    "expire K 40 lt xx",
    "expire K N nx gt",
    "expire K N gt lt",
    "expire K N V",
    "ttl K",
    "persist K",
    "type K",
    "keys *",
    "keys k[12]",
    "lpush K V",
    "rpush K V V",
    "lpop K",
    "rpop K",
    "lpop K N",
    "rpop K 2",
    "lpop K 0",
    "llen K",
    "lrange K N N",
    "lrange K 0 -1",
    "lrange K -3 2",
    "sadd K V V",
    "srem K V V",
    "smembers K",
    "sismember K V",
    "scard K",
    "spop K 100",
    "spop K N x",
    "hset K V V",
    "hset K V V V N",
    "hset K V V V",
    "hget K V",
    "hdel K V V",
    "hgetall K",
    "hlen K",
    "setex K N V",
    "psetex K N000 V",
    "scan 0 count N",
    "scan 0 count V",
    "scan x",
    "scan 0 V V",
    "scan 0 match",
    "echo V",
    "echo",
    "get",
    "get K K",
    "nosuch K V",
    "",
    "select N",
    "lrange K V V",
    "client nosuch",
    "client setname 'a b'",
    "client setname",
    "client getname x",
    "client id x",
    "config get",
    "config nosuch",
    "command nosuch",
    "auth x",
    "auth x y",
    "hello x",
    "hello 4",
    "debug",
    "subscribe",
    "publish x",
    "hello 2 nosuch",
    "scan 0 type V",
    "expire K x",
    "flushall V",
];

const VALUES: &[&str] = &[
    "a",
    "b",
    "''",
    "10",
    "-1",
    "3.5",
    "007",
    "9223372036854775807",
    "-9223372036854775808",
    "'a b'",
    "ab",
    "abc",
    "\"\\x00\\xff\"",
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "5",
    "-1",
    "-2",
    "100",
    "1000",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775",
    "x",
    "",
    "1.0",
    "+1",
    "01",
];

fn fill(template: &str, random: &mut Random) -> String {
    let mut pick = |list: &[&str]| list[random.next() as usize % list.len()].to_string();
    let keys = ["k1", "k2", "k3", "k4"];
    let word = |word: &str, pick: &mut dyn FnMut(&[&str]) -> String| match word {
        "K" => pick(&keys),
        "V" => pick(VALUES),
        "N" => pick(NUMBERS),
        "N000" => format!("{}000", pick(NUMBERS)),
        other => other.to_string(),
    };
    template.split(' ').map(|part| word(part, &mut pick)).collect::<Vec<_>>().join(" ")
}

/// A key that is about to end may end on one side before it does on the other.
fn is_about_to_end(line: &str) -> bool {
    let short = ["0", "1", "2", "5", "1000", "100"];
    line.contains("px ") && short.iter().any(|ms| line.ends_with(&format!("px {ms}")))
}

#[test]
#[ignore = "needs redis-server on the path"]
fn a_real_redis_says_the_same() {
    let redis = Redis::start();
    let mut stream = redis.connect();
    let mut store = store();
    let mut random = Random::new(now_ms());
    let mut differences = std::collections::BTreeMap::new();
    for _ in 0..60_000 {
        let template = TEMPLATES[random.next() as usize % TEMPLATES.len()];
        let line = fill(template, &mut random);
        if line.trim().is_empty() || is_about_to_end(&line) {
            continue;
        }
        let expected = in_order(&line, real(&mut stream, &line));
        let reply = in_order(&line, ours(&ask(&mut store, &line, now_ms())));
        let random_or_own_cursor = line.starts_with("spop") || line.starts_with("scan");
        let both_arrays = matches!((&reply, &expected), (BytesFrame::Array(a), BytesFrame::Array(b))
            if line.starts_with("scan") || a.len() == b.len());
        // Redis takes a NUL for the end of a text that it repeats.
        let both_errors =
            matches!((&reply, &expected), (BytesFrame::Error(_), BytesFrame::Error(_)));
        if line.contains("\\x00") && both_errors {
            continue;
        }
        if reply != expected && !(random_or_own_cursor && both_arrays) {
            let texts = (format!("{expected:?}"), format!("{reply:?}"));
            differences.entry(template).or_insert((line, texts));
            // One difference makes others: begin anew.
            real(&mut stream, "flushall");
            ask(&mut store, "flushall", now_ms());
        }
    }
    for (template, (line, (redis, ours))) in &differences {
        eprintln!("{template}\n  {line}\n  redis {redis}\n  ours  {ours}");
    }
    assert!(differences.is_empty(), "{} templates differ", differences.len());
}

#[test]
#[ignore = "needs redis-server on the path"]
fn a_real_redis_refuses_the_same_streams() {
    let streams: &[&[u8]] = &[
        b"*x\r\n",
        b"*01\r\n",
        b"*2147483648\r\n",
        b"*1\r\nPING\r\n",
        b"*1\r\n+PING\r\n",
        b"*1\r\n$x\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$536870913\r\n",
        b"get \"a\r\n",
        b"get 'a'b\r\n",
        &[b'a'; 70_000],
    ];
    let redis = Redis::start();
    for sent in streams {
        let mut stream = redis.connect();
        // Redis may close before it has read all.
        let _ = stream.write_all(sent);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let mut decoder = Decoder::default();
        decoder.feed(sent);
        let error = decoder.next().expect_err("the stream is broken");
        let ours = Bytes::from(format!("-ERR {error}\r\n"));
        // A reset may have thrown the answer away.
        if !answer.is_empty() || sent.len() < 1000 {
            assert_eq!(ours, answer, "{}", sent[..sent.len().min(40)].escape_ascii());
        }
    }
}
