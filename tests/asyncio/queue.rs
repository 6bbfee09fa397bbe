//! Queues: waiting for room and for items, the orders, shutting down, and when all is done.

use std::cell::Cell;
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use futures::FutureExt as _;
use greenroom::sync::{GetError, PutError, Queue, QueueItem, TryGetError, TryPutError, UNBOUNDED};
use greenroom::task;
use greenroom::time::timeout;

use crate::harness::{Log, case, ms};
use crate::support::{OnDrop, run, settle};

fn orders() -> [Queue<u32>; 3] {
    [Queue::fifo(3), Queue::lifo(3), Queue::priority(3)]
}

/// **P4** After a shutdown nothing is taken any more: not from who comes, and not from who waits.
/// An empty queue refuses who asks, and lets go who waits.
#[test]
fn qu_01_shutdown_of_an_empty_queue() {
    run(async || {
        for queue in orders() {
            let waits = [(); 2].map(|()| {
                let queue = queue.clone();
                task::spawn(async move { queue.get().await.map(QueueItem::into_inner) })
            });
            settle().await;
            assert!(!queue.is_shut_down());
            queue.shutdown();
            queue.shutdown();
            for waits in waits {
                assert_eq!(waits.await, Ok(Err(GetError)));
            }
            assert_eq!(queue.put(1).await, Err(PutError(1)));
            assert_eq!(queue.try_put(2), Err(TryPutError::ShutDown(2)));
            assert_eq!(queue.get().await.err(), Some(GetError));
            assert_eq!(queue.try_get().err(), Some(TryGetError::ShutDown));
            queue.join().await;
        }
    });
}

/// **P4** What is in the queue is still given out; who waits to put something in is refused and has
/// it back; `join` waits for what was given out.
#[test]
fn qu_01_shutdown_of_a_queue_that_is_not_empty() {
    run(async || {
        for queue in orders() {
            for number in [1, 2, 3] {
                queue.put(number).await.expect("there is room");
            }
            let puts = task::spawn({
                let queue = queue.clone();
                async move { queue.put(4).await }
            });
            let joins = task::spawn({
                let queue = queue.clone();
                async move { queue.join().await }
            });
            settle().await;
            queue.shutdown();
            assert_eq!(puts.await, Ok(Err(PutError(4))));
            let mut in_hand = Vec::new();
            while let Ok(item) = queue.get().await {
                in_hand.push(item);
            }
            let mut numbers: Vec<u32> = in_hand.iter().map(|item| **item).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, [1, 2, 3]);
            settle().await;
            assert!(!joins.is_finished(), "they are in hand");
            drop(in_hand);
            assert_eq!(joins.await, Ok(()));
            assert_eq!(queue.try_put(5), Err(TryPutError::ShutDown(5)));
        }
    });
}

/// **P4** An immediate shutdown gives back what is in the queue and counts it as done; who waits,
/// on either side, is let go, and so is one that was promised an item.
#[test]
fn qu_01_immediate_shutdown() {
    run(async || {
        for queue in orders() {
            for number in [1, 2, 3] {
                queue.put(number).await.expect("there is room");
            }
            let puts = task::spawn({
                let queue = queue.clone();
                async move { queue.put(4).await }
            });
            let joins = task::spawn({
                let queue = queue.clone();
                async move { queue.join().await }
            });
            settle().await;
            let mut left = queue.shutdown_now();
            left.sort_unstable();
            assert_eq!(left, [1, 2, 3]);
            assert_eq!((puts.await, joins.await), (Ok(Err(PutError(4))), Ok(())));
            assert_eq!(queue.get().await.err(), Some(GetError));
            assert!(queue.shutdown_now().is_empty());
        }
        let queue = Queue::fifo(1);
        let mut promised = Box::pin(queue.get());
        assert!(futures::poll!(promised.as_mut()).is_pending());
        queue.try_put(1).expect("there is room");
        assert_eq!(queue.shutdown_now(), [1]);
        assert_eq!(promised.await.err(), Some(GetError));
    });
}

/// **P4** What is in hand is not done by an immediate shutdown.
#[test]
fn qu_01_immediate_shutdown_with_unfinished_items() {
    run(async || {
        for queue in orders() {
            queue.put(1).await.expect("there is room");
            queue.put(2).await.expect("there is room");
            let joins = task::spawn({
                let queue = queue.clone();
                async move { queue.join().await }
            });
            let in_hand = queue.get().await.expect("there are two");
            assert_eq!(queue.shutdown_now().len(), 1);
            settle().await;
            assert!(!joins.is_finished());
            assert_eq!(queue.unfinished(), 1);
            drop(in_hand);
            assert_eq!(joins.await, Ok(()));
            assert_eq!(queue.unfinished(), 0);
        }
    });
}

/// **P4** A put that was promised a place, and a get that was promised an item, when the shutdown
/// comes: the put is refused, the get is given what it was promised.
#[test]
fn qu_01_shutdown_between_promise_and_use() {
    run(async || {
        let queue = Queue::fifo(1);
        let mut gets = Box::pin(queue.get());
        assert!(futures::poll!(gets.as_mut()).is_pending());
        queue.try_put(1).expect("there is room");
        let mut puts = Box::pin(queue.put(2));
        assert!(futures::poll!(puts.as_mut()).is_pending());
        let mut late = Box::pin(queue.get());
        assert!(futures::poll!(late.as_mut()).is_pending());
        queue.shutdown();
        assert!(futures::poll!(late.as_mut()).is_pending(), "the promised item may come back");
        assert_eq!(gets.await.map(QueueItem::into_inner), Ok(1));
        assert_eq!(late.await.err(), Some(GetError), "it did not");
        assert_eq!(puts.await, Err(PutError(2)));

        let queue = Queue::fifo(1);
        let mut gives_up = Box::pin(queue.get());
        let mut gets = Box::pin(queue.get());
        assert!(futures::poll!(gives_up.as_mut()).is_pending());
        assert!(futures::poll!(gets.as_mut()).is_pending());
        queue.try_put(1).expect("there is room");
        queue.shutdown();
        drop(gives_up);
        assert_eq!(gets.await.map(QueueItem::into_inner), Ok(1), "nothing is left behind");
    });
}

/// **P4** `join` waits until each item was taken out and is done, however it came to be dropped; a
/// worker that fails half-way holds nobody up.
#[test]
fn qu_02_join_waits_until_every_item_is_done() {
    run(async || {
        for queue in orders() {
            let total = Rc::new(Cell::new(0));
            for number in 0..2 {
                let (queue, total) = (queue.clone(), total.clone());
                task::spawn(async move {
                    while let Ok(item) = queue.get().await {
                        greenroom::time::sleep(ms(u64::from(*item))).await;
                        assert!(number == 0 || *item != 7, "on purpose");
                        total.set(total.get() + *item);
                    }
                })
                .detach();
            }
            queue.join().await;
            for number in 1..=20 {
                queue.put(number).await.expect("it is open");
            }
            queue.join().await;
            assert!(queue.is_empty() && queue.unfinished() == 0);
            assert!([210, 203].contains(&total.get()), "{}", total.get());
            queue.join().await;
            queue.shutdown();
        }
    });
}

/// **P4** An item cannot be done twice: being done takes the guard. (In asyncio one call of
/// `task_done` too many is a `ValueError`; here there is no such call.)
#[test]
fn qu_02_no_item_is_done_twice() {
    run(async || {
        let queue = Queue::fifo(3);
        for number in 0..3 {
            queue.put(number).await.expect("there is room");
        }
        let (one, two, three) =
            (queue.try_get().unwrap(), queue.try_get().unwrap(), queue.try_get().unwrap());
        drop(one);
        assert_eq!(queue.unfinished(), 2);
        assert_eq!((two.into_inner(), queue.unfinished()), (1, 1));
        let (item, open) = three.into_parts();
        assert_eq!((item, queue.unfinished()), (2, 1));
        assert!(queue.join().now_or_never().is_none());
        drop(open);
        assert_eq!(queue.join().now_or_never(), Some(()));
        assert_eq!(queue.shutdown_now().len() + queue.unfinished(), 0);
    });
}

/// **P4** The item is dropped before it counts as done, and counts also when its drop panics.
#[test]
fn qu_02_done_comes_after_the_drop() {
    type Look = Box<dyn FnMut()>;
    run(async || {
        let queue: Queue<Option<OnDrop<Look>>> = Queue::fifo(1);
        let seen = Rc::new(Cell::new(0));
        let (looks, noted) = (queue.clone(), seen.clone());
        let look: Look = Box::new(move || {
            noted.set(looks.unfinished());
            panic!("on purpose");
        });
        queue.try_put(Some(OnDrop(look))).expect("there is room");
        let item = queue.try_get().expect("there is one");
        assert!(catch_unwind(AssertUnwindSafe(|| drop(item))).is_err());
        assert_eq!((seen.get(), queue.unfinished()), (1, 0));
    });
}

/// Whoever waits on either side is served in the order of arrival, and nobody overtakes.
#[test]
fn p4_puts_and_gets_wait_their_turn() {
    run(async || {
        let queue = Queue::fifo(1);
        let log = Log::new();
        queue.put(0).await.expect("there is room");
        for number in 1..=3 {
            let (queue, log) = (queue.clone(), log.clone());
            task::spawn(async move {
                queue.put(number).await.expect("it is open");
                log.add(format!("put {number}"));
            })
            .detach();
        }
        settle().await;
        assert_eq!(queue.try_put(9), Err(TryPutError::Full(9)));
        assert_eq!(queue.get().await.map(QueueItem::into_inner), Ok(0));
        assert_eq!(queue.try_put(9), Err(TryPutError::Full(9)), "the place is promised");
        for number in 1..=3 {
            assert_eq!(queue.get().await.map(QueueItem::into_inner), Ok(number));
        }
        settle().await;
        assert_eq!(log.take(), ["put 1", "put 2", "put 3"]);
        for number in 1..=2 {
            let (queue, log) = (queue.clone(), log.clone());
            task::spawn(async move {
                let item = queue.get().await.expect("it is open");
                log.add(format!("{number} got {}", *item));
            })
            .detach();
        }
        settle().await;
        queue.try_put(4).expect("there is room");
        assert_eq!(queue.try_get().err(), Some(TryGetError::Empty), "the item is promised");
        queue.put(5).await.expect("it is open");
        settle().await;
        assert_eq!(log.take(), ["1 got 4", "2 got 5"]);
    });
}

/// **P4** Dropped after it was promised an item, or a place, neither is lost.
#[test]
fn p4_a_cancelled_put_or_get_loses_no_item_and_no_place() {
    run(async || {
        let queue = Queue::fifo(1);
        let mut gives_up = Box::pin(queue.get());
        let mut gets = Box::pin(queue.get());
        assert!(futures::poll!(gives_up.as_mut()).is_pending());
        assert!(futures::poll!(gets.as_mut()).is_pending());
        queue.try_put(1).expect("there is room");
        drop(gives_up);
        assert_eq!(gets.await.map(QueueItem::into_inner), Ok(1));

        queue.try_put(2).expect("there is room");
        let mut gives_up = Box::pin(queue.put(3));
        let mut puts = Box::pin(queue.put(4));
        assert!(futures::poll!(gives_up.as_mut()).is_pending());
        assert!(futures::poll!(puts.as_mut()).is_pending());
        assert_eq!(queue.get().await.map(QueueItem::into_inner), Ok(2));
        drop(gives_up);
        assert_eq!(puts.await, Ok(()));
        assert_eq!(queue.get().await.map(QueueItem::into_inner), Ok(4));
        assert!(timeout(ms(1), queue.get()).await.is_err());
        assert_eq!(queue.try_put(5), Ok(()));
    });
}

/// **P4** Under every schedule each item comes out once, in the order of its producer.
#[test]
fn p4_every_item_comes_out_once_under_every_schedule() {
    case(async |_test| {
        let queue = Queue::fifo(2);
        let got = Log::new();
        for _ in 0..3 {
            let (queue, got) = (queue.clone(), got.clone());
            task::spawn(async move {
                loop {
                    match timeout(ms(1), queue.get()).await {
                        Ok(Ok(item)) => {
                            got.add(format!("{}", *item));
                            task::yield_now().await;
                        }
                        Ok(Err(GetError)) => break,
                        Err(_) => {}
                    }
                }
            })
            .detach();
        }
        let producers: Vec<_> = (0..2)
            .map(|producer| {
                let queue = queue.clone();
                task::spawn(async move {
                    for number in 0..6 {
                        queue.put(producer * 10 + number).await.expect("it is open");
                    }
                })
            })
            .collect();
        for producer in producers {
            producer.await.expect("no panic");
        }
        queue.join().await;
        queue.shutdown();
        let mut numbers: Vec<u32> = got.take().iter().map(|text| text.parse().unwrap()).collect();
        for producer in 0..2 {
            let of_one: Vec<_> =
                numbers.iter().filter(|number| **number / 10 == producer).collect();
            assert!(of_one.is_sorted(), "{numbers:?}");
        }
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15]);
    });
}

#[test]
fn the_three_orders() {
    let drain = |queue: Queue<(u8, char)>| -> String {
        for item in [(2, 'a'), (1, 'b'), (2, 'c'), (0, 'd')] {
            queue.try_put(item).expect("there is room");
        }
        std::iter::from_fn(|| queue.try_get().ok()).map(|item| item.1).collect()
    };
    assert_eq!(drain(Queue::fifo(UNBOUNDED)), "abcd");
    assert_eq!(drain(Queue::lifo(UNBOUNDED)), "dcba");
    assert_eq!(drain(Queue::priority(UNBOUNDED)), "dbac");
}

/// An `Ord` that panics takes its item with it and nothing else.
#[test]
fn an_item_that_cannot_be_compared_harms_no_other() {
    #[derive(PartialEq, Eq, Debug)]
    struct Picky(u8);
    impl PartialOrd for Picky {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Picky {
        fn cmp(&self, other: &Self) -> Ordering {
            assert!(self.0 != 13 && other.0 != 13, "on purpose");
            self.0.cmp(&other.0)
        }
    }
    let queue = Queue::priority(3);
    queue.try_put(Picky(2)).expect("there is room");
    queue.try_put(Picky(1)).expect("there is room");
    assert!(catch_unwind(AssertUnwindSafe(|| queue.try_put(Picky(13)))).is_err());
    assert_eq!((queue.len(), queue.unfinished()), (2, 2));
    queue.try_put(Picky(0)).expect("its place is free again");
    assert_eq!(queue.try_put(Picky(3)).expect_err("it is full").into_inner(), Picky(3));
    for number in 0..3 {
        assert_eq!(queue.try_get().map(|item| item.0), Ok(number));
    }
    queue.join().now_or_never().expect("all are done");
}

#[test]
#[should_panic(expected = "a queue needs room for at least one item")]
fn a_queue_without_room_is_refused() {
    drop(Queue::<u8>::fifo(0));
}

/// **P4** An item that was promised to somebody who gives up is for others, also after a shutdown.
#[test]
fn qu_01_a_promised_item_comes_back_after_a_shutdown() {
    run(async || {
        for queue in orders() {
            let mut first = Box::pin(queue.get());
            assert!(first.as_mut().now_or_never().is_none());
            queue.try_put(7).unwrap();
            queue.shutdown();
            assert_eq!(queue.try_get().err(), Some(TryGetError::Empty), "one is left");
            let other = queue.clone();
            let second = task::spawn(async move { other.get().await.map(QueueItem::into_inner) });
            settle().await;
            assert!(!second.is_finished());
            drop(first);
            assert_eq!(second.await, Ok(Ok(7)));
            assert_eq!(queue.get().await.err(), Some(GetError));
            assert_eq!(queue.try_get().err(), Some(TryGetError::ShutDown));
        }
    });
}
