//! Every example runs, ends well and prints exactly what it is meant to print.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
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

#[test]
fn graceful_shutdown_stops_in_reverse_order() {
    expect("graceful_shutdown", &format!("{UP}\n{DOWN}"));
}

#[cfg(unix)]
#[test]
fn a_signal_stops_the_tree_in_the_same_order_and_main_decides_the_status() {
    let mut running = Running::start("graceful_shutdown", &["--wait"]);
    let mut printed = running.lines_until(|line| line == "waiting for a signal");
    running.signal("-TERM");
    printed.extend(running.lines_until_the_end());
    assert_eq!(printed, lines(&format!("{UP}\nwaiting for a signal\n{DOWN}")));
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn crawler_visits_each_page_and_tries_again_where_that_may_help() {
    let mut running = Running::start("crawler", &[]);
    let printed = running.lines_until_the_end().into_iter().map(without_port);
    assert_eq!(printed.collect::<Vec<_>>(), lines(VISITS));
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn crawler_takes_urls_and_lists_of_them_and_says_why_a_page_is_missing() {
    let root = answers(&[
        ("/plain", "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n<title>A</title>, and no more"),
        ("/?query", "HTTP/1.0 200 OK\r\n\r\none two <a href=\"/\">three</a>"),
        (
            "/chunks",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
             4;x=y\r\none \r\nA\r\ntwo three!\r\n0\r\n\r\n",
        ),
        ("/large", "HTTP/1.1 200 OK\r\ncontent-length: 4194305\r\n\r\n"),
        ("/chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n400001\r\n"),
        ("/moved", "HTTP/1.1 301 Moved Permanently\r\nLocation: /\r\n\r\n"),
        ("/alien", "220 mail.example.org ESMTP\r\n\r\n"),
    ]);
    let path = std::env::temp_dir().join(format!("greenroom-crawler-{}", std::process::id()));
    let list = ["?query", "chunks", "large", "chunk", "moved", "alien"];
    let list = list.map(|page| format!("{root}/{page}").replace("/?", "?"));
    std::fs::write(&path, format!("{}\n\nhttps://127.0.0.1/\n", list.join("\n"))).unwrap();
    let list = format!("@{}", path.display());
    let mut running = Running::start("crawler", &[&format!("{root}/plain"), &list]);
    let printed = running.lines_until_the_end().into_iter().map(without_port);
    assert_eq!(printed.collect::<Vec<_>>(), lines(MISSING));
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn crawler_takes_no_wrong_argument() {
    let hint = "say `http://host[:port][/path]`, or `@file` for a list";
    for (argument, complaint) in [
        ("--help", format!("crawler: `--help` is no URL; {hint}")),
        ("ftp://a/b", format!("crawler: `ftp://a/b` is no URL; {hint}")),
        ("http:///b", format!("crawler: `http:///b` is no URL; {hint}")),
        ("@/no/such/file", "crawler: /no/such/file: ".to_owned()),
    ] {
        let output = cargo("crawler", &["http://127.0.0.1:1/", argument]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.starts_with(&complaint), "{argument}: {said}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{argument}");
    }
}

#[cfg(unix)]
#[test]
fn crawler_keeps_what_it_has_when_it_is_interrupted() {
    let mut running = Running::start("crawler", &[]);
    running.lines_until(|line| line.contains("/23: "));
    running.signal("-INT");
    let printed = running.lines_until_the_end();
    assert_eq!(printed.first().unwrap(), "pages: 21, bytes: 298404, retries: 4, failed: 2");
    assert_eq!(printed.last().unwrap(), "interrupted: 1 of 24 were not visited");
    assert_eq!(running.child.wait().unwrap().code(), Some(130));
}

#[test]
fn kv_answers_its_own_clients() {
    let mut running = Running::start("kv", &["--listen", "127.0.0.1:0", "--demo", "1"]);
    running.lines_until_the_end();
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

const VISITS: &str = "http://127.0.0.1:0/1: \"Page 1\", 1 links, 304 words, tries: 1
    http://127.0.0.1:0/2: \"Page 2\", 2 links, 606 words, tries: 1
    http://127.0.0.1:0/3: \"Page 3\", 3 links, 908 words, tries: 1
    http://127.0.0.1:0/4: \"Page 4\", 4 links, 1210 words, tries: 1
    http://127.0.0.1:0/5: \"Page 5\", 0 links, 1502 words, tries: 2
    http://127.0.0.1:0/6: \"Page 6\", 1 links, 1804 words, tries: 1
    http://127.0.0.1:0/7: \"Page 7\", 2 links, 2106 words, tries: 1
    http://127.0.0.1:0/8: \"Page 8\", 3 links, 2408 words, tries: 1
    http://127.0.0.1:0/9: \"Page 9\", 4 links, 2710 words, tries: 2
    http://127.0.0.1:0/10: \"Page 10\", 0 links, 3002 words, tries: 1
    http://127.0.0.1:0/11: \"Page 11\", 1 links, 3304 words, tries: 1
    http://127.0.0.1:0/12: \"Page 12\", 2 links, 3606 words, tries: 1
    http://127.0.0.1:0/13: \"Page 13\", 3 links, 3908 words, tries: 1
    http://127.0.0.1:0/14: \"Page 14\", 4 links, 4210 words, tries: 1
    http://127.0.0.1:0/15: \"Page 15\", 0 links, 4502 words, tries: 1
    http://127.0.0.1:0/16: \"Page 16\", 1 links, 4804 words, tries: 1
    http://127.0.0.1:0/17: \"Page 17\", 2 links, 5106 words, tries: 1
    http://127.0.0.1:0/18: status 404, tries: 1
    http://127.0.0.1:0/19: \"Page 19\", 4 links, 5710 words, tries: 1
    http://127.0.0.1:0/20: \"Page 20\", 0 links, 6002 words, tries: 1
    http://127.0.0.1:0/21: status 500, tries: 3
    http://127.0.0.1:0/22: \"Page 22\", 2 links, 6606 words, tries: 1
    http://127.0.0.1:0/23: \"Page 23\", 3 links, 6908 words, tries: 1
    http://127.0.0.1:0/24: the time limit of 2s was reached, tries: 3
    pages: 21, bytes: 298404, retries: 6, failed: 3
    - status 404: 1
    - status 500: 1
    - the time limit of 2s was reached: 1";
const MISSING: &str = "http://127.0.0.1:0/plain: \"A\", 0 links, 1 words, tries: 1
    http://127.0.0.1:0?query: \"\", 1 links, 3 words, tries: 1
    http://127.0.0.1:0/chunks: \"\", 0 links, 3 words, tries: 1
    http://127.0.0.1:0/large: too large: more than 64 KiB of head, or 4 MiB of page, tries: 1
    http://127.0.0.1:0/chunk: too large: more than 64 KiB of head, or 4 MiB of page, tries: 1
    http://127.0.0.1:0/moved: status 301, tries: 1
    http://127.0.0.1:0/alien: the answer is no HTTP/1.1, tries: 1
    https://127.0.0.1/: https needs TLS, which this example leaves out, tries: 1
    pages: 3, bytes: 59, retries: 0, failed: 5
    - https needs TLS, which this example leaves out: 1
    - status 301: 1
    - the answer is no HTTP/1.1: 1
    - too large: more than 64 KiB of head, or 4 MiB of page: 2";

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

/// Serves each of these answers to who asks for its path, as long as the test runs; where.
fn answers(pages: &'static [(&str, &str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<String> = head.by_ref().take_while(|line| !line.is_empty()).collect();
            let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
            let answer = pages.iter().find(|(page, _)| *page == path);
            let (_, answer) = answer.unwrap_or_else(|| panic!("asked for {head:?}"));
            // Who has heard enough hangs up.
            let _ = stream.write_all(answer.as_bytes());
        }
    };
    std::thread::Builder::new().name("pages".to_owned()).spawn(serve).unwrap();
    root
}

/// A line without the port of the machine's own address, which differs from run to run.
fn without_port(line: String) -> String {
    let own = "127.0.0.1:";
    let Some((before, rest)) = line.split_once(own) else { return line };
    format!("{before}{own}0{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// Cargo builds what is out of date and then becomes the example, so a signal reaches it.
fn cargo(example: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--example", example]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    command.arg("--").args(arguments).stdin(Stdio::null());
    command
}

/// An example while it runs; it is ended when the test is over, however that ends.
struct Running {
    child: Child,
    printed: Receiver<String>,
}

impl Running {
    fn start(example: &str, arguments: &[&str]) -> Self {
        let mut child = cargo(example, arguments).stdout(Stdio::piped()).spawn().unwrap();
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

    #[cfg(unix)]
    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success(), "the signal was not sent");
    }

    fn lines_until(&self, is_last: impl Fn(&str) -> bool) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while lines.last().is_none_or(|line| !is_last(line)) {
            let line = self.printed.recv_timeout(LIMIT);
            lines.push(line.unwrap_or_else(|error| panic!("{error} after {lines:#?}")));
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
