//! Piping: what a future comes to, as a message to the actor that started it.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use futures::future::FutureExt as _;

use super::context::Cx;
use super::incarnate::panic_reason;
use super::protocol::Protocol;
use crate::task::JoinHandle;

impl<P: Protocol> Cx<P> {
    /// Lets `future` run beside the actor and sends what `map` makes of its output to the actor
    /// itself: to ask somebody, to read or to compute without keeping the mailbox waiting.
    ///
    /// The message goes to the end of the mailbox, whatever its bound, once the future is done; it
    /// keeps no order with what others send meanwhile, a [`Down`](super::Down) of whoever is asked
    /// included. The future begins when the handler next waits or is done. A panic in it or in
    /// `map` is the actor's own: it crashes before its next message. When the incarnation ends
    /// first, the future is dropped; a reply to an ask in it is a [dead letter](super::DeadLetter)
    /// then, and whoever was asked goes on.
    ///
    /// The handle may be dropped; [`abort`](JoinHandle::abort) takes the future back.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Store { Load(Reply<u32>) }
    /// impl Protocol for Store {}
    /// async fn store(cx: &mut Cx<Store>) -> Result<(), Fault> {
    ///     loop { let Store::Load(reply) = cx.recv().await; reply.send(7); }
    /// }
    ///
    /// enum Msg { Begin(Addr<Store>), Loaded(Result<u32, String>) }
    /// impl Protocol for Msg {}
    /// async fn reader(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop {
    ///         match cx.recv().await {
    ///             Msg::Begin(store) => {
    ///                 cx.pipe_to_self(store.ask_with(Store::Load), |outcome| {
    ///                     Msg::Loaded(outcome.map_err(|error| error.to_string()))
    ///                 });
    ///             }
    ///             Msg::Loaded(outcome) => {
    ///                 assert_eq!(outcome, Ok(7));
    ///                 return Ok(());
    ///             }
    ///         }
    ///     }
    /// }
    ///
    /// greenroom::run(async |_system| {
    ///     let store = greenroom::actor::spawn("store", store);
    ///     let reader = greenroom::actor::spawn("reader", reader);
    ///     reader.tell(Msg::Begin(store)).await.unwrap();
    ///     assert_eq!(reader.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn pipe_to_self<F>(
        &self,
        future: F,
        map: impl FnOnce(F::Output) -> P + 'static,
    ) -> JoinHandle<()>
    where
        F: Future + 'static,
    {
        let cell = Rc::clone(&self.cell);
        self.spawn(async move {
            match AssertUnwindSafe(future.map(map)).catch_unwind().await {
                Ok(message) => cell.put_exempt(message),
                Err(payload) => cell.control.ask_to_stop(panic_reason(payload)),
            }
        })
    }
}
