//! Tasks that belong to an actor: they end with its incarnation; some take it along when they fail.

use std::fmt::Display;
use std::sync::Arc;

use super::context::Cx;
use super::control;
use super::exit::ExitReason;
use super::incarnate::error_reason;
use super::protocol::Protocol;
use crate::base::panics::catch;
use crate::event_loop::current;
use crate::task::{self, JoinError, JoinHandle};

impl<P: Protocol> Cx<P> {
    /// Starts a task that belongs to this incarnation: it is cancelled when the incarnation ends,
    /// however it ends. Use it for work that goes on while messages are handled.
    ///
    /// A failure of it is told to whoever awaits it and to nobody else: the actor lives on. For one
    /// that the actor cannot do without, see [`spawn_linked`](Self::spawn_linked).
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
        self.own(task::spawn(future))
    }

    /// Starts a task that shares the fate of this incarnation: it is cancelled when the incarnation
    /// ends, and when it gives `Err` or panics, the incarnation ends with that as its reason,
    /// before the actor's next message. What then becomes of the actor is for its supervisor to
    /// decide.
    ///
    /// Whoever awaits it is told too. Aborting it is no failure. An actor that only wants to know
    /// uses [`spawn`](Self::spawn).
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn poller(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     cx.spawn_linked(async { Err::<(), _>(Fault::new("the feed is gone")) });
    ///     loop { match cx.recv().await {} }
    /// }
    ///
    /// greenroom::run(async |_system| {
    ///     let poller = greenroom::actor::spawn("poller", poller);
    ///     assert_eq!(poller.ended().await, ExitReason::Error("the feed is gone".into()));
    /// });
    /// ```
    pub fn spawn_linked<F, T, E>(&self, future: F) -> JoinHandle<Result<T, E>>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: Display + 'static,
    {
        let owner = self.id();
        // The task is gone before the next incarnation, so it is this one that it ends.
        self.own(task::launch(task::builder(), future, move |outcome| {
            if let Some(reason) = failure(&outcome) {
                control::with(owner.0, |owner| owner.ask_to_stop(reason));
            }
            outcome
        }))
    }

    fn own<T>(&self, handle: JoinHandle<T>) -> JoinHandle<T> {
        if let (Some(task), Some(core)) = (handle.key(), current::get()) {
            self.cell.control.own_task(task, |task| core.scheduler.contains(task));
        }
        handle
    }
}

/// Why a task takes its owner along, if it does.
fn failure<T, E: Display>(outcome: &Result<Result<T, E>, JoinError>) -> Option<ExitReason> {
    match outcome {
        Ok(Ok(_)) | Err(JoinError::Cancelled | JoinError::TimedOut(_) | JoinError::Failed) => None,
        // Its text is made by code of the user's.
        Ok(Err(error)) => Some(catch(|| error_reason(error)).unwrap_or_else(ExitReason::Panicked)),
        Err(JoinError::Panicked(text)) => Some(ExitReason::Panicked(Arc::clone(text))),
    }
}
