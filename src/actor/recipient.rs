//! `Recipient<M, R>`: an actor that takes messages `M`, whatever else it understands.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::task::Poll;

use super::address::Addr;
use super::arrival::Arrival;
use super::ask::Ask;
use super::cell::{self, ActorCell, Gate};
use super::door::{Away, Door, Opened, Passage, bury_overflow, open};
use super::error::TellError;
use super::id::ActorId;
use super::protocol::Accepts;
use super::reply::Reply;
use super::tell::Tell;
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::scheduler::remote::Refused;

/// An actor that takes messages `M` and answers with `R`, whatever its protocol is.
///
/// `Copy` like an address, and made without an allocation. It stays on the thread of its actor.
///
/// ```
/// use greenroom::prelude::*;
///
/// struct Tick;
/// protocol! { enum A { Tick(Tick) } }
/// protocol! { enum B { Tick(Tick), Other(u8) } }
/// async fn a(cx: &mut Cx<A>) -> Result<(), Fault> { let A::Tick(..) = cx.recv().await; Ok(()) }
/// async fn b(cx: &mut Cx<B>) -> Result<(), Fault> { cx.recv().await; Ok(()) }
///
/// greenroom::run(async |_system| {
///     let (a, b) = (greenroom::actor::spawn("a", a), greenroom::actor::spawn("b", b));
///     let both: [Recipient<Tick>; 2] = [a.recipient(), b.recipient()];
///     for recipient in both { recipient.tell(Tick).await.unwrap(); }
///     assert_eq!(a.ended().await, ExitReason::Normal);
///     b.ended().await;
///     assert!(!a.is_alive() && !b.is_alive());
/// });
/// ```
pub struct Recipient<M: 'static, R: 'static = ()> {
    key: Key,
    ways: &'static Ways<M, R>,
    /// The protocol is forgotten, and with it whether it may cross threads.
    stays: PhantomData<*const ()>,
}

/// What can be done with an actor whose protocol is forgotten, by function.
struct Ways<M, R: 'static> {
    find: fn(&Core, Key) -> Option<Rc<dyn Gate>>,
    put: fn(&dyn Gate, M, Reply<R>),
    bury: fn(&dyn Gate, M, Reply<R>),
}

/// Carries the functions for one protocol and message, made once by the compiler.
struct WaysOf<P, M>(PhantomData<(P, M)>);

impl<P: Accepts<M>, M: 'static> WaysOf<P, M> {
    const WAYS: &'static Ways<M, P::Reply> = &Ways {
        find: |core, key| cell::find::<P>(core, key).map(|cell| cell as Rc<dyn Gate>),
        put: |gate, message, reply| typed::<P>(gate).put(P::wrap(message, reply)),
        bury: |gate, message, reply| {
            let cell = typed::<P>(gate);
            bury_overflow(&cell.control, P::wrap(message, reply));
        },
    };
}

fn typed<P: 'static>(gate: &dyn Gate) -> &ActorCell<P> {
    let gate: &dyn Any = gate;
    gate.downcast_ref().expect("a recipient was made for this protocol")
}

impl<M: 'static, R: 'static> Recipient<M, R> {
    pub(crate) const fn of<P: Accepts<M, Reply = R>>(addr: &Addr<P>) -> Self {
        Self { key: addr.id().0, ways: WaysOf::<P, M>::WAYS, stays: PhantomData }
    }

    /// Which actor this is.
    ///
    /// ```
    /// # use greenroom::prelude::*; struct Tick; protocol! { enum Msg { Tick(Tick) } }
    /// # async fn clock(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("clock", clock);
    ///     let ticks: Recipient<Tick> = addr.recipient();
    ///     assert_eq!(ticks.id(), addr.id());
    /// });
    /// ```
    #[must_use]
    pub const fn id(&self) -> ActorId {
        ActorId(self.key)
    }

    /// Sends without ever waiting; see [`Addr::try_tell`].
    ///
    /// # Errors
    /// The message comes back when the actor has ended or its mailbox is full.
    ///
    /// ```
    /// # use greenroom::prelude::*; struct Tick; protocol! { enum Msg { Tick(Tick) } }
    /// # async fn clock(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn_with("clock", MailboxOptions::bounded(1), clock);
    ///     let ticks: Recipient<Tick> = addr.recipient();
    ///     assert!(ticks.try_tell(Tick).is_ok());
    ///     let error = ticks.try_tell(Tick).unwrap_err();
    ///     assert!(error.is_full() && error.into_message().is_some());
    /// });
    /// ```
    pub fn try_tell(&self, message: M) -> Result<(), TellError<M>> {
        let mut passage = Passage::new(message);
        let Opened::Here(gate) = open(self) else { return Err(passage.closed(self.id())) };
        match passage.poll(self, &*gate, None, Reply::nobody) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => unreachable!("without a waker nobody waits in line"),
        }
    }

    /// Sends, waiting for room; see [`Addr::tell`].
    ///
    /// # Cancel safety
    /// As [`Addr::tell`].
    ///
    /// ```
    /// # use greenroom::prelude::*; struct Tick; protocol! { enum Msg { Tick(Tick) } }
    /// # async fn one_tick(cx: &mut Cx<Msg>) -> Result<(), Fault> { cx.recv().await; Ok(()) }
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("clock", one_tick);
    ///     let ticks: Recipient<Tick> = addr.recipient();
    ///     ticks.tell(Tick).await.unwrap();
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub const fn tell(&self, message: M) -> Tell<Self, M, R> {
        Tell::new(*self, message)
    }

    /// Sends and waits for the reply; see [`Addr::ask`].
    ///
    /// # Cancel safety
    /// As [`Addr::ask`].
    ///
    /// ```
    /// # use greenroom::prelude::*; struct Get; protocol! { enum Msg { Get(Get) -> u8 } }
    /// # async fn seven(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Get(_, reply) = cx.recv().await; reply.send(7) } }
    /// greenroom::run(async |_system| {
    ///     let number: Recipient<Get, u8> = greenroom::actor::spawn("seven", seven).recipient();
    ///     assert_eq!(number.ask(Get).await.unwrap(), 7);
    /// });
    /// ```
    pub const fn ask(&self, message: M) -> Ask<Self, M, R> {
        Ask::new(*self, message)
    }
}

impl<M: 'static, R: 'static> Door<M, R> for Recipient<M, R> {
    type Gate = dyn Gate;

    fn key(&self) -> ActorId {
        self.id()
    }

    fn find(&self, core: &Core) -> Option<Rc<dyn Gate>> {
        (self.ways.find)(core, self.key)
    }

    fn put(&self, gate: &dyn Gate, message: M, reply: Reply<R>) {
        (self.ways.put)(gate, message, reply);
    }

    fn bury(&self, gate: &dyn Gate, message: M, reply: Reply<R>) {
        (self.ways.bury)(gate, message, reply);
    }

    fn send_away(&self, message: M, _: Reply<R>, _: Arrival) -> Result<(), Away<M>> {
        // A recipient cannot leave its thread, but the thread may run another loop just now.
        Err(Away { message: Some(message), refused: Refused::Closed })
    }
}

impl<M: 'static, R: 'static> From<Recipient<M, R>> for ActorId {
    fn from(recipient: Recipient<M, R>) -> Self {
        recipient.id()
    }
}

impl<M: 'static, R: 'static> Clone for Recipient<M, R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<M: 'static, R: 'static> Copy for Recipient<M, R> {}
impl<M: 'static, R: 'static> PartialEq for Recipient<M, R> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl<M: 'static, R: 'static> Eq for Recipient<M, R> {}
impl<M: 'static, R: 'static> fmt::Debug for Recipient<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.id())
    }
}
