//! A watch: one monitor a target, with a message of the watcher's choice.

use std::cell::RefCell;
use std::rc::Rc;

use super::context::Cx;
use super::id::ActorId;
use super::monitor::MonitorId;
use super::protocol::Protocol;

/// The watches of one actor.
pub(crate) struct Watches<P> {
    watches: RefCell<Vec<Watch<P>>>,
}

struct Watch<P> {
    target: ActorId,
    monitor: MonitorId,
    /// Until it fires.
    message: Rc<RefCell<Option<P>>>,
}

impl<P> Default for Watches<P> {
    fn default() -> Self {
        Self { watches: RefCell::default() }
    }
}

/// The actor is watched already, with another message; nothing changed.
///
/// ```
/// use greenroom::prelude::*;
/// #[derive(PartialEq)]
/// enum Msg { Gone, Lost }
/// impl Protocol for Msg {}
/// greenroom::test::run(async |test| {
///     let target = test.probe::<u32>("target").addr().id();
///     let addr = greenroom::actor::spawn("watcher", async move |cx: &mut Cx<Msg>| {
///         cx.watch(target, Msg::Gone)?;
///         let error = cx.watch(target, Msg::Lost).unwrap_err();
///         assert!(error.to_string().contains("unwatch it first"));
///         Ok::<(), Fault>(())
///     });
///     assert_eq!(addr.ended().await, ExitReason::Normal);
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("actor {actor} is watched already, with another message; unwatch it first")]
pub struct WatchConflict {
    /// Whom it was about.
    pub actor: ActorId,
}

impl<P> Watches<P> {
    /// The message with this tag was handled.
    pub(crate) fn handled(&self, tag: u64) {
        self.watches.borrow_mut().retain(|watch| watch.monitor.number != tag);
    }
}

impl<P: Protocol> Cx<P> {
    /// Watches an actor and sends this message to itself when that one has ended for good. There is
    /// at most one watch on an actor: the same again changes nothing. For several, or to learn the
    /// reason, use [`monitor_with`](Self::monitor_with).
    ///
    /// # Errors
    /// When the actor is watched already with another message; nothing changed.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// #[derive(PartialEq)]
    /// enum Msg { Gone(&'static str) }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let target = test.probe::<u32>("target").addr().id();
    ///     let watcher = greenroom::actor::spawn("watcher", async move |cx: &mut Cx<Msg>| {
    ///         cx.watch(target, Msg::Gone("target"))?;
    ///         cx.watch(target, Msg::Gone("target"))?;
    ///         let Msg::Gone(who) = cx.recv().await;
    ///         assert_eq!(who, "target");
    ///         Ok::<(), Fault>(())
    ///     });
    ///     test.settle().await;
    ///     target.kill();
    ///     assert_eq!(watcher.ended().await, ExitReason::Normal);
    /// });
    /// ```
    #[expect(clippy::missing_panics_doc, reason = "a watch has its message until it fires, once")]
    pub fn watch(&self, actor: ActorId, message: P) -> Result<(), WatchConflict>
    where
        P: PartialEq,
    {
        let watches = &self.cell.extra().watches.watches;
        let known = {
            let watches = watches.borrow();
            let is_known =
                |watch: &&Watch<P>| watch.target == actor && watch.message.borrow().is_some();
            // Only a handle: comparing is user code, and nothing is borrowed then.
            watches.iter().find(is_known).map(|watch| Rc::clone(&watch.message))
        };
        if let Some(known) = known {
            let before = known.take();
            let same = before.as_ref() == Some(&message);
            known.replace(before);
            return if same { Ok(()) } else { Err(WatchConflict { actor }) };
        }
        let message = Rc::new(RefCell::new(Some(message)));
        let fires = Rc::clone(&message);
        let monitor = self.monitor_with(actor, move |_| {
            fires.take().expect("a watch has its message until it fires, once")
        });
        watches.borrow_mut().push(Watch { target: actor, monitor, message });
        Ok(())
    }

    /// Takes a watch back: its message does not come any more, not even when it stands in the
    /// mailbox. `false` when there was none.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// #[derive(PartialEq)]
    /// enum Msg { Gone }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let target = test.probe::<u32>("target").addr().id();
    ///     let watcher = greenroom::actor::spawn("watcher", async move |cx: &mut Cx<Msg>| {
    ///         cx.watch(target, Msg::Gone)?;
    ///         assert!(cx.unwatch(target) && !cx.unwatch(target));
    ///         Ok::<(), Fault>(())
    ///     });
    ///     assert_eq!(watcher.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn unwatch(&self, actor: ActorId) -> bool {
        let Some(extra) = self.cell.made_extra() else { return false };
        let watches = &extra.watches.watches;
        let mine = |watch: &mut Watch<P>| watch.target == actor;
        let taken: Vec<_> = watches.borrow_mut().extract_if(.., mine).collect();
        let mut any = false;
        for watch in taken {
            let (waited, queued) = self.take_back(watch.monitor);
            any |= waited || queued;
        }
        any
    }
}
