//! The body of an actor's task: incarnation after incarnation, and the end.
//!
//! ```text
//!             ┌──────────────── Restart ───────────────┐
//!             ▼                                        │
//!   begin ─▶ live ─▶ incarnation ends ─▶ tell parent ─▶ verdict
//!             ▲         tasks cancelled,               │ Finish, or no parent
//!             │         orphaned asks told             ▼
//!          polled under a guard: a panic,             end: names free ─▶ mailbox closed,
//!          a kill or a stop drops it here                 the rest dead letters ─▶ watchers told
//! ```

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use super::cell::ActorCell;
use super::context::Cx;
use super::control::Control;
use super::dead_letter::{self, Cause};
use super::exit::ExitReason;
use super::family;
use super::incarnate::Incarnate;
use super::lease::{self, Settled};
use super::lifecycle::{self, Lifecycle};
use super::limits::Watchdog;
use super::link;
use super::monitor;
use super::orphan::Orphans;
use super::parent::{ChildEvent, Verdict};
use super::protocol::Protocol;
use super::reply::{Loss, Lost};
use super::wait;
use crate::base::panics::{catch, drop_quietly};
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::mailbox::side::Taken;

/// What an actor may take of its loop.
#[derive(Debug)]
pub(crate) struct Share {
    /// How many messages in one poll.
    pub(crate) messages: u32,
    /// Few actors have limits, and a box is small where there are none.
    pub(crate) watchdog: Option<Box<Watchdog>>,
}

/// Runs an actor from its first incarnation to its end, which happens also when this is dropped
/// before it was ever polled.
pub(crate) fn run<P, Kind, I>(
    incarnate: I,
    cell: Rc<ActorCell<P>>,
    share: Share,
) -> impl Future<Output = ()>
where
    P: Protocol,
    I: Incarnate<P, Kind>,
{
    let ending = Ending { cell, reason: ExitReason::Killed };
    live(incarnate, ending, share)
}

async fn live<P, Kind, I>(mut incarnate: I, ending: Ending<P>, mut share: Share)
where
    P: Protocol,
    I: Incarnate<P, Kind>,
{
    let mut cx = Cx { cell: Rc::clone(&ending.cell) };
    let reason = loop {
        let reason = one_life(&mut incarnate, &mut cx, &mut share).await;
        if cx.cell.control.has_family() {
            if let Some(core) = current::get() {
                settle_end(&cx.cell, &core, &reason);
            }
            Box::pin(family::stop(&cx.cell.control, reason.is_clean())).await;
        }
        let event = end_event(&cx.cell.control, &reason);
        lifecycle::tell(&cx.cell.control, || edge_of(&event, &reason));
        close_incarnation(&cx.cell, &reason);
        incarnate.reap().await;
        if cx.cell.control.parent.is_none() {
            break reason;
        }
        cx.cell.control.tell_parent(event);
        let verdict = poll_fn(|_| match cx.cell.control.verdict() {
            Some(verdict) => Poll::Ready(verdict),
            None => Poll::Pending,
        });
        match verdict.await {
            Verdict::Restart => cx.cell.control.next_incarnation(),
            Verdict::Finish => break reason,
        }
    };
    // The factory may hold values of the user's; they go before anybody hears of the end.
    if cx.cell.control.has_family() {
        // Nobody decides any more, so a kill is heard again.
        cx.cell.control.end_between();
        Box::pin(family::stop(&cx.cell.control, true)).await;
    }
    drop_quietly(incarnate);
    ending.finish(reason);
}

async fn one_life<P, Kind, I>(incarnate: &mut I, cx: &mut Cx<P>, share: &mut Share) -> ExitReason
where
    P: Protocol,
    I: Incarnate<P, Kind>,
{
    let cell = Rc::clone(&cx.cell);
    let mut life = pin!(Some(incarnate.live(cx)));
    poll_fn(|task| poll_life(life.as_mut(), &cell, share, task)).await
}

/// Polls a life under guard. However it ends, its future is dropped here, at once.
fn poll_life<P: Protocol, F: Future<Output = ExitReason>>(
    mut life: Pin<&mut Option<F>>,
    cell: &ActorCell<P>,
    share: &mut Share,
    task: &mut Context<'_>,
) -> Poll<ExitReason> {
    let control = &cell.control;
    let mut reason = None;
    if control.is_killed() {
        reason = Some(ExitReason::Killed);
    } else if let Some(future) = life.as_mut().as_pin_mut() {
        cell.mailbox.begin_poll(share.messages);
        control.listening.begin_poll();
        match catch(|| future.poll(task)) {
            Ok(Poll::Ready(ended)) => reason = Some(ended),
            Ok(Poll::Pending) if control.is_killed() => reason = Some(ExitReason::Killed),
            Ok(Poll::Pending) if control.take_end_here() => {
                reason = Some(control.take_stop_reason())
            }
            Ok(Poll::Pending) => {
                reason = share.watchdog.as_mut().and_then(|watchdog| watchdog.check(control, task));
            }
            Err(text) => reason = Some(ExitReason::Panicked(text)),
        }
    }
    let Some(reason) = reason else { return Poll::Pending };
    if let Some(watchdog) = &mut share.watchdog {
        watchdog.rest();
    }
    match catch(|| life.set(None)) {
        Err(text) if reason.is_clean() => Poll::Ready(ExitReason::Panicked(text)),
        Ok(()) | Err(_) => Poll::Ready(reason),
    }
}

/// What the parent is told of an end.
fn end_event(control: &Control, reason: &ExitReason) -> ChildEvent {
    if control.has_declined() && reason.is_clean() {
        return ChildEvent::Declined;
    }
    if reason.is_clean() && !control.is_stopping() {
        // A function that was done before it took a message has started all the same.
        control.mark_started();
    }
    if control.has_started() {
        ChildEvent::Ended(reason.clone(), control.take_recovery(reason))
    } else {
        ChildEvent::StartFailed(reason.clone())
    }
}

/// What whoever listens to lives is told of an end.
fn edge_of(event: &ChildEvent, reason: &ExitReason) -> Lifecycle {
    match event {
        ChildEvent::Declined => Lifecycle::Declined,
        ChildEvent::StartFailed(reason) => Lifecycle::StartFailed(reason.clone()),
        ChildEvent::Started | ChildEvent::Ended(..) if reason.is_crash() => {
            Lifecycle::Crashed(reason.clone())
        }
        ChildEvent::Started | ChildEvent::Ended(..) => Lifecycle::Finished(reason.clone()),
    }
}

/// Cleans up after an incarnation: nothing of it is left when the next one begins.
fn close_incarnation<P: Protocol>(cell: &ActorCell<P>, reason: &ExitReason) {
    let control = &cell.control;
    let Some(core) = current::get() else { return };
    for task in control.take_tasks() {
        core.cancel(task);
    }
    settle_end(cell, &core, reason);
    let next = cell.mailbox.drain_next();
    control.skip(next.len());
    for message in next {
        dead_letter::bury(control, message, &Cause::Ended(reason.clone()));
    }
    cell.end_incarnation(&core);
    wait::forget(control);
    if reason.is_crash() {
        tracing::warn!(
            target: "greenroom::actor", actor = %control.name, id = %control.id(),
            incarnation = control.incarnation(), message = control.handling(), %reason, "crashed",
        );
        if control.has_message() {
            dead_letter::announce(control, control.handling(), Cause::Crashed(reason.clone()));
        }
    }
    control.end_incarnation();
}

/// Tells those whose asks the incarnation has dropped why, and brings back what it held under
/// lease: at once, before the hooks that may take their time.
pub(crate) fn settle_end<P: Protocol>(cell: &ActorCell<P>, core: &Core, reason: &ExitReason) {
    let control = &cell.control;
    let orphans = core.locals.get::<Orphans>();
    let Some(_) = cell.made_extra() else { return orphans.settle_for(control, reason) };
    let Settled { in_hand, done } = lease::settle(cell, reason);
    if in_hand {
        // It is not lost.
        control.end_message();
    }
    orphans.settle_for(control, reason);
    // The end does not explain why these were not answered.
    let dropped = Loss { by: Some(control.label()), why: Lost::Dropped };
    orphans.during(dropped, || drop_quietly(done));
}

/// Makes the end happen also when the body itself is dropped: with its loop, or by a panic in it.
struct Ending<P: Protocol> {
    cell: Rc<ActorCell<P>>,
    reason: ExitReason,
}

impl<P: Protocol> Ending<P> {
    fn finish(mut self, reason: ExitReason) {
        self.reason = reason;
    }
}

impl<P: Protocol> Drop for Ending<P> {
    fn drop(&mut self) {
        let control = &self.cell.control;
        if !control.end() {
            return;
        }
        // First of all: no code of the user's finds an actor that has ended by a name.
        control.releases.run();
        if let Some(core) = current::get() {
            for task in control.take_tasks() {
                core.cancel(task);
            }
            self.cell.end_incarnation(&core);
            if let Some(bonds) = control.made_bonds() {
                bonds.family.stop_all(true);
            }
            // Ports that the dropped body still held, when it did not end by itself.
            core.locals.get::<Orphans>().settle_for(control, &self.reason);
        }
        for waiter in self.cell.mailbox.close() {
            waiter.wake();
        }
        let mut panicked = None;
        while let Some(message) = self.cell.mailbox.drain_one() {
            let cause = match self.cell.mailbox.taken() {
                Taken::Redelivered(_) => Cause::Crashed(self.reason.clone()),
                Taken::Ordinary | Taken::Notice(_) => Cause::Ended(self.reason.clone()),
            };
            let in_drop = dead_letter::bury(control, message, &cause);
            panicked = panicked.or(in_drop);
        }
        if let Some(text) = panicked.filter(|_| self.reason.is_clean()) {
            self.reason = ExitReason::Panicked(text);
        }
        monitor::withdraw_all(control);
        tracing::debug!(
            target: "greenroom::actor", actor = %control.name, id = %control.id(),
            reason = %self.reason, "ended",
        );
        lifecycle::tell(control, || Lifecycle::Ended(self.reason.clone()));
        link::tell_all(control, &self.reason);
        monitor::tell_all(control, &self.reason);
    }
}
