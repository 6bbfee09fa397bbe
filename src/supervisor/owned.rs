//! Supervisors that belong to an ordinary actor: started from inside it, ended with it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use futures::channel::oneshot;

use super::builder::SupervisorBuilder;
use super::error::StartError;
use super::handle::Supervisor;
use super::spec::IntoChild as _;
use crate::actor::control::{self, Control};
use crate::actor::link;
use crate::actor::parent::{ChildEvent, Parent, Verdict};
use crate::actor::{ActorId, Cx, ExitReason, Protocol};
use crate::event_loop::current;

impl SupervisorBuilder {
    /// Starts it as part of an actor, and waits until its children have started. It ends with the
    /// actor's incarnation, whole and in order: after the [`crashed`](crate::actor::Actor::crashed)
    /// hook, before the [`stopped`](crate::actor::Actor::stopped) hook, and before the next
    /// incarnation starts. When it ends abnormally by itself, because it gives up, the actor ends
    /// with the same reason before its next message.
    ///
    /// # Errors
    /// When flags or children contradict each other (nothing was started), or a child does not
    /// start (those before it were stopped again).
    ///
    /// # Cancel safety
    /// Dropped while it waits, the supervisor belongs to the actor all the same.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Children(Reply<usize>) }
    /// impl Protocol for Msg {}
    /// async fn leaf(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
    /// async fn parent(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     let family = Supervisor::one_for_one().child(child("leaf", leaf)).start_under(cx).await?;
    ///     loop {
    ///         let Msg::Children(reply) = cx.recv().await;
    ///         reply.send(family.count().await.active);
    ///     }
    /// }
    /// greenroom::test::run(async |test| {
    ///     let parent = test.spawn(child("parent", parent)).await.unwrap();
    ///     assert_eq!(parent.ask_with(Msg::Children).await.unwrap(), 1);
    /// });
    /// ```
    pub async fn start_under<P: Protocol>(self, cx: &Cx<P>) -> Result<Supervisor, StartError> {
        self.check()?;
        let core = current::expect("SupervisorBuilder::start_under");
        let survives = self.survives;
        let mut spec = self.into_spec();
        let name = spec.plan.name.unwrap_or_else(|| Arc::from("supervisor"));
        let (started, outcome) = oneshot::channel();
        let owner = Owner { owner: cx.id(), started: RefCell::new(Some(started)) };
        let path: Arc<str> = Arc::from(format!("{}/{name}", cx.name()));
        let supervisor = match spec.build.start(&core, path, Rc::new(owner)) {
            Ok(supervisor) => supervisor,
            Err(reason) => return Err(StartError::Failed { name, reason }),
        };
        cx.cell.control.bonds().family.add(supervisor, survives);
        match outcome.await {
            Ok(Ok(())) => Ok(Supervisor::of(supervisor)),
            Ok(Err(reason)) => Err(StartError::of(name, reason)),
            Err(_) => Err(StartError::SupervisorStopping { name }),
        }
    }

    /// Whether a supervisor that is [part of an actor](Self::start_under) goes on when an
    /// incarnation of the actor crashes, so that its children keep their state over the restart; by
    /// default it does not. When the actor stops in good order, or ends for good, it ends all the
    /// same.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// let family = Supervisor::one_for_one().survives_crashes(true);
    /// # let _ = family;
    /// ```
    pub const fn survives_crashes(mut self, survives: bool) -> Self {
        self.survives = survives;
        self
    }
}

/// The parent of such a supervisor.
struct Owner {
    owner: ActorId,
    started: RefCell<Option<oneshot::Sender<Result<(), ExitReason>>>>,
}

impl Parent for Owner {
    fn child_event(&self, child: &Control, event: ChildEvent) {
        let outcome = match &event {
            ChildEvent::Started => Ok(()),
            ChildEvent::Declined => Err(ExitReason::Normal),
            ChildEvent::StartFailed(reason) | ChildEvent::Ended(reason, _) => Err(reason.clone()),
        };
        let started = self.started.take();
        let starting = started.is_some();
        if let Some(started) = started {
            let _ = started.send(outcome);
        }
        if event == ChildEvent::Started {
            return;
        }
        child.set_verdict(Verdict::Finish);
        control::with(self.owner.0, |owner| {
            // One that is no member any more ended with an incarnation that is over.
            if owner.bonds().family.remove(child.id())
                && let ChildEvent::Ended(reason, _) = event
                && reason.is_crash()
                && !starting
            {
                link::exit(owner, reason);
            }
        });
    }
}
