//! Stopping the actor of a child: for a supervisor that lives, and for one that was killed, whose
//! children are orphans.

use std::time::Duration;

use super::plan::Plan;
use super::strategy::{ChildKind, Shutdown};
use crate::actor::control::{self, Control};
use crate::actor::parent::Verdict;
use crate::actor::{ActorId, ExitReason};
use crate::time::timeout;

/// Asks a child to stop, or kills it, as its plan says.
pub(crate) fn begin(child: &Control, plan: &Plan) {
    // A start hook does not take stop requests, so it is cut short; a supervisor takes them.
    let starting = !child.has_started() && plan.kind != ChildKind::Supervisor;
    if plan.shutdown == Shutdown::Brutal || starting {
        child.kill();
    } else {
        child.ask_to_stop(ExitReason::Shutdown);
    }
}

/// A child whose supervisor was killed, and that was asked to stop.
#[derive(Debug)]
pub(crate) struct Orphan {
    actor: ActorId,
    /// How long it may take before it is killed too.
    limit: Option<Duration>,
}

impl Orphan {
    /// Begins its end, if it is not over.
    pub(crate) fn new(actor: ActorId, plan: &Plan) -> Option<Self> {
        control::with(actor.0, |child| {
            // One that waits for a verdict ends; one that lives is stopped, and its link, which
            // leads nowhere now, lets it end.
            child.set_verdict(Verdict::Finish);
            begin(child, plan);
        })?;
        let limit = match plan.shutdown {
            Shutdown::Timeout(limit) => Some(limit),
            Shutdown::Brutal | Shutdown::Infinity => None,
        };
        Some(Self { actor, limit })
    }

    /// One whose end was decided before.
    pub(crate) fn ending(actor: ActorId) -> Option<Self> {
        actor.is_alive().then_some(Self { actor, limit: None })
    }

    /// Waits for its end, and kills it when it takes too long.
    pub(crate) async fn gone(self) {
        let Self { actor, limit } = self;
        if let Some(limit) = limit
            && timeout(limit, actor.ended()).await.is_err()
        {
            actor.kill();
        }
        actor.ended().await;
    }
}
