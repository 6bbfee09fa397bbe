//! Every example runs, ends well and prints exactly what it is meant to print.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Far more than an example takes, its build included.
const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn hello_greets() {
    expect(
        "hello",
        "Hello, Ada! You are number 1.
         Hello, Grace! You are number 2.",
    );
}

#[test]
fn counter_answers_when_the_time_has_come() {
    expect(
        "counter",
        "at least 8: it is 10
         the total: 15",
    );
}

#[test]
fn receive_loop_lets_one_through_for_a_coin() {
    expect(
        "receive_loop",
        "pushed: false
         open already, thank you
         pushed: true
         pushed: false
         passed: 1
         closing after 1",
    );
}

#[test]
fn crash_and_restart_loses_one_order_and_gives_up_at_the_third_fire() {
    expect(
        "crash_and_restart",
        "kitchen 0 opens
         kitchen 1 opens
         served: soup, dish 1 of kitchen 0
         not served: error: the curtain caught fire
         served: coffee, dish 1 of kitchen 1
         kitchen 2 opens
         the supervisor: restart limit reached
         order refused: true",
    );
}

#[test]
fn echo_server_gives_back_what_it_was_sent() {
    expect(
        "echo_server",
        "came back: to be, or not to be
         came back: that is the question
         connections: 2",
    );
}

#[test]
fn cpu_offload_computes_side_by_side() {
    expect(
        "cpu_offload",
        "primes below 1000000: 78498
         primes below 10000: 1229
         primes below 100: 25
         a panic in the pool is an error: true",
    );
}

#[cfg(feature = "process-pool")]
#[test]
fn process_pool_survives_the_crash_of_a_worker() {
    expect(
        "process_pool",
        "primes below 200000: 17984
         all is well: 11
         fragile crashed, and only it
         well again: 10
         cut off at the end: 0",
    );
}

#[test]
fn graceful_shutdown_stops_in_reverse_order() {
    expect("graceful_shutdown", &format!("{UP}\n{DOWN}"));
}

#[cfg(unix)]
#[test]
fn a_signal_stops_the_tree_in_the_same_order_and_main_decides_the_status() {
    let mut running = Running::start("graceful_shutdown", &["--wait"]);
    let mut printed = running.lines_until("waiting for a signal");
    let pid = running.child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(sent.success(), "the signal was not sent");
    printed.extend(running.lines_until_the_end());
    assert_eq!(printed, lines(&format!("{UP}\nwaiting for a signal\n{DOWN}")));
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn kv_answers_its_own_clients() {
    let mut running = Running::start("kv", &["--listen", "127.0.0.1:0", "--demo", "1"]);
    running.lines_until_the_end();
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

const UP: &str = "store is up
                  cache is up
                  listener is up
                  session is up";
const DOWN: &str = "store saves the work of session
                    session is down (shutdown)
                    listener is down (shutdown)
                    store saves the work of cache
                    cache is down (shutdown)
                    store is down (shutdown)
                    the tree: shutdown";

/// Runs an example and compares all that it prints.
fn expect(example: &str, output: &str) {
    let mut running = Running::start(example, &[]);
    assert_eq!(running.lines_until_the_end(), lines(output));
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

/// Lines without the indent that they have here.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim_start().to_owned()).collect()
}

/// An example while it runs; it is ended when the test is over, however that ends.
struct Running {
    child: Child,
    printed: Receiver<String>,
}

impl Running {
    /// Cargo builds what is out of date and then becomes the example, so a signal reaches it.
    fn start(example: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO"));
        command.args(["run", "--quiet", "--example", example]);
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        if cfg!(feature = "process-pool") {
            command.args(["--features", "process-pool"]);
        }
        command.arg("--").args(arguments).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, printed) = channel();
        // A thread, so that an example which hangs is an error after a while and not for ever.
        let reader = std::thread::Builder::new().name(format!("output of {example}"));
        let read = move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        };
        reader.spawn(read).unwrap();
        Self { child, printed }
    }

    fn lines_until(&self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line| line != last) {
            let line = self.printed.recv_timeout(LIMIT);
            lines.push(line.unwrap_or_else(|error| panic!("{error} before `{last}`: {lines:?}")));
        }
        lines
    }

    fn lines_until_the_end(&self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.printed.recv_timeout(LIMIT) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Disconnected) => return lines,
                Err(RecvTimeoutError::Timeout) => panic!("it hangs after {lines:#?}"),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
