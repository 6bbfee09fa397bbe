//! Processes: what errors say, both directions at once, limits, pipelines, threads.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use futures::future::join;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use greenroom::process::{Command, PipeReader, ProcessError, Stdio, pipe};
use greenroom::time;

use crate::support::{finishes, ms, real, simulated};

fn on_a_loop<F: AsyncFnOnce() + Send + 'static>(f: F) {
    finishes(|| real().run(f()));
}

fn piped(command: Command) -> Command {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true)
}

/// A file of one's own, for one test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &str, mode: u32) -> Self {
        let path = std::env::temp_dir().join(format!("greenroom-{}-{name}", std::process::id()));
        std::fs::write(&path, text).expect("there is a place for files");
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn what_does_not_start_says_why_and_what_to_do() {
    on_a_loop(async || {
        let error = |command: Command| command.spawn().map(drop).expect_err("it cannot start");
        let missing = error(Command::new("no-such-program-4711"));
        assert!(matches!(missing, ProcessError::NotFound { .. }));
        assert!(missing.to_string().contains("`no-such-program-4711` was not found"));
        assert_eq!(io::Error::from(missing).kind(), io::ErrorKind::NotFound);

        let nowhere = error(Command::new("true").current_dir("/no/such/place"));
        assert!(nowhere.to_string().contains("no directory \"/no/such/place\""), "{nowhere}");

        let plain = Scratch::new("plain", "no program", 0o644);
        let denied = error(Command::new(&plain.0));
        assert!(matches!(denied, ProcessError::Denied { .. }));
        assert!(denied.to_string().contains("may not be executed"), "{denied}");
        assert_eq!(io::Error::from(denied).kind(), io::ErrorKind::PermissionDenied);

        let script = Scratch::new("script", "echo no first line that says what runs it", 0o755);
        let unknown = error(Command::new(&script.0));
        assert!(unknown.to_string().contains("(#!)"), "{unknown}");

        let long = error(Command::new("true").arg("x".repeat(10_000_000)));
        assert!(long.to_string().contains("by a pipe or a file"), "{long}");

        let nul = error(Command::new("true").arg("a\0b"));
        assert!(matches!(nul, ProcessError::NotStarted { .. }), "{nul}");
    });
}

#[test]
fn nothing_starts_where_nothing_could_wait_for_it() {
    let marker = Scratch::new("marker", "", 0o644);
    let touch = || Command::new("rm").arg(&marker.0);
    let nowhere = touch().spawn().expect_err("there is no loop");
    assert!(nowhere.to_string().contains("no Greenroom loop runs on this thread"), "{nowhere}");
    simulated().run(async {
        let simulated = touch().spawn().expect_err("there are no processes in virtual time");
        assert!(matches!(simulated, ProcessError::NoLoop { .. }));
        assert!(simulated.to_string().contains("virtual clock"), "{simulated}");
    });
    assert!(marker.0.exists());
}

#[test]
fn both_directions_flow_at_once_whatever_their_size() {
    on_a_loop(async || {
        let input = "0123456789abcde\n".repeat(100_000);
        let mut tee = piped(Command::shell("tee /dev/stderr")).spawn().expect("it starts");
        let output = tee.communicate(&input).await.expect("it talks");
        assert!(output.status.success());
        assert_eq!((output.stdout.len(), output.stderr.len()), (input.len(), input.len()));
        assert!(output.stdout == input.as_bytes());
        let again = tee.communicate("more").await.expect("it has ended");
        assert_eq!((again.status, again.stdout.len()), (output.status, 0));
    });
}

#[test]
fn input_that_is_not_read_is_no_error() {
    on_a_loop(async || {
        let mut deaf = piped(Command::shell("echo done")).spawn().expect("it starts");
        let output = deaf.communicate(vec![b'x'; 4_000_000]).await.expect("it need not read");
        assert_eq!(output.stdout, b"done\n");
    });
}

#[test]
fn the_limit_counts_for_each_output_and_is_no_byte_off() {
    on_a_loop(async || {
        let ten =
            |limit| Command::shell("printf 0123456789; printf 0123456789 >&2").output_max(limit);
        let exact = ten(10).output().await.expect("it is within the limit");
        assert_eq!((exact.stdout.len(), exact.stderr.len()), (10, 10));
        let error = ten(9).output().await.expect_err("it is not");
        assert!(matches!(error, ProcessError::OutputTooLong { limit: 9, .. }));
        assert!(error.to_string().contains("`Command::output_max`"), "{error}");

        let mut yes = piped(Command::new("yes")).output_max(100).spawn().expect("it starts");
        assert!(yes.communicate("").await.is_err());
        let status = yes.wait().await.expect("its pipes are closed, so it ends");
        assert!(!status.success());
    });
}

#[test]
fn a_conversation_that_is_given_up_leaves_the_child_to_be_killed() {
    on_a_loop(async || {
        let mut cat = Command::new("sleep").arg("1000").stdout(Stdio::piped()).spawn().unwrap();
        assert!(time::timeout(ms(10), cat.communicate("")).await.is_err());
        assert_eq!(cat.try_wait().expect("nobody took it"), None);
        cat.kill().expect("it is ours");
        assert!(!cat.wait().await.expect("nobody took it").success());
    });
}

#[test]
fn a_dialogue_line_by_line() {
    on_a_loop(async || {
        let mut cat = piped(Command::new("cat")).spawn().expect("it starts");
        let (mut to, mut from) = (cat.stdin.take().unwrap(), cat.stdout.take().unwrap());
        let mut buffer = [0; 64];
        for line in ["one\n", "two\n", "three\n"] {
            to.write_all(line.as_bytes()).await.expect("it reads");
            let length = from.read(&mut buffer).await.expect("it answers");
            assert_eq!(&buffer[..length], line.as_bytes());
        }
        to.close().await.expect("it can be closed");
        let closed = to.write(b"more").await.expect_err("it is closed");
        assert_eq!(closed.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(from.read(&mut buffer).await.expect("it can be read"), 0);
        assert!(cat.wait().await.expect("nobody took it").success());
    });
}

#[test]
fn a_command_that_never_started_closes_what_it_was_given() {
    on_a_loop(async || {
        let (writer, mut reader) = pipe().expect("there are descriptors");
        let gone = Command::new("no-such-program-4711").stdout(writer.into_stdio().unwrap());
        assert!(gone.spawn().is_err());
        assert_eq!(reader.read(&mut [0; 8]).await.expect("it can be read"), 0);

        let merged = Command::shell("echo out; echo err >&2").stderr_to_stdout();
        let mut merged = merged.spawn().expect("it starts");
        let mut both = String::new();
        merged.stdout.take().expect("it is piped").read_to_string(&mut both).await.unwrap();
        assert_eq!(both, "out\nerr\n");
    });
}

#[test]
fn a_pipe_nobody_reads_is_broken() {
    on_a_loop(async || {
        let (mut writer, reader) = pipe().expect("there are descriptors");
        let fill = async {
            loop {
                if let Err(error) = writer.write(&[0; 8_192]).await {
                    return error;
                }
            }
        };
        let leave = async {
            time::sleep(ms(5)).await;
            drop(reader);
        };
        let (error, ()) = join(fill, leave).await;
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        let file = std::fs::File::open("/dev/null").expect("it is there");
        assert!(PipeReader::from_fd(file).is_ok());
    });
}

#[test]
fn a_child_belongs_to_the_loop_that_first_waited_and_may_be_dropped_anywhere() {
    finishes(|| {
        let child = real().run(async {
            let child = Command::new("sleep").arg("1000").kill_on_drop(true).spawn().unwrap();
            assert!(time::timeout(ms(5), child.wait()).await.is_err());
            child
        });
        real().run(async {
            let error = child.wait().await.expect_err("it is another loop's");
            assert!(error.to_string().contains("another event loop"), "{error}");
            assert!(child.try_wait().expect("looking needs no loop").is_none());
        });
        let id = child.id();
        let dropped = std::thread::Builder::new().spawn(move || drop(child)).expect("a thread");
        dropped.join().expect("it does not panic");
        if cfg!(target_os = "linux") {
            assert!(!PathBuf::from(format!("/proc/{id}")).exists(), "killed and reaped");
        }
    });
}
