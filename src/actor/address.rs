//! `Addr<P>`: where an actor can be reached; eight bytes that anybody may copy.

use std::fmt;
use std::rc::Rc;
use std::task::Poll;

use futures::channel::oneshot;

use super::ask::{Ask, DEFAULT_LIMIT};
use super::cell::{self, ActorCell, Gate as _};
use super::dead_letter;
use super::door::{Arrival, Away, Door, Opened, Passage, bury_overflow, open};
use super::error::{TellError, TellErrorKind};
use super::exit::ExitReason;
use super::id::ActorId;
use super::monitor::{Down, MonitorId, Numbers};
use super::protocol::{Accepts, Protocol, Request};
use super::recipient::Recipient;
use super::reply::Reply;
use super::tell::Tell;
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::mailbox::overflow::Admission;
use crate::scheduler::crossing::Home;
use crate::scheduler::remote::{self, Post};

/// Where an actor that understands `P` can be reached.
///
/// It is `Copy`, eight bytes, counts no references and keeps nobody alive: actors belong to their
/// supervisor and end by `stop`, by themselves or with their parent. It stays the same over
/// restarts. Once the actor has ended for good, the address finds nobody and says so.
///
/// It is `Send` exactly when `P: Send`. From another thread, messages go through the inbox of the
/// actor's loop; on its own loop, a `tell` is a push into a queue.
///
/// | verb | waits for room | waits for a reply | full mailbox |
/// | --- | --- | --- | --- |
/// | [`try_tell`](Self::try_tell) | no | no | message comes back |
/// | [`tell`](Self::tell) | yes | no | as the mailbox's [`Overflow`](super::Overflow) says |
/// | [`ask`](Self::ask), [`ask_with`](Self::ask_with) | yes | yes, 5 s | the same |
///
/// ```
/// # use greenroom::prelude::*; enum Msg { Get(Reply<u32>) } impl Protocol for Msg {}
/// # async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Get(reply) = cx.recv().await; reply.send(7) } }
/// greenroom::run(async |_system| {
///     let addr: Addr<Msg> = greenroom::actor::spawn("seven", actor);
///     let copy = addr;
///     assert_eq!((std::mem::size_of_val(&addr), copy == addr), (8, true));
///     assert_eq!(copy.ask_with(Msg::Get).await.unwrap(), 7);
/// });
/// ```
pub struct Addr<P> {
    home: Home<P>,
}

impl<P> Clone for Addr<P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Addr<P> {}
impl<P> PartialEq for Addr<P> {
    fn eq(&self, other: &Self) -> bool {
        self.home.key() == other.home.key()
    }
}
impl<P> Eq for Addr<P> {}
impl<P> std::hash::Hash for Addr<P> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.home.key().hash(state);
    }
}
impl<P> fmt::Debug for Addr<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Addr({})", self.id())
    }
}

impl<P> Addr<P> {
    /// The address of an actor of the current loop.
    pub(crate) fn new(key: Key, core: &Core) -> Self {
        Self { home: Home::new(key, core.id()) }
    }

    pub(crate) const fn key(self) -> Key {
        self.home.key()
    }

    /// Which actor this is, without its protocol.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {} async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |_| { let addr = spawn("idle", idle); assert_eq!(addr.id(), ActorId::from(addr)) });
    /// ```
    #[must_use]
    pub const fn id(&self) -> ActorId {
        ActorId(self.home.key())
    }

    /// Asks the actor to stop, before it takes any further message; see [`ActorId::stop`].
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {} async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |_| { let addr = spawn("idle", idle); addr.stop(); assert_eq!(addr.ended().await, ExitReason::Shutdown) });
    /// ```
    pub fn stop(&self) {
        self.id().stop();
    }

    /// Ends the actor at its next suspension point, without its hooks; see [`ActorId::kill`].
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {} async fn busy(_: &mut Cx<Msg>) -> Result<(), Fault> { std::future::pending().await }
    /// greenroom::run(async |_| { let addr = spawn("busy", busy); addr.kill(); assert_eq!(addr.ended().await, ExitReason::Killed) });
    /// ```
    pub fn kill(&self) {
        self.id().kill();
    }

    /// Whether the actor has not ended for good; `false` also for actors on other loops.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {} async fn brief(_: &mut Cx<Msg>) -> Result<(), Fault> { Ok(()) }
    /// greenroom::run(async |_| { let addr = spawn("brief", brief); assert!(addr.is_alive()); addr.ended().await; assert!(!addr.is_alive()) });
    /// ```
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.id().is_alive()
    }

    /// Waits until the actor has ended for good, and gives the reason;
    /// [`ExitReason::NoActor`] at once when it has ended before this was first polled.
    ///
    /// # Cancel safety
    /// Dropping it stops watching; nothing else happens.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {} async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("idle", idle);
    ///     addr.kill();
    ///     assert_eq!(addr.ended().await, ExitReason::Killed);
    ///     assert_eq!(addr.ended().await, ExitReason::NoActor);
    /// });
    /// ```
    pub async fn ended(&self) -> ExitReason {
        self.id().ended().await
    }
}

impl ActorId {
    /// Waits until the actor has ended for good, and gives the reason;
    /// [`ExitReason::NoActor`] at once when it has ended before this was first polled.
    ///
    /// # Cancel safety
    /// Dropping it stops watching; nothing else happens.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {} async fn fails(_: &mut Cx<Msg>) -> Result<(), Fault> { Err(Fault::new("no paper")) }
    /// greenroom::run(async |_| assert_eq!(spawn("fails", fails).id().ended().await.to_string(), "error: no paper"));
    /// ```
    pub async fn ended(self) -> ExitReason {
        let (sender, receiver) = oneshot::channel();
        let key = self.0;
        if current::with(|core| core.id() == key.home()) == Some(true) {
            watch(key, sender);
        } else if let Some(remote) = remote::find(key.home()) {
            let _ = remote.post_always(Post::Run(Box::new(move || {
                watch(key, sender);
            })));
        } else {
            // A loop that has ended tells nobody; without this the sender would wait here too.
            drop(sender);
        }
        receiver.await.map_or(ExitReason::NoActor, |down| down.reason)
    }
}

/// Sends the end of `key` through `sender`; a dropped sender says that there was no actor.
fn watch(key: Key, sender: oneshot::Sender<Down>) {
    let Some(core) = current::get() else { return };
    let monitor = MonitorId { target: key, number: core.locals.get::<Numbers>().next() };
    let tell = Box::new(move |down| {
        let _ = sender.send(down);
    });
    super::control::with_on(&core, key, |control| control.monitors.add_watcher(monitor, tell));
}

impl<P: Protocol> Addr<P> {
    /// Puts a message before all ordinary ones, bounded by nothing; `false` when the actor, which
    /// must be of this loop, has ended.
    pub(crate) fn put_urgent(self, message: P) -> bool {
        let cell = current::get().and_then(|core| cell::find::<P>(&core, self.key()));
        cell.map(|cell| cell.put_urgent(message)).is_some()
    }

    /// Puts a message behind all others, bounded by nothing; `false` when the actor has ended.
    pub(crate) fn put_exempt(self, message: P) -> bool {
        let cell = current::get().and_then(|core| cell::find::<P>(&core, self.key()));
        cell.map(|cell| cell.put_exempt(message)).is_some()
    }

    /// Sends without ever waiting.
    ///
    /// # Errors
    /// The message comes back when the actor has ended or its mailbox is full (unless the policy
    /// drops messages). From another thread, `Ok` promises only that the message reached the inbox
    /// of the actor's loop; if the mailbox turns out to be full or closed it is a dead letter.
    /// ```
    /// # use greenroom::{actor::*, prelude::*}; enum Msg { Job } impl Protocol for Msg {} async fn work(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } } greenroom::run(async |_| {
    /// let addr = spawn_with("worker", MailboxOptions::bounded(1), work);
    /// assert!(addr.try_tell(Msg::Job).is_ok() && addr.try_tell(Msg::Job).unwrap_err().is_full());
    /// # });
    /// ```
    #[inline]
    pub fn try_tell<M>(&self, message: M) -> Result<(), TellError<M>>
    where
        P: Accepts<M>,
    {
        match open(self) {
            Opened::Here(cell) if cell.admission() == Admission::Put => {
                cell.put(P::wrap(message, Reply::nobody()));
                Ok(())
            }
            Opened::Here(cell) => {
                let mut passage = Passage::new(message);
                match passage.poll(self, &*cell, None, Reply::nobody) {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => unreachable!("without a waker nobody waits in line"),
                }
            }
            Opened::Gone => Err(Passage::new(message).closed(self.id())),
            Opened::Elsewhere => self.tell_away(message),
        }
    }

    #[cold]
    fn tell_away<M>(&self, message: M) -> Result<(), TellError<M>>
    where
        P: Accepts<M>,
    {
        self.send_away(message, Reply::nobody(), Arrival::Try)
            .map_err(|away| away.into_error(self.id()))
    }

    /// Sends, waiting for room if the mailbox is full and its policy is
    /// [`Overflow::Wait`](super::Overflow::Wait). Nothing is sent before the future is polled.
    ///
    /// # Errors
    /// When the actor has ended, or is full under [`Overflow::Fail`](super::Overflow::Fail): the
    /// message comes back.
    ///
    /// # Cancel safety
    /// Dropped before it is done, the message was not sent and is dropped with it. Sent to another
    /// loop, it goes on from the first poll, whoever waits.
    /// ```
    /// # use greenroom::{actor::*, prelude::*}; enum Msg { Job } impl Protocol for Msg {} async fn work(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } } greenroom::run(async |_| {
    /// let addr = spawn_with("worker", MailboxOptions::bounded(1), work);
    /// for _ in 0..3 { addr.tell(Msg::Job).await.unwrap() } // waits for room
    /// # });
    /// ```
    #[inline]
    pub fn tell<M>(&self, message: M) -> Tell<Self, M, P::Reply>
    where
        P: Accepts<M>,
    {
        Tell::new(*self, message)
    }

    /// Sends and waits for the reply, 5 s unless the returned [`Ask`] is told otherwise. Nothing is
    /// sent before the future is polled.
    ///
    /// # Errors
    /// [`AskError`](super::AskError) says what is certain: not sent, never handled, handled in
    /// part, or unknown. An actor that ends while it is asked is an error at once, not at the
    /// limit.
    ///
    /// # Cancel safety
    /// Dropped while it waits for room on the actor's loop, nothing was sent. Dropped later, the
    /// message is handled and its reply discarded; [`Reply::is_closed`] shows that nobody waits.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; struct Sum(u8, u8); protocol! { enum Msg { Sum(Sum) -> u8 } }
    /// # async fn adder(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Sum(Sum(a, b), reply) = cx.recv().await; reply.send(a + b) } }
    /// greenroom::run(async |_| assert_eq!(spawn("adder", adder).ask(Sum(2, 3)).await.unwrap(), 5));
    /// ```
    #[inline]
    pub fn ask<M>(&self, message: M) -> Ask<Self, M, P::Reply>
    where
        P: Accepts<M>,
    {
        Ask::new(*self, message, Some(DEFAULT_LIMIT))
    }

    /// Asks in a plain enum: `make` is given the reply port and makes the message.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    ///
    /// # Cancel safety
    /// As [`ask`](Self::ask).
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Double(u64, Reply<u64>) } impl Protocol for Msg {}
    /// # async fn doubler(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Double(n, reply) = cx.recv().await; reply.send(2 * n); } }
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("doubler", doubler);
    ///     assert_eq!(addr.ask_with(|reply| Msg::Double(4, reply)).await.unwrap(), 8);
    /// });
    /// ```
    pub fn ask_with<R: 'static, F>(&self, make: F) -> Ask<Making<P>, F, R>
    where
        F: FnOnce(Reply<R>) -> P,
    {
        Ask::new(Making(*self), make, Some(DEFAULT_LIMIT))
    }

    /// Passes a request on with its reply port; see [`Request::forward`].
    ///
    /// # Errors
    /// When the actor is full or has ended: the request comes back, except from another thread.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; struct Get; protocol! { enum Msg { Get(Get) => u8 } } async fn seven(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Get(_, reply) = cx.recv().await; reply.send(7) } } greenroom::run(async |_| {
    /// let back = spawn("seven", seven);
    /// let front = async move |cx: &mut Cx<Msg>| { let Msg::Get(message, reply) = cx.recv().await; back.forward(Request { message, reply }) };
    /// assert_eq!(spawn("front", front).ask(Get).await.unwrap(), 7);
    /// # });
    /// ```
    pub fn forward<M, R: 'static>(
        &self,
        request: Request<M, R>,
    ) -> Result<(), TellError<Request<M, R>>>
    where
        P: Accepts<M, Reply = R>,
    {
        let Request { message, reply } = request;
        let (mut passage, mut reply) = (Passage::new(message), Some(reply));
        let mut port = || reply.take().unwrap_or_else(Reply::nobody);
        let outcome = match open(self) {
            Opened::Here(cell) => match passage.poll(self, &*cell, None, port) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => unreachable!("without a waker nobody waits in line"),
            },
            Opened::Gone => Err(passage.closed(self.id())),
            Opened::Elsewhere => {
                let Some(message) = passage.take() else { return Ok(()) };
                return self.send_away(message, port(), Arrival::Try).map_err(|away| {
                    let error = away.into_error(self.id());
                    error.map(|message| Request { message, reply: Reply::nobody() })
                });
            }
        };
        outcome.map_err(|error| {
            let reply = reply.take().unwrap_or_else(Reply::nobody);
            error.map(|message| Request { message, reply })
        })
    }

    /// The same actor, for one message type and whatever protocol it belongs to.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; struct Tick; protocol! { enum Msg { Tick(Tick), Other(u8) } } async fn clock(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
    /// greenroom::run(async |_| { let ticks: Recipient<Tick> = spawn("clock", clock).recipient(); assert!(ticks.tell(Tick).await.is_ok()) });
    /// ```
    #[must_use]
    pub const fn recipient<M>(&self) -> Recipient<M, P::Reply>
    where
        P: Accepts<M>,
        M: 'static,
    {
        Recipient::of(self)
    }
}

impl<M, P: Accepts<M>> Door<M, P::Reply> for Addr<P> {
    type Gate = ActorCell<P>;

    #[inline]
    fn key(&self) -> ActorId {
        self.id()
    }

    #[inline]
    fn find(&self, core: &Core) -> Option<Rc<ActorCell<P>>> {
        cell::find(core, self.home.key())
    }

    #[inline]
    fn put(&self, cell: &ActorCell<P>, message: M, reply: Reply<P::Reply>) {
        cell.put(P::wrap(message, reply));
    }

    fn bury(&self, cell: &ActorCell<P>, message: M, reply: Reply<P::Reply>) {
        bury_overflow(&cell.control, P::wrap(message, reply));
    }

    fn send_away(
        &self,
        message: M,
        reply: Reply<P::Reply>,
        arrival: Arrival,
    ) -> Result<(), Away<M>> {
        if remote::find(self.home.key().home()).is_none() {
            let refused = remote::Refused::Closed;
            return Err(Away { message: Some(message), refused });
        }
        self.home
            .send(P::wrap(message, reply), |key, message| arrive(key, message, arrival))
            .map_err(|(message, refused)| {
                drop(message);
                Away { message: None, refused }
            })
    }
}

/// A message from another thread has reached its loop.
fn arrive<P: Protocol>(key: Key, message: P, arrival: Arrival) {
    let Some(core) = current::get() else { return };
    let Some(cell) = cell::find::<P>(&core, key) else {
        dead_letter::stray(ActorId(key), message);
        if let Arrival::Wait(tell) = arrival {
            let _ = tell.send(Err(TellErrorKind::Closed));
        }
        return;
    };
    if let (Arrival::Urgent, Some(room)) = (&arrival, cell.mailbox.admits_urgent()) {
        return if room { cell.put_urgent(message) } else { bury_overflow(&cell.control, message) };
    }
    let outcome = match (cell.admission(), &arrival) {
        (Admission::Put, _) => {
            cell.put(message);
            Ok(())
        }
        (Admission::DropOldestAndPut, _) => {
            cell.drop_oldest();
            cell.put(message);
            Ok(())
        }
        (Admission::Wait, Arrival::Wait(_)) => {
            // It waits in line like a sender of this loop, behind those who came before it.
            let tell = Addr::<P>::new(key, &core).tell(message);
            core.spawn(Box::pin(async move {
                let outcome = tell.await.map_err(|error| error.kind());
                if let Arrival::Wait(sender) = arrival {
                    let _ = sender.send(outcome);
                }
            }));
            return;
        }
        (Admission::DropThis | Admission::Refuse | Admission::Wait, _) => {
            let full = TellErrorKind::Full { capacity: cell.capacity() };
            let dropped = cell.admission() == Admission::DropThis;
            bury_overflow(&cell.control, message);
            if dropped { Ok(()) } else { Err(full) }
        }
    };
    if let Arrival::Wait(sender) = arrival {
        let _ = sender.send(outcome);
    }
}

/// The door of [`Addr::ask_with`]: its messages are made by a closure.
/// ```
/// # use greenroom::{actor::{Ask, Making, spawn}, prelude::*}; enum Msg { Get(Reply<u8>) } impl Protocol for Msg {} async fn seven(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Get(reply) = cx.recv().await; reply.send(7) } }
/// greenroom::run(async |_| { let ask: Ask<Making<Msg>, _, u8> = spawn("seven", seven).ask_with(Msg::Get); assert_eq!(ask.await.unwrap(), 7) });
/// ```
#[derive(Debug)]
pub struct Making<P>(Addr<P>);

impl<P> Clone for Making<P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Making<P> {}

impl<P: Protocol, R: 'static, F: FnOnce(Reply<R>) -> P> Door<F, R> for Making<P> {
    type Gate = ActorCell<P>;

    #[inline]
    fn key(&self) -> ActorId {
        self.0.id()
    }

    fn message_name() -> &'static str {
        std::any::type_name::<P>()
    }

    #[inline]
    fn find(&self, core: &Core) -> Option<Rc<ActorCell<P>>> {
        cell::find(core, self.0.key())
    }

    #[inline]
    fn put(&self, cell: &ActorCell<P>, make: F, reply: Reply<R>) {
        cell.put(make(reply));
    }

    fn bury(&self, cell: &ActorCell<P>, make: F, reply: Reply<R>) {
        bury_overflow(&cell.control, make(reply));
    }

    fn send_away(&self, make: F, reply: Reply<R>, arrival: Arrival) -> Result<(), Away<F>> {
        let sent = Door::<P, ()>::send_away(&self.0, make(reply), Reply::nobody(), arrival);
        sent.map_err(|away| Away { message: None, refused: away.refused })
    }
}
