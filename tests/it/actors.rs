//! Telling, asking, stopping and watching actors: every outcome, by its case.

use std::time::Duration;

use futures::future::join_all;
use greenroom::actor::{ActorId, MailboxOptions, Overflow};
use greenroom::prelude::*;
use greenroom::{task, time};

use crate::support::{Log, Work, finishes, ms, real, run, settle, worker, worker_with};

#[test]
fn ask_01_outcome_matrix() {
    run(async || {
        let log = Log::new();
        let w = worker("w", &log);
        assert_eq!(w.ask_with(|reply| Work::Echo(7, reply)).await.unwrap(), 7);

        let before = time::now();
        let late = w.ask_with(|reply| Work::Slow(9_000, reply)).await.unwrap_err();
        assert!(late.is_timeout() && !late.is_unhandled(), "{late}");
        assert_eq!(time::now() - before, Duration::from_secs(5));
        // The callee is unaffected, and its late reply reaches nobody.
        assert_eq!(w.ask_with(|reply| Work::Echo(8, reply)).await.unwrap(), 8);

        let before = time::now();
        let finished = w.ask_with(|reply| Work::Finish(Some(reply))).await.unwrap_err();
        assert!(matches!(finished, AskError::Stopped { reason: ExitReason::Normal, .. }));
        let gone = w.ask_with(|reply| Work::Echo(9, reply)).await.unwrap_err();
        assert!(matches!(gone, AskError::NotSent(_)) && gone.is_unhandled());

        let failed = worker("f", &log).ask_with(|reply| Work::Fail(Some(reply))).await.unwrap_err();
        assert!(matches!(failed, AskError::Crashed { reason: ExitReason::Error(_), .. }));
        let panicked =
            worker("p", &log).ask_with(|reply| Work::Panic(Some(reply))).await.unwrap_err();
        assert!(matches!(panicked, AskError::Crashed { reason: ExitReason::Panicked(_), .. }));
        assert_eq!(time::now(), before, "each of them at once");
    });
}

#[test]
fn ask_02_self_ask_is_an_error_at_once() {
    struct Me;
    protocol! { enum SelfishProtocol { Me(Me) -> bool } }
    struct Selfish;
    impl Actor for Selfish {
        type Protocol = SelfishProtocol;
        type Error = Fault;
    }
    impl Handler<Me> for Selfish {
        async fn handle(&mut self, _: Me, cx: &mut Cx<SelfishProtocol>) -> Result<bool, Fault> {
            Ok(matches!(cx.addr().ask(Me).await, Err(AskError::SelfAsk(_))))
        }
    }
    run(async || {
        let selfish = greenroom::actor::spawn("selfish", || Selfish);
        assert!(selfish.ask(Me).await.unwrap());
    });
}

#[test]
fn ask_03_deferred_replies_are_answered_by_a_later_message() {
    run(async || {
        let (log, asks) = (Log::new(), (0..3));
        let w = worker("w", &log);
        let waiting = task::spawn(join_all(asks.map(|_| w.ask_with(Work::Keep))));
        settle().await;
        w.try_tell(Work::Note(1)).unwrap();
        settle().await;
        assert_eq!(log.take(), ["note 1"], "others are handled in between");
        w.try_tell(Work::Answer).unwrap();
        let replies: Vec<_> = waiting.await.unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(replies, [0, 1, 2]);
    });
}

// A3: every ask ends: with a reply, with an error that says what is certain, or at its limit.
#[test]
fn ask_04_a_dropped_port_and_a_crash_in_the_same_turn_are_told_apart() {
    run(async || {
        let w = worker("w", &Log::new());
        let (forgotten, crashed, behind) = futures::join!(
            w.ask_with(Work::Forget),
            w.ask_with(|reply| Work::Fail(Some(reply))),
            w.ask_with(|reply| Work::Echo(1, reply)),
        );
        assert!(matches!(forgotten, Err(AskError::NoReply { .. })), "{forgotten:?}");
        assert!(matches!(crashed, Err(AskError::Crashed { .. })), "{crashed:?}");
        assert!(matches!(behind, Err(AskError::NeverHandled { .. })), "{behind:?}");
    });
}

#[test]
fn ask_06_pipelined_asks_are_answered_in_order() {
    run(async || {
        let w = worker("w", &Log::new());
        let asks = (0..100).map(|number| w.ask_with(move |reply| Work::Echo(number, reply)));
        let replies: Vec<_> = join_all(asks).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(replies, (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn ask_10_a_reply_in_the_turn_of_the_deadline_wins() {
    run(async || {
        let w = worker("w", &Log::new());
        let ask = w.ask_with(|reply| Work::Slow(1_000, reply)).timeout(ms(1_000));
        assert_eq!(ask.await.unwrap(), 1_000);
        let ask = w.ask_with(|reply| Work::Slow(1_001, reply)).timeout(ms(1_000));
        assert!(ask.await.unwrap_err().is_timeout());
    });
}

#[test]
fn ask_14_the_callee_can_see_that_nobody_waits() {
    run(async || {
        let w = worker("w", &Log::new());
        let abandoned = time::timeout(ms(10), w.ask_with(Work::Keep)).await;
        assert!(abandoned.is_err());
        w.try_tell(Work::Answer).unwrap();
        assert_eq!(w.ask_with(|reply| Work::Echo(2, reply)).await.unwrap(), 2);
    });
}

#[test]
fn mbx_04_the_four_policies_at_a_full_mailbox() {
    run(async || {
        let full = async |overflow| {
            let log = Log::new();
            let w = worker_with("w", MailboxOptions::bounded(2).overflow(overflow), &log);
            w.try_tell(Work::Busy(100)).unwrap();
            settle().await;
            w.try_tell(Work::Note(2)).unwrap();
            w.try_tell(Work::Note(3)).unwrap();
            let tried = w.try_tell(Work::Note(4));
            let told = time::timeout(ms(50), w.tell(Work::Note(5))).await;
            time::sleep(ms(200)).await;
            (tried.is_ok(), told.map(|told| told.is_ok()).ok(), log.take().join(","))
        };
        let notes = |text: &str| text.to_owned();
        assert_eq!(full(Overflow::Wait).await, (false, None, notes("note 2,note 3")));
        assert_eq!(full(Overflow::Fail).await, (false, Some(false), notes("note 2,note 3")));
        assert_eq!(full(Overflow::DropNewest).await, (true, Some(true), notes("note 2,note 3")));
        assert_eq!(full(Overflow::DropOldest).await, (true, Some(true), notes("note 4,note 5")));
    });
}

#[test]
fn mbx_05_a_stop_is_taken_before_what_waits_and_a_kill_before_a_stop() {
    run(async || {
        let log = Log::new();
        let w = worker("w", &log);
        w.try_tell(Work::Note(1)).unwrap();
        w.stop();
        let waiting = w.ask_with(|reply| Work::Echo(2, reply)).await.unwrap_err();
        assert!(matches!(waiting, AskError::NeverHandled { reason: ExitReason::Shutdown, .. }));
        let w = worker("w", &log);
        settle().await;
        w.stop();
        w.kill();
        assert_eq!(w.ended().await, ExitReason::Killed);
        assert!(log.take().is_empty());
    });
}

#[test]
fn a_kill_drops_a_handler_where_it_awaits() {
    run(async || {
        let w = worker("w", &Log::new());
        let asked = task::spawn(w.ask_with(|reply| Work::Slow(60_000, reply)).no_timeout());
        settle().await;
        let before = time::now();
        w.kill();
        let error = asked.await.unwrap().unwrap_err();
        assert!(matches!(error, AskError::Crashed { reason: ExitReason::Killed, .. }), "{error:?}");
        assert_eq!(time::now(), before);
    });
}

enum Watch {
    Begin(ActorId),
    Note(u32),
    Down(Down),
}
impl Protocol for Watch {}
impl Accepts<Down> for Watch {
    type Reply = ();
    fn wrap(down: Down, _: Reply<()>) -> Self {
        Self::Down(down)
    }
}

fn watcher(log: &Log) -> Addr<Watch> {
    let log = log.clone();
    greenroom::actor::spawn("watcher", async move |cx: &mut Cx<Watch>| {
        loop {
            match cx.recv().await {
                Watch::Begin(target) => {
                    cx.monitor(target);
                }
                Watch::Note(number) => log.add(format!("note {number}")),
                Watch::Down(down) => log.add(format!("down: {}", down.reason)),
            }
            if false {
                return Ok::<(), Fault>(());
            }
        }
    })
}

#[test]
fn sig_01_to_03_each_monitor_fires_once_with_the_reason_and_after_all_messages() {
    run(async || {
        let log = Log::new();
        let watcher = watcher(&log);
        let w = worker("w", &Log::new());
        for _ in 0..2 {
            watcher.try_tell(Watch::Begin(w.id())).unwrap();
        }
        settle().await;
        // The last words of an actor come before the news of its end.
        w.try_tell(Work::job(move |_| watcher.try_tell(Watch::Note(1)).unwrap())).unwrap();
        w.try_tell(Work::Fail(None)).unwrap();
        settle().await;
        let down = "down: error: the work failed";
        assert_eq!(log.take(), ["note 1", down, down]);
        watcher.try_tell(Watch::Begin(w.id())).unwrap();
        settle().await;
        assert_eq!(log.take().len(), 1, "the dead are reported too, once");
    });
}

#[test]
fn sig_10_each_senders_messages_arrive_in_its_order() {
    run(async || {
        let log = Log::new();
        let w = worker_with("w", MailboxOptions::bounded(16), &log);
        let senders = (0..20_u32).map(|sender| {
            task::spawn(async move {
                for number in 0..50 {
                    w.tell(Work::Note(sender * 1_000 + number)).await.unwrap();
                }
            })
        });
        join_all(senders).await;
        settle().await;
        let notes = log.take();
        assert_eq!(notes.len(), 1_000);
        for sender in 0..20_u32 {
            let number = |note: &String| note[5..].parse::<u32>().unwrap();
            let own = notes.iter().map(number).filter(|number| number / 1_000 == sender);
            assert!(own.is_sorted());
        }
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "another thread is what the test is about")]
fn actors_are_told_and_asked_from_other_threads() {
    finishes(|| {
        let mut event_loop = real();
        event_loop.run(async {
            let log = Log::new();
            let w = worker("w", &log);
            let (done, finished) = futures::channel::oneshot::channel();
            std::thread::spawn(move || {
                for number in 0..1_000 {
                    w.try_tell(Work::Note(number)).unwrap();
                }
                let echo = w.ask_with(|reply| Work::Echo(1_000, reply));
                let reply = futures::executor::block_on(echo).unwrap();
                let told = futures::executor::block_on(w.tell(Work::Finish(None)));
                let gone = futures::executor::block_on(w.ended());
                let _ = done.send((reply, told.is_ok(), gone));
            });
            let (reply, told, gone) = finished.await.unwrap();
            assert!(reply == 1_000 && told && gone.is_clean() | (gone == ExitReason::NoActor));
            assert_eq!(log.take().len(), 1_001);
        });
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "another thread is what the test is about")]
fn a_reply_may_be_sent_from_another_thread() {
    finishes(|| {
        real().run(async {
            enum Far {
                Get(Reply<String>),
            }
            impl Protocol for Far {}
            let far = greenroom::actor::spawn("far", async |cx: &mut Cx<Far>| {
                let Far::Get(reply) = cx.recv().await;
                std::thread::spawn(move || reply.send("from afar".to_owned()));
                cx.recv().await;
                Ok::<(), Fault>(())
            });
            assert_eq!(far.ask_with(Far::Get).await.unwrap(), "from afar");
        });
    });
}
