//! The message in hand after a crash, actors that hang, and asks that close a cycle.

use std::rc::Rc;

use greenroom::actor::Cause;
use greenroom::prelude::*;
use greenroom::time;

use crate::harness::{Log, case, secs};

/// A job, and how many incarnations it costs.
#[derive(Debug)]
pub(crate) struct Job {
    number: u32,
    crashes: u32,
    how: How,
}
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum How {
    Error,
    Panic,
    Kill,
}
struct Lost(u32);
protocol! {
    enum JobsProtocol {
        Job(Job) => u32,
        Lost(Lost) -> u32,
    }
}

struct Jobs {
    log: Log,
}
impl Actor for Jobs {
    type Protocol = JobsProtocol;
    type Error = Fault;

    // A hook that takes its time must not keep the asker waiting, nor lose what is held.
    async fn stopped(&mut self, _: &ExitReason, _: &mut Cx<JobsProtocol>) {
        time::sleep(secs(1)).await;
    }
}
impl Handler<Request<Job, u32>> for Jobs {
    async fn handle(
        &mut self,
        request: Request<Job, u32>,
        cx: &mut Cx<JobsProtocol>,
    ) -> Result<(), Fault> {
        let job = cx.lease(request);
        self.log.add(format!("job {} attempt {}", job.message.number, job.attempt()));
        time::sleep(secs(1)).await;
        if job.attempt() < job.message.crashes {
            match job.message.how {
                How::Error => return Err(Fault::new("told to")),
                How::Panic => panic!("told to"),
                How::Kill => {
                    cx.id().kill();
                    std::future::pending().await
                }
            }
        }
        let request = job.done();
        request.reply.send(request.message.number);
        Ok(())
    }
}
impl Handler<Lost> for Jobs {
    async fn handle(&mut self, lost: Lost, _: &mut Cx<JobsProtocol>) -> Result<u32, Fault> {
        if lost.0 == 0 { Err(Fault::new("told to")) } else { Ok(lost.0) }
    }
}

/// Without a lease the message in hand is a dead letter, and its asker is told at once.
#[test]
fn in_flight_message_is_a_dead_letter_by_default() {
    case(async |test| {
        let log = Log::new();
        let jobs = test.spawn(child("jobs", move || Jobs { log: log.clone() })).await.unwrap();
        let began = test.now();
        let lost = jobs.ask(Lost(0)).await;
        assert!(matches!(lost, Err(AskError::Crashed { .. })), "{lost:?}");
        assert_eq!(test.now(), began, "before the stop hook has taken its second");
        assert_eq!(jobs.ask(Lost(5)).await.unwrap(), 5, "it is not handled again");
        let letters = test.letters();
        assert_eq!(letters.len(), 1);
        assert!(matches!(letters[0].cause, Cause::Crashed(_)));
        assert!(letters[0].message.ends_with("Lost"));
    });
}

/// Under lease it is handled again by the next incarnation, before other mail, with its reply port,
/// however the incarnation came to its end.
#[test]
fn leased_message_comes_again_first_of_all() {
    case(async |test| {
        for how in [How::Error, How::Panic, How::Kill] {
            let log = Log::new();
            let noted = log.clone();
            let name = format!("jobs {how:?}");
            let jobs = test.spawn(child(&name, move || Jobs { log: noted.clone() })).await.unwrap();
            let first = greenroom::task::spawn(async move {
                jobs.ask(Job { number: 1, crashes: 2, how }).no_timeout().await.unwrap()
            });
            test.settle().await;
            let second = jobs.ask(Job { number: 2, crashes: 0, how }).no_timeout();
            assert_eq!(second.await.unwrap(), 2);
            assert_eq!(first.await.unwrap(), 1);
            let expected =
                ["job 1 attempt 0", "job 1 attempt 1", "job 1 attempt 2", "job 2 attempt 0"];
            assert_eq!(log.take(), expected, "{how:?}");
            assert_eq!(test.letters().len(), 0, "nothing was lost");
            test.advance(secs(60)).await;
        }
    });
}

/// After so many redeliveries it is a poison letter, and the asker is told that it was handled in
/// part; the actor goes on with the next message.
#[test]
fn leased_message_becomes_a_poison_letter_at_its_limit() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let spec = child("jobs", move || Jobs { log: noted.clone() })
            .mailbox(MailboxOptions::default().redeliveries(2));
        let tree = Supervisor::one_for_one().intensity(100, secs(1)).start(test).await.unwrap();
        let jobs = tree.add(spec).await.unwrap();
        let poison = Job { number: 1, crashes: u32::MAX, how: How::Error };
        let refused = jobs.ask(poison).no_timeout().await.unwrap_err();
        assert!(matches!(refused, AskError::Crashed { .. }), "{refused:?}");
        assert!(!refused.is_unhandled(), "a handler has seen it");
        assert_eq!(log.take(), ["job 1 attempt 0", "job 1 attempt 1", "job 1 attempt 2"]);
        let letters = test.letters();
        assert_eq!(letters.len(), 1);
        assert!(matches!(letters[0].cause, Cause::Poison { attempts: 3, .. }));
        let next = jobs.ask(Job { number: 2, crashes: 0, how: How::Error }).no_timeout();
        assert_eq!(next.await.unwrap(), 2);
    });
}

/// When the supervisor gives up, the asker of a message that was handled in part is not told that
/// it was never handled.
#[test]
fn leased_message_of_an_actor_that_ends_was_handled_in_part() {
    case(async |test| {
        let log = Log::new();
        let spec = child("jobs", move || Jobs { log: log.clone() }).restart(Temporary);
        let jobs = test.spawn(spec).await.unwrap();
        let job = Job { number: 1, crashes: 1, how: How::Error };
        let refused = jobs.ask(job).no_timeout().await.unwrap_err();
        assert!(matches!(refused, AskError::Crashed { .. }), "{refused:?}");
        assert!(!refused.is_unhandled());
    });
}

/// A lease that was let go, and a crash in a later turn: the message was done.
#[test]
fn lease_that_was_let_go_is_done() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let spec = child("early", async move |cx: &mut Cx<Early>| {
            loop {
                let Early(number) = cx.recv().await;
                noted.add(format!("begin {number}"));
                drop(cx.lease(Early(number)));
                greenroom::task::yield_now().await;
                if number == 1 {
                    return Err(Fault::new("told to"));
                }
            }
        });
        let early = test.spawn(spec).await.unwrap();
        early.tell(Early(1)).await.unwrap();
        early.tell(Early(2)).await.unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["begin 1", "begin 2"]);
    });
}
struct Early(u32);
impl Protocol for Early {}

/// A handler that awaits for longer than it may is given up, named, and its actor restarted; one
/// that stays below, again and again, is not.
#[test]
fn hung_handler_is_crashed_and_restarted() {
    case(async |test| {
        let hangs = async |cx: &mut Cx<Hang>| -> Result<(), Fault> {
            loop {
                match cx.recv().await {
                    Hang::For(duration, reply) => {
                        time::sleep(duration).await;
                        reply.send(cx.incarnation());
                    }
                    Hang::ForEver(held) => {
                        std::future::pending::<()>().await;
                        drop(held);
                    }
                }
            }
        };
        let spec = child("hangs", hangs).handler_timeout(secs(2));
        let addr = test.spawn(spec).await.unwrap();
        test.advance(secs(60)).await;
        for _ in 0..5 {
            let answer = addr.ask_with(|reply| Hang::For(secs(1), reply)).await;
            assert_eq!(answer.unwrap(), 0, "each message has a limit of its own");
        }
        let held = Rc::new(());
        let seen = Rc::downgrade(&held);
        addr.tell(Hang::ForEver(held)).await.unwrap();
        let began = test.now();
        let answer = addr.ask_with(|reply| Hang::For(secs(0), reply)).await;
        assert_eq!(answer.unwrap(), 1, "the next incarnation, behind the same address");
        assert_eq!(test.now() - began, secs(2));
        assert!(seen.upgrade().is_none(), "the handler was dropped");
        let crash = test.events().into_iter().find_map(|event| match event.edge {
            greenroom::actor::Lifecycle::Crashed(reason) => Some(reason.to_string()),
            _ => None,
        });
        let expected = "took longer than 2s";
        assert!(crash.is_some_and(|text| text.contains("Hang") && text.ends_with(expected)));
    });
}
enum Hang {
    For(std::time::Duration, Reply<u32>),
    ForEver(Rc<()>),
}
impl Protocol for Hang {}

/// Takes its time for its last words.
struct Slow {
    log: Log,
}
struct FailLate;
protocol! {
    enum SlowProtocol {
        FailLate(FailLate),
    }
}
impl Actor for Slow {
    type Protocol = SlowProtocol;
    type Error = Fault;

    async fn stopped(&mut self, reason: &ExitReason, _: &mut Cx<SlowProtocol>) {
        time::sleep(secs(10)).await;
        self.log.add(format!("last words: {reason}"));
    }
}
impl Handler<FailLate> for Slow {
    async fn handle(&mut self, _: FailLate, _: &mut Cx<SlowProtocol>) -> Result<(), Fault> {
        time::sleep(secs(1)).await;
        Err(Fault::new("told to"))
    }
}

/// The limit of a handler is none for the hooks after it.
#[test]
fn hung_handler_limit_does_not_cut_the_stop_hook() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let spec = child("slow", move || Slow { log: noted.clone() }).restart(Temporary);
        let addr = test.spawn(spec.handler_timeout(secs(2))).await.unwrap();
        addr.tell(FailLate).await.unwrap();
        assert_eq!(addr.ended().await, ExitReason::Error("told to".into()));
        assert_eq!((log.take(), test.now()), (vec!["last words: error: told to".into()], secs(11)));
    });
}
