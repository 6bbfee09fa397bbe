//! `Incarnate`: what can be an actor. A struct with handlers, made by a factory; an async function;
//! or what a layer above makes of something else, as of a state machine.

use std::fmt::Display;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use futures::future::FutureExt as _;

use super::Actor;
use super::body::settle_end;
use super::cell::ActorCell;
use super::context::Cx;
use super::exit::ExitReason;
use super::family;
use super::protocol::{Dispatch as _, Protocol};
use super::recovery::{Recovery, after_error};
use crate::base::panics::catch;
use crate::event_loop::current;

/// Something that can be run as an actor with the protocol `P`, again for every incarnation.
///
/// Implemented for
/// - factories of struct actors, `|| Account { cents: 0 }`, called once an incarnation;
/// - async functions and closures over a receive loop, `async fn counter(cx: &mut Cx<Msg>) ->
///   Result<(), E>`, called once an incarnation;
/// - what [`state_machine`](crate::state_machine::state_machine()),
///   [`router`](crate::router::router()) and [`pool`](crate::router::pool()) give.
///
/// The marker `Kind` keeps them apart for the compiler; it is always inferred.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::actor::Incarnate;
/// # struct Job; protocol! { enum Msg { Job(Job) } }
/// # struct Worker; impl Actor for Worker { type Protocol = Msg; type Error = Fault; }
/// # impl Handler<Job> for Worker { async fn handle(&mut self, _: Job, cx: &mut Cx<Msg>) -> Result<(), Fault> { cx.stop(); Ok(()) } }
/// # async fn work(cx: &mut Cx<Msg>) -> Result<(), Fault> { cx.recv().await; Ok(()) }
///
/// /// Takes either kind.
/// fn hire<Kind: 'static>(worker: impl Incarnate<Msg, Kind>) -> Addr<Msg> {
///     greenroom::actor::spawn("worker", worker)
/// }
///
/// greenroom::run(async |_system| {
///     for worker in [hire(work), hire(|| Worker)] {
///         worker.tell(Job).await.unwrap();
///         assert_eq!(worker.ended().await, ExitReason::Normal);
///     }
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be run as an actor",
    note = "an actor is `|| MyActor {{ … }}` (a factory of a struct that implements `Actor`) or \
            `async fn(&mut Cx<P>) -> Result<(), E>` with `E: Display`"
)]
pub trait Incarnate<P: Protocol, Kind>: 'static {
    /// Lives one life.
    #[doc(hidden)]
    #[expect(async_fn_in_trait, reason = "actors stay on their loop, so no `Send` is wanted")]
    async fn live(&mut self, cx: &mut Cx<P>) -> ExitReason;

    /// Sees the last life's dependants out, however it ended, before anybody hears of its end.
    #[doc(hidden)]
    #[expect(async_fn_in_trait, reason = "actors stay on their loop, so no `Send` is wanted")]
    async fn reap(&mut self) {}
}

/// Marks async functions.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::actor::{Incarnate, IsFunction};
/// # enum Msg {} impl Protocol for Msg {}
/// /// Takes functions only, whatever their error is.
/// fn start<E: 'static>(actor: impl Incarnate<Msg, IsFunction<E>>) -> Addr<Msg> {
///     greenroom::actor::spawn("function", actor)
/// }
///
/// greenroom::run(async |_system| {
///     let addr = start(async |_: &mut Cx<Msg>| Err::<(), _>("no paper"));
///     assert_eq!(addr.ended().await, ExitReason::Error("no paper".into()));
/// });
/// ```
#[derive(Debug)]
pub struct IsFunction<E>(PhantomData<fn(E)>);

/// Marks factories of struct actors.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::actor::{Incarnate, IsFactory};
/// # struct Get; protocol! { enum Msg { Get(Get) -> u8 } }
/// # struct Seven; impl Actor for Seven { type Protocol = Msg; type Error = Fault; }
/// # impl Handler<Get> for Seven { async fn handle(&mut self, _: Get, _: &mut Cx<Msg>) -> Result<u8, Fault> { Ok(7) } }
/// /// Takes factories of one struct only.
/// fn start<A: Actor>(make: impl Incarnate<A::Protocol, IsFactory<A>>) -> Addr<A::Protocol> {
///     greenroom::actor::spawn("struct", make)
/// }
///
/// greenroom::run(async |_system| {
///     assert_eq!(start::<Seven>(|| Seven).ask(Get).await.unwrap(), 7);
/// });
/// ```
#[derive(Debug)]
pub struct IsFactory<A>(PhantomData<fn(A)>);

impl<F, P, E> Incarnate<P, IsFunction<E>> for F
where
    P: Protocol,
    E: Display,
    F: AsyncFnMut(&mut Cx<P>) -> Result<(), E> + 'static,
{
    async fn live(&mut self, cx: &mut Cx<P>) -> ExitReason {
        match self(cx).await {
            Ok(()) => match cx.cell.control.take_refusal() {
                Some(why) => ExitReason::Refused(why),
                None if cx.is_stopping() => cx.cell.control.take_stop_reason(),
                None => ExitReason::Normal,
            },
            Err(error) => error_reason(&error),
        }
    }
}

impl<F, A> Incarnate<A::Protocol, IsFactory<A>> for F
where
    A: Actor,
    F: FnMut() -> A + 'static,
{
    async fn live(&mut self, cx: &mut Cx<A::Protocol>) -> ExitReason {
        let mut actor = self();
        live(&mut actor, cx).await
    }
}

/// An incarnation with hooks that is given one message after the other: a struct with handlers, or
/// whatever else a layer above makes of messages.
pub(crate) trait Life {
    type Protocol: Protocol;
    type Error: Display;

    async fn started(&mut self, cx: &mut Cx<Self::Protocol>) -> Result<(), Self::Error>;

    fn handle(
        &mut self,
        message: Self::Protocol,
        cx: &mut Cx<Self::Protocol>,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    fn on_error(&mut self, error: &Self::Error) -> Recovery;

    async fn crashed(&mut self, reason: &ExitReason, cx: &mut Cx<Self::Protocol>);

    async fn stopped(&mut self, reason: &ExitReason, cx: &mut Cx<Self::Protocol>);
}

impl<A: Actor> Life for A {
    type Protocol = A::Protocol;
    type Error = A::Error;

    async fn started(&mut self, cx: &mut Cx<A::Protocol>) -> Result<(), A::Error> {
        Actor::started(self, cx).await
    }

    fn handle(
        &mut self,
        message: A::Protocol,
        cx: &mut Cx<A::Protocol>,
    ) -> impl Future<Output = Result<(), A::Error>> {
        message.dispatch(self, cx)
    }

    fn on_error(&mut self, error: &A::Error) -> Recovery {
        Actor::on_error(self, error)
    }

    async fn crashed(&mut self, reason: &ExitReason, cx: &mut Cx<A::Protocol>) {
        Actor::crashed(self, reason, cx).await;
    }

    async fn stopped(&mut self, reason: &ExitReason, cx: &mut Cx<A::Protocol>) {
        Actor::stopped(self, reason, cx).await;
    }
}

/// From the start hook to the stop hook.
pub(crate) async fn live<A: Life>(actor: &mut A, cx: &mut Cx<A::Protocol>) -> ExitReason {
    if let Err(error) = actor.started(cx).await {
        return error_reason(&error);
    }
    if let Some(why) = cx.cell.control.take_refusal() {
        return ExitReason::Refused(why);
    }
    if cx.cell.control.has_declined() {
        return ExitReason::Normal;
    }
    // The one guard for all messages: the actor outlives a panic, for its hook.
    let reason = match AssertUnwindSafe(handle_until_end(actor, cx)).catch_unwind().await {
        Ok(reason) => reason,
        Err(payload) => panic_reason(payload),
    };
    wind_up(actor, cx, reason).await
}

/// The end of an incarnation whose actor is still there: hooks, and between them its family. A hook
/// is guarded; its own panic is the reason then.
async fn wind_up<A: Life>(
    actor: &mut A,
    cx: &mut Cx<A::Protocol>,
    mut reason: ExitReason,
) -> ExitReason {
    cx.cell.control.begin_winding_up();
    if let Some(core) = current::get() {
        settle_end(&cx.cell, &core, &reason);
    }
    let cell = Rc::clone(&cx.cell);
    if reason.is_crash() {
        let crashed = or_end_here(&cell, actor.crashed(&reason, cx), || ());
        let crashed = AssertUnwindSafe(crashed).catch_unwind().await;
        if let Err(payload) = crashed {
            reason = panic_reason(payload);
        }
    }
    if cell.control.has_family() {
        if cell.control.is_killed() {
            // Its family is to stop first, and that takes longer than it has.
            return ExitReason::Killed;
        }
        Box::pin(family::stop(&cell.control, reason.is_clean())).await;
    }
    let stopped = or_end_here(&cell, actor.stopped(&reason, cx), || ());
    match AssertUnwindSafe(stopped).catch_unwind().await {
        Ok(()) => reason,
        Err(payload) => panic_reason(payload),
    }
}

/// Handles messages until the actor ends, also where a handler waits for a message itself.
async fn handle_until_end<A: Life>(actor: &mut A, cx: &mut Cx<A::Protocol>) -> ExitReason {
    let cell = Rc::clone(&cx.cell);
    or_end_here(&cell, handle_all(actor, cx), || cell.control.take_stop_reason()).await
}

/// Runs a future, and gives this instead where it waits for a message that does not come any more.
async fn or_end_here<P: Protocol, T>(
    cell: &ActorCell<P>,
    future: impl Future<Output = T>,
    instead: impl Fn() -> T,
) -> T {
    let mut future = pin!(future);
    poll_fn(|task| match future.as_mut().poll(task) {
        // A kill acts first.
        Poll::Pending if !cell.control.is_killed() && cell.control.take_end_here() => {
            Poll::Ready(instead())
        }
        other => other,
    })
    .await
}

/// One message after the other, until a stop or a crash.
async fn handle_all<A: Life>(actor: &mut A, cx: &mut Cx<A::Protocol>) -> ExitReason {
    loop {
        if let Some(message) = cx.take_next() {
            if let Err(error) = actor.handle(message, cx).await
                && let Some(reason) = after_error(actor, &error, cx)
            {
                return reason;
            }
        } else if !cx.wait_next().await {
            return cx.cell.control.take_stop_reason();
        }
    }
}

pub(crate) fn error_reason(error: &impl Display) -> ExitReason {
    // The alternate form prints an error with its causes.
    ExitReason::Error(Arc::from(format!("{error:#}")))
}

pub(crate) fn panic_reason(payload: Box<dyn std::any::Any + Send>) -> ExitReason {
    // Thrown again under the guard that turns a payload into text and drops it safely.
    match catch(|| std::panic::resume_unwind(payload)) {
        Ok(()) => ExitReason::Panicked(Arc::from("a panic")),
        Err(text) => ExitReason::Panicked(text),
    }
}
