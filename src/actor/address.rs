//! `Addr<P>`: where an actor can be reached; eight bytes that anybody may copy.

use std::fmt;
use std::rc::Rc;
use std::task::Poll;

use super::arrival::{Arrival, arrive};
use super::ask::Ask;
use super::cell::{self, ActorCell, Gate as _};
use super::control;
use super::door::{Away, Door, Opened, Passage, bury_overflow, open};
use super::error::TellError;
use super::exit::ExitReason;
use super::id::ActorId;
use super::making::Making;
use super::protocol::{Accepts, Protocol, Request};
use super::recipient::Recipient;
use super::reply::Reply;
use super::tell::Tell;
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::mailbox::overflow::Admission;
use crate::scheduler::crossing::Home;
use crate::scheduler::remote;

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
    /// When the actor has ended, or is full under [`Overflow::Fail`](super::Overflow::Fail), or the
    /// inbox of its loop, another one, is full: the message comes back, unless it was on its way to
    /// another loop.
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

    /// Sends and waits for the reply: 5 s, unless the actor's
    /// [mailbox](super::MailboxOptions::ask_timeout), for asks from its own loop, or the returned
    /// [`Ask`] is told otherwise. Nothing is sent before the future is polled.
    ///
    /// # How it ends
    ///
    /// - `Ok(reply)` as soon as the reply is sent.
    /// - [`NotSent`](super::AskError::NotSent): certainly not sent, and the message comes back
    ///   unless it was on its way to another loop. At once when the actor has ended, or is full
    ///   under [`Overflow::Fail`](super::Overflow::Fail), or the inbox of its loop is full; at the
    ///   limit when there was no room until then, if the actor lives on the asker's loop.
    /// - [`SelfAsk`](super::AskError::SelfAsk): the same, at once, for an actor that asks itself
    ///   from its handler.
    /// - [`NeverHandled`](super::AskError::NeverHandled), [`Dropped`](super::AskError::Dropped):
    ///   certainly no handler saw it. As soon as the actor ends with the message in its mailbox, or
    ///   the mailbox drops it to make room.
    /// - [`Stopped`](super::AskError::Stopped), [`Crashed`](super::AskError::Crashed): handled,
    ///   perhaps in part. As soon as the actor stops, or its incarnation crashes, without a reply.
    /// - [`NoReply`](super::AskError::NoReply): the same, as soon as an actor that lives on drops
    ///   the reply port.
    /// - [`Cycle`](super::AskError::Cycle): as soon as actors that wait for each other, as far as
    ///   their loop can see, have closed a circle; whether the message will be handled is unknown.
    /// - [`TimedOut`](super::AskError::TimedOut) at the limit: nothing is certain. The message may
    ///   be handled now, later, or never.
    /// - [`WrongLoop`](super::AskError::WrongLoop): the future was polled on one loop, which sent
    ///   the message, and then on another, where the reply cannot be had; nothing is certain.
    ///
    /// So an actor that ends is an error at once, never at the limit, and
    /// [`AskError::is_unhandled`](super::AskError::is_unhandled) says when asking again, or asking
    /// somebody else, is safe.
    ///
    /// # Rules
    ///
    /// - **The limit.** A reply that is sent in the very turn of the loop in which the limit is
    ///   reached wins, if asker and actor share the loop. At the limit the actor is not cancelled
    ///   and hears nothing; its late reply is a [dead letter](super::DeadLetter) and reaches
    ///   nobody, least of all the next ask.
    /// - **Giving up.** Dropping the future is the same at an earlier time. The actor can see by
    ///   [`Reply::is_closed`] that nobody waits any more.
    /// - **Who replies.** Whoever holds the [`Reply`]: the handler, a later one, or another actor
    ///   that it was passed on to, for instance by [`Request::forward`]. If that one ends instead,
    ///   the first asker is told so, with its name; it is never told that the message was
    ///   unhandled.
    /// - **Order.** Asks of one sender are handled in the order in which they are first polled, and
    ///   answered in that order if the actor answers in order; none has to be awaited before the
    ///   next. An [`AskSet`](super::AskSet) gives replies in the order in which they come.
    /// - **A restart** is no end: what waits in the mailbox is answered by the next incarnation.
    ///
    /// Replies that are errors of your own are values like any other; with a reply of type
    /// `Result<T, E>`, `??` hands on both what the ask and what the actor says.
    ///
    /// # Errors
    /// [`AskError`](super::AskError), as above.
    ///
    /// # Cancel safety
    /// Dropped while it waits for room on the actor's loop, nothing was sent. Dropped later, the
    /// message is handled and its reply discarded; [`Reply::is_closed`] shows that nobody waits.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    ///
    /// struct Brew { seconds: u64 }
    /// struct Cups;
    /// protocol! { enum BarProtocol { Brew(Brew) -> Result<&'static str, String>, Cups(Cups) -> u32 } }
    ///
    /// #[derive(Default)]
    /// struct Bar { cups: u32 }
    /// impl Actor for Bar { type Protocol = BarProtocol; type Error = Fault; }
    /// impl Handler<Brew> for Bar {
    ///     async fn handle(
    ///         &mut self, brew: Brew, _: &mut Cx<BarProtocol>,
    ///     ) -> Result<Result<&'static str, String>, Fault> {
    ///         if brew.seconds == 0 { return Ok(Err("nobody likes it raw".to_owned())); }
    ///         if brew.seconds > 60 { return Err(Fault::new("the pot has boiled over")); }
    ///         greenroom::time::sleep(Duration::from_secs(brew.seconds)).await;
    ///         self.cups += 1;
    ///         Ok(Ok("tea"))
    ///     }
    /// }
    /// impl Handler<Cups> for Bar {
    ///     async fn handle(&mut self, _: Cups, _: &mut Cx<BarProtocol>) -> Result<u32, Fault> { Ok(self.cups) }
    /// }
    ///
    /// greenroom::test::run(async |_test| {
    ///     let bar = greenroom::actor::spawn("bar", Bar::default);
    ///     assert_eq!(bar.ask(Brew { seconds: 3 }).await.unwrap(), Ok("tea"));
    ///     // A reply at the limit wins.
    ///     let limit = Duration::from_secs(4);
    ///     assert_eq!(bar.ask(Brew { seconds: 4 }).timeout(limit).await.unwrap(), Ok("tea"));
    ///     // After it nothing is certain. Here it was brewed all the same, and drunk by nobody.
    ///     let late = bar.ask(Brew { seconds: 6 }).await.unwrap_err();
    ///     assert!(late.is_timeout() && !late.is_unhandled());
    ///     assert_eq!(bar.ask(Cups).await.unwrap(), 3);
    ///     // An error that is a reply, and one that is a crash.
    ///     assert!(bar.ask(Brew { seconds: 0 }).await.unwrap().is_err());
    ///     let crash = bar.ask(Brew { seconds: 99 }).await.unwrap_err();
    ///     assert!(matches!(crash, AskError::Crashed { .. }));
    ///     // It is gone: the message comes back, and may be sent to somebody else.
    ///     let refused = bar.ask(Brew { seconds: 1 }).await.unwrap_err();
    ///     assert!(refused.is_unhandled());
    ///     assert!(matches!(refused.into_message(), Some(Brew { seconds: 1 })));
    /// });
    /// ```
    #[inline]
    pub fn ask<M>(&self, message: M) -> Ask<Self, M, P::Reply>
    where
        P: Accepts<M>,
    {
        Ask::new(*self, message)
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
        Ask::new(Making::new(*self), make)
    }

    /// Passes a request on with its reply port; see [`Request::forward`].
    ///
    /// # Errors
    /// When the actor is full or has ended: the request comes back, with its port;
    /// one that the inbox of another loop refuses is a dead letter.
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
        control::note_passed();
        let Request { message, reply } = request;
        let (mut passage, mut reply) = (Passage::new(message), Some(reply));
        let mut port = || reply.take().unwrap_or_else(Reply::nobody);
        let outcome = match open(self) {
            Opened::Here(cell) => match passage.poll(self, &*cell, None, port) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => unreachable!("without a waker nobody waits in line"),
            },
            Opened::Elsewhere if remote::find(self.home.key().home()).is_some() => {
                let Some(message) = passage.take() else { return Ok(()) };
                let sent = self.send_away(message, port(), Arrival::Try);
                return sent.map_err(|away| {
                    let error = away.into_error(self.id());
                    error.map(|message| Request { message, reply: Reply::nobody() })
                });
            }
            Opened::Gone | Opened::Elsewhere => Err(passage.closed(self.id())),
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
                // It was made into the protocol's own, so it cannot come back.
                Away::lost(message, self.id(), refused)
            })
    }
}
