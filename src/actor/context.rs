//! `Cx<P>`: what an actor can do from inside.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::address::Addr;
use super::cell::ActorCell;
use super::exit::ExitReason;
use super::id::ActorId;
use super::protocol::Protocol;
use crate::event_loop::current;
use crate::task::JoinHandle;

/// An actor's own view of itself: its mailbox, its address, whom it watches.
///
/// It is lent to one incarnation after the other, so the mailbox survives a crash.
/// ```
/// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {}
/// async fn brief(cx: &mut Cx<Msg>) -> Result<(), Fault> { assert_eq!((cx.incarnation(), cx.waiting()), (0, 0)); Ok(()) }
/// greenroom::run(async |_| assert_eq!(spawn("brief", brief).ended().await, ExitReason::Normal));
/// ```
pub struct Cx<P> {
    pub(crate) cell: Rc<ActorCell<P>>,
}

impl<P: Protocol> Cx<P> {
    /// The actor's own address, which stays the same over restarts.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg { Go } impl Protocol for Msg {}
    /// let to_itself = async |cx: &mut Cx<Msg>| { cx.addr().tell(Msg::Go).await?; cx.recv().await; Ok::<(), TellError<Msg>>(()) };
    /// greenroom::run(async |_| assert_eq!(spawn("to-itself", to_itself).ended().await, ExitReason::Normal));
    /// ```
    #[must_use]
    pub fn addr(&self) -> Addr<P> {
        current::expect_with("Cx::addr", |core| Addr::new(self.cell.control.key, core))
    }

    /// The actor's id.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {}
    /// let actor = async |cx: &mut Cx<Msg>| { assert_eq!(cx.id(), cx.addr().id()); Ok::<(), Fault>(()) };
    /// greenroom::run(async |_| assert_eq!(spawn("actor", actor).ended().await, ExitReason::Normal));
    /// ```
    #[must_use]
    pub fn id(&self) -> ActorId {
        self.cell.control.id()
    }

    /// The actor's name.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {}
    /// let actor = async |cx: &mut Cx<Msg>| { assert_eq!(&**cx.name(), "printer"); Ok::<(), Fault>(()) };
    /// greenroom::run(async |_| assert_eq!(spawn("printer", actor).ended().await, ExitReason::Normal));
    /// ```
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.cell.control.name
    }

    /// How many times the actor was restarted: 0 for its first incarnation.
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Get(Reply<u32>) } impl Protocol for Msg {} greenroom::run(async |system| {
    /// let brittle = async |cx: &mut Cx<Msg>| { let Msg::Get(reply) = cx.recv().await; reply.send(cx.incarnation()); Err::<(), _>("spent") };
    /// let addr = system.spawn(child("brittle", brittle)).await.unwrap();
    /// for n in 0..2 { assert_eq!(addr.ask_with(Msg::Get).await.unwrap(), n) }
    /// # });
    /// ```
    #[must_use]
    pub fn incarnation(&self) -> u32 {
        self.cell.control.incarnation()
    }

    /// How many messages are waiting in the mailbox.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg { Job } impl Protocol for Msg {}
    /// let actor = async |cx: &mut Cx<Msg>| { cx.addr().tell(Msg::Job).await?; assert_eq!(cx.waiting(), 1); Ok::<(), TellError<Msg>>(()) };
    /// greenroom::run(async |_| assert_eq!(spawn("actor", actor).ended().await, ExitReason::Normal));
    /// ```
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.cell.mailbox.len()
    }

    /// Says that the actor has started, before it first asks for a message: for a function that
    /// does something else first, or receives nothing at all. Whoever waits for its start goes on.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// greenroom::run(async |system| {
    ///     let works = async |cx: &mut Cx<Msg>| {
    ///         cx.ready();
    ///         std::future::pending::<Result<(), Fault>>().await
    ///     };
    ///     assert!(system.spawn(child("works", works).shutdown(Shutdown::Brutal)).await.is_ok());
    /// });
    /// ```
    pub fn ready(&self) {
        self.cell.control.mark_started();
    }

    /// Declines to start, from the `started` hook: the actor ends as [`ExitReason::Normal`] before
    /// its first message, and its supervisor keeps its spec without an instance. It is no error and
    /// is never retried.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {} struct Off;
    /// # impl greenroom::actor::Dispatch<Off> for Msg { async fn dispatch(self, _: &mut Off, _: &mut Cx<Msg>) -> Result<(), Fault> { match self {} } }
    /// impl Actor for Off {
    /// #   type Protocol = Msg; type Error = Fault;
    ///     async fn started(&mut self, cx: &mut Cx<Msg>) -> Result<(), Fault> { Ok(cx.decline()) }
    /// }
    /// greenroom::run(async |_| assert_eq!(spawn("off", || Off).ended().await, ExitReason::Normal));
    /// ```
    pub fn decline(&self) {
        self.cell.control.decline();
    }

    /// Refuses to start, from the `started` hook or before the first message of a function, and
    /// says why: whoever starts it hears
    /// [`StartError::Refused`](crate::supervisor::StartError::Refused), and the incarnation ends as
    /// [`ExitReason::Refused`]. It is a start that failed, with all that follows from one, but it
    /// was meant: it is not reported as a crash, and a first start is not tried again. Nothing
    /// happens once the actor has started.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::supervisor::StartError;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn unlicensed(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     cx.refuse("there is no licence");
    ///     Ok(())
    /// }
    ///
    /// greenroom::run(async |system| {
    ///     let refused = system.spawn(child("service", unlicensed)).await.unwrap_err();
    ///     assert_eq!(refused.to_string(), "child `service` refused to start: there is no licence");
    ///     assert!(matches!(refused, StartError::Refused { .. }));
    /// });
    /// ```
    pub fn refuse(&self, why: impl Into<Arc<str>>) {
        self.cell.control.refuse(why.into());
    }

    /// Ends the actor by itself, reason [`ExitReason::Normal`], before its next message.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {}
    /// let done = async |cx: &mut Cx<Msg>| -> Result<(), Fault> { cx.stop(); match cx.recv().await {} };
    /// greenroom::run(async |_| assert_eq!(spawn("done", done).ended().await, ExitReason::Normal));
    /// ```
    pub fn stop(&self) {
        self.cell.control.ask_to_stop(ExitReason::Normal);
    }

    /// Whether the actor was asked to stop and is on its way out: from when it next looks for a
    /// message, so not yet in the handler during which it was asked.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {}
    /// let actor = async |cx: &mut Cx<Msg>| { assert!(!cx.is_stopping() && cx.next().await.is_none() && cx.is_stopping()); Ok::<(), Fault>(()) };
    /// greenroom::run(async |_| { let addr = spawn("actor", actor); addr.stop(); assert_eq!(addr.ended().await, ExitReason::Shutdown) });
    /// ```
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.cell.control.is_stopping()
    }

    /// Starts a task that belongs to this incarnation: it is cancelled when the incarnation ends,
    /// however it ends. Use it for work that goes on while messages are handled.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// enum Msg { Tick, Ticks(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn clock(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     let me = cx.addr();
    ///     cx.spawn(async move {
    ///         let mut ticks = greenroom::time::interval(Duration::from_millis(1));
    ///         loop { ticks.tick().await; let _ = me.tell(Msg::Tick).await; }
    ///     });
    ///     let mut n = 0;
    ///     loop { match cx.recv().await { Msg::Tick => n += 1, Msg::Ticks(reply) => reply.send(n) } }
    /// }
    ///
    /// greenroom::run(async |_system| {
    ///     let clock = greenroom::actor::spawn("clock", clock);
    ///     greenroom::time::sleep(Duration::from_millis(20)).await;
    ///     assert!(clock.ask_with(Msg::Ticks).await.unwrap() > 0);
    /// });
    /// ```
    pub fn spawn<F: Future + 'static>(&self, future: F) -> JoinHandle<F::Output> {
        let handle = crate::task::spawn(future);
        if let (Some(task), Some(core)) = (handle.key(), current::get()) {
            self.cell.control.own_task(task, |task| core.scheduler.contains(task));
        }
        handle
    }

    /// Notes which message is handled, for reports and dead letters.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {}
    /// let actor = async |cx: &mut Cx<Msg>| { cx.begin_handling::<u64>(); Ok::<(), Fault>(()) };
    /// greenroom::run(async |_| assert_eq!(spawn("actor", actor).ended().await, ExitReason::Normal));
    /// ```
    #[doc(hidden)]
    #[inline]
    pub fn begin_handling<M>(&self) {
        self.cell.control.begin_handling::<M>();
    }
}

impl<P: Protocol> fmt::Debug for Cx<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx")
            .field("name", self.name())
            .field("id", &self.id())
            .field("incarnation", &self.incarnation())
            .field("waiting", &self.waiting())
            .finish()
    }
}
