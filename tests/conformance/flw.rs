//! Stages: demand, buffers, dispatch, cancel modes.

use std::cell::RefCell;
use std::rc::Rc;

use futures::{FutureExt as _, StreamExt as _, stream};
use greenroom::actor::spawn;
use greenroom::flow::{
    Cancel, Demand, Inlet, Items, Keep, Outlet, SubscribeOptions, Supply, for_each, from_stream,
    map, subscribe,
};
use greenroom::prelude::*;
use greenroom::time;

use crate::harness::{Log, case, secs};

/// A producer that can be told what to do.
enum Msg {
    Demand(Demand<u32>),
    /// Emits these and then replies: how many were discarded.
    Queue(Vec<u32>, Reply<usize>),
    /// Replies at once and emits a second later.
    ReplyFirst(Vec<u32>, Reply<()>),
    Outlet(Reply<(usize, usize, u64)>),
    End(ExitReason),
}
impl Protocol for Msg {}
impl Accepts<Demand<u32>> for Msg {
    type Reply = ();

    fn wrap(demand: Demand<u32>, _: Reply<()>) -> Self {
        Self::Demand(demand)
    }
}

/// Counts up from 0 as it is asked, when `counts`; else it emits what it is told to. What it is
/// asked for is written down.
async fn produce(
    cx: &mut Cx<Msg>,
    mut outlet: Outlet<u32>,
    counts: bool,
    log: &Log,
) -> Result<(), Fault> {
    let mut next = 0;
    loop {
        match cx.recv().await {
            Msg::Demand(demand) => {
                let wanted = outlet.accept(demand, cx);
                if wanted > 0 {
                    log.add(format!("asked {wanted}"));
                }
                if counts {
                    let first = next;
                    next += wanted as u32;
                    outlet.emit(first..next);
                }
            }
            Msg::Queue(items, reply) => reply.send(outlet.emit(items)),
            Msg::ReplyFirst(items, reply) => {
                reply.send(());
                time::sleep(secs(1)).await;
                outlet.emit(items);
            }
            Msg::Outlet(reply) => {
                reply.send((outlet.consumers(), outlet.buffered(), outlet.discarded()));
            }
            Msg::End(ExitReason::Error(text)) => return Err(Fault::new(text)),
            Msg::End(reason) => cx.id().stop_with(reason),
        }
    }
}

fn counter(log: &Log) -> Addr<Msg> {
    let log = log.clone();
    spawn("counter", async move |cx: &mut Cx<Msg>| produce(cx, Outlet::new(), true, &log).await)
}

fn queue(outlet: impl Fn() -> Outlet<u32> + 'static) -> Addr<Msg> {
    let queue = async move |cx: &mut Cx<Msg>| produce(cx, outlet(), false, &Log::new()).await;
    spawn("queue", queue)
}

/// Batches as they were handed to a consumer.
type Batches = Rc<RefCell<Vec<Vec<u32>>>>;

/// A consumer that keeps what it is handed.
fn keeps<Q: Accepts<Demand<u32>>>(
    producer: Addr<Q>,
    options: SubscribeOptions,
) -> (Batches, Addr<Supply<u32>>) {
    let batches = Batches::default();
    let kept = Rc::clone(&batches);
    let each = async move |batch: Vec<u32>| {
        kept.borrow_mut().push(batch);
        // A source without end would keep the loop of a test ready for ever.
        time::sleep(secs(1)).await;
        Ok::<(), Fault>(())
    };
    (batches, spawn("keeps", for_each(producer, options, each)))
}

fn ready(items: &mut Items<u32>) -> Vec<u32> {
    std::iter::from_fn(|| items.next().now_or_never().flatten()).map(Result::unwrap).collect()
}

/// **R10.1** A consumer asks for 1,000 and is handed 500 at a time, and asks again when 500 are
/// left; other demands by their own numbers; with a maximum of 1 it is one by one.
#[test]
fn flw_01_default_batches() {
    // (options, the first batches, what the producer was asked for)
    let options = SubscribeOptions::new();
    let table: [(_, &[std::ops::Range<u32>], &[u32]); 4] = [
        (options, &[0..500, 500..1_000, 1_000..1_500], &[1_000, 500, 500]),
        (options.max_demand(100).min_demand(80), &[0..20, 20..40, 40..60], &[100, 20, 20]),
        (options.max_demand(100).min_demand(20), &[0..80, 80..100, 100..160], &[100, 80]),
        (options.max_demand(1).min_demand(0), &[0..1, 1..2, 2..3], &[1, 1, 1]),
    ];
    case(async |test| {
        for (options, batches, asks) in &table {
            let log = Log::new();
            let producer = counter(&log);
            let (kept, consumer) = keeps(producer, *options);
            test.settle().await;
            test.advance(secs(2)).await;
            let expected: Vec<Vec<u32>> = batches.iter().cloned().map(Iterator::collect).collect();
            assert_eq!(*kept.borrow(), expected, "{options:?}");
            let expected: Vec<String> = asks.iter().map(|items| format!("asked {items}")).collect();
            assert_eq!(log.take(), expected, "{options:?}");
            consumer.stop();
            producer.stop();
        }
    });
}

/// **R10.2** Without demand a producer keeps what fits, the first or the last of it, and reports
/// what it discarded; by default 10,000 items, the last.
#[test]
fn flw_02_buffer_overflow() {
    case(async |test| {
        for (keep, kept) in [(Keep::First, [1, 2, 3, 4, 5]), (Keep::Last, [4, 5, 6, 7, 8])] {
            let producer = queue(move || Outlet::new().buffer(5, keep));
            let queue = |items| producer.ask_with(|reply| Msg::Queue(items, reply));
            assert_eq!(queue(vec![1, 2, 3, 4, 5]).await.unwrap(), 0);
            assert_eq!(queue(vec![6, 7, 8]).await.unwrap(), 3);
            assert_eq!(producer.ask_with(Msg::Outlet).await.unwrap(), (0, 5, 3));
            let mut items = subscribe(producer, SubscribeOptions::new());
            test.settle().await;
            assert_eq!(ready(&mut items), kept);
            assert_eq!(producer.ask_with(Msg::Outlet).await.unwrap(), (1, 0, 3));
            producer.stop();
        }
        let producer = queue(Outlet::new);
        let many = producer.ask_with(|reply| Msg::Queue((0..10_003).collect(), reply));
        assert_eq!(many.await.unwrap(), 3);
        let mut items = subscribe(producer, SubscribeOptions::new());
        assert_eq!(items.next().await.unwrap().unwrap(), 3);
    });
}

/// **R10.4** The producer ends Normal or abnormally, its consumer's subscription is permanent,
/// transient or temporary: the consumer ends in three of six cases, with the producer's reason, and
/// after all that was sent.
#[test]
fn flw_03_cancel_modes() {
    let (normal, error) = (ExitReason::Normal, ExitReason::Error("gone".into()));
    let table = [
        (Cancel::Permanent, &normal, true),
        (Cancel::Permanent, &error, true),
        (Cancel::Transient, &normal, false),
        (Cancel::Transient, &error, true),
        (Cancel::Temporary, &normal, false),
        (Cancel::Temporary, &error, false),
    ];
    case(async |test| {
        let mut ends = 0;
        for (cancel, reason, ends_too) in table {
            let producer = queue(Outlet::new);
            let (kept, consumer) = keeps(producer, SubscribeOptions::new().cancel(cancel));
            test.settle().await;
            producer.tell(Msg::Queue(vec![1, 2], Reply::nobody())).await.unwrap();
            let (ended, ()) = futures::join!(time::timeout(secs(60), consumer.ended()), async {
                producer.tell(Msg::End(reason.clone())).await.unwrap()
            });
            assert_eq!(*kept.borrow(), [[1, 2]]);
            assert_eq!(ended.ok().as_ref(), ends_too.then_some(reason), "{cancel:?} {reason}");
            assert_eq!(consumer.is_alive(), !ends_too);
            ends += u32::from(ends_too);
        }
        assert_eq!(ends, 3);
    });
}

/// **R10.1** A producer that is asked something emits and replies in the order in which its code
/// does: items emitted before the reply are there with it, and a reply is not kept back for items
/// that are emitted later.
#[test]
fn flw_04_reply_vs_event_order() {
    case(async |test| {
        let producer = queue(Outlet::new);
        let mut items = subscribe(producer, SubscribeOptions::new());
        test.settle().await;
        producer.ask_with(|reply| Msg::Queue(vec![1, 2, 3], reply)).await.unwrap();
        assert_eq!(ready(&mut items), [1, 2, 3], "events, then the reply");

        producer.ask_with(|reply| Msg::ReplyFirst(vec![4, 5, 6], reply)).await.unwrap();
        assert_eq!((ready(&mut items), test.now()), (vec![], secs(0)), "the reply,");
        test.advance(secs(1)).await;
        assert_eq!(ready(&mut items), [4, 5, 6], "then the events");
    });
}

/// **R10.3** The largest demand is served first; a broadcast goes to all at the pace of the slowest
/// and asks its producer once; partitions go by hash.
#[test]
fn dispatch_goes_by_demand_to_all_or_by_partition() {
    case(async |test| {
        let options = SubscribeOptions::new();
        let producer = queue(Outlet::new);
        let mut small = subscribe(producer, options.max_demand(2));
        let mut large = subscribe(producer, options.max_demand(5));
        let emit = |items: Vec<u32>| producer.ask_with(|reply| Msg::Queue(items, reply));
        emit(vec![1, 2, 3]).await.unwrap();
        emit(vec![4, 5, 6, 7]).await.unwrap();
        assert_eq!((ready(&mut small), ready(&mut large)), (vec![4, 5], vec![1, 2, 3, 6, 7]));

        let log = Log::new();
        let logs = log.clone();
        let all = spawn("all", async move |cx: &mut Cx<Msg>| {
            produce(cx, Outlet::broadcast(), false, &logs).await
        });
        let mut slow = subscribe(all, options.max_demand(2));
        let mut fast = subscribe(all, options.max_demand(3));
        let emit = |items: Vec<u32>| all.ask_with(|reply| Msg::Queue(items, reply));
        emit(vec![1, 2, 3]).await.unwrap();
        assert_eq!(log.take(), ["asked 2"], "two for each are two for both");
        assert_eq!(
            (ready(&mut fast), ready(&mut fast)),
            (vec![1, 2], vec![]),
            "3 waits for the other"
        );
        test.settle().await;
        assert_eq!(ready(&mut fast), []);
        assert_eq!(ready(&mut slow), [1, 2]);
        test.settle().await;
        assert_eq!((ready(&mut slow), ready(&mut fast)), (vec![3], vec![3]));

        let parts = queue(|| Outlet::partition(2, |item: &u32| item / 10));
        let mut both = [0, 1].map(|part| subscribe(parts, options.partition(part)));
        let items = (0..200).collect::<Vec<u32>>();
        parts.ask_with(|reply| Msg::Queue(items, reply)).await.unwrap();
        test.settle().await;
        let heard = both.each_mut().map(ready);
        assert_eq!(heard[0].len() + heard[1].len(), 200);
        for part in &heard {
            let tens = part.chunk_by(|a, b| a / 10 == b / 10).map(<[u32]>::len);
            assert!(part.len() > 50 && tens.into_iter().all(|len| len == 10), "{heard:?}");
        }
    });
}

/// **R10.1, D1** A restart is nobody's end: a producer's consumers subscribe to its next
/// incarnation, and what a consumer had been sent is handled by its next incarnation.
#[test]
fn a_restart_ends_no_subscription() {
    case(async |test| {
        let log = Log::new();
        let logs = log.clone();
        let tree = Supervisor::one_for_one().intensity(10, secs(60)).start(test).await.unwrap();
        let counts = async move |cx: &mut Cx<Msg>| produce(cx, Outlet::new(), true, &logs).await;
        let producer = tree.add(child("producer", counts)).await.unwrap();
        let mut items = subscribe(producer, SubscribeOptions::new().max_demand(4));
        test.settle().await;
        assert_eq!(items.by_ref().take(2).map(Result::unwrap).collect::<Vec<_>>().await, [0, 1]);
        test.fail(producer, "on purpose");
        test.settle().await;
        // Two of the old one's are left to read; the new one begins anew.
        let next: Vec<u32> = items.by_ref().take(6).map(Result::unwrap).collect().await;
        assert_eq!(next, [2, 3, 0, 1, 2, 3]);
        let asked = log.take();
        assert_eq!(asked[..2], ["asked 4", "asked 2"], "for as many as there is room");
        producer.stop();

        let numbers = from_stream(Outlet::new, || stream::iter(0..6));
        let numbers = tree.add(child("numbers", numbers).restart(Temporary)).await.unwrap();
        let kept = Log::new();
        let keeps = kept.clone();
        let options = SubscribeOptions::new().max_demand(6).min_demand(4).cancel(Cancel::Temporary);
        let each = async move |batch: Vec<u32>| {
            keeps.add(format!("{batch:?}"));
            if batch == [0, 1] { Err(Fault::new("on purpose")) } else { Ok(()) }
        };
        tree.add(child("consumer", for_each(numbers, options, each))).await.unwrap();
        test.settle().await;
        // What it had in its hand is lost, as ever, and a dead letter tells of it.
        assert_eq!(kept.take(), ["[0, 1]", "[2, 3]", "[4, 5]"]);
        let lost = test.letters().into_iter().filter(|letter| letter.message.contains("Supply"));
        assert_eq!(lost.count(), 1);
        tree.stop();
    });
}

/// **R10.1, R10.2** A producer-consumer takes what it is asked for, and asks for no more; it ends
/// after its producer, when it has sent everything.
#[test]
fn a_producer_consumer_passes_demand_through() {
    case(async |test| {
        let log = Log::new();
        let producer = counter(&log);
        let options = SubscribeOptions::new().max_demand(10);
        // Three for one, which is more than it is asked for.
        let triples = map(producer, options, Outlet::new, async |batch: Vec<u32>| {
            Ok::<_, Fault>(batch.into_iter().flat_map(|item| [item; 3]).collect())
        });
        let triples = spawn("triples", triples);
        test.settle().await;
        assert_eq!(log.take(), ["asked 10"]);
        let mut items = subscribe(triples, options);
        test.settle().await;
        assert_eq!(ready(&mut items), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]);
        producer.stop();
        let (rest, reason): (Vec<u32>, _) =
            futures::join!(items.map(Result::unwrap).collect(), triples.ended());
        assert_eq!(reason, ExitReason::Shutdown);
        let last = rest[rest.len() - 1];
        assert!(last >= 9, "what it had asked for has come through");
        let all: Vec<u32> = (0..=last).flat_map(|item| [item; 3]).skip(10).collect();
        assert_eq!(rest, all, "nothing is missing and nothing is left half-way");
    });
}

/// **R10.3** A consumer that ends gives up its demand; what it was not sent goes to others. A
/// producer hears of each of its consumers' ends.
#[test]
fn what_a_consumer_leaves_goes_to_others() {
    case(async |test| {
        let producer = queue(Outlet::new);
        let idle = async move |cx: &mut Cx<Supply<u32>>| -> Result<(), Fault> {
            let mut inlet = Inlet::new();
            inlet.subscribe(cx, producer, SubscribeOptions::new().max_demand(50));
            loop {
                let supply = cx.recv().await;
                inlet.take(supply, cx).for_each(drop);
            }
        };
        let (first, second) = (spawn("first", idle), spawn("second", idle));
        test.settle().await;
        let mut items = subscribe(producer, SubscribeOptions::new().max_demand(5));
        test.settle().await;
        assert_eq!(producer.ask_with(Msg::Outlet).await.unwrap(), (3, 0, 0));
        first.kill();
        second.stop();
        // In whatever order their ends are heard of, nothing is lost with them.
        producer.ask_with(|reply| Msg::Queue(vec![1, 2, 3], reply)).await.unwrap();
        test.settle().await;
        assert_eq!(producer.ask_with(Msg::Outlet).await.unwrap().0, 1);
        producer.ask_with(|reply| Msg::Queue(vec![4, 5], reply)).await.unwrap();
        let here = ready(&mut items);
        let dead = test.dead_letters() as usize;
        assert!(here.ends_with(&[4, 5]) && (here.len() == 5 || dead == 1), "{here:?} {dead}");
        drop(items);
        test.settle().await;
        assert_eq!(producer.ask_with(Msg::Outlet).await.unwrap(), (0, 0, 0));
    });
}
