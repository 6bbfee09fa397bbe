//! `Outlet`: the producing side of an actor.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;

use super::ledger::{Dispatch, Keep, Ledger, Parcel, Step};
use super::message::{Deliver, Demand, News, SubscriptionId, Upward};
use crate::actor::control;
use crate::actor::{Accepts, ActorId, Cx, ExitReason, MonitorId, Reply};
use crate::base::hash::hash_of;
use crate::event_loop::core::Core;
use crate::event_loop::current;

/// How many items a producer keeps that nobody has asked for, if nothing else is said.
const BUFFER: usize = 10_000;

/// The producing side of an actor: it knows the consumers, what they have asked for, and the items
/// that nobody has asked for yet.
///
/// An actor that has one accepts [`Demand`], gives each to [`accept`](Self::accept), which says how
/// many more items are wanted, and gives items to [`emit`](Self::emit), at once or whenever it has
/// some. Items are sent where `emit` is called: before a reply that is sent after it.
///
/// | | who gets an item | demand of the producer |
/// | --- | --- | --- |
/// | [`new`](Self::new) | the consumer with the largest demand | the sum of all |
/// | [`broadcast`](Self::broadcast) | all | the smallest |
/// | [`partition`](Self::partition) | one consumer of its partition | the sum, less what waits |
///
/// Items that nobody has asked for wait, 10,000 in each partition, unless
/// [`buffer`](Self::buffer) says otherwise; what does not fit is [counted](Self::discarded) and
/// logged.
///
/// It lives and dies with the actor's incarnation. After a restart the consumers subscribe to the
/// new incarnation's outlet as soon as it is made; what waited in the old one is lost, and logged.
/// Dropped while the actor goes on, it tells the consumers that there is no more, as if the actor
/// had ended as [`Normal`](ExitReason::Normal).
///
/// ```
/// use futures::StreamExt as _;
/// use greenroom::flow::{Demand, Outlet, SubscribeOptions, subscribe};
/// use greenroom::prelude::*;
///
/// struct Numbers { next: u64, outlet: Outlet<u64> }
/// impl Actor for Numbers { type Protocol = Demand<u64>; type Error = Fault; }
/// impl greenroom::actor::Dispatch<Numbers> for Demand<u64> {
///     async fn dispatch(self, numbers: &mut Numbers, cx: &mut Cx<Self>) -> Result<(), Fault> {
///         let first = numbers.next;
///         numbers.next += numbers.outlet.accept(self, cx) as u64;
///         numbers.outlet.emit(first..numbers.next);
///         Ok(())
///     }
/// }
///
/// greenroom::test::run(async |test| {
///     let numbers = child("numbers", || Numbers { next: 0, outlet: Outlet::new() });
///     let numbers = test.spawn(numbers).await.unwrap();
///     let items = subscribe(numbers, SubscribeOptions::new().max_demand(10));
///     let first: Vec<u64> = items.take(25).map(Result::unwrap).collect().await;
///     assert_eq!(first, (0..25).collect::<Vec<_>>());
/// });
/// ```
pub struct Outlet<T: 'static> {
    ledger: Ledger<T>,
    consumers: BTreeMap<SubscriptionId, Consumer<T>>,
    /// Whether somebody said how much may wait.
    limited: bool,
    owner: Option<ActorId>,
}

struct Consumer<T> {
    deliver: Deliver<T>,
    monitor: Option<MonitorId>,
}

impl<T: 'static> Outlet<T> {
    /// Each item goes to one consumer, the one with the largest demand.
    ///
    /// ```
    /// let outlet = greenroom::flow::Outlet::<u32>::new();
    /// assert_eq!((outlet.consumers(), outlet.demand(), outlet.buffered()), (0, 0, 0));
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::of(Dispatch::Demand, 1)
    }

    /// Each item goes to all consumers, as far as all of them have asked: the slowest sets the
    /// pace. One that subscribes late gets what is sent from then on.
    ///
    /// ```
    /// use futures::{StreamExt as _, stream};
    /// use greenroom::flow::{Outlet, SubscribeOptions, from_stream, subscribe};
    /// use greenroom::prelude::*;
    /// greenroom::test::run(async |test| {
    ///     let numbers = from_stream(Outlet::broadcast, || stream::iter(0..));
    ///     let numbers = test.spawn(child("numbers", numbers)).await.unwrap();
    ///     let both = [(); 2].map(|()| subscribe(numbers, SubscribeOptions::new()));
    ///     for items in both {
    ///         let first: Vec<u32> = items.take(3).map(Result::unwrap).collect().await;
    ///         assert_eq!(first, [0, 1, 2]);
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn broadcast() -> Self
    where
        T: Clone,
    {
        Self::of(Dispatch::Broadcast(T::clone), 1)
    }

    /// Each item goes to one of so many partitions (at least one), by the hash of its key, and
    /// there to the consumer with the largest demand; items of one key go the same way. Each
    /// partition is to have a consumer: what waits for one holds the producer back.
    ///
    /// ```
    /// use futures::{StreamExt as _, stream};
    /// use greenroom::flow::{Outlet, SubscribeOptions, from_stream, subscribe};
    /// use greenroom::prelude::*;
    /// greenroom::test::run(async |test| {
    ///     let by_rest = || Outlet::partition(2, |number: &u32| number % 3);
    ///     let numbers = from_stream(by_rest, || stream::iter(0..30));
    ///     let numbers = test.spawn(child("numbers", numbers).restart(Temporary)).await.unwrap();
    ///     let halves = [0, 1].map(|n| subscribe(numbers, SubscribeOptions::new().partition(n)));
    ///     for items in halves {
    ///         let items: Vec<u32> = items.map(Result::unwrap).collect().await;
    ///         assert_eq!(items.len() % 10, 0, "all of a rest, or none");
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn partition<K: Hash>(partitions: usize, key: impl Fn(&T) -> K + 'static) -> Self {
        Self::of(Dispatch::Partition(Box::new(move |item| hash_of(&key(item)))), partitions)
    }

    fn of(dispatch: Dispatch<T>, lanes: usize) -> Self {
        Bereft::tell_of_restart();
        let ledger = Ledger::new(dispatch, lanes, BUFFER, Keep::Last);
        Self { ledger, consumers: BTreeMap::new(), limited: false, owner: None }
    }

    /// How many items may wait for demand, and which are kept when there are more; `usize::MAX` for
    /// as many as memory holds.
    ///
    /// ```
    /// use greenroom::flow::{Keep, Outlet};
    /// let mut latest = Outlet::new().buffer(1, Keep::Last);
    /// assert_eq!(latest.emit([1, 2, 3]), 2);
    /// ```
    #[must_use]
    pub fn buffer(mut self, items: usize, keep: Keep) -> Self {
        self.ledger.limit(items, keep);
        self.limited = true;
        self
    }

    /// One that passes on what it was sent keeps it all, unless something else was said: how much
    /// that can be, its own demand says.
    pub(super) fn unlimited_by_default(self) -> Self {
        if self.limited { self } else { self.buffer(usize::MAX, Keep::Last) }
    }

    /// Takes note of what a consumer wants, sends it what waits, and says how many more items are
    /// wanted now. Each is asked for once: emit that many when you have them.
    ///
    /// ```
    /// use futures::StreamExt as _;
    /// use greenroom::flow::{Demand, Outlet, SubscribeOptions, subscribe};
    /// use greenroom::prelude::*;
    /// greenroom::test::run(async |_test| {
    ///     let sevens = async |cx: &mut Cx<Demand<u32>>| -> Result<(), Fault> {
    ///         let mut outlet = Outlet::new();
    ///         loop {
    ///             let wanted = outlet.accept(cx.recv().await, cx);
    ///             outlet.emit(vec![7; wanted]);
    ///         }
    ///     };
    ///     let sevens = greenroom::actor::spawn("sevens", sevens);
    ///     let mut items = subscribe(sevens, SubscribeOptions::new());
    ///     assert_eq!(items.next().await.unwrap(), Ok(7));
    /// });
    /// ```
    pub fn accept<P: Accepts<Demand<T>>>(&mut self, demand: Demand<T>, cx: &Cx<P>) -> usize {
        self.owner = Some(cx.id());
        let Demand { id, what } = demand;
        let step = match what {
            Upward::Subscribe { consumer, partition, demand, deliver } => {
                let ended = move |_| P::wrap(Demand { id, what: Upward::Ended }, Reply::nobody());
                let monitor = consumer.map(|consumer| cx.monitor_with(consumer, ended));
                self.consumers.insert(id, Consumer { deliver, monitor });
                self.ledger.subscribe(id, partition);
                self.ledger.ask(id, demand)
            }
            Upward::Ask(items) => self.ledger.ask(id, items),
            Upward::Cancel | Upward::Ended => {
                let consumer = self.consumers.remove(&id);
                if let Some(monitor) = consumer.and_then(|consumer| consumer.monitor) {
                    cx.demonitor(monitor);
                }
                self.ledger.cancel(id)
            }
        };
        self.send(step);
        self.ledger.want()
    }

    /// Sends items to those who have asked, and keeps the rest for them, as far as it fits; gives
    /// the number of items that were discarded for it. They may be more or fewer than are wanted.
    ///
    /// ```
    /// use greenroom::flow::Outlet;
    /// let mut outlet = Outlet::new();
    /// assert_eq!(outlet.emit(0..10_001), 1);
    /// assert_eq!(outlet.buffered(), 10_000);
    /// ```
    pub fn emit(&mut self, items: impl IntoIterator<Item = T>) -> usize {
        let step = self.ledger.emit(items);
        self.send(step)
    }

    /// How many items would be sent at once.
    ///
    /// ```
    /// assert_eq!(greenroom::flow::Outlet::<u32>::new().demand(), 0);
    /// ```
    #[must_use]
    pub fn demand(&self) -> usize {
        self.ledger.demand()
    }

    /// How many items wait for demand.
    ///
    /// ```
    /// let mut outlet = greenroom::flow::Outlet::new();
    /// outlet.emit(["a", "b"]);
    /// assert_eq!(outlet.buffered(), 2);
    /// ```
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.ledger.waiting()
    }

    /// How many items were discarded so far.
    ///
    /// ```
    /// use greenroom::flow::{Keep, Outlet};
    /// let mut none = Outlet::new().buffer(0, Keep::First);
    /// none.emit(["a", "b"]);
    /// assert_eq!(none.discarded(), 2);
    /// ```
    #[must_use]
    pub const fn discarded(&self) -> u64 {
        self.ledger.discarded
    }

    /// How many consumers there are.
    ///
    /// ```
    /// assert_eq!(greenroom::flow::Outlet::<u32>::new().consumers(), 0);
    /// ```
    #[must_use]
    pub fn consumers(&self) -> usize {
        self.consumers.len()
    }

    /// Carries a step out, and those that follow from it; gives the number of items discarded.
    fn send(&mut self, step: Step<T>) -> usize {
        let mut parcels: std::collections::VecDeque<Parcel<T>> = step.parcels.into();
        let mut discarded = step.discarded;
        while let Some(Parcel { to, items }) = parcels.pop_front() {
            let Some(consumer) = self.consumers.get(&to) else { continue };
            if let Err(News::Items(items)) = (consumer.deliver)(News::Items(items)) {
                // It has ended, and the news of that is on its way.
                self.consumers.remove(&to);
                let step = self.ledger.give_back(Parcel { to, items });
                parcels.extend(step.parcels);
                discarded.extend(step.discarded);
            }
        }
        self.report(discarded.len());
        discarded.len()
    }

    /// Logs the first item that is discarded, and then each time the number has doubled.
    fn report(&self, discarded: usize) {
        let total = self.ledger.discarded;
        let before = total - discarded as u64;
        if discarded > 0 && (before + 1).next_power_of_two() <= total {
            let producer = self.owner.and_then(ActorId::name);
            tracing::warn!(
                target: "greenroom::flow", producer = producer.as_deref().unwrap_or("?"), total,
                waiting = self.buffered(),
                "items are discarded: they come faster than they are asked for",
            );
        }
    }
}

impl<T: 'static> Default for Outlet<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// With the incarnation of an actor its outlet goes too. What that means for the consumers is known
/// at the end of this poll: that they wait for the next incarnation; that there is none, which they
/// hear as the end of the producer; or that the actor goes on without its outlet.
impl<T: 'static> Drop for Outlet<T> {
    fn drop(&mut self) {
        let lost = self.buffered();
        if lost > 0 {
            let producer = self.owner.and_then(ActorId::name);
            tracing::warn!(
                target: "greenroom::flow", producer = producer.as_deref().unwrap_or("?"), lost,
                "a producer has ended with items that nobody had asked for",
            );
        }
        let Some(owner) = self.owner.filter(|_| !self.consumers.is_empty()) else { return };
        let consumers = std::mem::take(&mut self.consumers);
        for consumer in consumers.values() {
            let _ = (consumer.deliver)(News::Silent);
        }
        let tell = move |restarted: bool| {
            for consumer in consumers.into_values() {
                let news =
                    if restarted { News::Restarted } else { News::Ended(ExitReason::Normal) };
                // One that has ended need not know.
                let _ = (consumer.deliver)(news);
            }
        };
        if let Some(core) = current::get() {
            core.defer(move |core| Bereft::add(core, owner, Box::new(tell)));
        }
    }
}

/// The consumers of outlets that went with an incarnation, until the next one has an outlet.
#[derive(Default)]
struct Bereft {
    of: RefCell<BTreeMap<ActorId, Vec<Tell>>>,
}

/// Tells them whether there is a new outlet, or will be none.
type Tell = Box<dyn FnOnce(bool)>;

impl Bereft {
    fn add(core: &Core, producer: ActorId, tell: Tell) {
        let Some(lives) = control::with_on(core, producer.0, |control| control.has_started())
        else {
            // It has ended for good, and they are told so.
            return;
        };
        if lives {
            return tell(false);
        }
        let bereft = core.locals.get::<Self>();
        let mut of = bereft.of.borrow_mut();
        let first = !of.contains_key(&producer);
        of.entry(producer).or_default().push(tell);
        drop(of);
        if first {
            let at_end = move || {
                let gone = bereft.of.borrow_mut().remove(&producer);
                drop(gone);
            };
            control::with_on(core, producer.0, |control| control.releases.add(at_end));
        }
    }

    /// The actor that runs now has an outlet: those who wait for one are told.
    fn tell_of_restart() {
        let Some(core) = current::get() else { return };
        let Some(producer) = core.scheduler.running().map(ActorId) else { return };
        let bereft = core.locals.get::<Self>();
        // Its entry stays, so that its end is to be seen to once.
        let waiting = bereft.of.borrow_mut().get_mut(&producer).map(std::mem::take);
        for tell in waiting.into_iter().flatten() {
            tell(true);
        }
    }
}

impl<T: 'static> fmt::Debug for Outlet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet")
            .field("consumers", &self.consumers.len())
            .field("demand", &self.demand())
            .field("buffered", &self.buffered())
            .field("discarded", &self.discarded())
            .finish()
    }
}
