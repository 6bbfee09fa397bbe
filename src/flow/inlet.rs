//! `Inlet`: the consuming side of an actor.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;

use super::message::{Deliver, Demand, News, SubscriptionId, Supply, Upstream};
use super::options::SubscribeOptions;
use crate::actor::{Accepts, Addr, Cx, ExitReason, MonitorId, Reply};

/// The consuming side of an actor: its subscriptions, and how much it has asked for in each.
///
/// An actor that has one accepts [`Supply`] and gives each to [`take`](Self::take), which gives it
/// the items in batches. It lives and dies with the actor's incarnation: dropped, it cancels its
/// subscriptions. What had been sent by then stays in the actor's mailbox, and its next incarnation
/// is given it.
///
/// ```
/// use futures::stream;
/// use greenroom::flow::{Inlet, Outlet, SubscribeOptions, Supply, from_stream};
/// use greenroom::prelude::*;
///
/// enum Msg { Supply(Supply<u64>), Sum(Reply<u64>) }
/// impl Protocol for Msg {}
/// impl Accepts<Supply<u64>> for Msg {
///     type Reply = ();
///     fn wrap(supply: Supply<u64>, _: Reply<()>) -> Self { Msg::Supply(supply) }
/// }
///
/// greenroom::test::run(async |test| {
///     let numbers = from_stream(Outlet::new, || stream::iter(0..=100));
///     let numbers = test.spawn(child("numbers", numbers).restart(Temporary)).await.unwrap();
///     let sum = async move |cx: &mut Cx<Msg>| -> Result<(), Fault> {
///         let (mut inlet, mut sum) = (Inlet::new(), 0);
///         let options = SubscribeOptions::new().cancel(greenroom::flow::Cancel::Transient);
///         inlet.subscribe(cx, numbers, options);
///         loop {
///             match cx.recv().await {
///                 Msg::Supply(supply) => {
///                     for batch in inlet.take(supply, cx) { sum += batch.into_iter().sum::<u64>(); }
///                 }
///                 Msg::Sum(reply) => reply.send(sum),
///             }
///         }
///     };
///     let sum = test.spawn(child("sum", sum)).await.unwrap();
///     numbers.ended().await;
///     assert_eq!(sum.ask_with(Msg::Sum).await.unwrap(), 5_050);
/// });
/// ```
pub struct Inlet<T: 'static> {
    upstreams: BTreeMap<SubscriptionId, (Rc<Upstream<T>>, MonitorId)>,
}

impl<T: 'static> Inlet<T> {
    /// Without a subscription.
    ///
    /// ```
    /// assert_eq!(greenroom::flow::Inlet::<u32>::new().subscriptions(), 0);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { upstreams: BTreeMap::new() }
    }

    /// Subscribes the actor to a producer of its loop and asks it for the first items. A producer
    /// that has ended already is one that ends, as [`ExitReason::NoActor`], which is abnormal.
    ///
    /// ```
    /// use greenroom::flow::{Demand, Inlet, SubscribeOptions, Supply};
    /// use greenroom::prelude::*;
    /// greenroom::test::run(async |test| {
    ///     let gone = test.probe::<Demand<u32>>("gone").addr();
    ///     test.kill(gone);
    ///     test.settle().await;
    ///     let consumer = async move |cx: &mut Cx<Supply<u32>>| -> Result<(), Fault> {
    ///         let mut inlet = Inlet::new();
    ///         inlet.subscribe(cx, gone, SubscribeOptions::new());
    ///         loop { inlet.take(cx.recv().await, cx).for_each(drop); }
    ///     };
    ///     let consumer = greenroom::actor::spawn("consumer", consumer);
    ///     assert_eq!(consumer.ended().await, ExitReason::NoActor);
    /// });
    /// ```
    pub fn subscribe<P, Q>(
        &mut self,
        cx: &Cx<P>,
        producer: Addr<Q>,
        options: SubscribeOptions,
    ) -> SubscriptionId
    where
        P: Accepts<Supply<T>>,
        Q: Accepts<Demand<T>>,
    {
        let consumer = cx.addr();
        let upstream = Upstream::new(producer, options, move |rest| {
            consumer.put_urgent(P::wrap(rest, Reply::nobody()));
        });
        let ended = Rc::clone(&upstream);
        let monitor = cx.monitor_with(producer.id(), move |down| {
            let news = News::Ended(down.reason);
            P::wrap(Supply { upstream: ended, news }, Reply::nobody())
        });
        upstream.open(Some(cx.id()), deliver_to(consumer, &upstream));
        let id = upstream.id;
        self.upstreams.insert(id, (upstream, monitor));
        id
    }

    /// Ends a subscription; `false` when there is none of this id. What has been sent by then still
    /// comes.
    ///
    /// ```
    /// use greenroom::flow::{Demand, Inlet, SubscribeOptions, Supply};
    /// use greenroom::prelude::*;
    /// greenroom::test::run(async |test| {
    ///     let producer = test.probe::<Demand<u32>>("producer").addr();
    ///     let fickle = async move |cx: &mut Cx<Supply<u32>>| -> Result<(), Fault> {
    ///         let mut inlet = Inlet::new();
    ///         let id = inlet.subscribe(cx, producer, SubscribeOptions::new());
    ///         assert!(inlet.cancel(cx, id));
    ///         assert!(!inlet.cancel(cx, id));
    ///         Ok(())
    ///     };
    ///     let fickle = greenroom::actor::spawn("fickle", fickle);
    ///     assert_eq!(fickle.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn cancel<P: Accepts<Supply<T>>>(&mut self, cx: &Cx<P>, id: SubscriptionId) -> bool {
        let Some((upstream, monitor)) = self.upstreams.remove(&id) else { return false };
        cx.demonitor(monitor);
        upstream.cancel();
        true
    }

    /// How many subscriptions there are.
    ///
    /// ```
    /// assert_eq!(greenroom::flow::Inlet::<u32>::new().subscriptions(), 0);
    /// ```
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.upstreams.len()
    }

    /// Takes what a producer sent: the items, in batches of at most `max - min` of the
    /// subscription's demand. When the next batch is asked for, the one before counts as handled,
    /// and more is asked for when it is time; so handle each before you ask for the next.
    ///
    /// Without items it is about the producer. Has it started anew, this subscribes again. Has it
    /// ended, this stops the actor with the same reason before its next message, if the
    /// subscription's [`Cancel`](super::Cancel) says so.
    ///
    /// ```
    /// use futures::stream;
    /// use greenroom::flow::{Inlet, Outlet, SubscribeOptions, Supply, from_stream};
    /// use greenroom::prelude::*;
    /// greenroom::test::run(async |test| {
    ///     let numbers = from_stream(Outlet::new, || stream::iter(0..10));
    ///     let numbers = test.spawn(child("numbers", numbers).restart(Temporary)).await.unwrap();
    ///     let consumer = async move |cx: &mut Cx<Supply<u32>>| -> Result<(), Fault> {
    ///         let mut inlet = Inlet::new();
    ///         inlet.subscribe(cx, numbers, SubscribeOptions::new().max_demand(4).min_demand(2));
    ///         loop {
    ///             let supply = cx.recv().await;
    ///             for batch in inlet.take(supply, cx) { assert_eq!(batch.len(), 2); }
    ///         }
    ///     };
    ///     let consumer = greenroom::actor::spawn("consumer", consumer);
    ///     assert_eq!(consumer.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn take<P: Accepts<Supply<T>>>(&mut self, supply: Supply<T>, cx: &Cx<P>) -> Batches<T> {
        let Supply { upstream, news } = supply;
        let known = self.upstreams.contains_key(&upstream.id);
        let mut items = VecDeque::new();
        match news {
            News::Items(sent) => {
                upstream.receive(sent.len());
                items = sent.into();
            }
            News::Rest(rest) => items = rest.into(),
            News::Restarted if known => {
                upstream.open(Some(cx.id()), deliver_to(cx.addr(), &upstream));
            }
            News::Ended(reason) if known => {
                upstream.close();
                if let Some((_, monitor)) = self.upstreams.remove(&upstream.id) {
                    cx.demonitor(monitor);
                }
                if upstream.options.cancel.ends_with(&reason) {
                    cx.id().stop_with(reason);
                }
            }
            // About a subscription of before a restart, or one that was cancelled.
            News::Restarted | News::Silent | News::Ended(_) => {}
        }
        Batches { upstream, items, in_hand: 0 }
    }
}

/// Brings a producer's news to an actor, as messages that no bound applies to: how many there can
/// be is bounded by what the actor has asked for.
fn deliver_to<T, P>(consumer: Addr<P>, upstream: &Rc<Upstream<T>>) -> Deliver<T>
where
    T: 'static,
    P: Accepts<Supply<T>>,
{
    let upstream = Rc::clone(upstream);
    Rc::new(move |news| {
        if !consumer.is_alive() {
            return Err(news);
        }
        if let News::Silent | News::Ended(_) = news {
            upstream.close();
        }
        if let News::Silent = news {
            return Ok(());
        }
        let supply = Supply { upstream: Rc::clone(&upstream), news };
        consumer.put_exempt(P::wrap(supply, Reply::nobody()));
        Ok(())
    })
}

/// Items in batches; made by [`Inlet::take`].
///
/// A batch counts as handled when the next one is asked for, be there another or not. What is left
/// when this is dropped, because the loop over it ends early or its actor crashes, comes again as
/// the actor's next message; so a crash costs the batch in hand and no more.
///
/// ```
/// use greenroom::flow::{Batches, Inlet, Supply};
/// use greenroom::prelude::*;
/// fn count(inlet: &mut Inlet<u32>, supply: Supply<u32>, cx: &Cx<Supply<u32>>) -> usize {
///     let batches: Batches<u32> = inlet.take(supply, cx);
///     batches.map(|batch| batch.len()).sum()
/// }
/// # let _ = count;
/// ```
#[must_use = "the items in it are for you to handle"]
pub struct Batches<T: 'static> {
    upstream: Rc<Upstream<T>>,
    items: VecDeque<T>,
    /// How many items the batch had that was given last.
    in_hand: usize,
}

impl<T: 'static> Iterator for Batches<T> {
    type Item = Vec<T>;

    fn next(&mut self) -> Option<Vec<T>> {
        self.handled();
        if self.items.is_empty() {
            return None;
        }
        self.in_hand = self.upstream.batch(self.items.len());
        Some(self.items.drain(..self.in_hand).collect())
    }
}

impl<T: 'static> Batches<T> {
    fn handled(&mut self) {
        let handled = std::mem::take(&mut self.in_hand);
        if handled > 0 {
            self.upstream.handled(handled);
        }
    }
}

impl<T: 'static> Drop for Batches<T> {
    fn drop(&mut self) {
        self.handled();
        if !self.items.is_empty() {
            self.upstream.put_back(std::mem::take(&mut self.items).into());
        }
    }
}

impl<T: 'static> Drop for Inlet<T> {
    fn drop(&mut self) {
        for (upstream, _) in self.upstreams.values() {
            upstream.cancel();
        }
    }
}

impl<T: 'static> Default for Inlet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: 'static> fmt::Debug for Inlet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inlet").field("subscriptions", &self.subscriptions()).finish()
    }
}

impl<T: 'static> fmt::Debug for Batches<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

/// So that the documentation above may name it.
#[allow(unused_imports, reason = "named by the documentation above")]
use ExitReason as _;
