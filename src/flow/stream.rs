//! `subscribe`: a consumer that is a stream, for code that is no actor.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use futures::future::FutureExt as _;
use futures::stream::{FusedStream, Stream};

use super::message::{Deliver, Demand, News, SubscriptionId, Upstream};
use super::options::SubscribeOptions;
use crate::actor::{Accepts, ActorId, Addr, ExitReason};
use crate::task::{self, JoinHandle};

/// Subscribes to a producer of this loop and gives its items as a stream, to a task or to an actor
/// that does nothing else meanwhile.
///
/// The stream ends with its producer, whatever [`Cancel`](super::Cancel) is set: after a clean end
/// it is over, after any other its last item is the error. A restart of the producer is not its
/// end. Dropped, it cancels the subscription; what it had not given is dropped with it.
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// use futures::{TryStreamExt as _, stream};
/// use greenroom::flow::{Outlet, SubscribeOptions, from_stream, subscribe};
/// use greenroom::prelude::*;
///
/// greenroom::test::run(async |test| {
///     let numbers = from_stream(Outlet::new, || stream::iter(0..2_500));
///     let numbers = test.spawn(child("numbers", numbers).restart(Temporary)).await.unwrap();
///     let items: Vec<u32> = subscribe(numbers, SubscribeOptions::new()).try_collect().await.unwrap();
///     assert_eq!(items.len(), 2_500);
/// });
/// ```
#[must_use = "a stream that is dropped has cancelled its subscription"]
pub fn subscribe<T, Q>(producer: Addr<Q>, options: SubscribeOptions) -> Items<T>
where
    T: 'static,
    Q: Accepts<Demand<T>>,
{
    let queue = Rc::new(Queue::default());
    let upstream = Upstream::new(producer, options, drop);
    upstream.open(None, deliver_to(&queue, &upstream));
    let mut ended = Box::pin(producer.id().ended());
    // From here on its end is not missed.
    let first = ended.as_mut().now_or_never();
    let watched = Rc::downgrade(&queue);
    let watch = task::spawn(async move {
        let reason = match first {
            Some(reason) => reason,
            None => ended.await,
        };
        if let Some(queue) = watched.upgrade() {
            queue.end(reason);
        }
    });
    Items { upstream, queue, watch, done: false }
}

/// The items of a producer; made by [`subscribe`].
///
/// # Cancel safety
/// A `next` that is dropped has taken nothing.
///
/// ```
/// use futures::StreamExt as _;
/// use greenroom::flow::{Demand, Items, SubscribeOptions, subscribe};
/// greenroom::test::run(async |test| {
///     let producer = test.probe::<Demand<u32>>("producer").addr();
///     let mut items: Items<u32> = subscribe(producer, SubscribeOptions::new());
///     producer.kill();
///     assert!(items.next().await.unwrap().is_err());
///     assert!(items.next().await.is_none());
/// });
/// ```
pub struct Items<T: 'static> {
    upstream: Rc<Upstream<T>>,
    queue: Rc<Queue<T>>,
    watch: JoinHandle<()>,
    done: bool,
}

/// The producer of a stream did not end in good order.
///
/// ```
/// use futures::StreamExt as _;
/// use greenroom::flow::{Demand, SubscribeOptions, subscribe};
/// greenroom::test::run(async |test| {
///     let producer = test.probe::<Demand<u32>>("producer").addr();
///     let mut items = subscribe::<u32, _>(producer, SubscribeOptions::new());
///     producer.kill();
///     let error = items.next().await.unwrap().unwrap_err();
///     assert!(error.to_string().ends_with("ended before its stream was complete: killed"));
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the producer {producer} ended before its stream was complete: {reason}")]
#[non_exhaustive]
pub struct ProducerEnded {
    /// Which producer.
    pub producer: ActorId,
    /// How it ended.
    pub reason: ExitReason,
}

struct Queue<T> {
    items: RefCell<VecDeque<T>>,
    ended: RefCell<Option<ExitReason>>,
    waiting: RefCell<Option<Waker>>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { items: RefCell::default(), ended: RefCell::default(), waiting: RefCell::default() }
    }
}

impl<T> Queue<T> {
    fn end(&self, reason: ExitReason) {
        self.ended.borrow_mut().get_or_insert(reason);
        self.wake();
    }

    fn wake(&self) {
        let waiting = self.waiting.borrow_mut().take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

fn deliver_to<T: 'static>(queue: &Rc<Queue<T>>, upstream: &Rc<Upstream<T>>) -> Deliver<T> {
    let (queue, upstream): (Weak<Queue<T>>, _) = (Rc::downgrade(queue), Rc::clone(upstream));
    Rc::new(move |news| {
        let Some(queue) = queue.upgrade() else { return Err(news) };
        match news {
            News::Items(items) | News::Rest(items) => {
                upstream.receive(items.len());
                queue.items.borrow_mut().extend(items);
                queue.wake();
            }
            News::Restarted => upstream.open(None, deliver_to(&queue, &upstream)),
            News::Silent => upstream.close(),
            News::Ended(reason) => queue.end(reason),
        }
        Ok(())
    })
}

impl<T: 'static> Items<T> {
    /// Which subscription this is.
    ///
    /// ```
    /// use greenroom::flow::{Demand, SubscribeOptions, subscribe};
    /// greenroom::test::run(async |test| {
    ///     let producer = test.probe::<Demand<u32>>("producer").addr();
    ///     let items = subscribe(producer, SubscribeOptions::new());
    ///     assert_eq!(items.id(), items.id());
    /// });
    /// ```
    #[must_use]
    pub fn id(&self) -> SubscriptionId {
        self.upstream.id
    }
}

impl<T: 'static> Stream for Items<T> {
    type Item = Result<T, ProducerEnded>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.queue.items.borrow_mut().pop_front();
        if let Some(item) = next {
            self.upstream.handled(1);
            return Poll::Ready(Some(Ok(item)));
        }
        if self.done {
            return Poll::Ready(None);
        }
        let ended = self.queue.ended.borrow().clone();
        match ended {
            Some(reason) => {
                self.upstream.close();
                self.done = true;
                let producer = self.upstream.producer;
                let failed = reason.is_abnormal();
                Poll::Ready(failed.then_some(Err(ProducerEnded { producer, reason })))
            }
            None => {
                let before = self.queue.waiting.replace(Some(cx.waker().clone()));
                drop(before);
                Poll::Pending
            }
        }
    }
}

impl<T: 'static> FusedStream for Items<T> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

// No field is ever pinned: items only pass through.
impl<T: 'static> Unpin for Items<T> {}

impl<T: 'static> Drop for Items<T> {
    fn drop(&mut self) {
        self.watch.abort();
        self.upstream.cancel();
    }
}

impl<T: 'static> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("producer", &self.upstream.producer)
            .field("id", &self.upstream.id)
            .finish_non_exhaustive()
    }
}
