//! The supervisors that an ordinary actor has started: they end with its incarnation, before its
//! stop hook.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::control::Control;
use super::id::ActorId;

/// The supervisors that belong to one actor.
#[derive(Default)]
pub(crate) struct Family {
    members: RefCell<Vec<Member>>,
    /// Somebody waits until they have stopped, or did until a kill ended that.
    stopping: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Member {
    supervisor: ActorId,
    /// It goes on when the incarnation crashes.
    survives: bool,
}

impl Family {
    pub(crate) fn add(&self, supervisor: ActorId, survives: bool) {
        self.members.borrow_mut().push(Member { supervisor, survives });
    }

    /// Whether it was there.
    pub(crate) fn remove(&self, supervisor: ActorId) -> bool {
        let mut members = self.members.borrow_mut();
        let before = members.len();
        members.retain(|member| member.supervisor != supervisor);
        members.len() < before
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.borrow().is_empty()
    }

    fn last(&self, all: bool) -> Option<ActorId> {
        let members = self.members.borrow();
        let last = members.iter().rev().find(|member| all || !member.survives);
        last.map(|member| member.supervisor)
    }

    /// Asks all of them, or those that do not survive a crash, to stop at once, where nobody can
    /// wait.
    pub(crate) fn stop_all(&self, all: bool) {
        let mut members = self.members.borrow_mut();
        let stopped: Vec<_> = members.extract_if(.., |member| all || !member.survives).collect();
        drop(members);
        stopped.iter().rev().for_each(|member| member.supervisor.stop());
    }
}

/// Stops the supervisors of an actor, the last started first, and waits for each; `all` of them, or
/// only those that do not survive a crash. A kill of the actor ends the wait, not the stop.
pub(crate) async fn stop(control: &Control, all: bool) {
    let Some(bonds) = control.made_bonds() else { return };
    let family = &bonds.family;
    if family.stopping.replace(true) && control.is_killed() {
        // This kill has ended the wait of before.
        family.stopping.set(false);
        return family.stop_all(all);
    }
    // A kill that ended the incarnation is done with; another one ends the wait.
    control.clear_kill();
    while let Some(supervisor) = family.last(all) {
        supervisor.stop();
        let mut ended = pin!(supervisor.ended());
        let killed = poll_fn(|cx| match ended.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(false),
            Poll::Pending if control.is_killed() => Poll::Ready(true),
            Poll::Pending => Poll::Pending,
        });
        if killed.await {
            family.stopping.set(false);
            return family.stop_all(all);
        }
        family.remove(supervisor);
    }
    family.stopping.set(false);
}
