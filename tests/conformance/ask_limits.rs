//! Asks: the moment of the limit, and asks that are given up.

use std::time::Duration;

use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use greenroom::actor::Cause;
use greenroom::prelude::*;
use greenroom::{task, time};

use crate::callee::{Call, callee, callee_with};
use crate::harness::{Log, case, ms, secs};

/// One nanosecond.
const NS: Duration = Duration::from_nanos(1);

/// **R4.3** A reply that is queued in the turn in which the deadline fires wins, for the usual
/// limit and one of one's own, and however many hands it goes through in that turn. One that comes
/// later by a nanosecond is too late.
#[test]
fn ask_10_reply_at_deadline_wins() {
    case(async |test| {
        let log = Log::new();
        for limit in [ms(100), secs(5)] {
            for hops in 0..4 {
                for (wait, wins) in [(limit, true), (limit + NS, false), (limit - NS, true)] {
                    let begun = test.now();
                    let mut question: Box<dyn FnOnce(Reply<u32>) -> Call> =
                        Box::new(Call::after(wait, hops));
                    for _ in 0..hops {
                        question = relay(question);
                    }
                    let ask = callee("callee", &log).ask_with(question);
                    let ask = if limit == secs(5) { ask } else { ask.timeout(limit) };
                    match ask.await {
                        Ok(reply) => assert_eq!((reply, wins), (hops, true)),
                        Err(error) => assert!(error.is_timeout() && !wins, "{hops} hops: {error}"),
                    }
                    assert_eq!(test.now() - begun, wait.min(limit));
                    test.advance(ms(1)).await;
                }
            }
        }
        let late = test.letters();
        assert!(late.iter().all(|letter| letter.cause == Cause::LateReply));
    });
}

/// The question with one more hop: a task asks another actor and passes its reply on.
fn relay(question: Box<dyn FnOnce(Reply<u32>) -> Call>) -> Box<dyn FnOnce(Reply<u32>) -> Call> {
    Box::new(move |reply| {
        let last = callee("last", &Log::new());
        task::spawn(async move {
            if let Ok(number) = last.ask_with(question).no_timeout().await {
                reply.send(number);
            }
        });
        Call::Note(0)
    })
}

/// **R4.3** The same when the asker is polled more than once in that turn, for something else.
#[test]
fn ask_10_an_asker_that_is_woken_by_something_else_waits_for_the_end_of_the_turn() {
    case(async |_test| {
        let callee = callee("callee", &Log::new());
        let mut ticks: FuturesUnordered<_> = (0..8).map(|_| time::sleep(ms(100))).collect();
        let mut ask = callee.ask_with(Call::after(ms(100), 1)).timeout(ms(100)).fuse();
        let reply = loop {
            futures::select_biased! {
                reply = &mut ask => break reply,
                () = ticks.select_next_some() => {}
            }
        };
        assert_eq!(reply.unwrap(), 1);
    });
}

/// **D8, R4.1** An ask waits 5 s; the actor may say something else for all asks of it, and each
/// call for itself.
#[test]
fn ask_01_the_limit_may_be_said_per_actor_and_per_call() {
    case(async |test| {
        let patient = MailboxOptions::default().ask_timeout(secs(60));
        let hasty = MailboxOptions::default().ask_timeout(ms(50));
        for (options, limit) in
            [(MailboxOptions::default(), secs(5)), (patient, secs(60)), (hasty, ms(50))]
        {
            let forever = Call::after(secs(3_600), 1);
            let begun = test.now();
            let error = callee_with("a", options, &Log::new()).ask_with(forever).await.unwrap_err();
            assert!(matches!(error, AskError::TimedOut { after, .. } if after == limit));
            assert_eq!(test.now() - begun, limit);

            let begun = test.now();
            let slow = callee_with("b", options, &Log::new()).ask_with(Call::after(secs(7), 1));
            assert!(slow.timeout(secs(6)).await.unwrap_err().is_timeout());
            assert_eq!(test.now() - begun, secs(6));
            let slow = callee_with("c", options, &Log::new()).ask_with(Call::after(secs(70), 1));
            assert_eq!(slow.no_timeout().await.unwrap(), 1);
        }
    });
}

/// Notes whether somebody waits at the port when its message is handled, and answers all the same.
enum Job {
    Busy(Duration),
    Question(&'static str, Reply<u32>),
}
impl Protocol for Job {}

async fn attentive(cx: &mut Cx<Job>, log: &Log) -> Result<(), Fault> {
    loop {
        match cx.recv().await {
            Job::Busy(wait) => time::sleep(wait).await,
            Job::Question(name, reply) => {
                let wanted = if reply.is_closed() { "nobody waits" } else { "somebody waits" };
                log.add(format!("{name}: {wanted}"));
                reply.send(1);
            }
        }
    }
}

// A4: a reply reaches the ask that it is for or is a dead letter; it never reaches another ask.
/// **R4.6, R4.2** An asker drops its future while the message is queued: the callee can see that
/// nobody waits. Its reply is no panic, and a dead letter. One that still waits gets its reply.
#[test]
fn ask_14_abandoned_ask_observable() {
    case(async |test| {
        let log = Log::new();
        let kept = log.clone();
        let body = async move |cx: &mut Cx<Job>| attentive(cx, &kept).await;
        let callee = greenroom::actor::spawn("attentive", body);
        callee.tell(Job::Busy(ms(100))).await.unwrap();
        test.settle().await;

        let question = |name| move |reply| Job::Question(name, reply);
        let stays = task::spawn(callee.ask_with(question("stays")));
        let aborted = task::spawn(callee.ask_with(question("aborted")));
        let mut dropped = Box::pin(callee.ask_with(question("dropped")));
        assert!(futures::poll!(&mut dropped).is_pending());
        let late = time::timeout(ms(50), callee.ask_with(question("late"))).await;
        assert!(late.is_err());
        let timed_out = callee.ask_with(question("timed out")).timeout(ms(20)).await;
        assert!(timed_out.unwrap_err().is_timeout());
        drop(dropped);
        aborted.abort();
        assert!(log.take().is_empty(), "all of them were queued");

        assert_eq!(stays.await.unwrap().unwrap(), 1);
        test.settle().await;
        let mut seen = log.take();
        seen.sort();
        assert_eq!(
            seen,
            [
                "aborted: nobody waits",
                "dropped: nobody waits",
                "late: nobody waits",
                "stays: somebody waits",
                "timed out: nobody waits",
            ]
        );
        let letters = test.letters();
        assert_eq!(letters.len(), 4);
        assert!(letters.iter().all(|letter| letter.cause == Cause::LateReply));
        assert_eq!(callee.ask_with(question("next")).await.unwrap(), 1, "it lives");
    });
}

/// **R4.6, R4.2** An ask that is dropped in the line for room was never sent. One whose reply has
/// come, but was not looked at, loses it to the dead letters.
#[test]
fn ask_14_abandoned_before_it_was_sent_and_after_it_was_answered() {
    case(async |test| {
        let log = Log::new();
        let small = callee_with("small", MailboxOptions::bounded(1), &log);
        small.tell(Call::Busy(ms(100))).await.unwrap();
        test.settle().await;
        small.tell(Call::Note(1)).await.unwrap();
        let mut in_line = Box::pin(small.ask_with(Call::echo(2)));
        assert!(futures::poll!(&mut in_line).is_pending());
        let after = task::spawn(small.ask_with(Call::echo(3)));
        test.settle().await;
        drop(in_line);
        assert_eq!(after.await.unwrap().unwrap(), 3, "its place went to the next");
        assert_eq!(log.take(), ["note 1", "echo 3"]);
        assert!(test.letters().is_empty());

        let mut answered = Box::pin(small.ask_with(Call::echo(4)));
        assert!(futures::poll!(&mut answered).is_pending());
        test.settle().await;
        assert_eq!(log.take(), ["echo 4"]);
        drop(answered);
        let causes: Vec<Cause> = test.letters().into_iter().map(|letter| letter.cause).collect();
        assert_eq!(causes, [Cause::LateReply]);
    });
}
