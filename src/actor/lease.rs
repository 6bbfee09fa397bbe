//! Leases: the message in hand comes again after a crash, a limited number of times.
//!
//! Without a lease, a message whose handler crashes is lost, to the dead letters: it may be why the
//! handler crashed. With one it is handled again by the next incarnation, first of all, at most as
//! often as [`MailboxOptions::redeliveries`](super::MailboxOptions::redeliveries) says; after that
//! it is a dead letter, [`Cause::Poison`].
//!
//! What that asks of a handler is said in the documentation of the module above.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use super::cell::ActorCell;
use super::context::Cx;
use super::dead_letter::{self, Cause};
use super::exit::ExitReason;
use super::monitor::Numbers;
use super::protocol::{Accepts, Protocol};
use super::reply::Reply;
use crate::base::panics::drop_quietly;
use crate::event_loop::current;
use crate::mailbox::side::Taken;

/// A message that comes again if the actor crashes while this is held; made by [`Cx::lease`].
///
/// It is held until the work is done: an actor that lets it go, by [`done`](Self::done) or by
/// dropping it, and crashes in a later turn, or with a later message, has handled this one. Several
/// that are held at a crash come again in the order in which they were leased.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg { Work(&'static str) }
/// impl Protocol for Msg {}
/// async fn worker(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop {
///         let work = cx.recv().await;
///         let work = cx.lease(work);
///         let Msg::Work(what) = &*work;
///         if work.attempt() < 2 { return Err(Fault::new(format!("{what} went wrong"))); }
///     }
/// }
/// greenroom::test::run(async |test| {
///     let worker = test.spawn(child("worker", worker)).await.unwrap();
///     worker.tell(Msg::Work("printing")).await.unwrap();
///     test.settle().await;
///     // Two incarnations crashed with it; the third was done with it, and nothing was lost.
///     assert_eq!((worker.id().info().unwrap().incarnation, test.dead_letters()), (2, 0));
/// });
/// ```
pub struct Lease<P: Protocol + Accepts<M>, M> {
    cell: Rc<ActorCell<P>>,
    /// Until it is let go.
    message: Option<M>,
    attempt: u32,
    /// How many messages had been begun when it was made.
    of: u64,
    /// Its place among all leases.
    number: u64,
}

/// A message that was let go in a turn whose end is not known yet.
pub(crate) struct Leased<P> {
    message: P,
    attempt: u32,
    of: u64,
    number: u64,
    /// How many messages had been begun when it was let go: a crash with a later one in hand comes
    /// too late to bring this one back.
    let_go: u64,
}

impl<P: Protocol> Cx<P> {
    /// Holds the message in hand until it is done: if this incarnation crashes or is killed
    /// meanwhile, the next one is given it again, before all other mail, whole or, for a deferred
    /// [`Request`](super::Request), with its reply port. Read [what that asks of a
    /// handler](crate::actor#the-message-in-hand-after-a-crash).
    ///
    /// It counts the attempts of the message that was taken last: lease a message before the next
    /// is taken.
    ///
    /// ```
    /// use greenroom::prelude::*;
    ///
    /// struct Charge { number: u32 }
    /// protocol! { enum TillProtocol { Charge(Charge) => u32 } }
    ///
    /// struct Till;
    /// impl Actor for Till { type Protocol = TillProtocol; type Error = Fault; }
    /// impl Handler<Request<Charge, u32>> for Till {
    ///     async fn handle(
    ///         &mut self, request: Request<Charge, u32>, cx: &mut Cx<TillProtocol>,
    ///     ) -> Result<(), Fault> {
    ///         let charge = cx.lease(request);
    ///         if charge.attempt() == 0 { panic!("the printer is on fire"); }
    ///         let charge = charge.done();
    ///         charge.reply.send(charge.message.number);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// greenroom::test::run(async |test| {
    ///     let till = test.spawn(child("till", || Till)).await.unwrap();
    ///     assert_eq!(till.ask(Charge { number: 7 }).await.unwrap(), 7);
    /// });
    /// ```
    pub fn lease<M>(&self, message: M) -> Lease<P, M>
    where
        P: Accepts<M>,
    {
        let attempt = match self.cell.mailbox.taken() {
            Taken::Redelivered(attempts) => attempts,
            Taken::Ordinary | Taken::Notice(_) => 0,
        };
        let of = self.cell.control.handled();
        let number = current::with(|core| core.locals.get::<Numbers>().next()).unwrap_or(of);
        Lease { cell: Rc::clone(&self.cell), message: Some(message), attempt, of, number }
    }
}

impl<P: Protocol + Accepts<M>, M> Lease<P, M> {
    /// How many incarnations crashed with this message in their hand; 0 the first time.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Work }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |_test| {
    ///     let addr = greenroom::actor::spawn("works", async |cx: &mut Cx<Msg>| {
    ///         let work = cx.recv().await;
    ///         let work = cx.lease(work);
    ///         assert_eq!(work.attempt(), 0);
    ///         Ok::<(), Fault>(())
    ///     });
    ///     addr.tell(Msg::Work).await.unwrap();
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    /// });
    /// ```
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The message is done with, and does not come again.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Work(u32) }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |_test| {
    ///     let addr = greenroom::actor::spawn("works", async |cx: &mut Cx<Msg>| {
    ///         let work = cx.recv().await;
    ///         let Msg::Work(number) = cx.lease(work).done();
    ///         assert_eq!(number, 7);
    ///         Ok::<(), Fault>(())
    ///     });
    ///     addr.tell(Msg::Work(7)).await.unwrap();
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    /// });
    /// ```
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a lease holds its message until it is let go")]
    pub fn done(mut self) -> M {
        self.message.take().expect("a lease holds its message until it is let go")
    }
}

impl<P: Protocol + Accepts<M>, M> Deref for Lease<P, M> {
    type Target = M;

    fn deref(&self) -> &M {
        self.message.as_ref().expect("a lease holds its message until it is let go")
    }
}

impl<P: Protocol + Accepts<M>, M> Drop for Lease<P, M> {
    fn drop(&mut self) {
        let (Some(message), Some(core)) = (self.message.take(), current::get()) else { return };
        // Whether the incarnation crashes in this very poll is known when the poll is over.
        let message = P::wrap(message, Reply::nobody());
        let Self { attempt, of, number, .. } = *self;
        let let_go = self.cell.control.handled();
        let leased = Leased { message, attempt, of, number, let_go };
        self.cell.extra().leased.borrow_mut().push(leased);
        let cell = Rc::clone(&self.cell);
        core.defer(move |_| {
            // Those that a crash did not take are done.
            let done = cell.extra().leased.take();
            drop_quietly(done);
        });
    }
}

impl<P: Protocol + Accepts<M>, M> fmt::Debug for Lease<P, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

/// What became of the leases of an incarnation that ended.
pub(crate) struct Settled<P> {
    /// Whether the message in hand comes again, or is poison: it is accounted for.
    pub(crate) in_hand: bool,
    /// Messages that were done with before, to be dropped.
    pub(crate) done: Vec<Leased<P>>,
}

/// An incarnation ended: what it held under lease comes again or is poison after a crash, and is
/// dropped after any other end.
pub(crate) fn settle<P: Protocol>(cell: &ActorCell<P>, reason: &ExitReason) -> Settled<P> {
    let now = cell.control.handled();
    let leased = cell.extra().leased.take();
    let (mut held, done): (Vec<_>, _) = leased.into_iter().partition(|lease| lease.let_go == now);
    if !reason.is_crash() {
        drop_quietly(held);
        return Settled { in_hand: false, done };
    }
    // Each is put before the ones that are there, so the last comes first here.
    held.sort_by_key(|lease| std::cmp::Reverse(lease.number));
    let in_hand = held.iter().any(|lease| lease.of == now);
    for Leased { message, attempt, .. } in held {
        let attempts = attempt + 1;
        if attempts > cell.options.redeliveries {
            let cause = Cause::Poison { attempts, reason: reason.clone() };
            dead_letter::bury(&cell.control, message, &cause);
        } else {
            tracing::info!(
                target: "greenroom::actor", actor = %cell.control.name, attempts,
                of = cell.options.redeliveries, "a message comes again after a crash",
            );
            cell.mailbox.put_redelivered(message, attempts);
        }
    }
    Settled { in_hand, done }
}
