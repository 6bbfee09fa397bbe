//! Supervision: delays before restarts.

use std::time::Duration;

use greenroom::actor::{Cause, Lifecycle};
use greenroom::prelude::*;
use greenroom::test::TestSystem;

use crate::harness::{Log, case, ms, secs};
use crate::tree::{addr, counts, kinds};
use crate::worker::{End, Get, Knobs, Ping, Start, plain, worker};

fn one_to_ten() -> Backoff {
    Backoff::new(secs(1), secs(10)).jitter(0.0)
}

/// How long it takes a child to come back from a crash.
async fn comes_back_after(test: &TestSystem, w: Addr<crate::worker::WorkerProtocol>) -> Duration {
    let before = test.now();
    w.try_tell(End::Crash).unwrap();
    w.ask(Get).no_timeout().await.unwrap();
    test.now() - before
}

/// **R3.30, D4** Delays double from the least to the most, exactly, for a child that is never
/// steady; with a jitter each is longer by at most that share. The same for the back-off of a child
/// and for that of its supervisor.
#[test]
fn sup_40_backoff_schedule() {
    case(async |test| {
        let log = Log::new();
        for (jitter, most) in [(0.0, 1.0), (0.2, 1.2)] {
            let backoff = one_to_ten().jitter(jitter);
            let tree = || Supervisor::one_for_one().intensity(100, secs(1_000));
            let own = child("w", worker("w", &log, &Knobs::new())).backoff(backoff);
            for tree in [tree().child(own), tree().backoff(backoff).child(plain("w", &log))] {
                let tree = tree.start(test).await.unwrap();
                let w = addr(tree, "w").await;
                for seconds in [1, 2, 4, 8, 10, 10] {
                    let took = comes_back_after(test, w).await;
                    let most = secs(seconds).mul_f64(most);
                    assert!((secs(seconds)..=most).contains(&took), "{took:?}");
                }
                tree.stop();
            }
        }
    });
}

/// **R3.30** The count begins anew when a child has run for the quiet time since its restart.
#[test]
fn sup_41_backoff_reset() {
    case(async |test| {
        let log = Log::new();
        for (quiet, second) in [(101, 1), (99, 2)] {
            let tree = Supervisor::one_for_one().backoff(one_to_ten().reset_after(ms(100)));
            let tree = tree.child(plain("w", &log)).start(test).await.unwrap();
            let w = addr(tree, "w").await;
            assert_eq!(comes_back_after(test, w).await, secs(1));
            test.advance(ms(quiet)).await;
            assert_eq!(comes_back_after(test, w).await, secs(second), "quiet for {quiet} ms");
        }
    });
}

/// **R3.30** A back-off with a limit of two: two restarts that fail, a report of each, and the
/// supervisor gives up.
#[test]
fn sup_42_backoff_limit() {
    case(async |test| {
        let log = Log::new();
        for (kind, tree) in kinds() {
            let knobs = Knobs::new().start(|n| if n == 1 { Start::Works } else { Start::Fails });
            let spec = child("w", worker("w", &log, &knobs)).backoff(one_to_ten().max_restarts(2));
            let tree = tree.name(kind).intensity(100, secs(100)).start(test).await.unwrap();
            let w = tree.add(spec).await.unwrap();
            test.events();
            let before = test.now();
            w.try_tell(End::Crash).unwrap();
            assert_eq!(tree.ended().await, ExitReason::RestartLimit);
            assert_eq!((test.now() - before, knobs.starts.get()), (secs(1 + 2), 1 + 2));
            let error = |text: &str| ExitReason::Error(text.into());
            let of = |actor| move |event: &greenroom::actor::LifecycleEvent| event.actor == actor;
            let (mine, its): (Vec<_>, Vec<_>) = test.events().into_iter().partition(of(tree.id()));
            let mine: Vec<Lifecycle> = mine.into_iter().map(|event| event.edge).collect();
            let restarting =
                |restarts| Lifecycle::Restarting { child: "w".into(), restarts, limit: 100 };
            assert_eq!(
                mine,
                [
                    restarting(1),
                    restarting(2),
                    Lifecycle::BackoffExhausted { child: "w".into(), failures: 2 },
                    Lifecycle::Crashed(ExitReason::RestartLimit),
                    Lifecycle::Ended(ExitReason::RestartLimit),
                ]
            );
            let its = its.into_iter().filter(of(w.id())).map(|event| event.edge);
            assert_eq!(
                its.collect::<Vec<_>>(),
                [
                    Lifecycle::Crashed(error("told to")),
                    Lifecycle::StartFailed(error("no start")),
                    Lifecycle::StartFailed(error("no start")),
                    Lifecycle::Ended(error("no start")),
                ]
            );
        }
    });
}

/// **R3.28, D1** Mail for a child that waits for its next try is kept up to the mailbox's capacity
/// and handled in order after the restart; what finds it full is published as dropped.
#[test]
fn sup_43_stash_overflow_while_backing_off() {
    case(async |test| {
        let log = Log::new();
        let mailbox = MailboxOptions::bounded(2).overflow(Overflow::DropNewest);
        let spec = child("w", worker("w", &log, &Knobs::new())).mailbox(mailbox);
        let tree = Supervisor::one_for_one().start(test).await.unwrap();
        let w = tree.add(spec.backoff(one_to_ten())).await.unwrap();
        w.try_tell(End::Crash).unwrap();
        test.settle().await;
        assert_eq!(tree.count().await, counts(1, 0, 0, 1), "it is backing off");
        test.letters();
        for number in 1..=4 {
            w.tell(Ping(number)).await.unwrap();
        }
        let dropped = test.letters();
        let causes = dropped.iter().map(|letter| (letter.recipient, letter.cause.clone()));
        let expected = vec![(Some(w.id()), Cause::Overflow); 2];
        assert_eq!(causes.collect::<Vec<_>>(), expected);
        assert!(
            dropped
                .iter()
                .all(|letter| letter.name.as_deref().is_some_and(|name| name.ends_with("/w")))
        );
        log.take();
        test.advance(secs(1)).await;
        assert_eq!(log.take(), ["start w", "msg w 1", "msg w 2"]);
        assert!(test.letters().is_empty());
    });
}

/// **R3.30** The group of a child that waits for its next try is stopped while it waits, and all
/// come back together.
#[test]
fn a_group_waits_for_the_back_off_of_one() {
    case(async |test| {
        let log = Log::new();
        let tree = Supervisor::one_for_all().backoff(one_to_ten()).child(plain("a", &log));
        let tree = tree.child(plain("b", &log)).start(test).await.unwrap();
        log.take();
        addr(tree, "b").await.try_tell(End::Crash).unwrap();
        test.advance(ms(999)).await;
        assert_eq!(
            (log.take(), tree.count().await),
            (vec!["stop a".to_owned()], counts(2, 0, 0, 2))
        );
        test.advance(ms(1)).await;
        assert_eq!(log.take(), ["start a", "start b"]);
    });
}
