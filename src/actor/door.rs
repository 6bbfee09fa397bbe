//! `Door`: how a message gets to an actor, for addresses and recipients alike.

use std::rc::Rc;
use std::task::{Poll, Waker};

use super::arrival::Arrival;
use super::cell::Gate;
use super::dead_letter::{self, Cause};
use super::error::{ActorLabel, TellError, TellErrorKind};
use super::id::ActorId;
use super::reply::Reply;
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::mailbox::line::Ticket;
use crate::mailbox::overflow::Admission;
use crate::scheduler::remote::Refused;

/// A way to send messages `M`, answered by `R`, to one actor.
pub(crate) trait Door<M, R: 'static>: Copy + Unpin {
    /// The actor's cell, with its protocol or without.
    type Gate: Gate + ?Sized;

    fn key(&self) -> ActorId;

    /// What the message is called in reports.
    fn message_name() -> &'static str {
        std::any::type_name::<M>()
    }

    /// The cell of an actor of this loop, unless it has ended. It runs no user code.
    fn find(&self, core: &Core) -> Option<Rc<Self::Gate>>;

    /// Puts a message for which there is room.
    fn put(&self, gate: &Self::Gate, message: M, reply: Reply<R>);

    /// Drops a message that the overflow policy does not let in.
    fn bury(&self, gate: &Self::Gate, message: M, reply: Reply<R>);

    /// Sends a message to the loop of an actor that lives elsewhere.
    fn send_away(&self, message: M, reply: Reply<R>, arrival: Arrival) -> Result<(), Away<M>>;
}

/// What is behind a door.
pub(crate) enum Opened<G: ?Sized> {
    Here(Rc<G>),
    /// The actor has ended.
    Gone,
    /// It lives on another loop, or no loop runs here.
    Elsewhere,
}

/// Opens a door, with one look at the thread's current loop.
#[inline]
pub(crate) fn open<M, R: 'static, D: Door<M, R>>(door: &D) -> Opened<D::Gate> {
    let found = current::with(|core| match is_here(core, door.key().0) {
        true => door.find(core).map_or(Opened::Gone, Opened::Here),
        false => Opened::Elsewhere,
    });
    found.unwrap_or(Opened::Elsewhere)
}

/// A message that could not be sent to another loop.
#[derive(Debug)]
pub(crate) struct Away<M> {
    pub(crate) message: Option<M>,
    pub(crate) refused: Refused,
}

/// A message on its way through a door: what both `tell` and `ask` do first.
#[derive(Debug)]
pub(crate) struct Passage<M> {
    message: Option<M>,
    ticket: Option<Ticket>,
}

impl<M> Passage<M> {
    pub(crate) const fn new(message: M) -> Self {
        Self { message: Some(message), ticket: None }
    }

    pub(crate) const fn take(&mut self) -> Option<M> {
        self.message.take()
    }

    /// Sends the message as soon as there is room. `reply` makes its port at that moment.
    #[inline]
    pub(crate) fn poll<R: 'static, D: Door<M, R>>(
        &mut self,
        door: &D,
        gate: &D::Gate,
        waker: Option<&Waker>,
        reply: impl FnOnce() -> Reply<R>,
    ) -> Poll<Result<(), TellError<M>>> {
        if self.ticket.is_none() && gate.admission() == Admission::Put {
            door.put(gate, self.expect(), reply());
            return Poll::Ready(Ok(()));
        }
        self.poll_full(door, gate, waker, reply)
    }

    /// The rest of `poll`: the mailbox is full, or this message waits in its line.
    #[cold]
    fn poll_full<R: 'static, D: Door<M, R>>(
        &mut self,
        door: &D,
        gate: &D::Gate,
        waker: Option<&Waker>,
        reply: impl FnOnce() -> Reply<R>,
    ) -> Poll<Result<(), TellError<M>>> {
        let admission = match self.ticket {
            Some(ticket) if gate.redeem(ticket) => {
                self.ticket = None;
                Admission::Put
            }
            Some(_) => Admission::Wait,
            None => gate.admission(),
        };
        match (admission, waker) {
            (Admission::Put, _) => door.put(gate, self.expect(), reply()),
            (Admission::DropThis, _) => door.bury(gate, self.expect(), reply()),
            (Admission::DropOldestAndPut, _) => {
                gate.drop_oldest();
                door.put(gate, self.expect(), reply());
            }
            (Admission::Wait, Some(waker)) => {
                match self.ticket {
                    Some(ticket) => gate.update_line(ticket, waker),
                    None => self.ticket = Some(gate.join_line(waker)),
                }
                return Poll::Pending;
            }
            (Admission::Wait, None) | (Admission::Refuse, _) => {
                let name = Some(std::sync::Arc::clone(&gate.control().name));
                let kind = TellErrorKind::Full { capacity: gate.capacity() };
                return Poll::Ready(Err(self.refusal(door.key(), name, kind)));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Gives the place in the line up; what was promised goes to the next.
    pub(crate) fn leave<R: 'static, D: Door<M, R>>(&mut self, door: &D) {
        if let Some(ticket) = self.ticket.take()
            && let Opened::Here(gate) = open(door)
        {
            gate.leave_line(ticket);
        }
    }

    /// The actor has ended: the message comes back.
    #[cold]
    pub(crate) fn closed(&mut self, id: ActorId) -> TellError<M> {
        self.ticket = None;
        self.refusal(id, None, TellErrorKind::Closed)
    }

    pub(crate) const fn waits_in_line(&self) -> bool {
        self.ticket.is_some()
    }

    #[inline]
    fn expect(&mut self) -> M {
        self.message.take().expect("a send was polled after it was done")
    }

    pub(crate) fn refusal(
        &mut self,
        id: ActorId,
        name: Option<std::sync::Arc<str>>,
        kind: TellErrorKind,
    ) -> TellError<M> {
        TellError { message: self.message.take(), actor: ActorLabel { id, name }, kind }
    }
}

impl<M> Away<M> {
    /// One that cannot come back, as it was made into a message of the actor's protocol.
    pub(crate) fn lost<P>(message: P, id: ActorId, refused: Refused) -> Self {
        let away = Away { message: Some(message), refused };
        drop(away.into_error(id));
        Self { message: None, refused }
    }

    pub(crate) fn into_error(self, id: ActorId) -> TellError<M> {
        let kind = match self.refused {
            Refused::Closed => TellErrorKind::Closed,
            Refused::Full => TellErrorKind::LoopFull,
        };
        TellError { message: self.message, actor: ActorLabel { id, name: None }, kind }
    }
}

/// Whether the actor of this key lives on this loop.
#[inline]
pub(crate) fn is_here(core: &Core, key: Key) -> bool {
    core.id() == key.home()
}

/// What becomes of a message that the policy does not let in.
pub(crate) fn bury_overflow<P: 'static>(control: &super::control::Control, message: P) {
    dead_letter::bury(control, message, &Cause::Overflow);
}
