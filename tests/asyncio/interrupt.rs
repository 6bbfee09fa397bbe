//! SIGINT: the first cancels in order, the second ends at once. Each case is a process of its own.

use std::future::pending;

use greenroom::task::{self, cancellable};
use greenroom::{System, time};

use crate::again::{Again, say, scenario};
use crate::support::{finishes, ms, secs};

const PROCESS: &str = "interrupt::the_interrupted_process";

/// **T9** The first SIGINT stops the system and asks main and what is left over to cancel: both
/// clean up, also by awaiting, and the exit status says that it was an interrupt.
#[test]
fn tk_09_the_first_sigint_lets_everything_clean_up() {
    finishes(|| {
        let mut process = Again::start(PROCESS, "cleans up");
        process.signal("-INT");
        process.wait_for("main cleaned up");
        process.wait_for("a task cleaned up");
        assert_eq!(process.end().code(), Some(130));
    });
}

/// **T9** The second ends the process at once, whatever still cleans up, with the same status.
#[test]
fn tk_09_the_second_sigint_ends_at_once() {
    finishes(|| {
        let mut process = Again::start(PROCESS, "never ends");
        process.signal("-INT");
        process.wait_for("stopping");
        assert!(process.is_running());
        process.signal("-INT");
        assert_eq!(process.end().code(), Some(130));
    });
}

/// **T9** A first SIGINT counts also when the program has stopped the system before, and main is
/// still there.
#[test]
fn tk_09_a_sigint_after_a_stop_is_heard() {
    finishes(|| {
        let mut process = Again::start(PROCESS, "stopped before");
        process.signal("-INT");
        process.wait_for("main cleaned up");
        assert_eq!(process.end().code(), Some(130));
    });
}

async fn cleans_up(who: &str) {
    let Err(cancelled) = cancellable(pending::<()>()).await else { return };
    time::sleep(ms(20)).await;
    say(&format!("{who} cleaned up"));
    cancelled.resume().await
}

async fn never_ends(system: &System) {
    system.stopped().await;
    say("stopping");
    loop {
        let _ = cancellable(time::sleep(secs(3_600))).await;
    }
}

#[test]
fn the_interrupted_process() {
    let Some(scenario) = scenario() else { return };
    let outcome = System::builder().run(async |system| {
        task::spawn(cleans_up("a task")).detach();
        task::yield_now().await;
        if scenario == "stopped before" {
            system.stop();
            system.stopped().await;
        }
        say("ready");
        match scenario.as_str() {
            "cleans up" | "stopped before" => cleans_up("main").await,
            _ => never_ends(system).await,
        }
    });
    let interrupted = outcome.expect_err("it is interrupted");
    std::process::exit(interrupted.exit_status());
}
