//! `Incarnate`: what can be an actor. A struct with handlers, made by a factory; or an async
//! function.

use std::fmt::Display;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::future::FutureExt as _;

use super::Actor;
use super::context::Cx;
use super::exit::ExitReason;
use super::protocol::{Dispatch as _, Protocol};
use super::recovery::after_error;
use crate::base::panics::catch;

/// Something that can be run as an actor with the protocol `P`, again for every incarnation.
///
/// Implemented for
/// - factories of struct actors, `|| Account { cents: 0 }`, called once an incarnation;
/// - async functions and closures over a receive loop, `async fn counter(cx: &mut Cx<Msg>) ->
///   Result<(), E>`, called once an incarnation.
///
/// The marker `Kind` keeps the two apart for the compiler; it is always inferred.
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
#[derive(Debug)]
pub struct IsFunction<E>(PhantomData<fn(E)>);

/// Marks factories of struct actors.
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
        let reason = match AssertUnwindSafe(handle_all(&mut actor, cx)).catch_unwind().await {
            Ok(reason) => reason,
            Err(payload) => panic_reason(payload),
        };
        // The hook runs after a crash too, so it is guarded; its own panic is the reason then.
        match AssertUnwindSafe(actor.stopped(&reason, cx)).catch_unwind().await {
            Ok(()) => reason,
            Err(payload) => panic_reason(payload),
        }
    }
}

/// One message after the other, until a stop or a crash.
async fn handle_all<A: Actor>(actor: &mut A, cx: &mut Cx<A::Protocol>) -> ExitReason {
    loop {
        if let Some(message) = cx.take_next() {
            if let Err(error) = message.dispatch(actor, cx).await
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

fn panic_reason(payload: Box<dyn std::any::Any + Send>) -> ExitReason {
    // Thrown again under the guard that turns a payload into text and drops it safely.
    match catch(|| std::panic::resume_unwind(payload)) {
        Ok(()) => ExitReason::Panicked(Arc::from("a panic")),
        Err(text) => ExitReason::Panicked(text),
    }
}
