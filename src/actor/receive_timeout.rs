//! The receive timeout: a message to an actor that has waited for one for too long.
//!
//! The time counts from when the actor begins to wait, so a handler that takes long is no silence.
//! The rules are those of CAF's idle timeout and of Akka's `setReceiveTimeout`.

use std::cell::RefCell;
use std::task::Context;
use std::time::Duration;

use super::context::Cx;
use super::monitor::Numbers;
use super::protocol::Protocol;
use crate::base::clock::nanos;
use crate::base::panics::drop_quietly;
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::timer::TimerKey;

/// How often a receive timeout comes while nothing else does.
///
/// ```
/// use std::time::Duration;
/// use greenroom::prelude::*;
/// use greenroom::actor::WhenIdle;
///
/// enum Msg { Idle }
/// impl Protocol for Msg {}
/// greenroom::test::run(async |test| {
///     for (when, times) in [(WhenIdle::Once, 1), (WhenIdle::Repeat, 3)] {
///         let probe = test.probe::<()>("probe");
///         let out = probe.recipient();
///         greenroom::actor::spawn("idles", async move |cx: &mut Cx<Msg>| {
///             cx.set_receive_timeout(Duration::from_secs(1), when, || Msg::Idle);
///             loop { let Msg::Idle = cx.recv().await; let _ = out.try_tell(()); }
///             # #[allow(unreachable_code)] Ok::<(), Fault>(())
///         });
///         test.advance(Duration::from_millis(3_500)).await;
///         assert_eq!(probe.take().len(), times);
///     }
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhenIdle {
    /// Once, and again only after another message.
    Once,
    /// Again and again.
    Repeat,
}

/// The receive timeout of one actor, if it has one.
pub(crate) struct ReceiveTimeout<P> {
    idle: RefCell<Option<Box<Idle<P>>>>,
}

struct Idle<P> {
    after: Duration,
    when: WhenIdle,
    make: Box<dyn FnMut() -> P>,
    /// Of the notice that it becomes.
    tag: u64,
    /// How many messages had been begun when the deadline was set.
    seen: u64,
    /// `None` when it came once and waits for another message.
    deadline: Option<u64>,
    timer: Option<TimerKey>,
}

impl<P> Default for ReceiveTimeout<P> {
    fn default() -> Self {
        Self { idle: RefCell::new(None) }
    }
}

impl<P: Protocol> ReceiveTimeout<P> {
    pub(crate) fn is_set(&self) -> bool {
        self.idle.borrow().is_some()
    }

    /// The actor waits with nothing in its mailbox and has begun `handled` messages so far: gives
    /// the message of a timeout that is due, or sees to it that the task is woken then.
    pub(crate) fn poll(&self, core: &Core, handled: u64, task: &Context<'_>) -> Option<(u64, P)> {
        let mut idle = self.idle.take()?;
        let now = core.now();
        if idle.seen != handled {
            idle.seen = handled;
            idle.deadline = Some(now.saturating_add(nanos(idle.after)));
        }
        let due = idle.deadline.is_some_and(|deadline| deadline <= now);
        let message = due.then(|| {
            match idle.when {
                WhenIdle::Once => {
                    // The message itself is no activity.
                    idle.seen += 1;
                    idle.deadline = None;
                }
                // The next wait begins when this message has been handled, as after any other.
                WhenIdle::Repeat => {
                    idle.deadline = Some(now.saturating_add(nanos(idle.after).max(1)));
                }
            }
            (idle.tag, (idle.make)())
        });
        if let Some(timer) = idle.timer.take() {
            core.disarm(timer);
        }
        if let (None, Some(deadline)) = (&message, idle.deadline) {
            idle.timer = Some(core.arm(deadline, task.waker()));
        }
        // The maker may have set another one.
        let mut slot = self.idle.borrow_mut();
        let replaced = if slot.is_none() { slot.replace(idle) } else { Some(idle) };
        drop(slot);
        drop(replaced);
        message
    }

    /// Takes it off; gives the tag of a notice that may stand in the mailbox.
    pub(crate) fn cancel(&self, core: &Core) -> Option<u64> {
        let idle = *self.idle.take()?;
        if let Some(timer) = idle.timer {
            core.disarm(timer);
        }
        drop_quietly(idle.make);
        Some(idle.tag)
    }
}

impl<P: Protocol> Cx<P> {
    /// Brings a message when this actor has waited for so long for one. Each message starts the
    /// time anew, unless its handler calls [`ignore_activity`](Self::ignore_activity). A receive
    /// timeout that was set before is replaced; it ends with the incarnation.
    ///
    /// See [`WhenIdle`] for an example of each way.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// use greenroom::actor::WhenIdle;
    /// enum Msg { Data, Silence }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let session = greenroom::actor::spawn("session", async |cx: &mut Cx<Msg>| {
    ///         cx.set_receive_timeout(Duration::from_secs(30), WhenIdle::Once, || Msg::Silence);
    ///         while let Msg::Data = cx.recv().await {}
    ///         Ok::<(), Fault>(())
    ///     });
    ///     test.advance(Duration::from_secs(29)).await;
    ///     session.tell(Msg::Data).await.unwrap();
    ///     session.ended().await;
    ///     assert_eq!(test.now(), Duration::from_secs(59));
    /// });
    /// ```
    pub fn set_receive_timeout(
        &self,
        after: Duration,
        when: WhenIdle,
        message: impl FnMut() -> P + 'static,
    ) {
        self.cancel_receive_timeout();
        let Some(core) = current::get() else { return };
        let idle = Idle {
            after,
            when,
            make: Box::new(message),
            tag: core.locals.get::<Numbers>().next(),
            // Another number than any, so that the first wait sets the deadline.
            seen: u64::MAX,
            deadline: None,
            timer: None,
        };
        *self.cell.extra().receive_timeout.idle.borrow_mut() = Some(Box::new(idle));
    }

    /// Takes the receive timeout off; a message of it that stands in the mailbox does not come.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// use greenroom::actor::WhenIdle;
    /// enum Msg { Silence }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let patient = greenroom::actor::spawn("patient", async |cx: &mut Cx<Msg>| {
    ///         cx.set_receive_timeout(Duration::from_secs(1), WhenIdle::Once, || Msg::Silence);
    ///         cx.cancel_receive_timeout();
    ///         let Msg::Silence = cx.recv().await;
    ///         Ok::<(), Fault>(())
    ///     });
    ///     test.advance(Duration::from_secs(10)).await;
    ///     assert!(patient.is_alive());
    /// });
    /// ```
    pub fn cancel_receive_timeout(&self) {
        let Some(core) = current::get() else { return };
        if let Some(tag) = self.cell.extra().receive_timeout.cancel(&core) {
            drop(self.cell.remove_notices(tag));
        }
    }

    /// Says that the message in hand is no activity: the receive timeout comes when it would have
    /// come without it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// use greenroom::actor::WhenIdle;
    /// enum Msg { Heartbeat, Silence }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let session = greenroom::actor::spawn("session", async |cx: &mut Cx<Msg>| {
    ///         cx.set_receive_timeout(Duration::from_secs(30), WhenIdle::Once, || Msg::Silence);
    ///         while let Msg::Heartbeat = cx.recv().await { cx.ignore_activity(); }
    ///         Ok::<(), Fault>(())
    ///     });
    ///     test.advance(Duration::from_secs(29)).await;
    ///     session.tell(Msg::Heartbeat).await.unwrap();
    ///     session.ended().await;
    ///     assert_eq!(test.now(), Duration::from_secs(30));
    /// });
    /// ```
    pub fn ignore_activity(&self) {
        let handled = self.cell.control.handled();
        if let Some(idle) = self.cell.extra().receive_timeout.idle.borrow_mut().as_mut()
            && idle.seen.wrapping_add(1) == handled
        {
            idle.seen = handled;
        }
    }
}
