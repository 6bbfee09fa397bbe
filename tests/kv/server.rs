//! Starting the server as a process, and clients of it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The example beside this test; `cargo test` has built it.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps");
    let program = folder.join("examples").join("kv");
    assert!(program.exists(), "{} is missing: run `cargo test`, or build it", program.display());
    program
}

pub(crate) struct Server {
    pub(crate) process: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts it on a free port and waits until it listens.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(["--listen", "127.0.0.1:0"]).args(flags);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the server starts");
        let output = process.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("kv listening on ").expect("it listens").to_owned();
        Self { process, address }
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(&self.address).expect("it accepts");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
        stream.set_nodelay(true).expect("an option");
        Client { stream }
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let number = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &number]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// Kilobytes of memory in use.
    pub(crate) fn memory_kb(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let text = text.expect("the server runs");
        let line = text.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the server with flags by which it ends on its own; status and all it printed.
pub(crate) fn refused(flags: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(program()).args(flags).output().expect("the server starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
}

impl Client {
    pub(crate) fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).expect("the server reads");
    }

    pub(crate) fn receive(&mut self, length: usize) -> String {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).expect("the server answers");
        String::from_utf8(bytes).expect("text")
    }

    /// Everything until the server closes.
    pub(crate) fn receive_all(&mut self) -> String {
        let mut text = String::new();
        self.stream.read_to_string(&mut text).expect("the server closes");
        text
    }

    pub(crate) fn end_writes(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is up");
    }

    /// Sends one inline request and reads one reply.
    pub(crate) fn ask(&mut self, request: &str) -> String {
        self.send(&format!("{request}\r\n"));
        let mut reply = String::new();
        let mut missing = 1;
        while missing > 0 {
            missing -= 1;
            let line = self.line();
            reply.push_str(&line);
            let number = line[1..].trim_end().parse::<i64>().unwrap_or(0);
            match line.as_bytes()[0] {
                b'*' => missing += number.max(0),
                b'$' if number >= 0 => reply.push_str(&self.receive(number as usize + 2)),
                _ => {}
            }
        }
        reply
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        while !line.ends_with("\r\n") {
            line.push_str(&self.receive(1));
        }
        line
    }
}
