//! The restart of a group: stop the siblings that share the fate, last first, then start all in
//! order; pure.
//!
//! A group is everything from one child to the last. It need not be whole when it is restarted:
//! children whose start failed, or that ended before it was their turn to be stopped, are taken
//! along.

use std::ops::Bound;

use crate::base::invariant::invariant;
use crate::supervisor::children::{AfterStop, ChildId, Hold, Origin, State};
use crate::supervisor::decide::{Decider, Phase, Turn};
use crate::supervisor::strategy::Restart;

/// First half: stopping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clearing {
    /// The child whose failure this is about.
    cause: ChildId,
    first: ChildId,
    /// Where the walk from the end is: nothing at or after this place lives.
    below: Bound<ChildId>,
    then: Then,
}

/// What follows when the group is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Revive,
    /// The cause has a back-off of so many nanoseconds.
    Wait(u64),
}

/// Second half: starting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reviving {
    first: ChildId,
    /// The child that was started last.
    last: Option<ChildId>,
    whom: Whom,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    /// Every child with a spec, also those that had ended for good.
    All,
    /// Those whose cells wait for their group.
    Held,
}

impl Clearing {
    pub(super) fn new(cause: ChildId, first: ChildId, then: Then) -> Self {
        Self { cause, first, below: Bound::Unbounded, then }
    }

    /// Whether the end of a running child belongs to this restart.
    pub(super) fn covers(&self, id: ChildId) -> bool {
        id >= self.first
    }
}

impl Decider {
    /// Stops the last child of the group that lives; goes on to the second half if none does.
    pub(super) fn clear(&mut self, mut clearing: Clearing, turn: &mut Turn<'_>) -> bool {
        let next = self.children.last_before(clearing.below).filter(|id| *id >= clearing.first);
        let Some(id) = next else {
            self.phase = match clearing.then {
                Then::Revive => {
                    let (first, last) = (clearing.first, None);
                    Phase::Reviving(Reviving { first, last, whom: Whom::All })
                }
                Then::Wait(delay_ns) => {
                    self.schedule_retry(clearing.cause, delay_ns, turn);
                    Phase::Serving
                }
            };
            return true;
        };
        match self.children.state(id) {
            // A start that somebody asked for is not cut short, only followed by a stop.
            Some(State::Starting(_) | State::Stopping(_)) => return false,
            Some(State::Running) => {
                self.check_nothing_lives_after(id);
                self.stop(id, AfterStop::Hold, Vec::new(), turn);
                return false;
            }
            Some(State::Ended(_)) => self.hold_for_group(id, turn),
            Some(State::Idle) | None => {}
        }
        clearing.below = Bound::Excluded(id);
        self.phase = Phase::Clearing(clearing);
        true
    }

    /// A member of the group that is being stopped has ended: it comes back with the group,
    /// whatever it was waiting for, unless it is temporary.
    pub(super) fn hold_for_group(&mut self, id: ChildId, turn: &mut Turn<'_>) {
        let Some(child) = self.children.get(id) else { return };
        if child.plan.restart == Restart::Temporary {
            self.finish(id, turn);
        } else {
            self.children.set(id, State::Ended(Hold::Group));
        }
    }

    /// Starts the next child of the group, once the start of the one before has come out.
    pub(super) fn revive(&mut self, mut reviving: Reviving, turn: &mut Turn<'_>) -> bool {
        if reviving.last.is_some_and(|id| self.is_starting(id)) {
            return false;
        }
        let from = reviving.last.map_or(Bound::Included(reviving.first), Bound::Excluded);
        let Some(id) = self.children.first_from(from) else {
            self.phase = Phase::Serving;
            return true;
        };
        let due = match self.children.state(id) {
            Some(State::Ended(Hold::Group)) => true,
            Some(State::Idle) => reviving.whom == Whom::All,
            Some(_) | None => false,
        };
        if due {
            invariant!(S1, reviving.last < Some(id), "{id:?} is to start in {reviving:?}");
            self.begin(id, Origin::Group, turn);
        }
        reviving.last = Some(id);
        self.phase = Phase::Reviving(reviving);
        true
    }

    /// A retry was cancelled: those that waited for it are started without it.
    pub(super) fn release_group(&mut self) {
        let waits = |state: &State| matches!(state, State::Ended(Hold::Group));
        let first = self.children.iter().find(|(_, child)| waits(child.state()));
        if let Some((first, _)) = first {
            self.phase = Phase::Reviving(Reviving { first, last: None, whom: Whom::Held });
        }
    }
}
