//! Whoever decides about an actor: what it hears, and what it answers.

use super::control::Control;
use super::exit::ExitReason;
use super::recovery::Recovery;

/// What an actor's parent hears of it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum ChildEvent {
    Started,
    /// It declined to start, which is no error; it waits for a verdict.
    Declined,
    /// It failed to start; it waits for a verdict.
    StartFailed(ExitReason),
    /// An incarnation that had started ended; the actor waits for a verdict, and may ask for one.
    Ended(ExitReason, Recovery),
}

/// Whoever decides what becomes of an actor when an incarnation of it ends.
pub(crate) trait Parent {
    fn child_event(&self, child: &Control, event: ChildEvent);
}

/// What a parent decides about an actor whose incarnation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Go on: the same address, the same mailbox, the next incarnation.
    Restart,
    /// That was the end.
    Finish,
}
