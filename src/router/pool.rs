//! `pool`: children of one factory behind one address.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, FutureExt as _, select};
use futures::stream::{FuturesUnordered, StreamExt as _};

use super::pass::{pass_on, poll_stop};
use super::routees::{Routee, Routees};
use super::routing::Routing;
use crate::actor::{ActorId, Addr, Cx, ExitReason, Incarnate, Protocol};
use crate::event_loop::current;
use crate::supervisor::{
    Child, ChildKind, IntoChild, Restart, Shutdown, Spec, StartError, Supervisor, child,
};

/// Describes a pool for a supervisor: `size` children (at least one), made by `make`, which is
/// given the number of each, from 0, and called again when the pool itself is restarted. They stand
/// under a supervisor of the pool's own and are called by their name and number: `worker-0`,
/// `worker-1`.
///
/// The pool's address has the type of its children's, so whoever has it need not know that it is a
/// pool. Messages are passed on as they are, with the ports for their replies, so an ask of the
/// pool ends as one that was [passed on](crate::actor::Request::forward): the error names the
/// child.
///
/// | a child | in the rotation |
/// | --- | --- |
/// | ends, and its [restart type](Restart) brings it back | stays: its address is the same |
/// | ends for good, as a [`Transient`](Restart::Transient) one that stops | leaves |
/// | has no room | is passed over, or waited for: see [`Routing`] |
///
/// While the pool waits for room its own mailbox fills, and those who send to it wait in turn.
///
/// When the last child has ended for good, the pool ends as [`ExitReason::Normal`]; when its
/// supervisor gives up, as [`ExitReason::RestartLimit`]. Unless something else is said, a pool is
/// [`Transient`](Restart::Transient): the latter brings it back. When it is stopped it stops its
/// children, in reverse order, and however it ends, they end with it.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::router::pool;
///
/// enum Msg { Who(Reply<usize>), Stop }
/// impl Protocol for Msg {}
///
/// greenroom::test::run(async |test| {
///     let worker = |number| {
///         let works = async move |cx: &mut Cx<Msg>| -> Result<(), Fault> {
///             loop {
///                 match cx.recv().await {
///                     Msg::Who(reply) => reply.send(number),
///                     Msg::Stop => return Ok(()),
///                 }
///             }
///         };
///         child("worker", works).restart(Transient)
///     };
///     let pool: Addr<Msg> = test.spawn(pool("pool", 3, worker)).await.unwrap();
///     assert_eq!(pool.ask_with(Msg::Who).await.unwrap(), 0);
///     pool.tell(Msg::Stop).await.unwrap(); // It is the turn of the second.
///     test.settle().await;
///     for number in [2, 0, 2, 0] {
///         assert_eq!(pool.ask_with(Msg::Who).await.unwrap(), number);
///     }
/// });
/// ```
pub fn pool<P, Kind, I>(
    name: &str,
    size: usize,
    mut make: impl FnMut(usize) -> Child<P, Kind, I> + 'static,
) -> Child<P, IsPool, Pool<P>>
where
    P: Protocol,
    Kind: 'static,
    I: Incarnate<P, Kind>,
{
    let pool = Pool {
        size: size.max(1),
        make: Box::new(move |number| numbered(make(number), number)),
        routing: Routing::round_robin(),
        intensity: None,
        protocol: PhantomData,
    };
    let mut child = child(name, pool).restart(Restart::Transient).shutdown(Shutdown::Infinity);
    child.plan.kind = ChildKind::Supervisor;
    child
}

/// The spec of one of several that are the same.
pub(crate) fn numbered(child: impl IntoChild, number: usize) -> Spec {
    let mut spec = child.into_spec();
    let name = spec.plan.name.as_deref().unwrap_or("child");
    spec.plan.name = Some(Arc::from(format!("{name}-{number}")));
    spec
}

/// What a pool is made of; see [`pool`].
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg {}
/// impl Protocol for Msg {}
/// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// let pool = greenroom::router::pool("pool", 4, |_| child("worker", idle));
/// # let _ = pool;
/// ```
pub struct Pool<P> {
    size: usize,
    make: Box<dyn FnMut(usize) -> Spec>,
    routing: Routing<P>,
    intensity: Option<(u32, Duration)>,
    protocol: PhantomData<fn(P)>,
}

/// Marks pools.
///
/// ```
/// assert_eq!(format!("{:?}", greenroom::router::IsPool), "IsPool");
/// ```
#[derive(Debug)]
pub struct IsPool;

impl<P: Protocol> Child<P, IsPool, Pool<P>> {
    /// How the pool chooses among its children; round robin by default. Keys go by the numbers of
    /// the children, so they have the same owners in every run.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::router::{Routing, pool};
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::test::run(async |test| {
    ///     let pool = pool("pool", 4, |_| child("worker", idle)).routing(Routing::least_loaded());
    ///     assert!(test.spawn(pool).await.unwrap().is_alive());
    /// });
    /// ```
    pub fn routing(mut self, routing: Routing<P>) -> Self {
        self.incarnate.routing = routing;
        self
    }

    /// How many restarts of children within how much time are too many for the pool; 3 in 5 s by
    /// default, for all of them together.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// use greenroom::router::pool;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
    /// greenroom::test::run(async |test| {
    ///     let pool = pool("pool", 4, |_| child("worker", idle)).intensity(10, Duration::from_secs(1));
    ///     assert!(test.spawn(pool).await.unwrap().is_alive());
    /// });
    /// ```
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.incarnate.intensity = Some((restarts, period));
        self
    }
}

impl<P: Protocol> Incarnate<P, IsPool> for Pool<P> {
    async fn live(&mut self, cx: &mut Cx<P>) -> ExitReason {
        let cx = &*cx;
        let stop = pin!(poll_fn(|task| poll_stop(cx, task)));
        let started = match select(pin!(self.start(cx)), stop).await {
            Either::Left((started, _)) => started,
            Either::Right(_) => return cx.cell.control.take_stop_reason(),
        };
        let (tree, children) = match started {
            Ok((tree, children)) if !children.is_empty() => (tree, children),
            Ok(_) => {
                cx.decline();
                return ExitReason::Normal;
            }
            // It may have given up meanwhile, which is why.
            Err(_) if cx.cell.control.take_stop() => return cx.cell.control.take_stop_reason(),
            Err(error) => return ExitReason::Error(Arc::from(error.to_string())),
        };
        let routees = Routees::awaited();
        let addrs = children.iter().map(|routee| routee.addr).collect();
        routees.list(children);
        let served = pin!(pass_on(cx, &routees, &self.routing));
        match select(served, pin!(follow(addrs, &routees, tree))).await {
            Either::Left((reason, _)) => reason,
            Either::Right((supervisor, _)) if supervisor.is_crash() => supervisor,
            Either::Right(_) => ExitReason::Normal,
        }
    }
}

/// Takes children out of the rotation as they end for good. After the last one, the supervisor has
/// nothing to do, unless it is why: how it ends is how the pool does.
async fn follow<P: Protocol>(
    children: Vec<Addr<P>>,
    routees: &Routees<P>,
    tree: Supervisor,
) -> ExitReason {
    let mut ended = pin!(tree.ended());
    // From here on its end is not missed.
    if let Some(reason) = ended.as_mut().now_or_never() {
        return reason;
    }
    let end_of = async |child: Addr<P>| {
        child.ended().await;
        child
    };
    let mut ends: FuturesUnordered<_> = children.into_iter().map(end_of).collect();
    while let Some(child) = ends.next().await {
        routees.remove(child);
    }
    tree.stop();
    ended.await
}

impl<P: Protocol> Pool<P> {
    /// Starts a supervisor that ends with the pool, and the children under it, one after another.
    /// One that declines is no routee, and no error.
    async fn start(&mut self, cx: &Cx<P>) -> Result<(Supervisor, Vec<Routee<P>>), StartError> {
        let mut tree = Supervisor::one_for_one();
        if let Some((restarts, period)) = self.intensity {
            tree = tree.intensity(restarts, period);
        }
        let tree = tree.start_under(cx).await?;
        let mut children = Vec::with_capacity(self.size);
        for number in 0..self.size {
            match tree.add(Copy((self.make)(number), PhantomData)).await {
                Ok(addr) => children.push(Routee { addr, label: number as u64 }),
                Err(StartError::Declined { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((tree, children))
    }
}

/// A spec whose actor is known to understand `P`.
struct Copy<P>(Spec, PhantomData<P>);

impl<P: Protocol> IntoChild for Copy<P> {
    type Handle = Addr<P>;

    fn into_spec(self) -> Spec {
        self.0
    }

    fn handle(actor: ActorId) -> Addr<P> {
        Addr::new(actor.0, &current::expect("a pool"))
    }
}

impl<P> fmt::Debug for Pool<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("size", &self.size)
            .field("routing", &self.routing)
            .finish_non_exhaustive()
    }
}
