//! The books of a producer: who has asked for how much, who gets which items, what waits, what is
//! discarded, and how much is to be produced; pure.
//!
//! * **F1** a consumer is sent no more than it asked for
//! * **F2** an item is sent, waits, or is counted as discarded
//!
//! Whatever mode, after each step either nothing waits or nobody who might have it has demand; so
//! items are sent in the order in which they were produced.

use std::collections::VecDeque;

use super::message::SubscriptionId;
use crate::base::invariant::invariant;

/// Which items a full buffer keeps.
///
/// ```
/// use greenroom::flow::{Keep, Outlet};
/// let mut outlet = Outlet::new().buffer(2, Keep::First);
/// assert_eq!(outlet.emit(["a", "b", "c"]), 1);
/// assert_eq!((outlet.buffered(), outlet.discarded()), (2, 1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Keep {
    /// Those that were there first; what comes is discarded.
    First,
    /// The latest; what was there longest is discarded. The default.
    #[default]
    Last,
}

/// How items are shared out.
pub(crate) enum Dispatch<T> {
    /// Each to the consumer with the largest demand.
    Demand,
    /// Each to all.
    Broadcast(fn(&T) -> T),
    /// Each to a consumer of its partition, by the hash of its key.
    Partition(Box<dyn Fn(&T) -> u64>),
}

/// Items for one consumer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parcel<T> {
    pub(crate) to: SubscriptionId,
    pub(crate) items: Vec<T>,
}

pub(crate) struct Ledger<T> {
    dispatch: Dispatch<T>,
    /// One for each partition; in the other modes one.
    lanes: Vec<Lane<T>>,
    size: usize,
    keep: Keep,
    /// The producer was told to produce it, and has not yet.
    pub(super) owed: usize,
    emitted: u64,
    sent: u64,
    pub(crate) discarded: u64,
}

struct Lane<T> {
    consumers: Vec<Consumer>,
    waiting: VecDeque<T>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Consumer {
    id: SubscriptionId,
    demand: usize,
}

/// What comes of a step: items to send, and items to drop.
pub(crate) struct Step<T> {
    pub(crate) parcels: Vec<Parcel<T>>,
    pub(crate) discarded: Vec<T>,
}

impl<T> Ledger<T> {
    pub(crate) fn new(dispatch: Dispatch<T>, lanes: usize, size: usize, keep: Keep) -> Self {
        let lane = || Lane { consumers: Vec::new(), waiting: VecDeque::new() };
        let lanes = std::iter::repeat_with(lane).take(lanes.max(1)).collect();
        Self { dispatch, lanes, size, keep, owed: 0, emitted: 0, sent: 0, discarded: 0 }
    }

    /// How many items may wait, in each partition, and which are kept when more come.
    pub(crate) fn limit(&mut self, size: usize, keep: Keep) {
        (self.size, self.keep) = (size, keep);
    }

    /// Adds a consumer, which has not asked for anything yet.
    pub(crate) fn subscribe(&mut self, id: SubscriptionId, partition: Option<usize>) {
        let fewest = || {
            let counts = self.lanes.iter().map(|lane| lane.consumers.len()).enumerate();
            counts.min_by_key(|(_, count)| *count).map_or(0, |(lane, _)| lane)
        };
        let lane = partition.filter(|lane| *lane < self.lanes.len()).unwrap_or_else(fewest);
        self.lanes[lane].consumers.push(Consumer { id, demand: 0 });
    }

    pub(crate) fn ask(&mut self, id: SubscriptionId, items: usize) -> Step<T> {
        let mut consumers = self.lanes.iter_mut().flat_map(|lane| &mut lane.consumers);
        if let Some(consumer) = consumers.find(|consumer| consumer.id == id) {
            consumer.demand = consumer.demand.saturating_add(items);
        }
        self.settle()
    }

    pub(crate) fn cancel(&mut self, id: SubscriptionId) -> Step<T> {
        for lane in &mut self.lanes {
            lane.consumers.retain(|consumer| consumer.id != id);
        }
        self.settle()
    }

    /// Shares out what was produced, asked for or not.
    pub(crate) fn emit(&mut self, items: impl IntoIterator<Item = T>) -> Step<T> {
        let mut count = 0;
        for item in items {
            let lane = match &self.dispatch {
                Dispatch::Demand | Dispatch::Broadcast(_) => 0,
                Dispatch::Partition(hash) => (hash(&item) % self.lanes.len() as u64) as usize,
            };
            self.lanes[lane].waiting.push_back(item);
            count += 1;
        }
        self.emitted += count as u64;
        self.owed = self.owed.saturating_sub(count);
        self.settle()
    }

    /// A consumer had ended before these could be sent to it: they are for others.
    pub(crate) fn give_back(&mut self, parcel: Parcel<T>) -> Step<T> {
        let Parcel { to, items } = parcel;
        let has = |lane: &Lane<T>| lane.consumers.iter().any(|consumer| consumer.id == to);
        let lane = self.lanes.iter().position(has);
        if !matches!(self.dispatch, Dispatch::Broadcast(_)) {
            self.sent -= items.len() as u64;
            let waiting = &mut self.lanes[lane.unwrap_or(0)].waiting;
            items.into_iter().rev().for_each(|item| waiting.push_front(item));
        }
        self.cancel(to)
    }

    /// How many more items are to be produced than were asked for already. Each is asked for once.
    pub(crate) fn want(&mut self) -> usize {
        let want = self.demand().saturating_sub(self.owed).saturating_sub(self.waiting());
        self.owed += want;
        want
    }

    /// How many items could be sent at once: all that consumers have asked for and not been sent;
    /// in a broadcast, what all of them have.
    pub(crate) fn demand(&self) -> usize {
        let consumers = self.lanes.iter().flat_map(|lane| &lane.consumers);
        let demands = consumers.map(|consumer| consumer.demand);
        match self.dispatch {
            Dispatch::Broadcast(_) => demands.min().unwrap_or(0),
            Dispatch::Demand | Dispatch::Partition(_) => demands.fold(0, usize::saturating_add),
        }
    }

    /// How many items wait for demand.
    pub(crate) fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.waiting.len()).sum()
    }

    /// Sends whatever can be sent, and then discards what does not fit.
    fn settle(&mut self) -> Step<T> {
        let mut step = Step { parcels: Vec::new(), discarded: Vec::new() };
        for lane in &mut self.lanes {
            let sent = match self.dispatch {
                Dispatch::Broadcast(copy) => lane.send_to_all(copy, &mut step.parcels),
                Dispatch::Demand | Dispatch::Partition(_) => lane.send(&mut step.parcels),
            };
            self.sent += sent as u64;
            let excess = lane.waiting.len().saturating_sub(self.size);
            let from = match self.keep {
                Keep::First => lane.waiting.len() - excess,
                Keep::Last => 0,
            };
            step.discarded.extend(lane.waiting.drain(from..from + excess));
        }
        self.discarded += step.discarded.len() as u64;
        let known = self.sent + self.waiting() as u64 + self.discarded;
        invariant!(F2, self.emitted == known, "{} items, of which {known} known", self.emitted);
        step
    }
}

impl<T> Lane<T> {
    /// To the largest demand first, among equals to the one that subscribed first; gives the number
    /// of items sent.
    fn send(&mut self, parcels: &mut Vec<Parcel<T>>) -> usize {
        let mut sent = 0;
        while !self.waiting.is_empty() {
            let largest = self.consumers.iter_mut().rev().max_by_key(|consumer| consumer.demand);
            let Some(consumer) = largest.filter(|consumer| consumer.demand > 0) else { break };
            let count = consumer.demand.min(self.waiting.len());
            consumer.demand -= count;
            sent += count;
            parcels.push(Parcel { to: consumer.id, items: self.waiting.drain(..count).collect() });
        }
        sent
    }

    /// To all, as many as all have asked for.
    fn send_to_all(&mut self, copy: fn(&T) -> T, parcels: &mut Vec<Parcel<T>>) -> usize {
        let least = self.consumers.iter().map(|consumer| consumer.demand).min().unwrap_or(0);
        let count = least.min(self.waiting.len());
        if count == 0 {
            return 0;
        }
        let mut items: Vec<T> = self.waiting.drain(..count).collect();
        let last = self.consumers.len() - 1;
        for (place, consumer) in self.consumers.iter_mut().enumerate() {
            consumer.demand -= count;
            let share = match place == last {
                true => std::mem::take(&mut items),
                false => items.iter().map(copy).collect(),
            };
            parcels.push(Parcel { to: consumer.id, items: share });
        }
        count
    }
}
