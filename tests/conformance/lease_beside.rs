//! Leases beside other messages: held over the next one, let go before it, several at once.

use greenroom::actor::{Cause, Lease};
use greenroom::prelude::*;

use crate::harness::{Log, case};

enum Work {
    /// Leased, and held from now on.
    Hold(u32),
    /// The same, with a port.
    #[expect(dead_code, reason = "the port is never answered")]
    HoldAsked(Reply<u32>),
    /// Leased and done.
    Done(u32),
    /// Leased and done, without an answer.
    #[expect(dead_code, reason = "the port is never answered")]
    DoneAsked(Reply<u32>),
    /// Leased and held, but crashes when it comes for the second time.
    HoldCrash(u32),
    /// Leased, and crashes the first time.
    CrashLeased(u32),
    /// Crashes, with no lease.
    Crash,
    Stop,
}
impl Protocol for Work {}

async fn worker(cx: &mut Cx<Work>, log: Log) -> Result<(), Fault> {
    let mut held = Vec::new();
    loop {
        let work = cx.recv().await;
        if matches!(work, Work::Crash) {
            return Err(Fault::new("told to"));
        }
        let lease = cx.lease(work);
        let attempt = lease.attempt();
        match &*lease {
            Work::Hold(number) => {
                log.add(format!("hold {number} attempt {attempt}"));
                held.push(lease);
            }
            Work::HoldAsked(_) => held.push(lease),
            Work::DoneAsked(_) => drop(lease),
            Work::HoldCrash(number) => {
                log.add(format!("hold {number} attempt {attempt}"));
                if attempt == 1 {
                    return Err(Fault::new("told to"));
                }
                held.push(lease);
            }
            Work::Done(number) => {
                log.add(format!("done {number} attempt {attempt}"));
                drop(lease);
            }
            Work::CrashLeased(number) => {
                log.add(format!("crash {number} attempt {attempt}"));
                if attempt == 0 {
                    return Err(Fault::new("told to"));
                }
            }
            Work::Stop => return Ok(()),
            Work::Crash => unreachable!("it is never leased"),
        }
    }
}

fn body(log: &Log) -> impl AsyncFnMut(&mut Cx<Work>) -> Result<(), Fault> + use<> {
    let log = log.clone();
    async move |cx: &mut Cx<Work>| worker(cx, log.clone()).await
}

/// A lease that is held beside another message hides nothing of that one's loss.
#[test]
fn a_message_that_crashes_beside_a_lease_is_a_dead_letter() {
    case(async |test| {
        let log = Log::new();
        let worker = test.spawn(child("worker", body(&log))).await.unwrap();
        worker.tell(Work::Hold(1)).await.unwrap();
        worker.tell(Work::Crash).await.unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["hold 1 attempt 0", "hold 1 attempt 1"]);
        let letters = test.letters();
        assert_eq!(letters.len(), 1, "{letters:?}");
        assert!(matches!(letters[0].cause, Cause::Crashed(_)), "{letters:?}");
    });
}

/// What was done with does not come again by the crash of a later message, not even in one turn.
#[test]
fn a_lease_let_go_before_the_message_that_crashes_does_not_come_again() {
    case(async |test| {
        let log = Log::new();
        let worker = test.spawn(child("worker", body(&log))).await.unwrap();
        worker.tell(Work::Done(1)).await.unwrap();
        worker.tell(Work::Crash).await.unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["done 1 attempt 0"]);
        assert_eq!(test.dead_letters(), 1);
    });
}

/// Several that are held come again in their order, each with its own count.
#[test]
fn several_leases_come_again_in_their_order() {
    case(async |test| {
        let log = Log::new();
        let worker = test.spawn(child("worker", body(&log))).await.unwrap();
        for work in [Work::Hold(1), Work::Hold(2), Work::CrashLeased(3), Work::Done(4)] {
            worker.tell(work).await.unwrap();
        }
        test.settle().await;
        let first = ["hold 1 attempt 0", "hold 2 attempt 0", "crash 3 attempt 0"];
        let second = ["hold 1 attempt 1", "hold 2 attempt 1", "crash 3 attempt 1"];
        let expected: Vec<_> = [&first[..], &second[..], &["done 4 attempt 0"]].concat();
        assert_eq!(log.take(), expected);
        assert_eq!(test.dead_letters(), 0);
    });
}

/// Whoever asked is told how the actor ended, also when its question was held under lease.
#[test]
fn a_clean_end_with_a_leased_question_tells_the_asker_of_the_end() {
    case(async |test| {
        let log = Log::new();
        let worker = test.spawn(child("worker", body(&log)).restart(Temporary)).await.unwrap();
        let asked =
            greenroom::task::spawn(
                async move { worker.ask_with(Work::HoldAsked).no_timeout().await },
            );
        test.settle().await;
        worker.tell(Work::Stop).await.unwrap();
        let told = asked.await.unwrap();
        assert!(matches!(told, Err(AskError::Stopped { .. })), "{told:?}");
    });
}

/// One that crashes again stays before those that came again with it.
#[test]
fn a_lease_that_crashes_again_keeps_its_place() {
    case(async |test| {
        let log = Log::new();
        let worker = test.spawn(child("worker", body(&log))).await.unwrap();
        for work in [Work::HoldCrash(1), Work::Hold(2), Work::CrashLeased(3)] {
            worker.tell(work).await.unwrap();
        }
        test.settle().await;
        let first = ["hold 1 attempt 0", "hold 2 attempt 0", "crash 3 attempt 0"];
        let last = ["hold 1 attempt 2", "hold 2 attempt 1", "crash 3 attempt 1"];
        let expected: Vec<_> = [&first[..], &["hold 1 attempt 1"], &last[..]].concat();
        assert_eq!(log.take(), expected);
    });
}

/// A question that was let go without an answer is told just that, whatever crashes behind it.
#[test]
fn a_leased_question_that_was_done_without_an_answer_has_no_reply() {
    case(async |test| {
        let log = Log::new();
        let worker = test.spawn(child("worker", body(&log))).await.unwrap();
        let ask = async move { worker.ask_with(Work::DoneAsked).no_timeout().await };
        let asked = greenroom::task::spawn(ask);
        let crash = async move { worker.try_tell(Work::Crash).unwrap() };
        let crashes = greenroom::task::spawn(crash);
        let told = asked.await.unwrap();
        assert!(matches!(told, Err(AskError::NoReply { .. })), "{told:?}");
        crashes.await.unwrap();
    });
}

struct Holder(Log, Vec<Lease<HolderProtocol, Request<Numbered, ()>>>);
struct Numbered(u32);
protocol! { enum HolderProtocol { Numbered(Numbered) => () } }
impl Actor for Holder {
    type Protocol = HolderProtocol;
    type Error = Fault;
}
impl Handler<Request<Numbered, ()>> for Holder {
    async fn handle(
        &mut self,
        request: Request<Numbered, ()>,
        cx: &mut Cx<HolderProtocol>,
    ) -> Result<(), Fault> {
        let number = request.message.0;
        self.0.add(number.to_string());
        let lease = cx.lease(request);
        if number == 2 && lease.attempt() == 0 {
            return Err(Fault::new("told to"));
        }
        self.1.push(lease);
        Ok(())
    }
}

/// Leases in the fields of a struct go later than those of its handler, and come in order too.
#[test]
fn leases_in_fields_come_again_in_their_order() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let make = move || Holder(noted.clone(), Vec::new());
        let holder = test.spawn(child("holder", make)).await.unwrap();
        for number in [1, 2] {
            holder.tell(Numbered(number)).await.unwrap();
        }
        test.settle().await;
        assert_eq!(log.take(), ["1", "2", "1", "2"]);
    });
}
