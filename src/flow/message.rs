//! What stages say to each other: demand goes up, supply comes down.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use super::options::{SubscribeOptions, Window};
use crate::actor::{Accepts, ActorId, Addr, ExitReason, Protocol, Reply};
use crate::base::invariant::invariant;
use crate::event_loop::current;

/// One subscription of a consumer to a producer; no two of a loop are the same.
///
/// ```
/// use greenroom::flow::{Demand, SubscribeOptions, subscribe};
/// greenroom::test::run(async |test| {
///     let producer = test.probe::<Demand<u32>>("producer").addr();
///     let one = subscribe(producer, SubscribeOptions::new());
///     let two = subscribe(producer, SubscribeOptions::new());
///     assert!(one.id() < two.id());
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SubscriptionId(pub(super) u64);

/// Counts the subscriptions of a loop.
#[derive(Default)]
pub(super) struct Numbers(Cell<u64>);

impl SubscriptionId {
    pub(super) fn next() -> Self {
        current::expect_with("a subscription", |core| {
            let numbers = core.locals.get::<Numbers>();
            numbers.0.set(numbers.0.get() + 1);
            Self(numbers.0.get())
        })
    }
}

/// What a producer is told by its consumers: to be given to
/// [`Outlet::accept`](super::Outlet::accept).
///
/// It is a protocol itself, for a producer that understands nothing else. For one that does, make
/// it one of its messages:
///
/// ```
/// use greenroom::flow::Demand;
/// use greenroom::prelude::*;
/// struct Refill;
/// protocol! { enum Shelf { Demand(Demand<u32>), Refill(Refill) } }
/// # let _: Option<Shelf> = None;
/// ```
pub struct Demand<T: 'static> {
    pub(super) id: SubscriptionId,
    pub(super) what: Upward<T>,
}

pub(super) enum Upward<T> {
    Subscribe {
        /// To be watched; a stream is none.
        consumer: Option<ActorId>,
        partition: Option<usize>,
        demand: usize,
        deliver: Deliver<T>,
    },
    Ask(usize),
    Cancel,
    /// The consumer has ended.
    Ended,
}

/// Brings news to a consumer; they come back when it has ended.
pub(super) type Deliver<T> = Rc<dyn Fn(News<T>) -> Result<(), News<T>>>;

pub(super) enum News<T> {
    Items(Vec<T>),
    /// The producer has started anew and remembers nothing.
    Restarted,
    /// What is left of items that came before.
    Rest(Vec<T>),
    /// The producer's outlet is gone. It is no use to ask any more; what that means follows.
    Silent,
    /// There will be nothing more.
    Ended(ExitReason),
}

/// What a consumer is told by its producers: to be given to [`Inlet::take`](super::Inlet::take).
///
/// It is a protocol itself, for a consumer that understands nothing else. For one that does, make
/// it one of its messages:
///
/// ```
/// use greenroom::flow::Supply;
/// use greenroom::prelude::*;
/// struct Total;
/// protocol! { enum Sum { Supply(Supply<u32>), Total(Total) -> u32 } }
/// # let _: Option<Sum> = None;
/// ```
pub struct Supply<T: 'static> {
    pub(super) upstream: Rc<Upstream<T>>,
    pub(super) news: News<T>,
}

impl<T: 'static> Supply<T> {
    pub(super) const fn is_end(&self) -> bool {
        matches!(self.news, News::Ended(_))
    }
}

impl<T: 'static> Protocol for Demand<T> {}
impl<T: 'static> Protocol for Supply<T> {}

/// A consumer's side of one subscription.
pub(super) struct Upstream<T: 'static> {
    pub(super) id: SubscriptionId,
    pub(super) producer: ActorId,
    pub(super) options: SubscribeOptions,
    window: Cell<Window>,
    active: Cell<bool>,
    /// Puts a demand into the producer's mailbox. Demand is bounded by itself: there is one message
    /// for a batch that was handled.
    send: Box<dyn Fn(Demand<T>)>,
    /// Puts what was not handled before everything else in the consumer's mailbox.
    put_back: Box<dyn Fn(Supply<T>)>,
}

impl<T: 'static> Upstream<T> {
    pub(super) fn new<Q: Accepts<Demand<T>>>(
        producer: Addr<Q>,
        options: SubscribeOptions,
        put_back: impl Fn(Supply<T>) + 'static,
    ) -> Rc<Self> {
        let send = move |demand| {
            // To one that has ended there is nothing to say; its end is heard of otherwise.
            producer.put_exempt(Q::wrap(demand, Reply::nobody()));
        };
        Rc::new(Self {
            id: SubscriptionId::next(),
            producer: producer.id(),
            options,
            window: Cell::new(options.window()),
            active: Cell::new(true),
            send: Box::new(send),
            put_back: Box::new(put_back),
        })
    }

    /// Subscribes, or does so again with a producer that has started anew.
    pub(super) fn open(&self, consumer: Option<ActorId>, deliver: Deliver<T>) {
        let demand = self.with_window(Window::open);
        let partition = self.options.partition;
        self.active.set(true);
        self.tell(Upward::Subscribe { consumer, partition, demand, deliver });
    }

    pub(super) fn receive(&self, items: usize) {
        let asked_for = self.with_window(|window| window.receive(items));
        invariant!(F1, asked_for, "{:?} was sent {items} items", self.id);
    }

    /// How many of these are to be handled at once.
    pub(super) fn batch(&self, waiting: usize) -> usize {
        self.window.get().batch(waiting)
    }

    /// So many were handled: asks for more when it is time.
    pub(super) fn handled(&self, items: usize) {
        let ask = self.with_window(|window| window.handled(items));
        if ask > 0 && self.active.get() {
            self.tell(Upward::Ask(ask));
        }
    }

    /// Nothing is asked for any more.
    pub(super) fn close(&self) {
        self.active.set(false);
    }

    pub(super) fn cancel(&self) {
        if self.active.replace(false) {
            self.tell(Upward::Cancel);
        }
    }

    pub(super) fn put_back(self: &Rc<Self>, items: Vec<T>) {
        (self.put_back)(Supply { upstream: Rc::clone(self), news: News::Rest(items) });
    }

    fn with_window<R>(&self, f: impl FnOnce(&mut Window) -> R) -> R {
        let mut window = self.window.get();
        let result = f(&mut window);
        self.window.set(window);
        result
    }

    fn tell(&self, what: Upward<T>) {
        (self.send)(Demand { id: self.id, what });
    }
}

impl<T: 'static> fmt::Debug for Demand<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.what {
            Upward::Subscribe { demand, .. } => format!("subscribe, ask {demand}"),
            Upward::Ask(items) => format!("ask {items}"),
            Upward::Cancel => "cancel".to_owned(),
            Upward::Ended => "consumer ended".to_owned(),
        };
        f.debug_struct("Demand").field("id", &self.id).field("what", &what).finish()
    }
}

impl<T: 'static> fmt::Debug for Supply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let news = match &self.news {
            News::Items(items) | News::Rest(items) => format!("{} items", items.len()),
            News::Silent => "producer silent".to_owned(),
            News::Restarted => "producer restarted".to_owned(),
            News::Ended(reason) => format!("producer ended: {reason}"),
        };
        f.debug_struct("Supply").field("id", &self.upstream.id).field("news", &news).finish()
    }
}
