//! A whole system: its end by signals, in processes of its own, and two of them side by side.

use std::sync::Barrier;
use std::thread;

use greenroom::EventLoop;
use greenroom::prelude::*;

use crate::support::{Log, finishes, in_system, secs};
use crate::worker::{Knobs, WorkerProtocol, plain, worker};

#[test]
fn two_systems_in_one_process_share_no_names() {
    let both = Barrier::new(2);
    let one = || {
        in_system(async |system, log| {
            let w = system.spawn(plain("w", &log)).await.unwrap();
            system.register("shared", w).unwrap();
            // Both have the name now.
            both.wait();
            assert_eq!(system.lookup::<WorkerProtocol>("shared"), Ok(w));
            system.names()
        })
    };
    thread::scope(|threads| {
        let systems = [threads.spawn(one), threads.spawn(one)];
        for system in systems {
            assert_eq!(system.join().expect("it does not panic"), 1);
        }
    });
}

#[test]
fn a_system_inside_another_thread_does_not_see_the_names_of_the_first() {
    in_system(async |system, log| {
        let w = system.spawn(plain("w", &log)).await.unwrap();
        system.register("mine", w).unwrap();
        let other = finishes(|| {
            in_system(async |system, _| {
                (system.names(), system.lookup::<WorkerProtocol>("mine").is_err())
            })
        });
        assert_eq!(other, (0, true));
        assert_eq!(system.names(), 1);
    });
}

#[test]
fn when_main_returns_the_tree_stops_in_reverse_and_nothing_is_left() {
    let (log, actors) = in_system(async |system, log| {
        let a = system.spawn(plain("a", &log)).await.unwrap();
        let b = system.spawn(plain("b", &log)).await.unwrap();
        (log, [a, b])
    });
    assert_eq!(log.take(), ["start a", "start b", "stop b", "stop a"]);
    assert!(actors.iter().all(|actor| !actor.is_alive()));
}

#[test]
fn a_root_that_gives_up_ends_the_system_with_its_reason() {
    let event_loop = EventLoop::builder().virtual_clock(1);
    let system = System::builder().event_loop(event_loop).signals(false);
    let outcome = system.root_intensity(0, secs(1)).run(async |system| {
        let w = system.spawn(plain("w", &Log::new())).await.unwrap();
        w.kill();
        std::future::pending::<()>().await;
    });
    let interrupted = outcome.unwrap_err();
    assert_eq!(interrupted.exit_status(), 1);
    assert!(interrupted.to_string().contains("restart limit"), "{interrupted}");
}

#[test]
fn what_is_asked_of_a_stopped_system_is_refused() {
    in_system(async |system, log| {
        system.stop();
        assert_eq!(system.stopped().await, ExitReason::Shutdown);
        let late = system.spawn(child("w", worker("w", &log, &Knobs::new()))).await;
        assert!(late.is_err());
        assert!(log.take().is_empty());
    });
}

/// The test binary runs one of its own tests again, as a process to send signals to.
#[cfg(unix)]
mod processes {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

    use greenroom::prelude::*;
    use greenroom::system::Phases;

    use crate::support::{Log, finishes, hold_thread, ms, secs};
    use crate::worker::{Knobs, plain, worker};

    const SCENARIO: &str = "GREENROOM_TEST_SCENARIO";

    fn say(line: &str) {
        let mut out = std::io::stderr();
        writeln!(out, "{line}").expect("the parent listens");
    }

    struct Process {
        child: Child,
        lines: BufReader<ChildStderr>,
    }

    impl Process {
        fn start(scenario: &str) -> Self {
            let binary = std::env::current_exe().expect("the test binary");
            let mut child = Command::new(binary)
                .args(["--exact", "system::processes::the_process", "--nocapture"])
                .env(SCENARIO, scenario)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("it starts");
            let lines = BufReader::new(child.stderr.take().expect("a pipe"));
            let mut process = Self { child, lines };
            process.wait_for("ready");
            process
        }

        fn wait_for(&mut self, wanted: &str) {
            let mut line = String::new();
            while line.trim() != wanted {
                line.clear();
                let read = self.lines.read_line(&mut line).expect("it can be read");
                assert_ne!(read, 0, "it ended before it said {wanted:?}");
            }
        }

        fn signal(&self, signal: &str) {
            let id = self.child.id().to_string();
            let sent = Command::new("kill").args([signal, &id]).status().expect("there is `kill`");
            assert!(sent.success());
        }

        /// What it says until it ends, and how it ends.
        fn end(mut self) -> (ExitStatus, Vec<String>) {
            let mut rest = String::new();
            self.lines.read_to_string(&mut rest).expect("it can be read");
            let status = self.child.wait().expect("it ends");
            let said = |line: &&str| line.starts_with("stop") || line.starts_with("main");
            (status, rest.lines().filter(said).map(str::to_owned).collect())
        }
    }

    /// Not a test by itself: what the process does.
    #[test]
    fn the_process() {
        let Ok(scenario) = std::env::var(SCENARIO) else { return };
        let log = Log::new();
        greenroom::run(async |system: &System| {
            system.spawn(plain("a", &log)).await.unwrap();
            let takes = if scenario == "hangs" { secs(1_000) } else { ms(10) };
            let b = worker("b", &log, &Knobs::new().stop_takes(takes));
            let b = child("b", b).shutdown(Shutdown::Infinity);
            system.spawn(b).await.unwrap();
            log.take();
            if scenario == "phases" {
                let unbind = async {
                    say("stop unbind");
                    Ok::<(), Fault>(())
                };
                system.shutdown().add(Phases::UNBIND, "unbind", unbind).unwrap();
            }
            say("ready");
            if scenario == "returns" || scenario == "phases" {
                system.stopped().await;
                log.take().iter().for_each(|line| say(line));
                say("main returns");
                return;
            }
            if scenario == "stays" {
                system.stopped().await;
                log.take().iter().for_each(|line| say(line));
            }
            std::future::pending::<()>().await;
        });
        std::process::exit(0);
    }

    const STOPS: [&str; 2] = ["stop b", "stop a"];

    #[test]
    fn sigterm_stops_the_tree_in_order_and_main_decides_the_status() {
        finishes(|| {
            let process = Process::start("returns");
            process.signal("-TERM");
            let (status, said) = process.end();
            assert_eq!(status.code(), Some(0));
            assert_eq!(said, [&STOPS[..], &["main returns"]].concat());
        });
    }

    #[test]
    fn sigterm_runs_the_phases_of_the_shutdown_before_the_tree_stops() {
        finishes(|| {
            let process = Process::start("phases");
            process.signal("-TERM");
            let (status, said) = process.end();
            assert_eq!(status.code(), Some(0));
            assert_eq!(said, [&["stop unbind"], &STOPS[..], &["main returns"]].concat());
        });
    }

    #[test]
    fn a_main_that_never_returns_ends_with_the_status_of_the_signal() {
        for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
            finishes(move || {
                let process = Process::start("stays");
                process.signal(signal);
                let (status, said) = process.end();
                assert_eq!(status.code(), Some(code));
                assert_eq!(said, STOPS);
            });
        }
    }

    #[test]
    fn a_second_signal_ends_a_stop_that_hangs() {
        for (second, code) in [("-TERM", 143), ("-INT", 130)] {
            finishes(move || {
                let process = Process::start("hangs");
                process.signal("-TERM");
                // Two signals of a kind that wait together are one to the kernel.
                hold_thread(ms(200));
                process.signal(second);
                let (status, said) = process.end();
                assert_eq!(status.code(), Some(code));
                assert!(said.is_empty(), "{said:?}");
            });
        }
    }
}
