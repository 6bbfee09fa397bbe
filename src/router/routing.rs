//! `Routing`: what a router goes by when it chooses.

use std::fmt;
use std::hash::Hash;

use super::rotation::Rotation;
use super::routees::Routee;
use crate::actor::{Protocol, load};
use crate::base::hash::hash_of;

type Copier<P> = Box<dyn Fn(&P) -> Option<P>>;

/// How a router or a pool chooses among its routees.
///
/// | | who gets a message | when that one's mailbox is full |
/// | --- | --- | --- |
/// | [`round_robin`](Self::round_robin) | each in its turn | the next with room |
/// | [`least_loaded`](Self::least_loaded) | who has least before it | the router waits |
/// | [`by_key`](Self::by_key) | the owner of the message's key | the router waits |
///
/// ```
/// use greenroom::router::Routing;
/// # enum Msg { Get(u32) }
/// # impl greenroom::actor::Protocol for Msg {}
/// let by_key: Routing<Msg> = Routing::by_key(|Msg::Get(key): &Msg| *key);
/// # let _ = by_key;
/// ```
pub struct Routing<P> {
    by: By<P>,
    copier: Option<Copier<P>>,
}

enum By<P> {
    Turn,
    Load,
    Key(Box<dyn Fn(&P) -> u64>),
}

impl<P: Protocol> Routing<P> {
    /// Each routee in its turn. One that leaves is left out, and nobody is skipped or served twice
    /// for it.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::router::{Routees, Routing, router};
    /// enum Msg { Hello }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let (a, b) = (test.probe::<Msg>("a"), test.probe::<Msg>("b"));
    ///     let forward = |to: Recipient<Msg>| {
    ///         greenroom::actor::spawn("forward", async move |cx: &mut Cx<Msg>| -> Result<(), Fault> {
    ///             loop { let _ = to.tell(cx.recv().await).await; }
    ///         })
    ///     };
    ///     let routees = Routees::new();
    ///     routees.set([forward(a.recipient()), forward(b.recipient())]);
    ///     let front = router("front", &routees).routing(Routing::round_robin());
    ///     let front = test.spawn(front).await.unwrap();
    ///     for _ in 0..4 { front.tell(Msg::Hello).await.unwrap(); }
    ///     test.settle().await;
    ///     assert_eq!((a.take().len(), b.take().len()), (2, 2));
    /// });
    /// ```
    #[must_use]
    pub const fn round_robin() -> Self {
        Self { by: By::Turn, copier: None }
    }

    /// The routee with the fewest messages before a new one: those in its mailbox, and the one in
    /// its hand. Among equals each has its turn. A routee on another loop is chosen last, because
    /// its mailbox cannot be seen from here.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// use greenroom::router::{Routing, pool};
    /// enum Msg { Work(Duration), Who(Reply<usize>) }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let worker = |number| {
    ///         child("worker", async move |cx: &mut Cx<Msg>| -> Result<(), Fault> {
    ///             loop {
    ///                 match cx.recv().await {
    ///                     Msg::Work(time) => greenroom::time::sleep(time).await,
    ///                     Msg::Who(reply) => reply.send(number),
    ///                 }
    ///             }
    ///         })
    ///     };
    ///     let pool = pool("pool", 2, worker).routing(Routing::least_loaded());
    ///     let pool = test.spawn(pool).await.unwrap();
    ///     pool.tell(Msg::Work(Duration::from_secs(60))).await.unwrap();
    ///     // The first is busy for a minute, so the second answers all of these.
    ///     for _ in 0..3 { assert_eq!(pool.ask_with(Msg::Who).await.unwrap(), 1); }
    /// });
    /// ```
    #[must_use]
    pub const fn least_loaded() -> Self {
        Self { by: By::Load, copier: None }
    }

    /// The routee that owns the message's key, by consistent hashing with a hash that is the same
    /// in every run. While the routees stay the same, so does the owner of a key; of `n` routees, a
    /// newcomer takes over one key in `n + 1`, and one that leaves gives up its own keys only.
    /// `key` is called once for each message.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::router::{Routees, Routing, router};
    /// enum Msg { Get(u32, Reply<&'static str>) }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let routees = Routees::new();
    ///     routees.set(["a", "b"].map(|name| {
    ///         greenroom::actor::spawn(name, async move |cx: &mut Cx<Msg>| -> Result<(), Fault> {
    ///             loop { let Msg::Get(_, reply) = cx.recv().await; reply.send(name); }
    ///         })
    ///     }));
    ///     let by_key = Routing::by_key(|Msg::Get(key, _): &Msg| *key);
    ///     let front = test.spawn(router("front", &routees).routing(by_key)).await.unwrap();
    ///     let owner = front.ask_with(|reply| Msg::Get(7, reply)).await.unwrap();
    ///     for _ in 0..3 {
    ///         assert_eq!(front.ask_with(|reply| Msg::Get(7, reply)).await.unwrap(), owner);
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn by_key<K: Hash>(key: impl Fn(&P) -> K + 'static) -> Self {
        Self { by: By::Key(Box::new(move |message| hash_of(&key(message)))), copier: None }
    }

    /// Sends some messages to every routee: those of which `copy` gives a copy, one call for each
    /// routee. The reply port of an asked message goes with the message itself, to one routee; a
    /// copy is made with [`Reply::nobody`](crate::actor::Reply::nobody) where it needs one.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use greenroom::prelude::*;
    /// use greenroom::router::{Routing, pool};
    /// enum Msg { Flush, Work(u32) }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let flushed = Rc::new(Cell::new(0));
    ///     let counter = Rc::clone(&flushed);
    ///     let worker = move |_| {
    ///         let flushed = Rc::clone(&counter);
    ///         child("worker", async move |cx: &mut Cx<Msg>| -> Result<(), Fault> {
    ///             loop { if let Msg::Flush = cx.recv().await { flushed.set(flushed.get() + 1); } }
    ///         })
    ///     };
    ///     let routing = Routing::round_robin().broadcast(|message: &Msg| match message {
    ///         Msg::Flush => Some(Msg::Flush),
    ///         Msg::Work(_) => None,
    ///     });
    ///     let pool = test.spawn(pool("pool", 4, worker).routing(routing)).await.unwrap();
    ///     pool.tell(Msg::Work(1)).await.unwrap();
    ///     pool.tell(Msg::Flush).await.unwrap();
    ///     test.settle().await;
    ///     assert_eq!(flushed.get(), 4);
    /// });
    /// ```
    #[must_use]
    pub fn broadcast(mut self, copy: impl Fn(&P) -> Option<P> + 'static) -> Self {
        self.copier = Some(Box::new(copy));
        self
    }

    /// The copies of a message that goes to `routees` of them, itself included; `None` when it goes
    /// to one. It runs user code.
    pub(crate) fn copies(&self, message: &P, routees: usize) -> Option<Vec<P>> {
        let copier = self.copier.as_ref()?;
        let first = copier(message)?;
        let more = (2..routees).filter_map(|_| copier(message));
        Some(std::iter::once(first).chain(more).collect())
    }

    /// The hash of a message's key, when that is what counts. It runs user code.
    pub(crate) fn hash(&self, message: &P) -> u64 {
        match &self.by {
            By::Key(hash) => hash(message),
            By::Turn | By::Load => 0,
        }
    }

    /// Whether another routee than the one chosen would do as well.
    pub(crate) const fn may_pass_over(&self) -> bool {
        matches!(self.by, By::Turn)
    }

    pub(crate) fn choose(
        &self,
        rotation: &mut Rotation<Routee<P>>,
        hash: u64,
    ) -> Option<Routee<P>> {
        match &self.by {
            By::Turn => rotation.next(),
            By::Load => rotation.least(|routee| load(routee.addr).unwrap_or(usize::MAX)),
            By::Key(_) => rotation.owner(hash, |routee| routee.label),
        }
    }
}

impl<P> fmt::Debug for Routing<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            By::Turn => "round robin",
            By::Load => "least loaded",
            By::Key(_) => "by key",
        };
        f.debug_struct("Routing").field("by", &by).finish_non_exhaustive()
    }
}
