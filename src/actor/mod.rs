//! Actors: tasks that own a mailbox, and everything about reaching one.
//!
//! # Promises
//! * **M4** a message is handled at most once, unless a handler held it under [lease](Cx::lease)
//!   and crashed; if never, it comes back, or is a dead letter, or goes with the loop in whose
//!   inbox it stood when that ended
//! * **A1** an actor runs at most one handler at a time; awaiting in a handler lets nobody in
//! * **A2** the stop hook of a struct actor runs once for each incarnation that has started, also
//!   after a panic; not when the actor was killed, nor when a handler was given up at its
//!   [`handler_timeout`](crate::supervisor::Child::handler_timeout)
//!
//! # An incarnation's life
//!
//! ```text
//!   started ──▶ handle, handle, … ─┬─ asked to stop ────────┬─▶ family ends ─▶ stopped ─▶ dropped
//!      │ Err, panic,               ├─ Err, panic ─▶ crashed ┘
//!      │ declined, refused         └─ killed, handler out of time ─▶ dropped ─▶ family ends
//!      ▼
//!   not started: dropped
//! ```
//!
//! The family are the supervisors that the actor started
//! [under itself](crate::supervisor::SupervisorBuilder::start_under); those that survive crashes go
//! on after one. A stop whose reason is a crash, as that of a linked actor may be, runs `crashed`
//! too. An error of a handler is first put to [`Actor::on_error`], which may let the actor go on.
//!
//! What comes next is the supervisor's verdict: the next incarnation behind the same address and
//! mailbox, or the end. At the end the name is free first, then the mailbox closes (messages left
//! in it are dead letters, asks among them fail at once), then linked actors are told, and then
//! whoever watches.
//!
//! # The message in hand after a crash
//!
//! It is a dead letter, because it may be why the handler crashed. A handler that holds it under
//! [lease](Cx::lease) says that it wants it again: the next incarnation is given it before all
//! other mail, at most as often as [`MailboxOptions::redeliveries`] says; then it is a poison
//! letter, [`Cause::Poison`]. What such a handler does may be done twice, so it must be
//! *idempotent*: doing a part again must do no harm. Give each job a number and skip what is done
//! already, set a value instead of adding to it, or write the effect and the number of the job in
//! one transaction.

mod address;
mod arrival;
mod ask;
mod ask_error;
mod ask_many;
mod ask_set;
mod body;
mod cell;
mod context;
pub(crate) mod control;
pub(crate) mod dead_letter;
mod door;
mod ended;
mod error;
mod exit;
pub(crate) mod family;
mod fault;
mod id;
mod incarnate;
mod keyed_timer;
mod lease;
pub(crate) mod lifecycle;
pub(crate) mod limits;
pub(crate) mod link;
mod listen;
mod making;
mod monitor;
mod orphan;
pub(crate) mod parent;
mod pipe;
mod protocol;
mod receive;
mod receive_timeout;
mod recipient;
mod recovery;
pub(crate) mod release;
mod reply;
pub(crate) mod spawn;
mod stash;
mod suspend;
mod tasks;
mod tell;
mod urgent;
pub(crate) mod wait;
mod watch;

pub use address::Addr;
pub use ask::Ask;
pub use ask_error::AskError;
pub use ask_many::{NoAnswer, ask_all, ask_any, ask_each};
pub use ask_set::{AskSet, DuplicateLabel, Unanswered};
pub use context::Cx;
pub use dead_letter::{Cause, DeadLetter};
pub(crate) use error::name_of;
pub use error::{ActorLabel, TellError, TellErrorKind};
pub use exit::ExitReason;
pub use fault::Fault;
pub use id::ActorId;
pub use incarnate::{Incarnate, IsFactory, IsFunction};
pub(crate) use incarnate::{Life, live};
pub use keyed_timer::Repeat;
pub use lease::Lease;
pub use lifecycle::{Lifecycle, LifecycleEvent};
pub use link::{Exit, LinkError};
pub use making::Making;
pub use monitor::{Down, MonitorId};
pub use protocol::{Accepts, Dispatch, Protocol, Request};
pub use receive_timeout::WhenIdle;
pub use recipient::Recipient;
pub use recovery::Recovery;
pub use reply::Reply;
pub use spawn::{MailboxOptions, spawn, spawn_with};
pub use stash::StashFull;
pub use suspend::ActorInfo;
pub use tell::Tell;
pub use wait::Waiting;
pub use watch::WatchConflict;

pub use crate::mailbox::overflow::Overflow;

/// An actor with state and a handler for each message of its protocol.
///
/// State, messages and futures need not be `Send`: an actor never leaves its loop. `Err` from a
/// handler is a crash, for the supervisor to decide about, unless [`on_error`](Self::on_error) says
/// otherwise; an error that callers should see belongs into the reply type.
///
/// ```
/// use greenroom::prelude::*;
///
/// struct Greet(String);
/// protocol! { enum GreeterProtocol { Greet(Greet) -> String } }
///
/// struct Greeter { greeting: &'static str }
/// impl Actor for Greeter {
///     type Protocol = GreeterProtocol;
///     type Error = Fault;
///
///     async fn stopped(&mut self, reason: &ExitReason, _: &mut Cx<GreeterProtocol>) {
///         assert_eq!(*reason, ExitReason::Shutdown);
///     }
/// }
/// impl Handler<Greet> for Greeter {
///     async fn handle(&mut self, Greet(who): Greet, _: &mut Cx<GreeterProtocol>) -> Result<String, Fault> {
///         Ok(format!("{}, {who}!", self.greeting))
///     }
/// }
///
/// greenroom::run(async |_system| {
///     let greeter = greenroom::actor::spawn("greeter", || Greeter { greeting: "Hello" });
///     assert_eq!(greeter.ask(Greet("you".into())).await.unwrap(), "Hello, you!");
///     greeter.stop();
/// });
/// ```
#[expect(async_fn_in_trait, reason = "actors stay on their loop, so no `Send` is wanted")]
pub trait Actor: Sized + 'static {
    /// What the actor understands.
    type Protocol: Protocol + Dispatch<Self>;
    /// What a crash by error looks like; [`Fault`] takes any.
    type Error: std::fmt::Display;

    /// Runs before the first message of an incarnation.
    ///
    /// # Errors
    /// An error means that the incarnation did not start: whoever starts the actor is told, and its
    /// supervisor decides. [`stopped`](Self::stopped) does not run then.
    ///
    /// # Cancel safety
    /// Dropped half-way when the actor is killed, when its supervisor stops it meanwhile, or when
    /// it takes longer than its [limit](crate::supervisor::Child::start_timeout).
    async fn started(&mut self, _cx: &mut Cx<Self::Protocol>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// What is to become of this actor after an error of one of its handlers, by the class of the
    /// error; by default its supervisor decides. An error of [`started`](Self::started) is not
    /// asked about, and a panic never is. See [`Recovery`] for an example.
    ///
    /// # Panics
    /// A panic here is a panic of the handler.
    fn on_error(&mut self, _error: &Self::Error) -> Recovery {
        Recovery::Supervise
    }

    /// Runs when the incarnation has crashed, by an error or a panic, or was asked to stop with a
    /// reason that is a [crash](ExitReason::is_crash), before anything of it is taken down: its
    /// [family](crate::supervisor::SupervisorBuilder::start_under) still runs.
    /// [`stopped`](Self::stopped) follows. It does not run when the actor is killed, nor when a
    /// handler is given up at its [limit](crate::supervisor::Child::handler_timeout).
    ///
    /// # Cancel safety
    /// Dropped half-way when the actor is killed.
    async fn crashed(&mut self, _reason: &ExitReason, _cx: &mut Cx<Self::Protocol>) {}

    /// Runs once at the end of an incarnation that had started: after a stop, an error or a panic,
    /// but not when the actor is killed, nor when a handler is given up at its
    /// [limit](crate::supervisor::Child::handler_timeout): the handler is dropped where it stands,
    /// and the state with it.
    ///
    /// # Cancel safety
    /// Dropped half-way when the actor is killed, which supervisors do when it takes too long.
    async fn stopped(&mut self, _reason: &ExitReason, _cx: &mut Cx<Self::Protocol>) {}
}

/// Handles messages `M` of the actor's protocol.
///
/// One message at a time: while the handler awaits, the mailbox fills. The return value is the
/// reply.
///
/// # Errors
/// The asker gets [`AskError::Crashed`]. It is a crash of the incarnation, unless
/// [`Actor::on_error`] says otherwise.
///
/// ```
/// use greenroom::prelude::*;
/// struct Add(u64);
/// protocol! { enum Msg { Add(Add) -> u64 } }
/// struct Sum(u64);
/// impl Actor for Sum { type Protocol = Msg; type Error = Fault; }
/// impl Handler<Add> for Sum {
///     async fn handle(&mut self, Add(n): Add, _: &mut Cx<Msg>) -> Result<u64, Fault> {
///         self.0 = self.0.checked_add(n).ok_or_else(|| Fault::new("too much"))?;
///         Ok(self.0)
///     }
/// }
///
/// greenroom::run(async |_system| {
///     let sum = greenroom::actor::spawn("sum", || Sum(1));
///     assert_eq!(sum.ask(Add(2)).await.unwrap(), 3);
///     let crash = sum.ask(Add(u64::MAX)).await.unwrap_err();
///     assert_eq!(crash.exit_reason(), Some(&ExitReason::Error("too much".into())));
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no handler for `{M}`",
    note = "implement `Handler<{M}> for {Self}`; its protocol promises that it handles this message"
)]
pub trait Handler<M>: Actor
where
    Self::Protocol: Accepts<M>,
{
    /// Handles one message.
    ///
    /// # Errors
    /// An error crashes the incarnation, unless [`on_error`](Actor::on_error) says otherwise.
    ///
    /// # Cancel safety
    /// Dropped half-way when the actor is killed, when it takes longer than its
    /// [limit](crate::supervisor::Child::handler_timeout), or when it awaits [`Cx::recv`] and the
    /// actor is asked to stop: the message was then handled in part.
    #[expect(async_fn_in_trait, reason = "actors stay on their loop, so no `Send` is wanted")]
    async fn handle(
        &mut self,
        message: M,
        cx: &mut Cx<Self::Protocol>,
    ) -> Result<HandlerReply<Self, M>, Self::Error>;
}

/// Whether a live actor of this loop has this protocol.
pub(crate) fn is_of_protocol<P: Protocol>(
    core: &crate::event_loop::core::Core,
    id: ActorId,
) -> bool {
    cell::find::<P>(core, id.0).is_some()
}

/// How many messages an actor of this loop has before a new one: those that wait, and the one in
/// its hand.
pub(crate) fn load<P: Protocol>(addr: Addr<P>) -> Option<usize> {
    let core = crate::event_loop::current::get()?;
    let cell = cell::find::<P>(&core, addr.key())?;
    Some(cell.mailbox.len() + usize::from(cell.control.has_message()))
}

/// What a handler of `A` returns for a message `M`.
///
/// ```
/// use greenroom::actor::HandlerReply;
/// # use greenroom::prelude::*;
/// # struct Get; protocol! { enum Msg { Get(Get) -> u8 } }
/// # struct Seven; impl Actor for Seven { type Protocol = Msg; type Error = Fault; }
/// impl Handler<Get> for Seven {
///     async fn handle(&mut self, _: Get, _: &mut Cx<Msg>) -> Result<HandlerReply<Self, Get>, Fault> {
///         Ok(7)
///     }
/// }
///
/// greenroom::run(async |_system| {
///     let answer: HandlerReply<Seven, Get> = greenroom::actor::spawn("seven", || Seven).ask(Get).await.unwrap();
///     assert_eq!(answer, 7);
/// });
/// ```
pub type HandlerReply<A, M> = <<A as Actor>::Protocol as Accepts<M>>::Reply;
