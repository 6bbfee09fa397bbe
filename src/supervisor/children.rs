//! The children of one supervisor in start order, and the state of each; pure.
//!
//! A child *has a cell* from `Start` to `Finish`: an actor that lives or waits for a verdict.
//!
//! ```text
//!            Start               started              asked to stop
//!   Idle ────────────▶ Starting ─────────▶ Running ─────────────────▶ Stopping
//!    ▲  ▲               │  ▲                  │                          │
//!    │  └─ ignored ─────┘  │ Restart          │ ended by itself          │ ended
//!    │                     └──────────────── Ended ◀─────────────────────┘
//!    └────────────── Finish ───────────────────┘
//! ```
//!
//! An id is a place in the start order and is never used again, so whatever arrives late for a
//! child that is gone finds nobody.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::actor::{ExitReason, Recovery};
use crate::supervisor::action::{Answer, RequestId, Ticket};
use crate::supervisor::failures::Failures;
use crate::supervisor::plan::Plan;
use crate::supervisor::strategy::ChildKind;

/// A child of one supervisor; ids grow in start order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChildId(u64);

impl ChildId {
    /// The smallest id there can be.
    pub(crate) const FIRST: Self = Self(0);
}

#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) plan: Plan,
    pub(crate) failures: Failures,
    /// How often the start that is under way, or the last one, was tried.
    pub(super) starts_tried: u32,
    state: State,
}

#[derive(Clone, Debug)]
pub(super) enum State {
    /// No actor; only the spec.
    Idle,
    /// The start hook runs.
    Starting(Origin),
    Running,
    /// Asked to stop.
    Stopping(Stop),
    /// Ended; the cell waits for the verdict.
    Ended(Hold),
}

/// On whose behalf a child starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The supervisor starts its static children in order, and waits for this one.
    Boot,
    /// The supervisor restarts a group in order, and waits for this one.
    Group,
    /// It is restarted alone.
    Alone,
    /// `Call::Add`.
    Added(RequestId),
    /// `Call::Restart`.
    Recalled(RequestId),
}

/// A stop that is under way.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) ticket: Ticket,
    pub(super) then: AfterStop,
    pub(super) killed: bool,
    /// Calls that are answered when the child has ended.
    pub(super) answers: Vec<(RequestId, Answer)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterStop {
    /// It comes back with its group.
    Hold,
    /// Its end is final.
    Finish,
    /// Its end is final, and it was never successfully added.
    Discard,
}

/// What a child that has ended waits for.
#[derive(Clone, Debug)]
pub(super) enum Hold {
    /// The restart that is under way, or that of an earlier sibling.
    Group,
    /// Its own next attempt.
    Retry(Ticket),
    /// The supervisor's attention: it ended while a group was being started.
    Undecided(Ticket, ExitReason, Recovery),
}

impl Origin {
    /// Whether the child is started by the supervisor's own start or by a call, not brought back.
    pub(super) fn is_first(self) -> bool {
        match self {
            Self::Boot | Self::Added(_) | Self::Recalled(_) => true,
            Self::Group | Self::Alone => false,
        }
    }
}

impl State {
    fn has_cell(&self) -> bool {
        !matches!(self, Self::Idle)
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Starting(_) | Self::Running | Self::Stopping(_))
    }
}

/// What a child is doing.
///
/// # Examples
///
/// ```
/// use greenroom::supervisor::ChildStatus;
///
/// assert_ne!(ChildStatus::Restarting, ChildStatus::Running);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildStatus {
    /// Its start hook runs for the first time, or because it was asked for.
    Starting,
    /// It handles messages.
    Running,
    /// It was asked to stop and has not ended yet.
    Stopping,
    /// It has ended, and the supervisor is bringing it back or waits for the time to do so.
    Restarting,
    /// Only its spec is there.
    NotRunning,
}

/// How many children a supervisor has.
///
/// # Examples
///
/// ```
/// use greenroom::supervisor::ChildCounts;
///
/// let counts = ChildCounts::default();
/// assert_eq!((counts.specs, counts.active, counts.supervisors, counts.workers), (0, 0, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChildCounts {
    /// Specs, running or not; 1 for a dynamic supervisor, whose children share one.
    pub specs: usize,
    /// Children that run.
    pub active: usize,
    /// Supervisors among the children, running or not.
    pub supervisors: usize,
    /// Workers among the children, running or not.
    pub workers: usize,
}

impl Child {
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Whether it has an actor, be it alive or waiting for a verdict.
    pub(super) fn has_cell(&self) -> bool {
        self.state.has_cell()
    }

    pub(crate) fn status(&self) -> ChildStatus {
        match &self.state {
            State::Idle => ChildStatus::NotRunning,
            State::Starting(Origin::Group | Origin::Alone) | State::Ended(_) => {
                ChildStatus::Restarting
            }
            State::Starting(_) => ChildStatus::Starting,
            State::Running => ChildStatus::Running,
            State::Stopping(_) => ChildStatus::Stopping,
        }
    }
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Children {
    by_id: BTreeMap<ChildId, Child>,
    by_name: BTreeMap<Arc<str>, ChildId>,
    next: u64,
    cells: usize,
}

impl Children {
    /// Adds a child at the end of the start order. Its name, if any, must be new.
    pub(super) fn insert(&mut self, plan: Plan) -> ChildId {
        let id = ChildId(self.next);
        self.next += 1;
        if let Some(name) = &plan.name {
            self.by_name.insert(name.clone(), id);
        }
        let failures = Failures::default();
        self.by_id.insert(id, Child { plan, failures, starts_tried: 0, state: State::Idle });
        id
    }

    pub(super) fn remove(&mut self, id: ChildId) {
        let Some(child) = self.by_id.remove(&id) else { return };
        self.cells -= usize::from(child.state.has_cell());
        if let Some(name) = child.plan.name {
            self.by_name.remove(&name);
        }
    }

    /// Puts a child into another state. The id must be that of a child of this table.
    pub(super) fn set(&mut self, id: ChildId, state: State) {
        let Some(child) = self.by_id.get_mut(&id) else { return };
        self.cells += usize::from(state.has_cell());
        self.cells -= usize::from(child.state.has_cell());
        child.state = state;
    }

    pub(crate) fn get(&self, id: ChildId) -> Option<&Child> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: ChildId) -> Option<&mut Child> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn state(&self, id: ChildId) -> Option<&State> {
        self.get(id).map(Child::state)
    }

    /// The child of this name.
    pub(crate) fn find(&self, name: &str) -> Option<ChildId> {
        self.by_name.get(name).copied()
    }

    /// Whether the id was ever given out, be its child still there or not.
    pub(super) fn was_here(&self, id: ChildId) -> bool {
        id.0 < self.next
    }

    /// The first child at or after a place in the start order.
    pub(super) fn first_from(&self, from: Bound<ChildId>) -> Option<ChildId> {
        self.by_id.range((from, Bound::Unbounded)).next().map(|(id, _)| *id)
    }

    /// The last child before a place in the start order.
    pub(super) fn last_before(&self, below: Bound<ChildId>) -> Option<ChildId> {
        self.by_id.range((Bound::Unbounded, below)).next_back().map(|(id, _)| *id)
    }

    /// All children in start order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (ChildId, &Child)> {
        self.by_id.iter().map(|(id, child)| (*id, child))
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many children have an actor that lives or waits for a verdict.
    pub(crate) fn cells(&self) -> usize {
        self.cells
    }

    pub(super) fn count(&self) -> ChildCounts {
        let mut counts = ChildCounts { specs: self.len(), ..ChildCounts::default() };
        for child in self.by_id.values() {
            counts.active += usize::from(child.status() == ChildStatus::Running);
            match child.plan.kind {
                ChildKind::Worker => counts.workers += 1,
                ChildKind::Supervisor => counts.supervisors += 1,
            }
        }
        counts
    }
}
