//! The actor that carries out what `decide.rs` decides, and nothing else.
//!
//! It never waits for one thing: starts, stops and delays come back as messages, so it answers
//! calls and stop requests at any time.
//!
//! * **S4** a supervisor answers while its children start, stop and wait for their next try
//! * **S5** the end of a supervisor is heard of when its children are gone, also when it was killed

use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::action::{Action, Call, Event, Outcome, RequestId, Ticket};
use super::children::ChildId;
use super::decide::Decider;
use super::error::StartError;
use super::info::{ChildInfo, SupervisorFlags};
use super::message::{Managed, Message};
use super::plan::{Flags, Mode, Plan};
use super::replies::Pending;
use super::report;
use super::spec::{Build, Spec};
use super::stopping::{self, Orphan};
use super::strategy::{ChildKind, Shutdown};
use crate::actor::control::{self, Control};
use crate::actor::parent::{ChildEvent, Parent, Verdict};
use crate::actor::{ActorId, Addr, Cx, ExitReason, Incarnate};
use crate::base::invariant::invariant;
use crate::event_loop::current;
use crate::time::sleep;

/// Marks the life of a supervisor.
pub(crate) struct IsSupervisor;

/// What every incarnation of one supervisor is made of.
pub(crate) struct Life {
    flags: Flags,
    specs: Vec<Spec>,
    refused: Option<StartError>,
    /// What an incarnation that was killed left behind.
    orphans: Vec<Orphan>,
}

impl Life {
    pub(crate) const fn new(flags: Flags, specs: Vec<Spec>) -> Self {
        Self { flags, specs, refused: None, orphans: Vec::new() }
    }

    /// A supervisor whose specification contradicts itself does not start.
    pub(crate) fn refused(mut self, error: Option<StartError>) -> Self {
        self.refused = error;
        self
    }
}

impl Incarnate<Message, IsSupervisor> for Life {
    async fn live(&mut self, cx: &mut Cx<Message>) -> ExitReason {
        if let Some(error) = &self.refused {
            return ExitReason::Error(Arc::from(error.to_string()));
        }
        let mut run = match Run::new(self, cx) {
            Ok(run) => run,
            Err(error) => return ExitReason::Error(Arc::from(error.to_string())),
        };
        cx.cell.control.bonds().links.ignore_exits();
        run.feed(cx, Event::Start);
        let mut asked_to_stop = false;
        loop {
            // What was taken is done with: giving up is no message's fault.
            cx.cell.control.end_message();
            if let Some(outcome) = run.outcome.take() {
                // Their ends are decided; nobody hears of this one before they are over.
                for actor in std::mem::take(&mut run.finishing) {
                    if actor.is_alive() {
                        actor.ended().await;
                    }
                }
                return outcome;
            }
            let message = if asked_to_stop {
                Some(cx.recv_while_stopping().await)
            } else {
                cx.next_unstarted().await
            };
            match message {
                Some(message) => run.take(cx, message),
                None => {
                    asked_to_stop = true;
                    run.feed(cx, Event::Shutdown(cx.cell.control.take_stop_reason()));
                }
            }
        }
    }

    async fn reap(&mut self) {
        join_all(self.orphans.drain(..).map(Orphan::gone)).await;
    }
}

/// One incarnation of a supervisor.
struct Run<'a> {
    decider: Decider,
    specs: &'a mut Vec<Spec>,
    /// Where its children go when it is dropped before they are gone.
    orphans: &'a mut Vec<Orphan>,
    kept: BTreeMap<ChildId, Kept>,
    by_actor: BTreeMap<ActorId, ChildId>,
    /// Actors whose end is decided and may not be over yet.
    finishing: Vec<ActorId>,
    pending: Pending,
    /// Tells links of this incarnation from those of one that was killed.
    token: Rc<()>,
    dynamic: bool,
    addr: Addr<Message>,
    outcome: Option<ExitReason>,
}

/// What the runner keeps of a child; the rest is the decider's.
struct Kept {
    name: Arc<str>,
    build: BuiltBy,
    actor: Option<ActorId>,
}

enum BuiltBy {
    /// One of the static children, which outlive the incarnation of the supervisor.
    Static(usize),
    Added(Box<dyn Build>),
}

impl<'a> Run<'a> {
    fn new(life: &'a mut Life, cx: &Cx<Message>) -> Result<Self, StartError> {
        let orphans = &mut life.orphans;
        invariant!(S5, orphans.is_empty(), "{orphans:?} outlived their supervisor");
        let dynamic = matches!(life.flags.mode, Mode::Dynamic { .. });
        let plans = life.specs.iter().map(|spec| spec.plan.clone()).collect();
        let decider = Decider::new(life.flags.clone(), plans)?;
        let kept = decider
            .children()
            .iter()
            .zip(&life.specs)
            .enumerate()
            .map(|(index, ((id, _), spec))| {
                let name = display_name(&spec.plan);
                (id, Kept { name, build: BuiltBy::Static(index), actor: None })
            })
            .collect();
        Ok(Self {
            decider,
            specs: &mut life.specs,
            orphans,
            kept,
            by_actor: BTreeMap::new(),
            finishing: Vec::new(),
            pending: Pending::default(),
            token: Rc::new(()),
            dynamic,
            addr: cx.addr(),
            outcome: None,
        })
    }

    fn take(&mut self, cx: &Cx<Message>, message: Message) {
        match message {
            Message::Child(id, event) => self.feed(
                cx,
                match event {
                    ChildEvent::Started => Event::ChildStarted(id),
                    ChildEvent::Declined => Event::ChildIgnored(id),
                    ChildEvent::StartFailed(reason) => Event::ChildStartFailed(id, reason),
                    ChildEvent::Ended(reason, recovery) => Event::ChildEnded(id, reason, recovery),
                },
            ),
            Message::RetryDue(id, ticket) => self.feed(cx, Event::RetryDue(id, ticket)),
            Message::StopOverdue(id, ticket) => self.feed(cx, Event::StopOverdue(id, ticket)),
            Message::Add(spec, reply) => {
                let Spec { mut plan, build } = *spec;
                let name = display_name(&plan);
                if self.dynamic {
                    // Instances share a name, so it cannot tell them apart.
                    plan.name = None;
                }
                let request = self.pending.add(name, build, reply);
                self.feed(cx, Event::Call(request, Call::Add(plan)));
            }
            Message::Manage(request) => match self.find(&request.child) {
                Some(id) => {
                    let call = match request.what {
                        Managed::Terminate => Call::Terminate(id),
                        Managed::Restart => Call::Restart(id),
                        Managed::Delete => Call::Delete(id),
                    };
                    let request = self.pending.manage(request);
                    self.feed(cx, Event::Call(request, call));
                }
                None if self.is_over(&request) => request.reply.send(Ok(())),
                None => Pending::not_found(request),
            },
            Message::List(reply) => reply.send(self.list()),
            Message::Count(reply) => reply.send(self.decider.counts()),
            Message::Flags(reply) => reply.send(SupervisorFlags::from(self.decider.flags())),
        }
    }

    fn find(&self, child: &super::ChildName) -> Option<ChildId> {
        match child {
            super::ChildName::Name(name) => self.decider.children().find(name),
            super::ChildName::Actor(actor) => self.by_actor.get(actor).copied(),
        }
    }

    /// Whether this is about to terminate an instance of which nothing is left to terminate: an
    /// end by itself may always come first, so it is no error of the caller's.
    fn is_over(&self, request: &super::message::Request) -> bool {
        let terminate = request.what == Managed::Terminate;
        match &request.child {
            super::ChildName::Actor(actor) => self.dynamic && terminate && !actor.is_alive(),
            super::ChildName::Name(_) => false,
        }
    }

    fn list(&self) -> Vec<ChildInfo> {
        let infos = self.decider.children().iter().map(|(id, child)| {
            let kept = self.kept.get(&id);
            let name = kept.map(|kept| Arc::clone(&kept.name));
            ChildInfo::new(name, kept.and_then(|kept| kept.actor), child)
        });
        infos.collect()
    }

    /// Has an event decided and carries the decision out.
    fn feed(&mut self, cx: &Cx<Message>, event: Event) {
        let Some(core) = current::get() else { return };
        let mut random = || core.driver.random();
        let actions = self.decider.decide(core.driver.now(), &mut random, event);
        for action in actions {
            self.perform(cx, action);
        }
    }

    fn perform(&mut self, cx: &Cx<Message>, action: Action) {
        match action {
            Action::Adopt(request, id) => {
                if let Some((name, build)) = self.pending.adopt(request) {
                    let build = BuiltBy::Added(build);
                    self.kept.insert(id, Kept { name, build, actor: None });
                }
            }
            Action::Start(id) => self.start(cx, id),
            Action::Restart(id) if self.actor_of(id).is_none() => self.start(cx, id),
            Action::Restart(id) => self.with_child(id, |child| child.set_verdict(Verdict::Restart)),
            Action::Stop { id, how, ticket, .. } => self.stop(cx, id, how, ticket),
            Action::Kill(id) => self.with_child(id, Control::kill),
            Action::Finish(id) => {
                self.with_child(id, |child| child.set_verdict(Verdict::Finish));
                if let Some(actor) = self.kept.get_mut(&id).and_then(|kept| kept.actor.take()) {
                    self.by_actor.remove(&actor);
                    if self.finishing.len() == self.finishing.capacity() {
                        self.finishing.retain(|actor| actor.is_alive());
                    }
                    self.finishing.push(actor);
                }
            }
            Action::Forget(id) => drop(self.kept.remove(&id)),
            Action::ScheduleRetry { id, delay_ns, ticket } => {
                self.later(cx, delay_ns, Message::RetryDue(id, ticket));
            }
            Action::Reply(request, answer) => self.answer(request, answer),
            Action::Ready => cx.cell.control.mark_started(),
            Action::Report(what) => {
                report::publish(&cx.cell.control, &what, |id| self.name_of(id));
            }
            Action::Done(outcome) => {
                invariant!(
                    S1,
                    self.decider.children().cells() == 0,
                    "a child outlives its supervisor"
                );
                self.outcome = Some(match outcome {
                    Outcome::Stopped(reason) => reason,
                    Outcome::StartFailed { name, reason } => {
                        let name = name.unwrap_or_else(|| Arc::from("child"));
                        let error = StartError::of(name, reason);
                        let text = Arc::from(error.to_string());
                        match error {
                            StartError::Refused { .. } => ExitReason::Refused(text),
                            _ => ExitReason::Error(text),
                        }
                    }
                });
            }
        }
    }

    fn start(&mut self, cx: &Cx<Message>, id: ChildId) {
        let (Some(core), Some(kept)) = (current::get(), self.kept.get_mut(&id)) else { return };
        let link = Link { supervisor: self.addr, id, run: Rc::downgrade(&self.token) };
        let name: Arc<str> = Arc::from(format!("{}/{}", cx.name(), kept.name));
        let build = match &mut kept.build {
            BuiltBy::Static(index) => &mut self.specs[*index].build,
            BuiltBy::Added(build) => build,
        };
        match build.start(&core, name, Rc::new(link)) {
            Ok(actor) => {
                kept.actor = Some(actor);
                self.by_actor.insert(actor, id);
            }
            // There is no actor that could tell of it. A later `Restart` tries again.
            Err(reason) => {
                self.addr.put_urgent(Message::Child(id, ChildEvent::StartFailed(reason)));
            }
        }
    }

    fn stop(&self, cx: &Cx<Message>, id: ChildId, how: Shutdown, ticket: Ticket) {
        if let Some(child) = self.decider.children().get(id) {
            self.with_child(id, |actor| stopping::begin(actor, &child.plan));
        }
        if let Shutdown::Timeout(limit) = how {
            let limit = crate::base::clock::nanos(limit);
            self.later(cx, limit.max(1), Message::StopOverdue(id, ticket));
        }
    }

    /// Brings a message after a delay; without one, after everything that waits now.
    fn later(&self, cx: &Cx<Message>, delay_ns: u64, message: Message) {
        let addr = self.addr;
        if delay_ns == 0 {
            addr.put_exempt(message);
            return;
        }
        cx.spawn(async move {
            sleep(Duration::from_nanos(delay_ns)).await;
            addr.put_urgent(message);
        })
        .detach();
    }

    /// Answers a call once every actor whose end was decided is gone, with its names and watchers:
    /// what the answer says holds when it arrives.
    fn answer(&mut self, request: RequestId, answer: super::action::Answer) {
        let kept = &self.kept;
        let actor_of = |id: ChildId| kept.get(&id).and_then(|kept| kept.actor);
        let Some(answered) = self.pending.answer(request, answer, actor_of) else { return };
        self.finishing.retain(|actor| actor.is_alive());
        match current::get().filter(|_| !self.finishing.is_empty()) {
            None => answered.send(),
            Some(core) => {
                let finishing = self.finishing.clone();
                // Not a task of this incarnation's: it may end meanwhile.
                core.spawn(Box::pin(async move {
                    for actor in finishing {
                        actor.ended().await;
                    }
                    answered.send();
                }));
            }
        }
    }

    fn name_of(&self, id: ChildId) -> Arc<str> {
        self.kept.get(&id).map_or_else(|| Arc::from("?"), |kept| Arc::clone(&kept.name))
    }

    fn actor_of(&self, id: ChildId) -> Option<ActorId> {
        self.kept.get(&id).and_then(|kept| kept.actor)
    }

    fn with_child(&self, id: ChildId, f: impl FnOnce(&Control)) {
        if let Some(actor) = self.actor_of(id) {
            control::with(actor.0, f);
        }
    }
}

/// What a child is called in logs and paths.
fn display_name(plan: &Plan) -> Arc<str> {
    plan.name.clone().unwrap_or_else(|| match plan.kind {
        ChildKind::Supervisor => Arc::from("supervisor"),
        ChildKind::Worker => Arc::from("child"),
    })
}

/// A supervisor that is killed runs nothing itself. Its children are stopped all the same, at once,
/// each by its own rule; [`Life::reap`] waits for them.
impl Drop for Run<'_> {
    fn drop(&mut self) {
        for (id, kept) in self.kept.iter().rev() {
            let child = self.decider.children().get(*id);
            if let (Some(actor), Some(child)) = (kept.actor, child) {
                self.orphans.extend(Orphan::new(actor, &child.plan));
            }
        }
        self.orphans.extend(self.finishing.drain(..).filter_map(Orphan::ending));
    }
}

/// How a child reaches the incarnation of the supervisor that started it.
struct Link {
    supervisor: Addr<Message>,
    id: ChildId,
    run: Weak<()>,
}

impl Parent for Link {
    fn child_event(&self, child: &Control, event: ChildEvent) {
        let ended = event != ChildEvent::Started;
        let heard = self.run.upgrade().is_some()
            && self.supervisor.put_urgent(Message::Child(self.id, event));
        if ended && !heard {
            child.set_verdict(Verdict::Finish);
        }
    }
}
