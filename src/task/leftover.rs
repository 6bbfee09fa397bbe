//! What becomes of tasks that still run when everything else has ended.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::all::{TaskInfo, all_on};
use super::life;
use crate::event_loop::current;
use crate::time::timeout;

/// How many are named in a report.
const NAMED: usize = 5;

/// Asks all tasks of this loop to cancel, and waits until they have cleaned up; at the limit, what
/// is left of them is left to the loop, which drops it.
pub(crate) async fn cancel_all(limit: Duration) {
    let Some(core) = current::get() else { return };
    let left = all_on(&core);
    if left.is_empty() {
        return;
    }
    tracing::info!(
        target: "greenroom::task", number = left.len(), tasks = %names(&left),
        "tasks were left over at the end and are cancelled",
    );
    for task in &left {
        life::cancel(&core, task.id.0);
    }
    let ended = poll_fn(|cx| {
        let mut open = false;
        for task in &left {
            let waits = life::with(&core, task.id.0, |life| life.wake_at_end(cx.waker()));
            open |= waits.is_some();
        }
        if open { Poll::Pending } else { Poll::Ready(()) }
    });
    if timeout(limit, ended).await.is_err() {
        let left: Vec<TaskInfo> = all_on(&core)
            .into_iter()
            .filter(|task| left.iter().any(|asked| asked.id == task.id))
            .collect();
        tracing::warn!(
            target: "greenroom::task", number = left.len(), tasks = %names(&left), ?limit,
            "tasks did not end when they were asked to cancel and are dropped",
        );
    }
}

fn names(tasks: &[TaskInfo]) -> String {
    let mut names: Vec<String> = tasks.iter().take(NAMED).map(ToString::to_string).collect();
    if tasks.len() > NAMED {
        names.push("…".to_owned());
    }
    names.join(", ")
}
