//! `Recovery`: what becomes of an actor after an error of one of its handlers, by the error's
//! class.

use super::context::Cx;
use super::control::Control;
use super::dead_letter::{self, Cause};
use super::exit::ExitReason;
use super::incarnate::{Life, error_reason};
use super::lifecycle::{self, Lifecycle};
use super::orphan::Orphans;
use crate::base::backoff::Backoff;
use crate::event_loop::current;

/// What is to become of an actor after an error of one of its handlers; chosen by
/// [`Actor::on_error`](super::Actor::on_error).
///
/// The innermost rule that knows the error wins: first the actor's own `match`; what that leaves to
/// [`Supervise`](Self::Supervise) is decided by the child's spec, and what the spec says nothing of
/// by the supervisor. Panics and kills are never recovered from in place: they are always for the
/// supervisor.
///
/// An actor without a supervisor can only resume; after anything else it has ended.
///
/// ```
/// use greenroom::prelude::*;
///
/// #[derive(Debug, thiserror::Error)]
/// enum StoreError {
///     #[error("no such key")]
///     NoSuchKey,
///     #[error("the connection is lost")]
///     ConnectionLost,
///     #[error("the licence has expired")]
///     NoLicence,
/// }
///
/// struct Fail(StoreError);
/// struct Gets;
/// protocol! { enum StoreProtocol { Fail(Fail) -> (), Gets(Gets) -> u32 } }
///
/// #[derive(Default)]
/// struct Store { gets: u32 }
/// impl Actor for Store {
///     type Protocol = StoreProtocol;
///     type Error = StoreError;
///
///     fn on_error(&mut self, error: &StoreError) -> Recovery {
///         match error {
///             StoreError::NoSuchKey => Recovery::Resume,
///             StoreError::ConnectionLost => Recovery::Restart,
///             StoreError::NoLicence => Recovery::Stop,
///         }
///     }
/// }
/// impl Handler<Fail> for Store {
///     async fn handle(&mut self, fail: Fail, _: &mut Cx<StoreProtocol>) -> Result<(), StoreError> {
///         Err(fail.0)
///     }
/// }
/// impl Handler<Gets> for Store {
///     async fn handle(&mut self, _: Gets, _: &mut Cx<StoreProtocol>) -> Result<u32, StoreError> {
///         self.gets += 1;
///         Ok(self.gets)
///     }
/// }
///
/// greenroom::test::run(async |test| {
///     let store = test.spawn(child("store", Store::default)).await.unwrap();
///     assert_eq!(store.ask(Gets).await.unwrap(), 1);
///     // The asker hears of the error, and the actor goes on as it was.
///     assert!(matches!(store.ask(Fail(StoreError::NoSuchKey)).await, Err(AskError::Crashed { .. })));
///     assert_eq!(store.ask(Gets).await.unwrap(), 2);
///     // A new incarnation begins anew.
///     assert!(store.ask(Fail(StoreError::ConnectionLost)).await.is_err());
///     assert_eq!(store.ask(Gets).await.unwrap(), 1);
///     // A permanent child, and yet it is not brought back.
///     assert!(store.ask(Fail(StoreError::NoLicence)).await.is_err());
///     test.settle().await;
///     assert!(!store.is_alive());
/// });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Recovery {
    /// A crash: the child's spec and its supervisor decide. The default.
    #[default]
    Supervise,
    /// Go on with the next message, with the state as the handler left it, in the same incarnation.
    /// The message is lost, to the dead letters, and its asker hears
    /// [`AskError::Crashed`](super::AskError::Crashed). It costs nothing of a supervisor's budget,
    /// so it is right only where the handler leaves no half-made changes.
    Resume,
    /// A crash, after which it is restarted at once, also where it has a back-off. It costs one
    /// restart of the supervisor's budget. A temporary child ends.
    Restart,
    /// A crash, after which it is restarted after this back-off, in place of its own or its
    /// supervisor's, until it has started again. A temporary child ends.
    Backoff(Backoff),
    /// A crash that is final: it ends with the error as its reason, and is not restarted even if it
    /// is permanent.
    Stop,
}

/// A handler returned an error: why the incarnation must end, or `None` when it goes on.
#[cold]
pub(crate) fn after_error<A: Life>(
    actor: &mut A,
    error: &A::Error,
    cx: &Cx<A::Protocol>,
) -> Option<ExitReason> {
    let reason = error_reason(error);
    match actor.on_error(error) {
        Recovery::Resume => {
            resume(&cx.cell.control, reason);
            None
        }
        recovery => {
            cx.cell.control.set_recovery(recovery);
            Some(reason)
        }
    }
}

/// The actor goes on, without the message in its hand.
fn resume(control: &Control, reason: ExitReason) {
    tracing::warn!(
        target: "greenroom::actor", actor = %control.name, id = %control.id(),
        incarnation = control.incarnation(), message = control.handling(), %reason,
        "a message failed, and the actor goes on",
    );
    if let Some(core) = current::get() {
        core.locals.get::<Orphans>().settle_for(control, &reason);
    }
    control.end_message();
    dead_letter::announce(control, control.handling(), Cause::Crashed(reason.clone()));
    lifecycle::tell(control, || Lifecycle::Resumed(reason));
}
