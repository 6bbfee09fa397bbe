//! Random interleavings of coming, giving up and giving back, against plain models.

use std::collections::VecDeque;
use std::pin::Pin;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use greenroom::sync::{GetError, Permit, PutError, Queue, QueueItem, Semaphore};
use proptest::prelude::*;
use proptest::sample::Index;

type Put<'a> = LocalBoxFuture<'a, Result<(), PutError<usize>>>;
type Get<'a> = LocalBoxFuture<'a, Result<QueueItem<usize>, GetError>>;

/// Polls once; nobody is woken, as everybody is polled again and again.
fn look<T>(future: &mut Pin<Box<dyn Future<Output = T> + '_>>) -> Option<T> {
    future.as_mut().now_or_never()
}

proptest! {
    /// **P1** No permit is lost, and who came first has its permits first.
    #[test]
    fn sy_01_no_permit_is_lost_and_the_order_is_that_of_arrival(
        total in 1_usize..5,
        steps in prop::collection::vec((0_u8..5, any::<Index>()), 1..150),
    ) {
        let semaphore = Semaphore::new(total);
        let mut held: Vec<Permit> = Vec::new();
        let mut waiting: VecDeque<(usize, LocalBoxFuture<'_, Permit>)> = VecDeque::new();
        for (step, pick) in steps {
            match step {
                0 | 1 => {
                    let wants = 1 + pick.index(total);
                    let permit = semaphore.acquire_many(wants).map(|permit| permit.unwrap());
                    waiting.push_back((wants, permit.boxed_local()));
                }
                2 if !waiting.is_empty() => drop(waiting.remove(pick.index(waiting.len()))),
                3 if !held.is_empty() => drop(held.swap_remove(pick.index(held.len()))),
                4 => {
                    let free = semaphore.available();
                    let permit = semaphore.try_acquire();
                    // The head of the line wants more than is free: nobody overtakes it.
                    prop_assert_eq!(permit.is_some(), free > 0 && waiting.is_empty());
                    held.extend(permit);
                }
                _ => {}
            }
            // The last looks first: it must not help it.
            let mut served = Vec::new();
            for at in (0..waiting.len()).rev() {
                if let Some(permit) = look(&mut waiting[at].1) {
                    prop_assert_eq!(permit.permits(), waiting[at].0);
                    served.push(at);
                    held.push(permit);
                }
            }
            let first: Vec<usize> = (0..served.len()).rev().collect();
            prop_assert_eq!(&served, &first, "one was passed over");
            for at in served {
                drop(waiting.remove(at));
            }
            let taken: usize = held.iter().map(Permit::permits).sum();
            prop_assert_eq!(semaphore.available() + taken, total);
            let first = waiting.iter_mut().next().map(|(wants, _)| *wants);
            prop_assert!(first.is_none_or(|wants| wants > semaphore.available()));
        }
    }

    /// **P4** Whatever is dropped half-way, each item that was taken comes out once or is left.
    #[test]
    fn qu_01_no_item_and_no_place_is_lost(
        capacity in 1_usize..4,
        steps in prop::collection::vec((0_u8..8, any::<Index>()), 1..150),
        shutdown in prop::option::of(0_usize..200),
        at_once in any::<bool>(),
    ) {
        let queue = Queue::fifo(capacity);
        let mut puts: VecDeque<(usize, Put<'_>)> = VecDeque::new();
        let mut gets: VecDeque<Get<'_>> = VecDeque::new();
        let (mut model, mut in_hand) = (VecDeque::new(), Vec::new());
        for (number, (step, pick)) in steps.into_iter().enumerate() {
            if shutdown == Some(number) {
                if at_once {
                    prop_assert_eq!(queue.shutdown_now(), model.drain(..).collect::<Vec<_>>());
                } else {
                    queue.shutdown();
                }
            }
            match step {
                0..3 => puts.push_back((number, queue.put(number).boxed_local())),
                3..6 => gets.push_back(queue.get().boxed_local()),
                6 if !puts.is_empty() => drop(puts.remove(pick.index(puts.len()))),
                7 if !gets.is_empty() => drop(gets.remove(pick.index(gets.len()))),
                _ => drop(in_hand.pop()),
            }
            // Until nothing moves: each side makes way for the other.
            let mut moved = true;
            while moved {
                moved = false;
                while let Some(done) = puts.front_mut().and_then(|(_, put)| look(put)) {
                    let (put, _) = puts.pop_front().unwrap();
                    match done {
                        Ok(()) => model.push_back(put),
                        Err(PutError(item)) => prop_assert!(queue.is_shut_down() && item == put),
                    }
                    moved = true;
                }
                while let Some(got) = gets.front_mut().and_then(look) {
                    drop(gets.pop_front());
                    match got {
                        Ok(item) => {
                            prop_assert_eq!(Some(*item), model.pop_front());
                            in_hand.push(item);
                        }
                        Err(GetError) => prop_assert!(queue.is_shut_down() && model.is_empty()),
                    }
                    moved = true;
                }
            }
            prop_assert_eq!(queue.len(), model.len());
            prop_assert_eq!(queue.unfinished(), model.len() + in_hand.len());
            prop_assert!(gets.is_empty() || model.is_empty(), "somebody waits for what is there");
            prop_assert!(puts.is_empty() || model.len() == capacity, "there is room for who waits");
            prop_assert_eq!(queue.join().now_or_never().is_some(), queue.unfinished() == 0);
        }
    }
}
