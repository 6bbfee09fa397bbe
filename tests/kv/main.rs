//! The server of `examples/kv` as its users meet it: a process, sockets, and what goes wrong there.

mod faults;
mod server;

use std::io::{Read as _, Write as _};

use server::Server;

#[test]
fn commands_are_answered_byte_for_byte() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for (request, reply) in [
        ("PING", "+PONG\r\n"),
        ("ECHO hello", "$5\r\nhello\r\n"),
        ("SET a 1", "+OK\r\n"),
        ("GET a", "$1\r\n1\r\n"),
        ("GET none", "$-1\r\n"),
        ("SET a 2 NX", "$-1\r\n"),
        ("SET a 2 XX GET", "$1\r\n1\r\n"),
        ("INCRBY a 40", ":42\r\n"),
        ("DECR a", ":41\r\n"),
        ("APPEND a !", ":3\r\n"),
        ("INCR a", "-ERR value is not an integer or out of range\r\n"),
        ("STRLEN a", ":3\r\n"),
        ("GETDEL a", "$3\r\n41!\r\n"),
        ("EXISTS a", ":0\r\n"),
        ("MSET x 1 y 2 z 3", "+OK\r\n"),
        ("MGET x none z", "*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n3\r\n"),
        ("DEL x y z none", ":3\r\n"),
        ("RPUSH l a b c", ":3\r\n"),
        ("LPOP l", "$1\r\na\r\n"),
        ("LRANGE l 0 -1", "*2\r\n$1\r\nb\r\n$1\r\nc\r\n"),
        ("GET l", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
        ("SADD s m", ":1\r\n"),
        ("SISMEMBER s m", ":1\r\n"),
        ("SCARD s", ":1\r\n"),
        ("HSET h f v", ":1\r\n"),
        ("HGETALL h", "*2\r\n$1\r\nf\r\n$1\r\nv\r\n"),
        ("TYPE h", "+hash\r\n"),
        ("TTL h", ":-1\r\n"),
        ("EXPIRE h 100", ":1\r\n"),
        ("PERSIST h", ":1\r\n"),
        ("DBSIZE", ":3\r\n"),
        ("GET", "-ERR wrong number of arguments for 'get' command\r\n"),
        ("NOPE x", "-ERR unknown command 'NOPE', with args beginning with: 'x' \r\n"),
        ("SELECT 0", "+OK\r\n"),
        ("FLUSHALL", "+OK\r\n"),
        ("DBSIZE", ":0\r\n"),
    ] {
        assert_eq!(client.ask(request), reply, "{request}");
    }
}

#[test]
fn a_thousand_requests_in_one_write_are_answered_in_order() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let requests: String = (0..1_000).map(|n| format!("SET k{n} {n}\r\nGET k{n}\r\n")).collect();
    let replies: String =
        (0..1_000).map(|n| format!("+OK\r\n${}\r\n{n}\r\n", n.to_string().len())).collect();
    client.send(&requests);
    assert_eq!(client.receive(replies.len()), replies);
}

#[test]
fn a_client_that_ends_its_side_still_gets_its_answers() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send(&"PING\r\n".repeat(100));
    client.end_writes();
    assert_eq!(client.receive_all(), "+PONG\r\n".repeat(100));
}

#[test]
fn keys_expire() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    assert_eq!(client.ask("SET a 1 PX 30"), "+OK\r\n");
    while client.ask("GET a") != "$-1\r\n" {
        std::thread::yield_now();
    }
    assert_eq!(client.ask("DBSIZE"), ":0\r\n");
}

#[test]
fn subscribers_get_what_is_published_and_nothing_after_they_leave() {
    let server = Server::start(&[]);
    let (mut subscriber, mut publisher) = (server.connect(), server.connect());
    assert_eq!(subscriber.ask("SUBSCRIBE c"), "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    assert_eq!(publisher.ask("PUBLISH c hello"), ":1\r\n");
    let push = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\nhello\r\n";
    assert_eq!(subscriber.receive(push.len()), push);
    assert!(subscriber.ask("GET a").starts_with("-ERR Can't execute 'get'"));
    assert_eq!(subscriber.ask("UNSUBSCRIBE c"), "*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n");
    assert_eq!(publisher.ask("PUBLISH c hello"), ":0\r\n");
    assert_eq!(subscriber.ask("PING"), "+PONG\r\n");
}

#[test]
fn the_command_line_is_checked() {
    let (status, text) = server::refused(&["--help"]);
    assert!(status == Some(0) && text.contains("--shards N"), "{text}");
    let (status, text) = server::refused(&["--shards", "0"]);
    assert!(status == Some(2) && text.contains("--shards cannot be '0'"), "{text}");
    let (status, text) = server::refused(&["--no-such-flag"]);
    assert!(status == Some(2) && text.contains("--no-such-flag"), "{text}");
    let server = Server::start(&[]);
    let (status, text) = server::refused(&["--listen", &server.address]);
    assert!(status == Some(1) && text.contains(&server.address), "{text}");
}

#[test]
fn the_demonstration_loses_nothing() {
    let (status, text) = server::refused(&["--listen", "127.0.0.1:0", "--demo", "1"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("nothing was lost that was promised"), "{text}");
}

#[test]
fn the_client_limit_is_told_and_a_place_that_is_freed_is_used_again() {
    let server = Server::start(&["--max-clients", "2"]);
    let (mut first, mut second) = (server.connect(), server.connect());
    assert_eq!((first.ask("PING"), second.ask("PING")), ("+PONG\r\n".into(), "+PONG\r\n".into()));
    assert_eq!(server.connect().receive_all(), "-ERR max number of clients reached\r\n");
    drop(first);
    // The place is free once the server has noticed; until then newcomers are told so.
    loop {
        let mut third = server.connect();
        let _ = third.stream.write_all(b"PING\r\n");
        let mut reply = [0; 7];
        if third.stream.read_exact(&mut reply).is_ok() && &reply == b"+PONG\r\n" {
            break;
        }
    }
}
