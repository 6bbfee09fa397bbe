//! Crashes, signals, bad input and clients that misbehave.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use crate::server::{Server, refused};

/// An empty directory that is removed again.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("greenroom-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path of text")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_crash_is_told_to_its_client_and_to_nobody_else() {
    let server = Server::start(&[]);
    let (mut victim, mut other) = (server.connect(), server.connect());
    other.ask("SET a 1");
    let reply = victim.ask("DEBUG PANIC a");
    assert!(reply.starts_with("-CRASHED "), "{reply}");
    // Both connections go on, and the shard is back under its address, empty without a journal.
    assert_eq!(victim.ask("PING"), "+PONG\r\n");
    assert_eq!(other.ask("GET a"), "$-1\r\n");
    assert_eq!(other.ask("SET a 2"), "+OK\r\n");
    assert!(other.ask("INFO stats").contains("shard_restarts:1"));
}

#[test]
fn acknowledged_writes_survive_a_shard_crash_and_kill_9_in_every_mode() {
    for mode in ["always", "everysec", "no"] {
        let dir = Scratch::new(&format!("kv-{mode}"));
        let flags = ["--dir", dir.path(), "--fsync", mode];
        let server = Server::start(&flags);
        let mut client = server.connect();
        for n in 0..50 {
            assert_eq!(client.ask(&format!("SET k{n} {n}")), "+OK\r\n");
        }
        for n in 0..8 {
            assert!(client.ask(&format!("DEBUG PANIC k{n}")).starts_with("-CRASHED "));
        }
        assert_eq!(client.ask("DBSIZE"), ":50\r\n", "after crashes, {mode}");
        client.ask("RPUSH l a b");
        server.signal("KILL");
        drop(server);
        let server = Server::start(&flags);
        let mut client = server.connect();
        assert_eq!(client.ask("DBSIZE"), ":51\r\n", "after kill -9, {mode}");
        assert_eq!(client.ask("GET k49"), "$2\r\n49\r\n");
        let (status, text) = refused(&["--listen", "127.0.0.1:0", "--dir", dir.path()]);
        assert_eq!(status, Some(1), "a second server on one directory: {text}");
    }
}

#[test]
fn signals_stop_the_server_in_order_with_status_0() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&[]);
        let mut client = server.connect();
        assert_eq!(client.ask("PING"), "+PONG\r\n");
        server.signal(signal);
        assert_eq!(client.receive_all(), "", "the connection is closed");
        let status = server.process.wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}

#[test]
fn bad_input_is_told_and_ends_that_connection_only() {
    let server = Server::start(&[]);
    let mut other = server.connect();
    for (input, error) in [
        ("*1\r\n!4\r\nPING\r\n", "expected '$', got '!'"),
        ("*x\r\n", "invalid multibulk length"),
        ("*1\r\n$-5\r\n", "invalid bulk length"),
        // Two gigabytes are announced; no memory is taken for them.
        ("*2\r\n$3\r\nGET\r\n$2147483648\r\n", "invalid bulk length"),
        ("GET \"unbalanced\r\n", "unbalanced quotes in request"),
    ] {
        let mut client = server.connect();
        client.send(&format!("PING\r\n{input}"));
        let expected = format!("+PONG\r\n-ERR Protocol error: {error}\r\n");
        assert_eq!(client.receive_all(), expected, "{input:?}");
    }
    assert_eq!(other.ask("PING"), "+PONG\r\n");
}

#[test]
fn a_client_that_never_reads_costs_bounded_memory_and_disturbs_nobody() {
    let server = Server::start(&[]);
    let mut other = server.connect();
    let value = "x".repeat(100_000);
    assert_eq!(other.ask(&format!("SET big {}", &value[..60_000])), "+OK\r\n");
    let before = server.memory_kb();
    let mut silent = server.connect();
    silent.stream.set_nonblocking(true).expect("an option");
    // Asked for some 600 MB of answers in all, as far as the server reads.
    let mut sent = 0;
    for _ in 0..10_000 {
        match silent.stream.write_all(b"GET big\r\n") {
            Ok(()) => sent += 1,
            Err(_) => assert_eq!(other.ask("PING"), "+PONG\r\n"),
        }
    }
    assert!(sent > 0);
    assert_eq!(other.ask("STRLEN big"), ":60000\r\n");
    let grown = server.memory_kb().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} kB for a client that does not read");
}

#[test]
fn a_thousand_resets_and_a_thousand_idle_clients_disturb_nobody() {
    let server = Server::start(&[]);
    let mut other = server.connect();
    for _ in 0..1_000 {
        let mut client = server.connect();
        client.send("SET a 1\r\nGET a\r\n");
        // Closed with answers unread, the kernel sends a reset.
        drop(client);
    }
    assert_eq!(other.ask("PING"), "+PONG\r\n");
    let before = server.memory_kb();
    let mut idle: Vec<_> = (0..1_000).map(|_| server.connect()).collect();
    assert!(idle.iter_mut().all(|client| client.ask("PING") == "+PONG\r\n"));
    let grown = server.memory_kb().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} kB for a thousand idle clients");
    assert_eq!(other.ask("PING"), "+PONG\r\n");
    let mut byte = [0; 1];
    idle[0].end_writes();
    assert_eq!(idle[0].stream.read(&mut byte).expect("it closes in turn"), 0);
}
