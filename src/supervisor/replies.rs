//! The calls a supervisor has not answered yet, and what their answers say to the caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::action::{Answer, RequestId};
use super::children::ChildId;
use super::error::{ChildError, StartError};
use super::message::{Outcome, Request};
use super::spec::Build;
use crate::actor::{ActorId, ExitReason, Reply};

/// Who waits for which answer.
#[derive(Default)]
pub(crate) struct Pending {
    next: u64,
    adds: BTreeMap<RequestId, Add>,
    managed: BTreeMap<RequestId, Request>,
}

struct Add {
    name: Arc<str>,
    /// Until the child is adopted.
    build: Option<Box<dyn Build>>,
    reply: Reply<Result<ActorId, StartError>>,
}

impl Pending {
    fn number(&mut self) -> RequestId {
        self.next += 1;
        RequestId(self.next)
    }

    pub(crate) fn add(
        &mut self,
        name: Arc<str>,
        build: Box<dyn Build>,
        reply: Reply<Result<ActorId, StartError>>,
    ) -> RequestId {
        let request = self.number();
        self.adds.insert(request, Add { name, build: Some(build), reply });
        request
    }

    pub(crate) fn manage(&mut self, request: Request) -> RequestId {
        let number = self.number();
        self.managed.insert(number, request);
        number
    }

    /// What is needed to build the child that this call brought.
    pub(crate) fn adopt(&mut self, request: RequestId) -> Option<(Arc<str>, Box<dyn Build>)> {
        let add = self.adds.get_mut(&request)?;
        Some((Arc::clone(&add.name), add.build.take()?))
    }

    /// Puts an answer into the caller's words.
    pub(crate) fn answer(
        &mut self,
        request: RequestId,
        answer: Answer,
        actor_of: impl Fn(ChildId) -> Option<ActorId>,
    ) -> Option<Answered> {
        if let Some(add) = self.adds.remove(&request) {
            return Some(Answered::Add(add.reply, started(add.name, answer, actor_of)));
        }
        let request = self.managed.remove(&request)?;
        let outcome = managed(request.child.to_string(), answer);
        Some(Answered::Managed(request.reply, outcome))
    }

    pub(crate) fn not_found(request: Request) {
        let error = ChildError::NotFound(request.child.to_string());
        request.reply.send(Err(error));
    }
}

/// An answer on its way to the caller.
pub(crate) enum Answered {
    Add(Reply<Result<ActorId, StartError>>, Result<ActorId, StartError>),
    Managed(Reply<Outcome>, Outcome),
}

impl Answered {
    pub(crate) fn send(self) {
        match self {
            Self::Add(reply, outcome) => reply.send(outcome),
            Self::Managed(reply, outcome) => reply.send(outcome),
        }
    }
}

/// What the caller of `add` hears.
fn started(
    name: Arc<str>,
    answer: Answer,
    actor_of: impl Fn(ChildId) -> Option<ActorId>,
) -> Result<ActorId, StartError> {
    match answer {
        Answer::Started(id) => actor_of(id).ok_or(StartError::SupervisorStopping { name }),
        Answer::Ignored => Err(StartError::Declined { name }),
        Answer::StartFailed(reason) => Err(StartError::of(name, reason)),
        Answer::AlreadyStarted(id) => Err(StartError::AlreadyStarted { name, actor: actor_of(id) }),
        Answer::AlreadyPresent(_) => Err(StartError::AlreadyPresent { name }),
        Answer::Refused(error) => Err(StartError::Spec(error.of_child(name))),
        Answer::MaxChildren => Err(StartError::MaxChildren { name }),
        Answer::Terminated
        | Answer::Deleted
        | Answer::Running
        | Answer::Restarting
        | Answer::NotFound
        | Answer::ShuttingDown => Err(StartError::SupervisorStopping { name }),
    }
}

/// What the caller of the other calls hears.
fn managed(child: String, answer: Answer) -> Outcome {
    match answer {
        Answer::Started(_) | Answer::Terminated | Answer::Deleted => Ok(()),
        Answer::Ignored => Err(ChildError::Declined(child)),
        Answer::StartFailed(ExitReason::Refused(reason)) => {
            Err(ChildError::Refused { name: child, reason })
        }
        Answer::StartFailed(reason) => Err(ChildError::StartFailed { name: child, reason }),
        Answer::Running | Answer::AlreadyStarted(_) => Err(ChildError::Running(child)),
        Answer::Restarting => Err(ChildError::Restarting(child)),
        Answer::NotFound => Err(ChildError::NotFound(child)),
        Answer::AlreadyPresent(_)
        | Answer::Refused(_)
        | Answer::MaxChildren
        | Answer::ShuttingDown => Err(ChildError::SupervisorStopping),
    }
}
