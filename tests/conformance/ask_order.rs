//! Asks: the order of many, and what a long mailbox of the asker costs.

use std::time::Duration;

use futures::future::join_all;
use greenroom::actor::AskSet;
use greenroom::prelude::*;

use crate::callee::{Call, callee};
use crate::harness::{Log, case, in_order};

/// **R4.5** 100 asks are sent without awaiting any: they are handled, and answered, in the order in
/// which they were sent.
#[test]
fn ask_06_pipelined_order() {
    case(async |_test| {
        let log = Log::new();
        let b = callee("b", &log);
        let mut asks = AskSet::new();
        for number in 1..=100 {
            asks.add(number, b.ask_with(Call::echo(number))).unwrap();
        }
        let mut replies = Vec::new();
        while let Some((label, reply)) = asks.next().await {
            assert_eq!(reply.unwrap(), label);
            replies.push(label);
        }
        assert_eq!(replies, Vec::from_iter(1..=100));
        let handled: Vec<String> = (1..=100).map(|number| format!("echo {number}")).collect();
        assert_eq!(log.take(), handled);

        // The same from one task that awaits them all.
        let asks = (1..=100).map(|number| b.ask_with(Call::echo(number)));
        let replies: Vec<u32> = join_all(asks).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(replies, Vec::from_iter(1..=100));
        assert_eq!(log.take(), handled);
    });
}

/// What the asker is told.
enum Msg {
    /// Lies in the mailbox.
    Ballast,
    /// Asks in ten batches of 1,000, and answers how long each took and how much waited meanwhile.
    Ask(Addr<Call>, Reply<(Vec<Duration>, usize)>),
}
impl Protocol for Msg {}

async fn asker(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    loop {
        let Msg::Ask(whom, reply) = cx.recv().await else { continue };
        let mut batches = Vec::new();
        for _ in 0..10 {
            // The test's clock stands still here: this is about the machine's.
            let begun = machine_time();
            for number in 0..1_000 {
                assert_eq!(whom.ask_with(Call::echo(number)).await?, number);
            }
            batches.push(begun.elapsed());
        }
        reply.send((batches, cx.waiting()));
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it takes is what the case is about")]
fn machine_time() -> std::time::Instant {
    std::time::Instant::now()
}

/// The median of ten batches of asks, from an actor that has so many messages in its mailbox.
async fn median(ballast: usize, log: &Log) -> Duration {
    let b = callee("b", log);
    let asker = greenroom::actor::spawn_with("asker", MailboxOptions::unbounded(), asker);
    let mut asked = Box::pin(asker.ask_with(|reply| Msg::Ask(b, reply)).no_timeout());
    assert!(futures::poll!(&mut asked).is_pending(), "it is the first in the mailbox");
    for _ in 0..ballast {
        asker.try_tell(Msg::Ballast).unwrap();
    }
    let (mut batches, waiting) = asked.await.unwrap();
    assert_eq!((batches.len(), waiting), (10, ballast));
    assert_eq!(log.take().len(), 10_000);
    batches.sort();
    batches[batches.len() / 2]
}

/// **R4.1** An actor with 500,000 messages in its mailbox asks 10,000 times. It takes less than ten
/// times as long as with an empty one, by the machine's clock.
#[test]
fn ask_13_call_with_long_mailbox() {
    in_order(async |_test| {
        let log = Log::new();
        let (empty, long) = (median(0, &log).await, median(500_000, &log).await);
        assert!(long < empty * 10, "{long:?} with a long mailbox, {empty:?} with an empty one");
    });
}
