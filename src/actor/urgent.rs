//! Urgent messages: before all ordinary ones, where the receiver has a lane for them.

use super::address::Addr;
use super::arrival::Arrival;
use super::door::{Door as _, Opened, Passage, open};
use super::error::{TellError, TellErrorKind};
use super::protocol::Accepts;
use super::reply::Reply;

impl<P> Addr<P> {
    /// Sends a message before all ordinary ones, without ever waiting; urgent messages keep their
    /// order among themselves. Requests to stop and supervision still come first.
    ///
    /// Only an actor whose mailbox has an [urgent lane](super::MailboxOptions::urgent) lets anybody
    /// push in. To any other this is [`try_tell`](Self::try_tell).
    ///
    /// # Errors
    /// The message comes back when the actor has ended, or as many urgent messages wait as its lane
    /// holds. From another thread, `Ok` promises only that the message reached the actor's loop.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// #[derive(Debug, PartialEq)]
    /// enum Msg { Work(u32), Abort }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |_test| {
    ///     let lane = MailboxOptions::default().urgent(4);
    ///     let addr = greenroom::actor::spawn_with("worker", lane, async |cx: &mut Cx<Msg>| {
    ///         assert_eq!(cx.recv().await, Msg::Abort);
    ///         assert_eq!(cx.recv().await, Msg::Work(1));
    ///         Ok::<(), Fault>(())
    ///     });
    ///     addr.tell(Msg::Work(1)).await.unwrap();
    ///     addr.try_tell_urgent(Msg::Abort).unwrap();
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn try_tell_urgent<M>(&self, message: M) -> Result<(), TellError<M>>
    where
        P: Accepts<M>,
    {
        match open::<M, P::Reply, _>(self) {
            Opened::Here(cell) => match cell.mailbox.admits_urgent() {
                None => self.try_tell(message),
                Some(true) => {
                    cell.put_urgent(P::wrap(message, Reply::nobody()));
                    Ok(())
                }
                Some(false) => {
                    let capacity = cell.mailbox.urgent_capacity() as usize;
                    let name = Some(std::sync::Arc::clone(&cell.control.name));
                    let kind = TellErrorKind::Full { capacity };
                    Err(Passage::new(message).refusal(self.id(), name, kind))
                }
            },
            Opened::Gone => Err(Passage::new(message).closed(self.id())),
            Opened::Elsewhere => self
                .send_away(message, Reply::nobody(), Arrival::Urgent)
                .map_err(|away| away.into_error(self.id())),
        }
    }
}
