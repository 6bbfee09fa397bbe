//! Messages that come from another loop: what becomes of them where they arrive.

use futures::channel::oneshot;

use super::address::Addr;
use super::cell::{self, Gate as _};
use super::dead_letter;
use super::door::bury_overflow;
use super::error::TellErrorKind;
use super::id::ActorId;
use super::protocol::Protocol;
use crate::base::key::Key;
use crate::event_loop::current;
use crate::mailbox::overflow::Admission;

/// What is to happen to a message that arrives from another loop.
pub(crate) enum Arrival {
    /// Put it if there is room; if not, it is a dead letter.
    Try,
    /// Put it before all ordinary ones if there is a lane for that, else as `Try`.
    Urgent,
    /// Wait for room as the policy says, and say how it went.
    Wait(oneshot::Sender<Result<(), TellErrorKind>>),
}

/// A message from another thread has reached its loop.
pub(crate) fn arrive<P: Protocol>(key: Key, message: P, arrival: Arrival) {
    let Some(core) = current::get() else { return };
    let Some(cell) = cell::find::<P>(&core, key) else {
        dead_letter::stray(ActorId(key), message);
        if let Arrival::Wait(tell) = arrival {
            let _ = tell.send(Err(TellErrorKind::Closed));
        }
        return;
    };
    if let (Arrival::Urgent, Some(room)) = (&arrival, cell.mailbox.admits_urgent()) {
        return if room { cell.put_urgent(message) } else { bury_overflow(&cell.control, message) };
    }
    let outcome = match (cell.admission(), &arrival) {
        (Admission::Put, _) => {
            cell.put(message);
            Ok(())
        }
        (Admission::DropOldestAndPut, _) => {
            cell.drop_oldest();
            cell.put(message);
            Ok(())
        }
        (Admission::Wait, Arrival::Wait(_)) => {
            // It waits in line like a sender of this loop, behind those who came before it.
            let tell = Addr::<P>::new(key, &core).tell(message);
            core.spawn(Box::pin(async move {
                let outcome = tell.await.map_err(|error| error.kind());
                if let Arrival::Wait(sender) = arrival {
                    let _ = sender.send(outcome);
                }
            }));
            return;
        }
        (Admission::DropThis | Admission::Refuse | Admission::Wait, _) => {
            let full = TellErrorKind::Full { capacity: cell.capacity() };
            let dropped = cell.admission() == Admission::DropThis;
            bury_overflow(&cell.control, message);
            if dropped { Ok(()) } else { Err(full) }
        }
    };
    if let Arrival::Wait(sender) = arrival {
        let _ = sender.send(outcome);
    }
}
