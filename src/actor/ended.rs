//! Waiting for the end of an actor, wherever it lives.

use std::pin::pin;
use std::sync::Arc;

use futures::channel::oneshot;
use futures::future::{Either, select};

use super::control;
use super::exit::ExitReason;
use super::id::ActorId;
use super::monitor::{self, Down, MonitorId, Numbers};
use crate::base::key::Key;
use crate::event_loop::current;
use crate::scheduler::remote::{self, Post};

impl ActorId {
    /// Waits until the actor has ended for good, and gives the reason;
    /// [`ExitReason::NoActor`] at once when it has ended before this was first polled.
    ///
    /// # Cancel safety
    /// Dropping it stops watching; nothing else happens.
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; enum Msg {} impl Protocol for Msg {} async fn fails(_: &mut Cx<Msg>) -> Result<(), Fault> { Err(Fault::new("no paper")) }
    /// greenroom::run(async |_| assert_eq!(spawn("fails", fails).id().ended().await.to_string(), "error: no paper"));
    /// ```
    pub async fn ended(self) -> ExitReason {
        down(self).await.1
    }
}

/// The name, unless it was never known, and the reason.
type Ended = (Option<Arc<str>>, ExitReason);

/// The end of an actor, wherever it lives.
pub(crate) async fn down(actor: ActorId) -> Ended {
    let key = actor.0;
    if current::with(|core| core.id() == key.home()) == Some(true) {
        return ended_here(key).await;
    }
    // A loop that has ended tells nobody.
    let Some(remote) = remote::find(key.home()) else { return (None, ExitReason::NoActor) };
    let (mut sender, receiver) = oneshot::channel();
    let watch = async move {
        let ended = pin!(ended_here(key));
        let ended = match select(ended, sender.cancellation()).await {
            Either::Left((ended, _)) => Some(ended),
            // Whoever waited there has given up.
            Either::Right(((), _)) => None,
        };
        if let Some(ended) = ended {
            let _ = sender.send(ended);
        }
    };
    let _ = remote.post_always(Post::Run(Box::new(move || {
        current::with(|core| core.spawn(Box::pin(watch)));
    })));
    receiver.await.unwrap_or((None, ExitReason::NoActor))
}

async fn ended_here(key: Key) -> Ended {
    let (sender, receiver) = oneshot::channel();
    let _watch = Watch::begin(key, sender);
    receiver.await.map_or((None, ExitReason::NoActor), |down| (down.name, down.reason))
}

/// A watcher that leaves when nobody waits any more, so that waiting often costs nothing later.
struct Watch(MonitorId);

impl Watch {
    /// Sends the end of `key` through `sender`; a dropped sender says that there was no actor.
    fn begin(key: Key, sender: oneshot::Sender<Down>) -> Option<Self> {
        let core = current::get()?;
        let monitor = MonitorId { target: key, number: core.locals.get::<Numbers>().next() };
        let tell = Box::new(move |down| {
            let _ = sender.send(down);
        });
        control::with_on(&core, key, |control| control.monitors.add_watcher(monitor, tell))?;
        Some(Self(monitor))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        monitor::withdraw(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::future::select;

    use super::control;
    use crate::actor::{Cx, ExitReason, Fault, Protocol, spawn};
    use crate::event_loop::EventLoop;
    use crate::task::yield_now;

    struct Idle;
    impl Protocol for Idle {}

    #[test]
    fn whoever_gives_up_waiting_leaves_nothing_with_the_actor() {
        let mut event_loop = EventLoop::builder().virtual_clock(0).build().unwrap();
        event_loop.run(async {
            let actor = spawn("actor", async |cx: &mut Cx<Idle>| {
                cx.recv().await;
                Ok::<(), Fault>(())
            });
            let watchers = || control::with(actor.id().0, |control| control.monitors.watchers());
            for _ in 0..100 {
                let (ended, turn) = (pin!(actor.ended()), pin!(yield_now()));
                select(ended, turn).await;
            }
            assert_eq!(watchers(), Some(0));
            let ((), reason) = futures::join!(
                async {
                    yield_now().await;
                    assert_eq!(watchers(), Some(1));
                    actor.stop();
                },
                actor.ended()
            );
            assert_eq!(reason, ExitReason::Shutdown);
        });
    }
}
