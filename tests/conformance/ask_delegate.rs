//! Asks: replies that come later, and duties that are passed on.

use greenroom::prelude::*;
use greenroom::task;
use greenroom::test::TestSystem;
use greenroom::time::sleep;

use crate::callee::{Call, callee};
use crate::harness::{Log, case, ms, secs};
use crate::worker::End;

/// **R4.4** A reply port that is kept is answered by a later message, and other messages are
/// handled in between.
#[test]
fn ask_03_deferred_reply() {
    case(async |test| {
        let log = Log::new();
        let keeps = callee("keeps", &log);
        let asked = {
            let log = log.clone();
            task::spawn(async move {
                let reply = keeps.ask_with(Call::Keep).await;
                log.add(format!("reply {}", reply.unwrap()));
            })
        };
        test.settle().await;
        keeps.tell(Call::Note(1)).await.unwrap();
        keeps.tell(Call::Note(2)).await.unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["note 1", "note 2"]);
        keeps.tell(Call::Answer).await.unwrap();
        asked.await.unwrap();
        assert_eq!(log.take(), ["reply 0"]);
    });
}

/// What the delegatee is to do.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Task {
    Answer,
    Reject,
    Forget,
    End(End),
    /// Takes a second.
    Dawdle,
}

type Verdict = Result<&'static str, String>;
protocol! { enum TaskProtocol { Task(Task) => Verdict } }

/// Does what it is told.
struct Delegatee;
impl Actor for Delegatee {
    type Protocol = TaskProtocol;
    type Error = Fault;
}
impl Handler<Request<Task, Verdict>> for Delegatee {
    async fn handle(
        &mut self,
        request: Request<Task, Verdict>,
        cx: &mut Cx<TaskProtocol>,
    ) -> Result<(), Fault> {
        match request.message {
            Task::Answer => request.reply.send(Ok("done by the delegatee")),
            Task::Reject => request.reply.send(Err("not my business".to_owned())),
            Task::Forget => {}
            Task::End(End::Crash) => return Err(Fault::new("told to")),
            Task::End(End::Panic) => panic!("told to"),
            Task::End(End::Kill) => cx.id().kill(),
            Task::End(end) => cx.id().stop_with(end.reason()),
            Task::Dawdle => {
                sleep(secs(1)).await;
                request.reply.send(Ok("done by the delegatee, late"));
            }
        }
        Ok(())
    }
}

/// Passes everything on; what comes back it answers itself.
struct Delegator(Addr<TaskProtocol>);
impl Actor for Delegator {
    type Protocol = TaskProtocol;
    type Error = Fault;
}
impl Handler<Request<Task, Verdict>> for Delegator {
    async fn handle(
        &mut self,
        request: Request<Task, Verdict>,
        _: &mut Cx<TaskProtocol>,
    ) -> Result<(), Fault> {
        if let Err(refused) = request.forward(self.0) {
            let why = if refused.is_closed() { "it has ended" } else { "it is full" };
            let request = refused.into_message().expect("the request comes back");
            request.reply.send(Err(format!("cannot delegate: {why}")));
        }
        Ok(())
    }
}

/// A delegator and its delegatee, who has room for one message.
fn pair() -> (Addr<TaskProtocol>, Addr<TaskProtocol>) {
    let room = MailboxOptions::bounded(1);
    let w = greenroom::actor::spawn_with("w", room, || Delegatee);
    let d = greenroom::actor::spawn("d", move || Delegator(w));
    (d, w)
}

type Asked = task::JoinHandle<Result<Verdict, AskError<Task>>>;

/// Two asks: the delegatee has one in hand and one in its mailbox.
async fn dawdle(test: &TestSystem, d: Addr<TaskProtocol>) -> [Asked; 2] {
    let in_hand = task::spawn(d.ask(Task::Dawdle).no_timeout());
    test.settle().await;
    let waiting = task::spawn(d.ask(Task::Dawdle).no_timeout());
    test.settle().await;
    [in_hand, waiting]
}

/// **R4.4** A asks D, D delegates to W: what W replies, a rejection included, goes to A. What
/// cannot be delegated comes back to D, with the port.
#[test]
fn ask_05_delegate() {
    case(async |test| {
        let (d, w) = pair();
        assert_eq!(d.ask(Task::Answer).await.unwrap(), Ok("done by the delegatee"));
        assert_eq!(d.ask(Task::Reject).await.unwrap(), Err("not my business".to_owned()));
        // The delegator of a delegator.
        let first = greenroom::actor::spawn("first", move || Delegator(d));
        assert_eq!(first.ask(Task::Answer).await.unwrap(), Ok("done by the delegatee"));

        let asks = dawdle(test, d).await;
        let full = d.ask(Task::Answer).await.unwrap();
        assert_eq!(full, Err("cannot delegate: it is full".to_owned()));
        for ask in asks {
            assert_eq!(ask.await.unwrap().unwrap(), Ok("done by the delegatee, late"));
        }
        w.stop();
        w.ended().await;
        let gone = d.ask(Task::Answer).await.unwrap();
        assert_eq!(gone, Err("cannot delegate: it has ended".to_owned()));
    });
}

/// **R4.4** W ends before it answers, with the request in its hand or in its mailbox: A learns it
/// at once, and that it was W. D has handled the message, so it is never said to be unhandled.
#[test]
fn ask_05_the_delegatee_ends() {
    case(async |test| {
        let begun = test.now();
        for end in
            [End::Normal, End::Shutdown, End::ShutdownWith, End::Crash, End::Panic, End::Kill]
        {
            let (d, w) = pair();
            let error = d.ask(Task::End(end)).await.unwrap_err();
            check(&error, w, &end.reason());
            assert!(d.is_alive() && !error.is_unhandled());
        }
        for kill in [true, false] {
            let (d, w) = pair();
            let asks = dawdle(test, d).await;
            // The one in hand is finished under a stop, and dropped by a kill.
            let reason = if kill { ExitReason::Killed } else { ExitReason::Shutdown };
            if kill {
                w.kill()
            } else {
                w.stop()
            }
            let [in_hand, waiting] = asks.map(async |ask| ask.await.unwrap());
            match in_hand.await {
                Ok(reply) => assert_eq!((reply, kill), (Ok("done by the delegatee, late"), false)),
                Err(error) => check(&error, w, &ExitReason::Killed),
            }
            check(&waiting.await.unwrap_err(), w, &reason);
        }
        assert_eq!(test.now() - begun, secs(1), "only the one that was finished took time");

        let (d, w) = pair();
        let error = d.ask(Task::Forget).await.unwrap_err();
        assert!(matches!(&error, AskError::NoReply { actor } if actor.id == w.id()), "{error}");
        assert!(w.is_alive());
    });
}

/// That this actor ended without replying, for this reason.
fn check(error: &AskError<Task>, who: Addr<TaskProtocol>, why: &ExitReason) {
    let (actor, reason) = match error {
        AskError::Stopped { actor, reason } if reason.is_clean() => (actor, reason),
        AskError::Crashed { actor, reason } if reason.is_crash() => (actor, reason),
        other => panic!("{other:?}"),
    };
    assert_eq!((actor.id, actor.name.as_deref(), reason), (who.id(), Some("w"), why));
    assert!(!error.is_unhandled());
}

/// **R4.4** The duty is the delegatee's alone: D may end, and A still gets its reply. A port that
/// is passed on by hand, inside another message, is no different.
#[test]
fn ask_05_the_delegator_ends() {
    case(async |test| {
        let (d, _w) = pair();
        let asked = task::spawn(d.ask(Task::Dawdle));
        test.settle().await;
        d.kill();
        assert_eq!(asked.await.unwrap().unwrap(), Ok("done by the delegatee, late"));

        let log = Log::new();
        let (first, second) = (callee("first", &log), callee("second", &log));
        let echo = first.ask_with(Call::pass_on(second, Call::echo(3))).await;
        assert_eq!(echo.unwrap(), 3);
        second.try_tell(Call::Busy(ms(5))).unwrap();
        test.settle().await;
        let asked = task::spawn(first.ask_with(Call::pass_on(second, Call::echo(4))));
        test.settle().await;
        second.stop();
        let error = asked.await.unwrap().unwrap_err();
        assert!(
            matches!(&error, AskError::Stopped { actor, reason: ExitReason::Shutdown }
                if actor.id == second.id()),
            "{error}"
        );
        let error = first.ask_with(Call::pass_on(second, Call::echo(5))).await.unwrap_err();
        let crashed = matches!(&error, AskError::Crashed { actor, .. } if actor.id == first.id());
        assert!(crashed, "it crashed, as it could not pass it on: {error}");
    });
}
