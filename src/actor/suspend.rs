//! Suspending and resuming an actor, and looking at one from outside.

use std::sync::Arc;

use super::control;
use super::id::ActorId;
use crate::event_loop::current;

/// What can be seen of an actor from outside, at one moment.
///
/// ```
/// greenroom::test::run(async |test| {
///     let probe = test.probe::<u32>("probe");
///     let info = probe.addr().id().info().unwrap();
///     assert_eq!((&*info.name, info.incarnation, info.waiting), ("probe", 0, 0));
///     assert!(!info.suspended);
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ActorInfo {
    /// Its name.
    pub name: Arc<str>,
    /// In which incarnation it is, from 0.
    pub incarnation: u32,
    /// How many messages stand in its mailbox.
    pub waiting: usize,
    /// How many messages it has begun, over all incarnations.
    pub handled: u64,
    /// Whether it takes no messages until it is resumed.
    pub suspended: bool,
    /// The type of the message in its hand.
    pub handling: Option<&'static str>,
}

impl ActorId {
    /// Lets the actor take no further message until it is [resumed](Self::resume): those that come
    /// wait in its mailbox, in order. A message in its hand is handled to the end, and with it what
    /// its handler asks for by [`continue_with`](super::Cx::continue_with). A request to stop still
    /// ends it, with the last exchanges of
    /// [`recv_while_stopping`](super::Cx::recv_while_stopping); timers and monitors go on.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     probe.addr().id().suspend();
    ///     probe.recipient().tell(1).await.unwrap();
    ///     test.settle().await;
    ///     assert!(probe.is_empty());
    ///     probe.addr().id().resume();
    ///     assert_eq!(probe.recv().await, 1);
    /// });
    /// ```
    pub fn suspend(self) {
        control::reach(self.0, |control| control.suspend());
    }

    /// Lets a suspended actor go on with its mailbox, in order.
    ///
    /// See [`suspend`](Self::suspend) for an example.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let id = test.probe::<u32>("probe").addr().id();
    ///     id.suspend();
    ///     id.resume();
    ///     assert!(!id.info().unwrap().suspended);
    /// });
    /// ```
    pub fn resume(self) {
        control::reach(self.0, |control| control.resume());
    }

    /// What can be seen of the actor now; `None` when it has ended or lives on another loop. Asking
    /// takes nothing from its mailbox, and works while it is suspended or busy.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     probe.recipient().tell(1).await.unwrap();
    ///     assert_eq!(probe.addr().id().info().unwrap().waiting, 1);
    /// });
    /// ```
    #[must_use]
    pub fn info(self) -> Option<ActorInfo> {
        let core = current::get().filter(|core| core.id() == self.0.home())?;
        let waiting = core.scheduler.attachment(self.0)?.waiting();
        control::with_on(&core, self.0, |control| ActorInfo {
            name: Arc::clone(&control.name),
            incarnation: control.incarnation(),
            waiting,
            handled: control.handled(),
            suspended: control.is_suspended(),
            handling: control.has_message().then(|| control.handling()),
        })
    }
}
