//! The test binary run again, as a process that a test may signal and whose end it may see.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

const SCENARIO: &str = "GREENROOM_ASYNCIO_SCENARIO";

/// What the process is to do; `None` in the tests' own process.
pub(crate) fn scenario() -> Option<String> {
    std::env::var(SCENARIO).ok()
}

/// Tells the test something, from inside the process.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stderr();
    writeln!(out, "{line}").expect("the test listens");
}

/// The process; ended when this is dropped.
pub(crate) struct Again {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
    _open: (ChildStdin, ChildStdout),
}

impl Again {
    /// Runs the test called `entry` alone, which looks at the [`scenario`], up to its "ready".
    pub(crate) fn start(entry: &str, scenario: &str) -> Self {
        let binary = std::env::current_exe().expect("the test binary");
        let mut child = Command::new(binary)
            .args(["--exact", entry, "--nocapture"])
            .env(SCENARIO, scenario)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stderr.take().expect("a pipe"));
        let open = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let mut process = Self { child, lines, _open: open };
        process.wait_for("ready");
        process
    }

    pub(crate) fn wait_for(&mut self, wanted: &str) {
        let mut line = String::new();
        while line.trim() != wanted {
            line.clear();
            let read = self.lines.read_line(&mut line).expect("it can be read");
            assert_ne!(read, 0, "it ended before it said {wanted:?}");
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        kill(signal, self.child.id());
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is a child").is_none()
    }

    pub(crate) fn end(mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process, and not to a thread of it.
pub(crate) fn kill(signal: &str, process: u32) {
    let id = process.to_string();
    let sent = Command::new("kill").args([signal, &id]).status().expect("there is `kill`");
    assert!(sent.success(), "{signal} was not sent to {id}");
}
