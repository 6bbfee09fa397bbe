//! Stages that need no more than a stream or a closure.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use futures::future::{Either, select};
use futures::stream::{Fuse, Stream, StreamExt as _};

use super::inlet::{Batches, Inlet};
use super::message::{Demand, Supply};
use super::options::SubscribeOptions;
use super::outlet::Outlet;
use crate::actor::{Accepts, Addr, Cx, Protocol, Reply};
use crate::task::yield_now;

/// How many items a stream is asked for at once.
const CHUNK: usize = 1_000;

/// A producer of what a stream gives: the stream is asked for an item when a consumer is. An
/// iterator is a stream by [`futures::stream::iter`].
///
/// Each incarnation makes a stream anew. When the stream is over and everything is sent, the
/// producer ends as [`ExitReason::Normal`](crate::actor::ExitReason::Normal), so it should not be
/// permanent under its supervisor.
///
/// ```
/// use futures::{StreamExt as _, stream};
/// use greenroom::flow::{Outlet, SubscribeOptions, from_stream, subscribe};
/// use greenroom::prelude::*;
///
/// greenroom::test::run(async |test| {
///     let squares = from_stream(Outlet::new, || stream::iter((1..).map(|n: u64| n * n)));
///     let squares = test.spawn(child("squares", squares).restart(Transient)).await.unwrap();
///     let items = subscribe(squares, SubscribeOptions::new().max_demand(4));
///     let first: Vec<u64> = items.take(3).map(Result::unwrap).collect().await;
///     assert_eq!(first, [1, 4, 9]);
/// });
/// ```
pub fn from_stream<S>(
    mut outlet: impl FnMut() -> Outlet<S::Item> + 'static,
    mut stream: impl FnMut() -> S + 'static,
) -> impl AsyncFnMut(&mut Cx<Demand<S::Item>>) -> Result<(), Infallible> + 'static
where
    S: Stream + 'static,
{
    async move |cx| {
        let (mut outlet, mut stream) = (outlet(), pin!(stream().fuse()));
        let mut wanted = 0;
        while !stream.is_done() {
            if wanted == 0 {
                wanted += outlet.accept(cx.recv().await, cx);
                continue;
            }
            let next = pin!(chunk(stream.as_mut(), wanted.min(CHUNK)));
            let came = match select(pin!(cx.recv()), next).await {
                Either::Left((demand, _)) => Err(demand),
                Either::Right((items, _)) => Ok(items),
            };
            match came {
                Ok(items) => {
                    wanted -= items.len();
                    outlet.emit(items);
                    // A stream that is always ready is no reason to hold the loop.
                    yield_now().await;
                }
                Err(demand) => wanted += outlet.accept(demand, cx),
            }
        }
        while outlet.buffered() > 0 {
            outlet.accept(cx.recv().await, cx);
        }
        // The consumers are told, so that they do not ask one that has nothing and is about to end.
        drop(outlet);
        yield_now().await;
        while cx.try_recv().is_some() {}
        Ok(())
    }
}

/// As many items as there are just now, at most `max`; none at the end of the stream.
async fn chunk<S: Stream>(mut stream: Pin<&mut Fuse<S>>, max: usize) -> Vec<S::Item> {
    let mut items = Vec::new();
    poll_fn(|task| {
        while items.len() < max {
            match stream.as_mut().poll_next(task) {
                Poll::Ready(Some(item)) => items.push(item),
                Poll::Pending if items.is_empty() => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        Poll::Ready(())
    })
    .await;
    items
}

/// A consumer that does something with each batch of one producer's items. An error of `each` is a
/// crash. For several producers, or other messages beside, see [`Inlet`].
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use futures::stream;
/// use greenroom::flow::{Outlet, SubscribeOptions, for_each, from_stream};
/// use greenroom::prelude::*;
///
/// greenroom::test::run(async |test| {
///     let numbers = from_stream(Outlet::new, || stream::iter(1..=10));
///     let numbers = test.spawn(child("numbers", numbers).restart(Temporary)).await.unwrap();
///     let sum = Rc::new(Cell::new(0));
///     let total = Rc::clone(&sum);
///     let adds = for_each(numbers, SubscribeOptions::new(), async move |batch: Vec<u32>| {
///         total.set(total.get() + batch.iter().sum::<u32>());
///         Ok::<(), Fault>(())
///     });
///     // It ends with the producer.
///     let adds = test.spawn(child("adds", adds).restart(Temporary)).await.unwrap();
///     adds.ended().await;
///     assert_eq!(sum.get(), 55);
/// });
/// ```
pub fn for_each<T, Q, E>(
    producer: Addr<Q>,
    options: SubscribeOptions,
    mut each: impl AsyncFnMut(Vec<T>) -> Result<(), E> + 'static,
) -> impl AsyncFnMut(&mut Cx<Supply<T>>) -> Result<(), E> + 'static
where
    T: 'static,
    Q: Accepts<Demand<T>>,
    E: 'static,
{
    async move |cx| {
        let mut inlet = Inlet::new();
        inlet.subscribe(cx, producer, options);
        loop {
            let supply = cx.recv().await;
            for batch in inlet.take(supply, cx) {
                each(batch).await?;
            }
        }
    }
}

/// A producer-consumer: it makes each batch of one producer's items into items of its own. It takes
/// a batch only when it is asked for items itself, so demand comes through from its consumers to
/// its producer. An error of `each` is a crash.
///
/// What it makes beyond demand it keeps, without a limit unless its outlet's
/// [`buffer`](Outlet::buffer) says one. When it is to end with its producer, it first sends what it
/// has.
///
/// ```
/// use futures::{TryStreamExt as _, stream};
/// use greenroom::flow::{Outlet, SubscribeOptions, from_stream, map, subscribe};
/// use greenroom::prelude::*;
///
/// greenroom::test::run(async |test| {
///     let options = SubscribeOptions::new();
///     let numbers = from_stream(Outlet::new, || stream::iter(0..5_u32));
///     let numbers = test.spawn(child("numbers", numbers).restart(Temporary)).await.unwrap();
///     let doubles = map(numbers, options, Outlet::new, async |batch: Vec<u32>| {
///         Ok::<_, Fault>(batch.into_iter().map(|n| 2 * n).collect())
///     });
///     let doubles = test.spawn(child("doubles", doubles).restart(Temporary)).await.unwrap();
///     let items: Vec<u32> = subscribe(doubles, options).try_collect().await.unwrap();
///     assert_eq!(items, [0, 2, 4, 6, 8]);
/// });
/// ```
pub fn map<T, U, Q, E>(
    producer: Addr<Q>,
    options: SubscribeOptions,
    mut outlet: impl FnMut() -> Outlet<U> + 'static,
    mut each: impl AsyncFnMut(Vec<T>) -> Result<Vec<U>, E> + 'static,
) -> impl AsyncFnMut(&mut Cx<Stage<T, U>>) -> Result<(), E> + 'static
where
    T: 'static,
    U: 'static,
    Q: Accepts<Demand<T>>,
    E: 'static,
{
    async move |cx| {
        let (mut inlet, mut outlet) = (Inlet::new(), outlet().unlimited_by_default());
        inlet.subscribe(cx, producer, options);
        let mut held: VecDeque<Batches<T>> = VecDeque::new();
        let mut end = None;
        loop {
            match cx.recv().await {
                Stage::Supply(supply) if supply.is_end() => end = Some(supply),
                Stage::Supply(supply) => held.push_back(inlet.take(supply, cx)),
                Stage::Demand(demand) => drop(outlet.accept(demand, cx)),
            }
            while outlet.demand() > 0
                && let Some(batches) = held.front_mut()
            {
                match batches.next() {
                    Some(batch) => drop(outlet.emit(each(batch).await?)),
                    None => drop(held.pop_front()),
                }
            }
            if held.is_empty()
                && outlet.buffered() == 0
                && let Some(end) = end.take()
            {
                inlet.take(end, cx).for_each(drop);
            }
        }
    }
}

/// What a producer-consumer understands; see [`map`].
///
/// ```
/// use greenroom::flow::{Demand, Stage, SubscribeOptions, subscribe};
/// use greenroom::prelude::*;
/// fn items(stage: Addr<Stage<u8, u32>>) -> greenroom::flow::Items<u32> {
///     subscribe(stage, SubscribeOptions::new())
/// }
/// # let _ = items;
/// ```
pub enum Stage<T: 'static, U: 'static> {
    /// From its producer.
    Supply(Supply<T>),
    /// From its consumers.
    Demand(Demand<U>),
}

impl<T: 'static, U: 'static> Protocol for Stage<T, U> {}

impl<T: 'static, U: 'static> Accepts<Supply<T>> for Stage<T, U> {
    type Reply = ();

    fn wrap(supply: Supply<T>, _: Reply<()>) -> Self {
        Self::Supply(supply)
    }
}

impl<T: 'static, U: 'static> Accepts<Demand<U>> for Stage<T, U> {
    type Reply = ();

    fn wrap(demand: Demand<U>, _: Reply<()>) -> Self {
        Self::Demand(demand)
    }
}

impl<T: 'static, U: 'static> fmt::Debug for Stage<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Supply(supply) => supply.fmt(f),
            Self::Demand(demand) => demand.fmt(f),
        }
    }
}
