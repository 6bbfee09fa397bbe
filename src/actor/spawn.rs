//! Making an actor: its cell, its task, its address.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::address::Addr;
use super::body::{self, Share};
use super::cell::ActorCell;
use super::control::Control;
use super::incarnate::Incarnate;
use super::limits::Limits;
use super::parent::Parent;
use super::protocol::Protocol;
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::mailbox::overflow::Overflow;
use crate::mailbox::queue::Mailbox;

/// How many messages a mailbox holds if nothing else is said.
pub(crate) const DEFAULT_CAPACITY: usize = 1_024;

/// How often a message that is held under lease comes again if nothing else is said.
const DEFAULT_REDELIVERIES: u32 = 3;

/// How large a mailbox is and what happens when it is full.
///
/// ```
/// use greenroom::actor::{MailboxOptions, Overflow};
///
/// let bounded = MailboxOptions::bounded(64).overflow(Overflow::DropOldest);
/// let unbounded = MailboxOptions::unbounded();
/// # let _ = (bounded, unbounded, MailboxOptions::default());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MailboxOptions {
    capacity: usize,
    overflow: Overflow,
    urgent: u32,
    pub(crate) stash: usize,
    pub(crate) redeliveries: u32,
    pub(crate) ask_timeout: Option<Duration>,
}

impl MailboxOptions {
    /// Holds at most this many messages, at least 1; senders wait when it is full. Stop requests,
    /// [`Down`](super::Down) notices and supervision do not count.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Job } impl Protocol for Msg {}
    /// # async fn work(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn_with("worker", MailboxOptions::bounded(1), work);
    ///     assert!(addr.try_tell(Msg::Job).is_ok());
    ///     assert!(addr.try_tell(Msg::Job).unwrap_err().is_full());
    /// });
    /// ```
    #[must_use]
    pub const fn bounded(capacity: usize) -> Self {
        Self {
            capacity: if capacity == 0 { 1 } else { capacity },
            overflow: Overflow::Wait,
            urgent: 0,
            stash: DEFAULT_CAPACITY,
            redeliveries: DEFAULT_REDELIVERIES,
            ask_timeout: None,
        }
    }

    /// Holds as many as memory does. It must be said, because it is how servers die.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Job } impl Protocol for Msg {}
    /// # async fn work(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn_with("worker", MailboxOptions::unbounded(), work);
    ///     for _ in 0..2_000 { assert!(addr.try_tell(Msg::Job).is_ok()); }
    /// });
    /// ```
    #[must_use]
    pub const fn unbounded() -> Self {
        Self::bounded(usize::MAX)
    }

    /// What happens to a message that finds the mailbox full.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Job } impl Protocol for Msg {}
    /// # async fn work(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { cx.recv().await; } }
    /// greenroom::run(async |_system| {
    ///     let mailbox = MailboxOptions::bounded(1).overflow(Overflow::Fail);
    ///     let addr = greenroom::actor::spawn_with("worker", mailbox, work);
    ///     addr.try_tell(Msg::Job).unwrap();
    ///     // With `Overflow::Wait` this would have waited for room.
    ///     assert!(addr.tell(Msg::Job).await.unwrap_err().is_full());
    /// });
    /// ```
    #[must_use]
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Gives it an urgent lane for this many messages, which
    /// [`Addr::try_tell_urgent`](super::Addr::try_tell_urgent) sends before all ordinary ones.
    /// Without one, by default, they are ordinary: who may push in is the receiver's decision.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// let mailbox = MailboxOptions::bounded(64).urgent(8);
    /// # let _ = mailbox;
    /// ```
    #[must_use]
    pub const fn urgent(mut self, capacity: u32) -> Self {
        self.urgent = capacity;
        self
    }

    /// How many messages the actor may put aside by [`Cx::stash`](super::Cx::stash); 1,024 by
    /// default.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// let mailbox = MailboxOptions::default().stash(16);
    /// # let _ = mailbox;
    /// ```
    #[must_use]
    pub const fn stash(mut self, capacity: usize) -> Self {
        self.stash = capacity;
        self
    }

    /// How often a message that is held under [lease](super::Cx::lease) comes again after a crash,
    /// before it is a poison letter; 3 times by default.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// let mailbox = MailboxOptions::default().redeliveries(1);
    /// # let _ = mailbox;
    /// ```
    #[must_use]
    pub const fn redeliveries(mut self, times: u32) -> Self {
        self.redeliveries = times;
        self
    }

    /// How long an ask of this actor waits unless the asker says otherwise by
    /// [`Ask::timeout`](super::Ask::timeout); 5 s by default. It holds for asks from the actor's
    /// own loop; from elsewhere it is not known when the wait begins.
    ///
    /// ```
    /// # use greenroom::prelude::*; enum Msg { Get(Reply<u8>) } impl Protocol for Msg {}
    /// use std::time::Duration;
    /// greenroom::test::run(async |_test| {
    ///     let patient = MailboxOptions::default().ask_timeout(Duration::from_secs(60));
    ///     let slow = async |cx: &mut Cx<Msg>| -> Result<(), Fault> {
    ///         let Msg::Get(reply) = cx.recv().await;
    ///         greenroom::time::sleep(Duration::from_secs(30)).await;
    ///         reply.send(7);
    ///         Ok(())
    ///     };
    ///     let addr = greenroom::actor::spawn_with("slow", patient, slow);
    ///     assert_eq!(addr.ask_with(Msg::Get).await.unwrap(), 7);
    /// });
    /// ```
    #[must_use]
    pub const fn ask_timeout(mut self, limit: Duration) -> Self {
        self.ask_timeout = Some(limit);
        self
    }

    pub(crate) const fn mailbox<M>(&self) -> Mailbox<M> {
        Mailbox::new(self.capacity, self.overflow).with_urgent(self.urgent)
    }
}

impl Default for MailboxOptions {
    /// 1,024 messages; senders wait.
    fn default() -> Self {
        Self::bounded(DEFAULT_CAPACITY)
    }
}

/// What is said of an actor when it is made.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Options {
    pub(crate) mailbox: MailboxOptions,
    pub(crate) limits: Limits,
}

impl From<MailboxOptions> for Options {
    fn from(mailbox: MailboxOptions) -> Self {
        Self { mailbox, limits: Limits::default() }
    }
}

/// Starts an actor that no supervisor looks after: when it crashes, it has ended.
///
/// It lives on the current loop until it ends by itself, is stopped, or the loop ends. Messages
/// sent before it has started wait in its mailbox. Most actors belong under a
/// [`Supervisor`](crate::supervisor::Supervisor).
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg { Get(Reply<&'static str>) }
/// impl Protocol for Msg {}
///
/// greenroom::run(async |_system| {
///     let addr = greenroom::actor::spawn("once", async |cx: &mut Cx<Msg>| {
///         let Msg::Get(reply) = cx.recv().await;
///         reply.send("only once");
///         Ok::<(), Fault>(())
///     });
///     assert_eq!(addr.ask_with(Msg::Get).await.unwrap(), "only once");
///     assert!(addr.ask_with(Msg::Get).await.is_err());
/// });
/// ```
#[track_caller]
pub fn spawn<P, Kind, I>(name: &str, incarnate: I) -> Addr<P>
where
    P: Protocol,
    Kind: 'static,
    I: Incarnate<P, Kind>,
{
    spawn_with(name, MailboxOptions::default(), incarnate)
}

/// As [`spawn`], with a mailbox of your choice.
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// # use greenroom::prelude::*; enum Msg { Job } impl Protocol for Msg {}
/// greenroom::run(async |_system| {
///     let three_jobs = async |cx: &mut Cx<Msg>| {
///         for _ in 0..3 { let Msg::Job = cx.recv().await; }
///         Ok::<(), Fault>(())
///     };
///     let addr = greenroom::actor::spawn_with("worker", MailboxOptions::bounded(1), three_jobs);
///     for _ in 0..3 { addr.tell(Msg::Job).await.unwrap(); }
///     assert_eq!(addr.ended().await, ExitReason::Normal);
/// });
/// ```
#[track_caller]
pub fn spawn_with<P, Kind, I>(name: &str, mailbox: MailboxOptions, incarnate: I) -> Addr<P>
where
    P: Protocol,
    Kind: 'static,
    I: Incarnate<P, Kind>,
{
    let core = current::expect("greenroom::actor::spawn");
    start(&core, Arc::from(name), mailbox.into(), None, incarnate)
}

/// Makes the actor; it first runs in the next round. On a loop that is closing it is dropped before
/// it begins, and its address finds nobody.
pub(crate) fn start<P, Kind, I>(
    core: &Core,
    name: Arc<str>,
    options: Options,
    parent: Option<Rc<dyn Parent>>,
    incarnate: I,
) -> Addr<P>
where
    P: Protocol,
    Kind: 'static,
    I: Incarnate<P, Kind>,
{
    let key = core.scheduler.insert(None);
    let cell = Rc::new(ActorCell::new(Control::new(key, name, parent), options.mailbox));
    let share =
        Share { messages: core.limits.messages_per_poll, watchdog: options.limits.watchdog() };
    let body = body::run(incarnate, Rc::clone(&cell), share);
    core.scheduler.attach(key, cell);
    // The slot was made a moment ago and nothing ran in between.
    let placed = core.scheduler.set_future(key, Box::pin(body));
    drop(placed);
    if core.is_closing() {
        core.cancel(key);
    }
    Addr::new(key, core)
}
