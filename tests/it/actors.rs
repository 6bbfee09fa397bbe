//! Telling, asking, stopping and watching actors: every outcome, by its case.

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::actor::{ActorId, Cause, MailboxOptions};
use greenroom::prelude::*;
use greenroom::{task, time};

use crate::support::{Log, Work, finishes, real, run, settle, worker, worker_with};

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

/// Gives `f`, on a loop here, the address of an actor on a loop on another thread; what became dead
/// letters there.
#[expect(clippy::disallowed_methods, reason = "another thread is what the test is about")]
fn with_worker_elsewhere(
    mailbox: MailboxOptions,
    f: impl AsyncFnOnce(Addr<Work>) + Send + 'static,
) -> Vec<(Option<ActorId>, Cause)> {
    finishes(move || {
        let (here, addr) = std::sync::mpsc::channel();
        let (done, finished) = futures::channel::oneshot::channel::<()>();
        let elsewhere = std::thread::spawn(move || {
            greenroom::run(async move |system| {
                let letters = Rc::new(RefCell::new(Vec::new()));
                let kept = Rc::clone(&letters);
                system.on_dead_letter(move |letter| {
                    kept.borrow_mut().push((letter.recipient, letter.cause.clone()));
                });
                here.send(worker_with("elsewhere", mailbox, &Log::new())).unwrap();
                let _ = finished.await;
                letters.take()
            })
        });
        real().run(f(addr.recv().unwrap()));
        drop(done);
        elsewhere.join().unwrap()
    })
}

/// A message that waits for room on another loop, when the actor there ends.
#[test]
fn a_message_that_is_refused_after_it_has_left_is_a_dead_letter_there() {
    let letters = with_worker_elsewhere(MailboxOptions::bounded(1), async |w| {
        // One in hand, which ends the actor, one in the mailbox, and one in the line.
        let (go, stay) = futures::channel::oneshot::channel();
        w.ask_with(|reply| Work::Hold(reply, stay)).await.unwrap();
        let asks = [1, 2].map(|number| w.ask_with(move |reply| Work::Echo(number, reply)));
        let asks = futures::future::join_all(asks);
        let (replies, ()) = futures::join!(asks, async move {
            w.stop();
            drop(go);
        });
        assert!(matches!(replies[0], Err(AskError::NeverHandled { .. })), "{replies:?}");
        assert!(matches!(&replies[1], Err(AskError::NotSent(error)) if error.is_closed()));
    });
    let causes: Vec<Cause> = letters.into_iter().map(|(_, cause)| cause).collect();
    assert!(causes.contains(&Cause::Ended(ExitReason::Shutdown)), "{causes:?}");
    assert!(causes.contains(&Cause::Closed), "{causes:?}");
}

/// A request that an actor here passes on to one on another loop, which crashes with it.
#[test]
fn an_asker_learns_of_a_crash_on_another_loop_that_its_request_was_passed_on_to() {
    let letters = with_worker_elsewhere(MailboxOptions::default(), async |w| {
        let passes_on = greenroom::actor::spawn("passes on", async move |cx: &mut Cx<Work>| {
            loop {
                if let Work::Echo(_, reply) = cx.recv().await {
                    w.try_tell(Work::Fail(Some(reply))).map_err(|e| e.without_message())?;
                }
                if false {
                    return Ok::<(), Fault>(());
                }
            }
        });
        let error = passes_on.ask_with(|reply| Work::Echo(1, reply)).await.unwrap_err();
        let crashed = matches!(&error, AskError::Crashed { actor, reason: ExitReason::Error(_) }
            if actor.id == w.id());
        assert!(crashed, "{error}");
        // What is sent to it now is a dead letter there, and no wait for the limit here.
        let error = passes_on.ask_with(|reply| Work::Echo(2, reply)).await.unwrap_err();
        let gone = matches!(&error, AskError::Stopped { actor, reason: ExitReason::NoActor }
            if actor.id == w.id());
        assert!(gone, "{error}");
    });
    assert_eq!(letters.last().map(|(_, cause)| cause.clone()), Some(Cause::Closed));
}
