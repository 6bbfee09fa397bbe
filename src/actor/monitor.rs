//! Monitors: hearing of an actor's end, exactly once, after everything it sent.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::context::Cx;
use super::control::{self, Control};
use super::ended;
use super::exit::ExitReason;
use super::id::ActorId;
use super::protocol::{Accepts, Protocol};
use super::reply::Reply;
use crate::base::key::Key;
use crate::base::panics::{catch, drop_quietly};
use crate::event_loop::current;

/// An actor that was watched has ended for good.
///
/// It stands in the watcher's mailbox behind every message that the ended actor sent before, and
/// the name of the ended actor is free by then. A restart is not an end.
///
/// ```
/// use greenroom::prelude::*;
///
/// enum Msg { Watch(ActorId), Gone(Down) }
/// impl Protocol for Msg {}
/// impl Accepts<Down> for Msg {
///     type Reply = ();
///     fn wrap(down: Down, _: Reply<()>) -> Self { Msg::Gone(down) }
/// }
/// async fn watcher(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop {
///         match cx.recv().await {
///             Msg::Watch(id) => { cx.monitor(id); }
///             Msg::Gone(down) => { assert_eq!(down.reason, ExitReason::Shutdown); return Ok(()) }
///         }
///     }
/// }
///
/// greenroom::run(async |_system| {
///     let watched = greenroom::actor::spawn("watched", watcher);
///     let watcher = greenroom::actor::spawn("watcher", watcher);
///     watcher.tell(Msg::Watch(watched.id())).await.unwrap();
///     greenroom::task::yield_now().await;
///     watched.stop();
///     assert_eq!(watcher.ended().await, ExitReason::Normal);
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Down {
    /// Who ended.
    pub actor: ActorId,
    /// Its name, unless it was never known.
    pub name: Option<Arc<str>>,
    /// Why it ended; [`ExitReason::NoActor`] when there was none to watch.
    pub reason: ExitReason,
    /// The monitor that this is the answer to.
    pub monitor: MonitorId,
}

/// One monitor, to be taken back by [`Cx::demonitor`](super::Cx::demonitor).
///
/// ```
/// # use greenroom::prelude::*; use greenroom::actor::MonitorId;
/// struct Gone(MonitorId);
/// impl Protocol for Gone {}
/// # greenroom::run(async |_system| {
/// # let job = async |_: &mut Cx<Gone>| std::future::pending::<Result<(), Fault>>().await;
/// # let (a, b) = (greenroom::actor::spawn("a", job), greenroom::actor::spawn("b", job));
/// let watcher = greenroom::actor::spawn("watcher", async move |cx: &mut Cx<Gone>| {
///     let first = cx.monitor_with(a.id(), |down| Gone(down.monitor));
///     let second = cx.monitor_with(b.id(), |down| Gone(down.monitor));
///     b.kill();
///     let Gone(monitor) = cx.recv().await;
///     assert!(monitor == second && monitor != first);
///     Ok::<(), Fault>(())
/// });
/// assert_eq!(watcher.ended().await, ExitReason::Normal);
/// # });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MonitorId {
    pub(crate) target: Key,
    pub(crate) number: u64,
}

pub(crate) type Tell = Box<dyn FnOnce(Down)>;

/// Both ends of an actor's monitors: who watches it, and whom it watches.
#[derive(Default)]
pub(crate) struct Monitors {
    watchers: RefCell<Vec<(MonitorId, Tell)>>,
    /// With the task that waits for the end of an actor of another loop.
    watched: RefCell<Vec<(MonitorId, Option<Key>)>>,
}

/// Counts the monitors of a loop, so that each has a number of its own.
#[derive(Default)]
pub(crate) struct Numbers(Cell<u64>);

impl Numbers {
    pub(crate) fn next(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

impl Monitors {
    pub(crate) fn add_watcher(&self, monitor: MonitorId, tell: Tell) {
        self.watchers.borrow_mut().push((monitor, tell));
    }

    #[cfg(test)]
    pub(crate) fn watchers(&self) -> usize {
        self.watchers.borrow().len()
    }

    fn add_watched(&self, monitor: MonitorId, task: Option<Key>) {
        self.watched.borrow_mut().push((monitor, task));
    }

    /// Takes out what this actor has of a monitor, unless it has fired or was taken back.
    fn take_watched(&self, monitor: MonitorId) -> Option<(MonitorId, Option<Key>)> {
        let mut watched = self.watched.borrow_mut();
        let index = watched.iter().position(|(other, _)| *other == monitor)?;
        Some(watched.swap_remove(index))
    }

    fn remove_watcher(&self, monitor: MonitorId) -> Option<Tell> {
        let mut watchers = self.watchers.borrow_mut();
        let index = watchers.iter().position(|(other, _)| *other == monitor)?;
        Some(watchers.remove(index).1)
    }
}

impl<P: Protocol> Cx<P> {
    /// Watches an actor: when it has ended for good, one [`Down`] comes as a message.
    ///
    /// # Rules
    /// - A monitor fires **exactly once**. Two monitors on one actor fire twice.
    /// - The [`Down`] comes **behind every message** that the ended actor had sent to this one
    ///   before, and no bound of the mailbox applies to it.
    /// - When it comes, the name of the ended actor is **free**, its group memberships are over,
    ///   its stop hook has run, its children are gone, and what stood in its mailbox is dead
    ///   letters.
    /// - A **restart is no end**: the address goes on, so there is nothing to tell. The reason is
    ///   that of the last incarnation.
    /// - An actor that has ended **already** gives one too, with [`ExitReason::NoActor`], later and
    ///   never from inside this call.
    /// - A monitor has **one direction**: the watched actor does not know of it, and nothing of it
    ///   is left when the watcher ends first. For two directions there is [`link`](Self::link).
    /// - [Taken back](Self::demonitor), it does not fire, not even when its [`Down`] stands in the
    ///   mailbox already.
    /// - It belongs to the actor and not to its incarnation: the next one hears of an end that it
    ///   was not there to see.
    ///
    /// ```
    /// use greenroom::prelude::*;
    ///
    /// enum Msg { Watch(ActorId), Said(&'static str), Gone(Down) }
    /// impl Protocol for Msg {}
    /// impl Accepts<Down> for Msg {
    ///     type Reply = ();
    ///     fn wrap(down: Down, _: Reply<()>) -> Self { Msg::Gone(down) }
    /// }
    /// async fn watcher(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     let mut said = Vec::new();
    ///     loop {
    ///         match cx.recv().await {
    ///             Msg::Watch(id) => { cx.monitor(id); }
    ///             Msg::Said(word) => said.push(word),
    ///             Msg::Gone(down) => {
    ///                 assert_eq!(down.reason.to_string(), "error: no more words");
    ///                 assert_eq!(said, ["first", "last"], "before the end of who sent them");
    ///                 return Ok(());
    ///             }
    ///         }
    ///     }
    /// }
    ///
    /// greenroom::test::run(async |test| {
    ///     let watcher = greenroom::actor::spawn("watcher", watcher);
    ///     let speaker = greenroom::actor::spawn("speaker", async move |_: &mut Cx<Msg>| {
    ///         watcher.tell(Msg::Said("first")).await.map_err(|error| error.without_message())?;
    ///         watcher.tell(Msg::Said("last")).await.map_err(|error| error.without_message())?;
    ///         Err::<(), _>(Fault::new("no more words"))
    ///     });
    ///     watcher.try_tell(Msg::Watch(speaker.id())).unwrap();
    ///     assert_eq!(watcher.ended().await, ExitReason::Normal);
    ///     # let _ = test;
    /// });
    /// ```
    pub fn monitor(&self, actor: ActorId) -> MonitorId
    where
        P: Accepts<Down>,
    {
        self.monitor_with(actor, |down| P::wrap(down, Reply::nobody()))
    }

    /// As [`monitor`](Self::monitor), with a message of your choice.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Watch(ActorId), Gone(ExitReason) }
    /// impl Protocol for Msg {}
    /// async fn watcher(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop {
    ///         match cx.recv().await {
    ///             Msg::Watch(id) => { cx.monitor_with(id, |down| Msg::Gone(down.reason)); }
    ///             Msg::Gone(_) => return Ok(()),
    ///         }
    ///     }
    /// }
    ///
    /// greenroom::run(async |_system| {
    ///     let watched = greenroom::actor::spawn("watched", watcher);
    ///     let watcher = greenroom::actor::spawn("watcher", watcher);
    ///     watcher.tell(Msg::Watch(watched.id())).await.unwrap();
    ///     watched.kill();
    ///     assert_eq!(watcher.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn monitor_with(
        &self,
        actor: ActorId,
        message: impl FnOnce(Down) -> P + 'static,
    ) -> MonitorId {
        let core = current::expect("Cx::monitor");
        let number = core.locals.get::<Numbers>().next();
        let monitor = MonitorId { target: actor.0, number };
        let watcher = Rc::downgrade(&self.cell);
        let tell = move |down: Down| {
            // A watcher that has ended hears nothing.
            let Some(watcher) = watcher.upgrade().filter(|cell| !cell.control.has_ended()) else {
                return;
            };
            // One that was taken back does not fire.
            if watcher.control.monitors.take_watched(down.monitor).is_none() {
                return;
            }
            watcher.put_notice(down.monitor.number, message(down));
        };
        let tell: Box<dyn FnOnce(Down)> = Box::new(tell);
        let monitors = &self.cell.control.monitors;
        if core.id() != actor.0.home() {
            // It goes on over all incarnations, so it is no task of this one.
            let waits = core.spawn(Box::pin(async move {
                let (name, reason) = ended::down(actor).await;
                deliver(tell, Down { actor, name, reason, monitor });
            }));
            monitors.add_watched(monitor, waits);
            return monitor;
        }
        monitors.add_watched(monitor, None);
        let mut tell = Some(tell);
        let found = control::with_on(&core, actor.0, |target| {
            if let Some(tell) = tell.take() {
                target.monitors.add_watcher(monitor, tell);
            }
        });
        if let (None, Some(tell)) = (found, tell) {
            // Told later, never from inside this call.
            let reason = ExitReason::NoActor;
            let down = Down { actor, name: None, reason, monitor };
            core.defer(move |_| deliver(tell, down));
        }
        monitor
    }

    /// Takes a monitor back: no [`Down`] of it comes from now on, not even one that stands in the
    /// mailbox already. `true` when it had not fired. Other monitors on the same actor go on; one
    /// that is not known, or not this actor's, changes nothing.
    ///
    /// ```
    /// # use greenroom::{actor::spawn, prelude::*}; struct Gone; impl Protocol for Gone {}
    /// let actor = async |cx: &mut Cx<Gone>| {
    ///     let monitor = cx.monitor_with(cx.id(), |_| Gone);
    ///     if cx.demonitor(monitor) && !cx.demonitor(monitor) { Ok(()) } else { Err("it fires once") }
    /// };
    /// greenroom::run(async |_| assert_eq!(spawn("actor", actor).ended().await, ExitReason::Normal));
    /// ```
    pub fn demonitor(&self, monitor: MonitorId) -> bool {
        self.take_back(monitor).0
    }

    /// Whether the monitor had not fired, and whether its message stood in the mailbox.
    pub(crate) fn take_back(&self, monitor: MonitorId) -> (bool, bool) {
        let watched = self.cell.control.monitors.take_watched(monitor);
        let queued = self.cell.remove_notices(monitor.number);
        let was_queued = !queued.is_empty();
        drop_quietly(queued);
        (watched.map(give_up).is_some(), was_queued)
    }
}

/// Tells every watcher of the end, once, in the order in which they began to watch.
pub(crate) fn tell_all(control: &Control, reason: &ExitReason) {
    let watchers = std::mem::take(&mut *control.monitors.watchers.borrow_mut());
    for (monitor, tell) in watchers {
        let down = Down {
            actor: control.id(),
            name: Some(Arc::clone(&control.name)),
            reason: reason.clone(),
            monitor,
        };
        deliver(tell, down);
    }
}

/// Tells one watcher. Its message is made by user code, whose panic is nobody else's business.
pub(crate) fn deliver(tell: Tell, down: Down) {
    if let Err(text) = catch(|| tell(down)) {
        tracing::error!(
            target: "greenroom::actor", panic = %text,
            "making a monitor's message panicked",
        );
    }
}

/// Takes back whatever an actor that has ended was watching.
pub(crate) fn withdraw_all(control: &Control) {
    let watched = std::mem::take(&mut *control.monitors.watched.borrow_mut());
    watched.into_iter().for_each(give_up);
}

fn give_up((monitor, task): (MonitorId, Option<Key>)) {
    match task {
        Some(task) => _ = current::with(|core| core.cancel(task)),
        None => withdraw(monitor),
    }
}

/// Takes a monitor back, if it has not fired.
pub(crate) fn withdraw(monitor: MonitorId) {
    let tell = control::with(monitor.target, |target| target.monitors.remove_watcher(monitor));
    // The closure holds values of the watcher's: dropped here, with nothing borrowed.
    drop_quietly(tell);
}
