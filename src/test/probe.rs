//! `Probe`: an actor that keeps what it is sent.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::actor::{
    Accepts, Addr, Cx, Fault, MailboxOptions, Protocol, Recipient, Reply, spawn_with,
};
use crate::time::timeout;

/// How long [`Probe::recv`] waits, on the test's clock.
const PATIENCE: Duration = Duration::from_secs(3);

/// A message as a [`Probe`] keeps it.
///
/// ```
/// let greenroom::test::Heard(number) = greenroom::test::Heard(5);
/// assert_eq!(number, 5);
/// ```
#[derive(Debug)]
pub struct Heard<M>(pub M);

impl<M: 'static> Protocol for Heard<M> {}

impl<M: 'static> Accepts<M> for Heard<M> {
    type Reply = ();

    fn wrap(message: M, _: Reply<()>) -> Self {
        Self(message)
    }
}

/// An actor that keeps what it is sent, for a test to wait for and to look at; made by
/// [`TestSystem::probe`](super::TestSystem::probe).
///
/// It can stand wherever a [`Recipient`] is wanted.
///
/// ```
/// greenroom::test::run(async |test| {
///     let probe = test.probe::<&str>("probe");
///     probe.recipient().tell("one").await.unwrap();
///     probe.recipient().tell("two").await.unwrap();
///     assert_eq!(probe.recv().await, "one");
///     test.settle().await;
///     assert_eq!(probe.take(), ["two"]);
///     assert!(probe.is_empty());
/// });
/// ```
pub struct Probe<M: 'static> {
    addr: Addr<Heard<M>>,
    kept: Rc<Kept<M>>,
}

struct Kept<M> {
    messages: RefCell<VecDeque<M>>,
    waiting: RefCell<Vec<Waker>>,
}

impl<M: 'static> Probe<M> {
    pub(crate) fn new(name: &str) -> Self {
        let kept = Rc::new(Kept { messages: RefCell::default(), waiting: RefCell::default() });
        let keeps = Rc::clone(&kept);
        let listens = async move |cx: &mut Cx<Heard<M>>| -> Result<(), Fault> {
            loop {
                let Heard(message) = cx.recv().await;
                keeps.messages.borrow_mut().push_back(message);
                let waiting = keeps.waiting.take();
                waiting.into_iter().for_each(Waker::wake);
            }
        };
        let addr = spawn_with(name, MailboxOptions::unbounded(), listens);
        Self { addr, kept }
    }

    /// Its address, to watch, to link to and to stop.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     assert!(test.probe::<u32>("probe").addr().is_alive());
    /// });
    /// ```
    #[must_use]
    pub const fn addr(&self) -> Addr<Heard<M>> {
        self.addr
    }

    /// The same as one who takes messages `M`.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     probe.recipient().try_tell(7).unwrap();
    ///     assert_eq!(probe.recv().await, 7);
    /// });
    /// ```
    #[must_use]
    pub const fn recipient(&self) -> Recipient<M> {
        self.addr.recipient()
    }

    /// The next message, waiting up to 3 s on the test's clock.
    ///
    /// # Panics
    /// When none comes.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no message is lost.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     probe.recipient().tell(5).await.unwrap();
    ///     assert_eq!(probe.recv().await, 5);
    /// });
    /// ```
    #[track_caller]
    pub fn recv(&self) -> impl Future<Output = M> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            let next = poll_fn(|cx| match self.try_recv() {
                Some(message) => Poll::Ready(message),
                None => {
                    let waker = cx.waker().clone();
                    let mut waiting = self.kept.waiting.borrow_mut();
                    if waiting.iter().all(|known| !known.will_wake(&waker)) {
                        waiting.push(waker);
                    }
                    Poll::Pending
                }
            });
            match timeout(PATIENCE, next).await {
                Ok(message) => message,
                Err(_) => panic!("no message came to {self:?} within {PATIENCE:?} ({caller})"),
            }
        }
    }

    /// A message that has come already.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     assert_eq!(test.probe::<u32>("probe").try_recv(), None);
    /// });
    /// ```
    #[must_use]
    pub fn try_recv(&self) -> Option<M> {
        self.kept.messages.borrow_mut().pop_front()
    }

    /// All that has come already.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     for n in 0..3 { probe.recipient().tell(n).await.unwrap(); }
    ///     test.settle().await;
    ///     assert_eq!(probe.take(), [0, 1, 2]);
    /// });
    /// ```
    #[must_use]
    pub fn take(&self) -> Vec<M> {
        self.kept.messages.borrow_mut().drain(..).collect()
    }

    /// Whether nothing has come that was not read; [`settle`](super::TestSystem::settle) first, so
    /// that what is under way arrives.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let probe = test.probe::<u32>("probe");
    ///     test.settle().await;
    ///     assert!(probe.is_empty());
    /// });
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.messages.borrow().is_empty()
    }
}

impl<M: 'static> fmt::Debug for Probe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Probe<{}>({})", std::any::type_name::<M>(), self.addr.id())
    }
}
