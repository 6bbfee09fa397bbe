//! Ctrl-C: the first one cancels what runs and lets it clean up, the second one ends the process.

use std::future::pending;

use greenroom::{System, task, time};

use crate::again::{Again, say, scenario};
use crate::support::{finishes, ms};

/// **T9** At the first one main may return by itself. If it does not, it is cancelled as a task is:
/// its clean-up runs, then that of the tasks which are left, and the exit status tells of it.
#[test]
fn tk_09_the_first_interrupt_cancels_main_and_is_the_exit_status() {
    finishes(|| {
        let mut process = Again::start(PROCESS, "cleans up");
        process.signal("-INT");
        process.wait_for("main has cleaned up");
        process.wait_for("the task has cleaned up");
        assert_eq!(process.end().code(), Some(130));
    });
}

/// **T9** The second one ends the process at once, whatever still cleans up.
#[test]
fn tk_09_the_second_interrupt_ends_the_process_at_once() {
    finishes(|| {
        let mut process = Again::start(PROCESS, "hangs");
        process.signal("-INT");
        process.wait_for("main cleans up");
        process.signal("-INT");
        assert_eq!(process.end().code(), Some(130), "and not what comes after the end in order");
    });
}

const PROCESS: &str = "interrupts::the_process";

/// Not a test by itself: what the process does.
#[test]
fn the_process() {
    match scenario().as_deref() {
        None => {}
        Some("cleans up") => greenroom::run(async |_system| {
            let in_task = async {
                let _ = task::cancellable(pending::<()>()).await;
                time::sleep(ms(1)).await;
                say("the task has cleaned up");
            };
            task::spawn(in_task).detach();
            say("ready");
            let _ = task::cancellable(pending::<()>()).await;
            time::sleep(ms(1)).await;
            say("main has cleaned up");
        }),
        Some(_) => {
            let ended = System::builder().run(async |_system| {
                say("ready");
                let _ = task::cancellable(pending::<()>()).await;
                say("main cleans up");
                pending::<()>().await;
            });
            assert!(ended.is_err());
            std::process::exit(7);
        }
    }
}
