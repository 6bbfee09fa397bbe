//! The first start: the static children one after another, and the way back if one fails; pure.

use std::ops::Bound;

use crate::actor::ExitReason;
use crate::base::invariant::invariant;
use crate::supervisor::action::{Action, Outcome};
use crate::supervisor::children::{ChildId, Origin, State};
use crate::supervisor::decide::{Decider, Phase, Turn};

impl Decider {
    /// Starts the child after `last`, once that one's start has come out.
    pub(super) fn boot(&mut self, last: Option<ChildId>, turn: &mut Turn<'_>) -> bool {
        if last.is_some_and(|id| self.is_starting(id)) {
            return false;
        }
        let Some(next) = self.children.first_from(last.map_or(Bound::Unbounded, Bound::Excluded))
        else {
            turn.act(Action::Ready);
            self.phase = Phase::Serving;
            return true;
        };
        invariant!(S1, last < Some(next), "{next:?} is to start after {last:?}");
        self.begin(next, Origin::Boot, turn);
        self.phase = Phase::Booting(Some(next));
        false
    }

    /// A first start is not tried again: those before are stopped, and the supervisor ends.
    pub(super) fn roll_back(&mut self, id: ChildId, reason: ExitReason, turn: &mut Turn<'_>) {
        let name = self.children.get(id).and_then(|child| child.plan.name.clone());
        self.finish(id, turn);
        self.close(Outcome::StartFailed { name, reason }, turn);
    }

    pub(super) fn is_starting(&self, id: ChildId) -> bool {
        matches!(self.children.state(id), Some(State::Starting(_)))
    }
}
