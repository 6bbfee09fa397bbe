//! How long an actor may take to start, and to handle one message.

use std::task::Context;
use std::time::Duration;

use super::control::Control;
use super::exit::ExitReason;
use crate::base::clock::nanos;
use crate::event_loop::current;
use crate::timer::TimerKey;

/// The limits of one actor; none by default.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Limits {
    pub(crate) start: Option<Duration>,
    pub(crate) handler: Option<Duration>,
}

impl Limits {
    /// Who watches over them; nobody when there is none, which is the usual case.
    pub(crate) fn watchdog(self) -> Option<Box<Watchdog>> {
        let limited = self.start.is_some() || self.handler.is_some();
        limited.then(|| Box::new(Watchdog { limits: self, timed: None, timer: None }))
    }
}

/// What the present limit is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timed {
    Start,
    /// The message that was begun as number so much.
    Message(u64),
}

/// Watches over one incarnation after the other, between their polls.
#[derive(Debug)]
pub(crate) struct Watchdog {
    limits: Limits,
    timed: Option<(Timed, u64)>,
    timer: Option<TimerKey>,
}

impl Watchdog {
    /// The incarnation has been polled and goes on: gives why it must end, or sees to it that the
    /// task is woken at the limit. Time counts from the turn in which the start or the message
    /// began. The hooks of an end have the limit of the supervisor's shutdown rule and none here.
    pub(crate) fn check(&mut self, control: &Control, task: &Context<'_>) -> Option<ExitReason> {
        self.disarm();
        let core = current::get()?;
        let (timed, limit) = if control.is_winding_up() {
            (Timed::Start, None)
        } else if !control.has_started() {
            (Timed::Start, self.limits.start)
        } else if control.has_message() {
            (Timed::Message(control.handled()), self.limits.handler)
        } else {
            (Timed::Start, None)
        };
        let Some(limit) = limit else {
            self.timed = None;
            return None;
        };
        let deadline = match self.timed {
            Some((before, deadline)) if before == timed => deadline,
            _ => core.now().saturating_add(nanos(limit)),
        };
        if core.now() >= deadline {
            return Some(overdue(timed, control, limit));
        }
        self.timed = Some((timed, deadline));
        self.timer = Some(core.arm(deadline, task.waker()));
        None
    }

    /// The incarnation is over.
    pub(crate) fn rest(&mut self) {
        self.timed = None;
        self.disarm();
    }

    fn disarm(&mut self) {
        if let Some(timer) = self.timer.take() {
            current::with(|core| core.disarm(timer));
        }
    }
}

fn overdue(timed: Timed, control: &Control, limit: Duration) -> ExitReason {
    let what = match timed {
        Timed::Start => "the start".to_owned(),
        Timed::Message(_) => format!("the handler of `{}`", control.handling()),
    };
    tracing::warn!(
        target: "greenroom::slow", actor = %control.name, id = %control.id(),
        message = control.handling(), ?limit, "{what} takes too long and is given up",
    );
    ExitReason::TimedOut(format!("{what} took longer than {limit:?}").into())
}
