//! PR: what ends a process and what does not; waiting is for the process and not for its pipes.

use std::cell::RefCell;
use std::os::unix::process::ExitStatusExt as _;
use std::rc::Rc;

use futures::future::{join, join_all};
use futures::io::AsyncReadExt as _;
use greenroom::process::{Child, Command, ProcessError, Stdio};
use greenroom::signal::Signal;
use greenroom::{task, time};

use crate::support::{finishes, ms, real, secs};

/// Runs `f` on a loop of the machine and fails if it hangs.
fn on_a_loop<F: AsyncFnOnce() + Send + 'static>(f: F) {
    finishes(|| real().run(async { within(f()).await }));
}

/// Far longer than any process here takes.
async fn within<T>(future: impl Future<Output = T>) -> T {
    time::timeout(secs(30), future).await.expect("it does not hang")
}

fn sleeper() -> Command {
    Command::new("sleep").arg("1000")
}

/// `R` runs, `Z` is a zombie, … ; `None` when there is no such process.
fn state(process: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in brackets and may have anything in it.
    stat.rsplit_once(") ")?.1.chars().next()
}

fn runs(process: u32) -> bool {
    state(process).is_some_and(|state| state != 'Z')
}

async fn gone(process: u32) {
    while state(process).is_some() {
        time::sleep(ms(5)).await;
    }
}

/// **G2** Whoever gives up waiting leaves the process as it is; it can be waited for again.
#[test]
fn pr_01_cancelling_the_wait_leaves_the_process_alive() {
    on_a_loop(async || {
        let child = Rc::new(sleeper().kill_on_drop(true).spawn().expect("it starts"));
        let waiting = Rc::clone(&child);
        let waiter = task::spawn(async move { waiting.wait().await.map(drop) });
        task::yield_now().await;
        waiter.abort();
        assert!(waiter.await.is_err());
        assert!(time::timeout(ms(10), child.wait()).await.is_err());
        assert_eq!(child.try_wait().expect("nobody took it"), None);
        assert!(runs(child.id()));
        child.kill().expect("it is ours");
        assert_eq!(child.wait().await.expect("nobody took it").signal(), Some(9));
    });
}

/// **G2** Letting go of one that runs kills it, if that was asked for, and it leaves no zombie.
/// (asyncio closes a transport; here that is the drop of the `Child`, half-way through a future as
/// well. Starting is no future in Rust, so it cannot be given up half-way.)
#[test]
fn pr_01_dropping_a_running_one_kills_it() {
    on_a_loop(async || {
        let child = sleeper().kill_on_drop(true).spawn().expect("it starts");
        let id = child.id();
        assert_eq!(child.try_wait().expect("nobody took it"), None);
        drop(child);
        gone(id).await;

        let given_up = RefCell::new(0);
        let conversation = async {
            let mut child = sleeper().kill_on_drop(true).stdout(Stdio::piped()).spawn().unwrap();
            given_up.replace(child.id());
            child.communicate("").await
        };
        assert!(time::timeout(ms(10), conversation).await.is_err());
        gone(given_up.take()).await;
    });
}

/// **G2** Without that it goes on, and is reaped all the same when it ends.
#[test]
fn pr_01_dropping_another_lets_it_run_and_reaps_it() {
    on_a_loop(async || {
        let child = Command::shell("read _; exit 5");
        let mut child = child.stdin(Stdio::piped()).spawn().expect("it starts");
        let (id, stdin) = (child.id(), child.stdin.take());
        drop(child);
        time::sleep(ms(20)).await;
        assert!(runs(id), "it waits for its input");
        drop(stdin);
        gone(id).await;
    });
}

/// **G2** Waiting is over when the process has ended, though a child of its own keeps its pipe.
#[test]
fn pr_01_wait_ends_though_a_grandchild_keeps_the_pipe() {
    on_a_loop(async || {
        let shell = Command::shell("sleep 1000 & echo $!; exit 3").stdout(Stdio::piped());
        let mut child = shell.spawn().expect("it starts");
        assert_eq!(within(child.wait()).await.expect("nobody took it").code(), Some(3));

        let mut output = child.stdout.take().expect("it is piped");
        let mut grandchild = [0; 32];
        let length = output.read(&mut grandchild).await.expect("it can be read");
        let grandchild = String::from_utf8_lossy(&grandchild[..length]).trim().to_owned();
        let mut rest = [0; 8];
        assert!(
            time::timeout(ms(20), output.read(&mut rest)).await.is_err(),
            "the grandchild has it still"
        );
        let killed = Command::new("kill").args(["-KILL", &grandchild]).status().await;
        assert!(killed.expect("there is `kill`").success());
        assert_eq!(output.read(&mut rest).await.expect("it can be read"), 0, "the end");
    });
}

/// **G2** One that has ended gets no signal, so none can reach who has its number now; also when it
/// was never waited for, or ends in this very moment.
#[test]
fn pr_01_a_signal_goes_to_this_process_or_to_none() {
    on_a_loop(async || {
        let child = Command::new("true").spawn().expect("it starts");
        while state(child.id()) != Some('Z') {
            time::sleep(ms(1)).await;
        }
        let error = child.send_signal(Signal::TERM).expect_err("it has ended");
        assert!(matches!(error, ProcessError::Ended { .. }));
        let text = error.to_string();
        assert!(text.contains("`true`") && text.contains("SIGTERM was not sent"), "{text}");
        assert_eq!(state(child.id()), None, "it was reaped by looking");
        assert!(child.kill().is_ok() && child.terminate().is_ok(), "it is what they are for");
        assert!(child.wait().await.expect("we took it").success());
        assert!(matches!(child.send_signal(Signal::USR1), Err(ProcessError::Ended { .. })));
    });
}

/// **G2** Any number of tasks may wait for one process, and again after its end.
#[test]
fn pr_01_everybody_who_waits_hears_of_the_end() {
    on_a_loop(async || {
        let child = sleeper().spawn().expect("it starts");
        let ends = async {
            time::sleep(ms(5)).await;
            child.terminate().expect("it is ours");
        };
        let waiting = join_all((0..5).map(|_| child.wait()));
        let (statuses, ()) = join(waiting, ends).await;
        for status in statuses {
            assert_eq!(status.expect("nobody took it").signal(), Some(15));
        }
        assert_eq!(child.wait().await.expect("it is kept").signal(), Some(15));
    });
}

/// **G2** A hundred that nobody waits for leave no zombie.
// Z1: a child that has ended is reaped, whoever has let go of it
#[test]
fn pr_01_there_are_no_zombies() {
    on_a_loop(async || {
        let start = |n: usize| match n % 4 {
            0 => Command::new("true").spawn(),
            1 => Command::shell("exit 1").kill_on_drop(true).spawn(),
            2 => sleeper().kill_on_drop(true).spawn(),
            _ => Command::new("sleep").arg("0.02").spawn(),
        };
        let children: Vec<Child> = (0..100).map(|n| start(n).expect("it starts")).collect();
        let ids: Vec<u32> = children.iter().map(Child::id).collect();
        drop(children);
        for id in ids {
            gone(id).await;
        }
    });
}

/// **G2** Nor does the end of the loop: what it has killed is gone with it, and what goes on is
/// reaped when this process starts another one.
// Z1: a child that has ended is reaped, whoever has let go of it
#[test]
fn pr_01_the_end_of_the_loop_leaves_no_zombies() {
    finishes(|| {
        let (killed, left, stdin) = real().run(async {
            let killed = sleeper().kill_on_drop(true).spawn().expect("it starts");
            let mut left = Command::shell("read _").stdin(Stdio::piped()).spawn().unwrap();
            let (ids, stdin) = ((killed.id(), left.id()), left.stdin.take());
            task::spawn(async move {
                let _held = (killed, left);
                std::future::pending::<()>().await;
            });
            task::yield_now().await;
            (ids.0, ids.1, stdin)
        });
        assert_eq!(state(killed), None);
        assert!(runs(left));
        drop(stdin);
        on_a_loop(async move || {
            while state(left).is_some() {
                Command::new("true").status().await.expect("it starts");
            }
        });
    });
}
