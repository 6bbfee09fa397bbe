//! `AskSet`: asks of several actors at once, each under a label, answered in the order in which the
//! answers come.
//!
//! Waiting for many is what `FuturesUnordered` does. What is added here: labels, sending at once,
//! one deadline over all, and giving up those that have not answered by then.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures::future::{FutureExt as _, LocalBoxFuture};
use futures::stream::{FuturesUnordered, Stream, StreamExt as _};

use super::ask_error::AskError;
use super::dead_letter;
use crate::event_loop::turn_end::turn_ended;
use crate::time::sleep_until;

/// Who answered, and what came of it.
type Answer<L, R> = (L, Result<R, AskError<()>>);

/// Asks under way, each under a label: of any number of actors, whatever their protocols, as long
/// as the replies are of one type.
///
/// Adding an ask sends it. The answers come in the order in which the actors gave them, and an
/// actor that ends has its turn with an error. Each ask keeps a limit of its own, 5 s unless it was
/// told otherwise; [`next_until`](Self::next_until) and [`next_or_abandon`](Self::next_or_abandon)
/// put one deadline over all of them. As a [`Stream`] it gives the same as [`next`](Self::next). It
/// stays on its thread.
///
/// Dropping it gives up all that is under way, as dropping an ask does: a reply that still comes is
/// a [dead letter](super::DeadLetter) and surfaces nowhere else.
///
/// ```
/// use std::time::Duration;
/// use greenroom::actor::AskSet;
/// use greenroom::prelude::*;
///
/// struct Price(&'static str);
/// protocol! { enum ShopProtocol { Price(Price) -> u32 } }
/// struct Shop { cents: u32, takes: Duration }
/// impl Actor for Shop { type Protocol = ShopProtocol; type Error = Fault; }
/// impl Handler<Price> for Shop {
///     async fn handle(&mut self, _: Price, _: &mut Cx<ShopProtocol>) -> Result<u32, Fault> {
///         greenroom::time::sleep(self.takes).await;
///         Ok(self.cents)
///     }
/// }
///
/// greenroom::test::run(async |_test| {
///     let shop = |cents, ms| move || Shop { cents, takes: Duration::from_millis(ms) };
///     let near = greenroom::actor::spawn("near", shop(900, 10));
///     let far = greenroom::actor::spawn("far", shop(700, 30));
///     let closed = greenroom::actor::spawn("closed", shop(0, 0));
///     closed.kill();
///
///     let mut prices = AskSet::new();
///     prices.add("far", far.ask(Price("tea"))).unwrap();
///     prices.add("near", near.ask(Price("tea"))).unwrap();
///     prices.add("closed", closed.ask(Price("tea"))).unwrap();
///     while let Some((shop, price)) = prices.next().await {
///         match price {
///             Ok(cents) => println!("{shop}: {cents}"),
///             Err(error) => assert_eq!((shop, error.is_unhandled()), ("closed", true)),
///         }
///     }
///     assert!(prices.is_empty());
/// });
/// ```
pub struct AskSet<L, R: 'static> {
    asks: FuturesUnordered<LocalBoxFuture<'static, Answer<L, R>>>,
    /// Of all whose answer was not taken.
    labels: BTreeSet<L>,
    /// Answers that came while another ask was added.
    answered: VecDeque<Answer<L, R>>,
    /// Who waited for the next answer last.
    waker: Waker,
}

impl<L: Ord + Clone + 'static, R: 'static> AskSet<L, R> {
    /// A set without any ask.
    ///
    /// ```
    /// use greenroom::actor::AskSet;
    /// greenroom::run(async |_system| {
    ///     // Nobody was asked, so nobody answers.
    ///     assert!(AskSet::<&str, u32>::new().next().await.is_none());
    /// });
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self {
            asks: FuturesUnordered::new(),
            labels: BTreeSet::new(),
            answered: VecDeque::new(),
            waker: Waker::noop().clone(),
        }
    }

    /// Adds an ask and sends it at once. Where there is no room it stands in line, and is sent
    /// while the set is awaited. It may be any future that ends as an ask does.
    ///
    /// # Errors
    /// When an ask under this label is in the set, or its answer was not taken yet: the new one
    /// comes back, and was not sent.
    ///
    /// ```
    /// use greenroom::actor::AskSet;
    /// use greenroom::prelude::*;
    /// enum Msg { Get(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn seven(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
    /// }
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("seven", seven);
    ///     let mut asks = AskSet::new();
    ///     asks.add("once", addr.ask_with(Msg::Get)).unwrap();
    ///     let twice = asks.add("once", addr.ask_with(Msg::Get)).unwrap_err();
    ///     assert_eq!(twice.to_string(), "an ask under the label \"once\" is under way already");
    ///     asks.add("again", twice.ask).unwrap();
    ///     assert_eq!(asks.len(), 2);
    /// });
    /// ```
    pub fn add<M, F>(&mut self, label: L, ask: F) -> Result<(), DuplicateLabel<L, F>>
    where
        F: Future<Output = Result<R, AskError<M>>> + 'static,
        M: 'static,
    {
        if self.labels.contains(&label) {
            return Err(DuplicateLabel { label, ask });
        }
        self.labels.insert(label.clone());
        let ask = ask.map(|outcome| (label, outcome.map_err(AskError::without_message)));
        self.asks.push(ask.boxed_local());
        self.gather();
        Ok(())
    }

    /// Polls what is new, which sends it, and keeps what is there already.
    fn gather(&mut self) {
        let waker = self.waker.clone();
        let mut cx = Context::from_waker(&waker);
        while let Poll::Ready(Some(answer)) = self.asks.poll_next_unpin(&mut cx) {
            self.answered.push_back(answer);
        }
    }

    /// The next answer with its label, in the order in which they came; `None` when nobody is asked
    /// any more.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no answer is lost.
    ///
    /// ```
    /// use greenroom::actor::AskSet;
    /// use greenroom::prelude::*;
    /// enum Msg { Get(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn seven(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
    /// }
    /// greenroom::run(async |_system| {
    ///     let mut asks = AskSet::new();
    ///     asks.add(1, greenroom::actor::spawn("seven", seven).ask_with(Msg::Get)).unwrap();
    ///     assert!(matches!(asks.next().await, Some((1, Ok(7)))));
    ///     assert!(asks.next().await.is_none());
    /// });
    /// ```
    pub async fn next(&mut self) -> Option<(L, Result<R, AskError<()>>)> {
        poll_fn(|cx| self.poll_answer(cx)).await
    }

    /// As [`next`](Self::next), but no longer than until `deadline`. Those who have not answered by
    /// then stay: one may go on to wait for them. An answer that is there at the deadline wins.
    ///
    /// # Errors
    /// At the deadline, with the labels of all who have not answered.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no answer is lost.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::actor::AskSet;
    /// use greenroom::prelude::*;
    /// enum Msg { Get(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn slow(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop {
    ///         let Msg::Get(reply) = cx.recv().await;
    ///         greenroom::time::sleep(Duration::from_secs(2)).await;
    ///         reply.send(7);
    ///     }
    /// }
    /// greenroom::test::run(async |_test| {
    ///     let mut asks = AskSet::new();
    ///     asks.add("slow", greenroom::actor::spawn("slow", slow).ask_with(Msg::Get)).unwrap();
    ///     let deadline = greenroom::time::now() + Duration::from_secs(1);
    ///     let late = asks.next_until(deadline).await.unwrap_err();
    ///     assert_eq!(late.labels, ["slow"]);
    ///     assert!(matches!(asks.next().await, Some(("slow", Ok(7)))));
    /// });
    /// ```
    pub async fn next_until(
        &mut self,
        deadline: Instant,
    ) -> Result<Option<(L, Result<R, AskError<()>>)>, Unanswered<L>> {
        let mut reached = pin!(async {
            sleep_until(deadline).await;
            // Whatever is due at the deadline has its effect first.
            turn_ended().await;
        });
        poll_fn(|cx| match self.poll_answer(cx) {
            Poll::Ready(answer) => Poll::Ready(Ok(answer)),
            Poll::Pending => reached.as_mut().poll(cx).map(|()| {
                let labels = self.labels.iter().cloned().collect();
                Err(Unanswered { labels })
            }),
        })
        .await
    }

    /// As [`next_until`](Self::next_until), but at the deadline those who have not answered are
    /// given up: what they still reply is a dead letter and never surfaces here.
    ///
    /// # Errors
    /// At the deadline, with the labels of those who were given up.
    ///
    /// # Panics
    /// When this thread runs no loop.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no answer is lost and nobody is given up.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::actor::AskSet;
    /// use greenroom::prelude::*;
    /// enum Msg { Never(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn silent(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     let mut kept = Vec::new();
    ///     loop { let Msg::Never(reply) = cx.recv().await; kept.push(reply); }
    /// }
    /// greenroom::test::run(async |_test| {
    ///     let mut asks = AskSet::new();
    ///     asks.add("silent", greenroom::actor::spawn("silent", silent).ask_with(Msg::Never)).unwrap();
    ///     let deadline = greenroom::time::now() + Duration::from_secs(1);
    ///     let late = asks.next_or_abandon(deadline).await.unwrap_err();
    ///     assert_eq!(late.labels, ["silent"]);
    ///     assert!(asks.is_empty());
    /// });
    /// ```
    pub async fn next_or_abandon(
        &mut self,
        deadline: Instant,
    ) -> Result<Option<(L, Result<R, AskError<()>>)>, Unanswered<L>> {
        let outcome = self.next_until(deadline).await;
        if outcome.is_err() {
            self.abandon();
        }
        outcome
    }

    /// Gives up whoever has not answered, and says who that is: what they still reply is a dead
    /// letter. Answers that have come stay to be taken.
    ///
    /// ```
    /// use greenroom::actor::AskSet;
    /// use greenroom::prelude::*;
    /// enum Msg { Get(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn seven(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
    /// }
    /// greenroom::test::run(async |test| {
    ///     let mut asks = AskSet::new();
    ///     asks.add("seven", greenroom::actor::spawn("seven", seven).ask_with(Msg::Get)).unwrap();
    ///     assert_eq!(asks.abandon(), ["seven"]);
    ///     test.settle().await;
    ///     assert_eq!(test.letters().len(), 1);
    ///     assert!(asks.next().await.is_none());
    /// });
    /// ```
    pub fn abandon(&mut self) -> Vec<L> {
        self.gather();
        drop(std::mem::take(&mut self.asks));
        let answered = |label: &L| self.answered.iter().any(|(other, _)| other == label);
        let labels = std::mem::take(&mut self.labels);
        let (kept, abandoned): (_, Vec<L>) = labels.into_iter().partition(answered);
        self.labels = BTreeSet::from_iter(kept);
        abandoned
    }

    /// The labels of all whose answer was not taken, in their own order.
    ///
    /// ```
    /// use greenroom::actor::AskSet;
    /// assert_eq!(AskSet::<&str, u32>::new().labels().count(), 0);
    /// ```
    pub fn labels(&self) -> impl Iterator<Item = &L> {
        self.labels.iter()
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Option<Answer<L, R>>> {
        if let Some(answer) = self.answered.pop_front() {
            self.labels.remove(&answer.0);
            return Poll::Ready(Some(answer));
        }
        if !self.waker.will_wake(cx.waker()) {
            self.waker.clone_from(cx.waker());
        }
        let answer = std::task::ready!(self.asks.poll_next_unpin(cx));
        if let Some((label, _)) = &answer {
            self.labels.remove(label);
        }
        Poll::Ready(answer)
    }
}

impl<L, R: 'static> AskSet<L, R> {
    /// How many answers are still to be taken.
    ///
    /// ```
    /// use greenroom::actor::AskSet;
    /// assert_eq!(AskSet::<&str, u32>::new().len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.asks.len() + self.answered.len()
    }

    /// Whether there is no answer still to be taken.
    ///
    /// ```
    /// use greenroom::actor::AskSet;
    /// assert!(AskSet::<&str, u32>::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<L: Ord + Clone + 'static, R: 'static> Default for AskSet<L, R> {
    fn default() -> Self {
        Self::new()
    }
}

// Nothing is pinned in place: each ask has a box of its own.
impl<L, R: 'static> Unpin for AskSet<L, R> {}

impl<L: Ord + Clone + 'static, R: 'static> Stream for AskSet<L, R> {
    type Item = (L, Result<R, AskError<()>>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_answer(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

impl<L, R: 'static> Drop for AskSet<L, R> {
    fn drop(&mut self) {
        // Replies that came and reach nobody.
        for (_, outcome) in self.answered.drain(..) {
            if let Ok(late) = outcome {
                dead_letter::late_reply(late);
            }
        }
    }
}

impl<L: fmt::Debug, R: 'static> fmt::Debug for AskSet<L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskSet").field("labels", &self.labels).finish_non_exhaustive()
    }
}

/// An ask that was not added, and not sent, because its label is taken.
///
/// ```
/// use greenroom::actor::{AskSet, DuplicateLabel};
/// let never = || std::future::pending::<Result<u32, greenroom::actor::AskError<()>>>();
/// let mut asks = AskSet::new();
/// asks.add(1, never()).unwrap();
/// let DuplicateLabel { label, ask, .. } = asks.add(1, never()).unwrap_err();
/// asks.add(label + 1, ask).unwrap();
/// ```
#[derive(thiserror::Error)]
#[error("an ask under the label {label:?} is under way already")]
#[non_exhaustive]
pub struct DuplicateLabel<L, F> {
    /// The label that is taken.
    pub label: L,
    /// What was to be added under it.
    pub ask: F,
}

impl<L: fmt::Debug, F> fmt::Debug for DuplicateLabel<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DuplicateLabel").field("label", &self.label).finish_non_exhaustive()
    }
}

/// The deadline over an [`AskSet`] was reached before these answered.
///
/// ```
/// use greenroom::actor::AskSet;
/// greenroom::test::run(async |_test| {
///     let never = std::future::pending::<Result<u32, greenroom::actor::AskError<()>>>();
///     let mut asks = AskSet::new();
///     asks.add("never", never).unwrap();
///     let late = asks.next_or_abandon(greenroom::time::now()).await.unwrap_err();
///     assert_eq!(late.to_string(), "the deadline was reached before these answered: [\"never\"]");
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the deadline was reached before these answered: {labels:?}")]
#[non_exhaustive]
pub struct Unanswered<L> {
    /// The labels of those who had not answered.
    pub labels: Vec<L>,
}
