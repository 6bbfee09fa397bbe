//! `Topic`: what is published reaches everybody who subscribed.

use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use futures::FutureExt as _;

use super::error::MemberError;
use super::ledger::Ledger;
use crate::actor::{ActorId, Cause, Recipient, Tell, dead_letter};
use crate::base::invariant::invariant;

/// A name under which messages are published to all who subscribed.
///
/// Each subscriber is sent a clone of the message, once, however often it subscribed, and in the
/// order of publishing. Subscriptions end with their actors. A message that nobody subscribes to is
/// a dead letter, counted and told of as any other. Topics of one name but different `M` are
/// different topics. It is a handle: made by [`System::topic`](crate::System::topic), cheap to
/// clone, and it keeps nobody alive.
///
/// What happens when a subscriber's mailbox is full depends on its
/// [policy](crate::actor::Overflow), and on whether the publisher would wait:
///
/// | policy | [`publish`](Self::publish) | [`publish_and_wait`](Self::publish_and_wait) |
/// | --- | --- | --- |
/// | `Wait` | the copy is a dead letter | waits for room |
/// | `Fail` | the copy is a dead letter | the copy is a dead letter |
/// | `DropNewest`, `DropOldest` | one message is a dead letter | the same |
///
/// ```
/// use greenroom::prelude::*;
/// #[derive(Clone)]
/// struct Price(u64);
/// protocol! { enum Trader { Price(Price) } }
/// async fn trader(cx: &mut Cx<Trader>) -> Result<(), Fault> {
///     let Trader::Price(Price(cents), _) = cx.recv().await;
///     assert_eq!(cents, 995);
///     Ok(())
/// }
///
/// greenroom::run(async |system| {
///     let prices = system.topic::<Price>("prices");
///     let trader = greenroom::actor::spawn("trader", trader);
///     prices.subscribe(trader.recipient()).unwrap();
///     assert_eq!(prices.publish(Price(995)), 1);
///     trader.ended().await;
///     // Nobody is left, so this one is a dead letter.
///     assert_eq!((prices.publish(Price(990)), system.dead_letters()), (0, 1));
/// });
/// ```
pub struct Topic<M: 'static> {
    ledger: Rc<Ledger<(), Subscriber<M>>>,
}

/// One who subscribed.
pub(crate) struct Subscriber<M: 'static>(Recipient<M>);

impl<M: Clone + 'static> Topic<M> {
    pub(crate) const fn new(ledger: Rc<Ledger<(), Subscriber<M>>>) -> Self {
        Self { ledger }
    }

    /// Sends the actor what is published from now on, until it ends for good; `false` when it had
    /// subscribed already.
    ///
    /// # Errors
    /// When it has ended.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let (news, probe) = (test.topic("news"), test.probe::<&str>("probe"));
    ///     assert_eq!(news.subscribe(probe.recipient()), Ok(true));
    ///     assert_eq!(news.subscribe(probe.recipient()), Ok(false));
    ///     assert_eq!(news.publish("rain"), 1);
    ///     assert_eq!(probe.recv().await, "rain");
    /// });
    /// ```
    pub fn subscribe(&self, recipient: Recipient<M>) -> Result<bool, MemberError> {
        if self.ledger.has(&(), recipient.id()) {
            return Ok(false);
        }
        self.ledger.join(&(), recipient.id(), Subscriber(recipient)).map(|()| true)
    }

    /// Sends the actor nothing more; `false` when it had not subscribed. What was published before
    /// stands in its mailbox and is handled.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let (news, probe) = (test.topic("news"), test.probe::<&str>("probe"));
    ///     news.subscribe(probe.recipient()).unwrap();
    ///     assert!(news.unsubscribe(probe.addr()));
    ///     assert!(!news.unsubscribe(probe.addr()));
    ///     assert_eq!(news.publish("rain"), 0);
    /// });
    /// ```
    pub fn unsubscribe(&self, subscriber: impl Into<ActorId>) -> bool {
        self.ledger.leave_all(&(), subscriber.into()) > 0
    }

    /// How many actors subscribe.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let (news, probe) = (test.topic("news"), test.probe::<&str>("probe"));
    ///     news.subscribe(probe.recipient()).unwrap();
    ///     assert_eq!(news.subscribers(), 1);
    ///     probe.addr().kill();
    ///     probe.addr().ended().await;
    ///     assert_eq!(news.subscribers(), 0);
    /// });
    /// ```
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.ledger.len()
    }

    /// Sends a clone to every subscriber, without ever waiting, and says to how many it went. One
    /// whose mailbox is full does not get its copy, which is a dead letter; one whose policy drops
    /// messages is counted, whatever its policy drops.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let news = test.topic("news");
    ///     let probes = ["a", "b"].map(|name| test.probe::<&str>(name));
    ///     for probe in &probes { news.subscribe(probe.recipient()).unwrap(); }
    ///     assert_eq!(news.publish("rain"), 2);
    ///     for probe in &probes { assert_eq!(probe.recv().await, "rain"); }
    /// });
    /// ```
    pub fn publish(&self, message: M) -> usize {
        let round = self.ledger.round(());
        if round.len() == 0 {
            self.unheard(None, message);
            return 0;
        }
        let mut reached = 0;
        for (number, member) in round.iter() {
            let copy = message.clone();
            // Cloning is the user's code; it may take a subscription back.
            if !round.stands(number) {
                continue;
            }
            match member.entry.0.try_tell(copy) {
                Ok(()) => reached += 1,
                // Dropped with its error, the copy is a dead letter.
                Err(error) => {
                    invariant!(G1, !error.is_closed(), "{} subscribes and has ended", member.actor);
                }
            }
        }
        reached
    }

    /// As [`publish`](Self::publish), but waits until each subscriber that is there now has room
    /// for its copy, as [`tell`](Recipient::tell) does; no subscriber waits for another. One that
    /// unsubscribes or ends meanwhile is waited for no longer, and its copy is a dead letter. An
    /// actor that subscribes to what it publishes may wait for itself.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the copies that are not sent yet are dropped with it.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let (news, probe) = (test.topic("news"), test.probe::<&str>("probe"));
    ///     news.subscribe(probe.recipient()).unwrap();
    ///     assert_eq!(news.publish_and_wait("rain").await, 1);
    /// });
    /// ```
    pub async fn publish_and_wait(&self, message: M) -> usize {
        let round = self.ledger.round(());
        if round.len() == 0 {
            self.unheard(None, message);
            return 0;
        }
        // Woken also when somebody leaves.
        let (_, changes) = self.ledger.observe();
        let mut waiting: Vec<Waiting<M>> = Vec::with_capacity(round.len());
        for (number, member) in round.iter() {
            let tell = member.entry.0.tell(message.clone());
            waiting.push(Waiting { number, actor: member.actor, tell });
        }
        let mut reached = 0;
        poll_fn(|cx| {
            while changes.poll(cx).is_ready() {}
            waiting.retain_mut(|copy| {
                if !round.stands(copy.number) {
                    if let Some(message) = copy.tell.take_back() {
                        self.unheard(Some(copy.actor), message);
                    }
                    return false;
                }
                match copy.tell.poll_unpin(cx) {
                    Poll::Pending => return true,
                    Poll::Ready(Ok(())) => reached += 1,
                    // Dropped with its error, the copy is a dead letter.
                    Poll::Ready(Err(_)) => {}
                }
                false
            });
            if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        reached
    }

    fn unheard(&self, recipient: Option<ActorId>, message: M) {
        dead_letter::undelivered(self.ledger.name(), recipient, message, Cause::NoSubscriber);
    }
}

/// A copy for which there was no room yet.
struct Waiting<M: 'static> {
    number: u64,
    actor: ActorId,
    tell: Tell<Recipient<M>, M, ()>,
}

impl<M: 'static> Clone for Topic<M> {
    fn clone(&self) -> Self {
        Self { ledger: Rc::clone(&self.ledger) }
    }
}

impl<M: 'static> fmt::Debug for Topic<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Topic").field(self.ledger.name()).finish()
    }
}
