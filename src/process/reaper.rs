//! Children that nobody waits for any more: their loop does, and after it the next start of one.

use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::exit::Exit;
use crate::event_loop::current;
use crate::signal::Signal;

/// How long the end of a loop waits for a child that it has killed.
const KILL_LIMIT: Duration = Duration::from_secs(1);

/// Children whose loop is gone. They belong to the process, so the list is the process's.
static LEFT: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Takes a child over from whoever dropped it.
pub(crate) fn adopt(exit: Exit, kill: bool) {
    match exit.look() {
        // Reaped; or somebody else has done so.
        Ok(Some(_)) | Err(_) => return,
        Ok(None) => {}
    }
    let killed = kill && exit.end_by(Signal::KILL).is_ok();
    let orphan = Orphan { exit: Some(exit), killed };
    // A loop that is closing drops the future at once, and with it the orphan.
    if let Some(core) = current::get() {
        core.spawn(Box::pin(orphan.reap()));
    }
}

/// Reaps those that have ended since.
pub(crate) fn sweep() {
    // One that somebody else has reaped is an error, and of no interest either.
    left().retain_mut(|child| matches!(child.try_wait(), Ok(None)));
}

/// Dropped before its child has ended, it leaves that to the process.
struct Orphan {
    exit: Option<Exit>,
    killed: bool,
}

impl Orphan {
    async fn reap(mut self) {
        if let Some(exit) = &self.exit
            && exit.wait().await.is_ok()
        {
            self.exit = None;
        }
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        let Some(exit) = self.exit.take() else { return };
        if self.killed {
            exit.block(KILL_LIMIT);
        }
        if let Ok(None) = exit.look() {
            left().push(exit.into_child());
        }
    }
}

fn left() -> MutexGuard<'static, Vec<Child>> {
    // Nothing under this lock can panic half-way.
    LEFT.lock().unwrap_or_else(PoisonError::into_inner)
}
