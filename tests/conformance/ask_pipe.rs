//! Asks: replies that become messages to oneself, and replies that are errors.

use greenroom::actor::{Cause, Lifecycle};
use greenroom::prelude::*;
use greenroom::test::TestSystem;
use greenroom::time::sleep;
use thiserror::Error;

use crate::callee::{Call, callee};
use crate::harness::{Log, case, ms, secs};

type Outcome = Result<u32, String>;
type Mapping = fn(Outcome) -> Msg;

/// What the asking actor understands.
enum Msg {
    /// Asks this callee and maps its reply like this.
    Ask(Addr<Call>, Box<dyn FnOnce(Reply<u32>) -> Call>, Mapping),
    /// Awaits a future that panics.
    Panic,
    /// What came of an ask.
    Got(Outcome),
    /// Answered by the incarnation.
    Get(Reply<u32>),
    Busy,
}
impl Protocol for Msg {}

fn asks(whom: Addr<Call>, what: impl FnOnce(Reply<u32>) -> Call + 'static, map: Mapping) -> Msg {
    Msg::Ask(whom, Box::new(what), map)
}

async fn asking(cx: &mut Cx<Msg>, log: &Log) -> Result<(), Fault> {
    loop {
        match cx.recv().await {
            Msg::Ask(whom, what, map) => {
                let ask = whom.ask_with(what);
                cx.pipe_to_self(
                    ask,
                    move |outcome| map(outcome.map_err(|error| error.to_string())),
                );
            }
            Msg::Panic => {
                cx.pipe_to_self(async { panic!("in the future") }, |()| Msg::Busy);
            }
            Msg::Got(outcome) => log.add(format!("got {outcome:?} in {}", cx.incarnation())),
            Msg::Get(reply) => reply.send(cx.incarnation()),
            Msg::Busy => sleep(ms(50)).await,
        }
    }
}

/// An asking actor under the test's root, restarted after a crash unless it is temporary.
async fn start(test: &TestSystem, name: &str, restart: Restart, log: &Log) -> Addr<Msg> {
    let log = log.clone();
    let body = async move |cx: &mut Cx<Msg>| asking(cx, &log).await;
    let child = child(name, body).mailbox(MailboxOptions::bounded(1)).restart(restart);
    test.spawn(child).await.unwrap()
}

fn panics(_: Outcome) -> Msg {
    panic!("no such mapping")
}

/// How the asking actor's incarnations ended.
fn ends(test: &TestSystem) -> Vec<ExitReason> {
    let of = |edge| match edge {
        Lifecycle::Crashed(reason) => Some(reason),
        _ => None,
    };
    test.events().into_iter().filter_map(|event| of(event.edge)).collect()
}

/// **R4.7** A mapping that panics ends the asking actor, by its supervisor's rule; the callee is
/// unaffected. So does a future that panics.
#[test]
fn ask_11_mapping_failure_fails_asker() {
    case(async |test| {
        let log = Log::new();
        let callee = callee("callee", &log);
        let restarts = start(test, "permanent", Permanent, &log).await;
        restarts.tell(asks(callee, Call::echo(1), Msg::Got)).await.unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["echo 1", "got Ok(1) in 0"]);
        assert!(ends(test).is_empty());

        restarts.tell(asks(callee, Call::echo(2), panics)).await.unwrap();
        test.settle().await;
        assert_eq!(ends(test), [ExitReason::Panicked("no such mapping".into())]);
        assert_eq!(restarts.ask_with(Msg::Get).await.unwrap(), 1, "restarted");
        restarts.tell(Msg::Panic).await.unwrap();
        test.settle().await;
        assert_eq!(ends(test), [ExitReason::Panicked("in the future".into())]);
        assert_eq!(restarts.ask_with(Msg::Get).await.unwrap(), 2);

        let temporary = start(test, "temporary", Temporary, &log).await;
        temporary.tell(asks(callee, Call::echo(3), panics)).await.unwrap();
        assert_eq!(temporary.ended().await, ExitReason::Panicked("no such mapping".into()));

        assert_eq!(callee.ask_with(Call::echo(4)).await.unwrap(), 4, "the callee is unaffected");
        assert_eq!(log.take(), ["echo 2", "echo 3", "echo 4"]);
        assert!(test.letters().is_empty());
    });
}

/// **R4.7, R4.1** The mailbox goes on while the future runs; the message comes in whatever the
/// bound; an ask that fails is a message too.
#[test]
fn ask_11_the_result_becomes_a_message() {
    case(async |test| {
        let log = Log::new();
        let callee = callee("callee", &log);
        let asking = start(test, "permanent", Permanent, &log).await;
        asking.tell(asks(callee, Call::after(secs(1), 1), Msg::Got)).await.unwrap();
        let begun = test.now();
        assert_eq!(asking.ask_with(Msg::Get).await.unwrap(), 0);
        assert_eq!(test.now(), begun, "it does not wait for the callee");
        test.advance(ms(970)).await;
        // Busy from 970 to 1,020 ms, with a full mailbox when the reply comes.
        asking.tell(Msg::Busy).await.unwrap();
        test.settle().await;
        asking.tell(Msg::Got(Err("full".to_owned()))).await.unwrap();
        test.advance(ms(60)).await;
        assert_eq!(log.take(), ["after 1", "got Err(\"full\") in 0", "got Ok(1) in 0"]);

        asking.tell(asks(callee, Call::Forget, Msg::Got)).await.unwrap();
        test.settle().await;
        let failed = &log.take()[0];
        assert!(failed.contains("did not reply"), "{failed}");
    });
}

/// **R4.7, R4.2** The asking incarnation is gone when the reply comes: the reply is a dead letter,
/// and neither the next incarnation nor anybody else gets it.
#[test]
fn ask_11_a_result_for_nobody_is_a_dead_letter() {
    case(async |test| {
        let log = Log::new();
        let callee = callee("callee", &log);
        for kill in [true, false] {
            let name = if kill { "killed" } else { "stopped" };
            let asking = start(test, name, Transient, &log).await;
            asking.tell(asks(callee, Call::after(secs(1), 1), Msg::Got)).await.unwrap();
            test.settle().await;
            if kill {
                asking.kill()
            } else {
                asking.stop()
            }
            test.settle().await;
            assert_eq!(asking.is_alive(), kill, "restarted when it was killed");
            test.advance(secs(2)).await;
            assert_eq!(log.take(), ["after 1"]);
            let causes: Vec<Cause> =
                test.letters().into_iter().map(|letter| letter.cause).collect();
            assert_eq!(causes, [Cause::LateReply]);
        }
        // It has come, and stands ready, when the incarnation ends.
        let asking = start(test, "late", Transient, &log).await;
        asking.tell(asks(callee, Call::after(secs(1), 2), Msg::Got)).await.unwrap();
        test.settle().await;
        let asked = test.now();
        callee.ask_with(Call::echo(3)).await.unwrap();
        asking.kill();
        assert_eq!(test.now() - asked, secs(1));
        test.settle().await;
        let got = log.take().iter().filter(|entry| entry.starts_with("got")).count();
        assert_eq!(got + test.letters().len(), 1, "handled or a dead letter, and never both");
    });
}

/// Why a withdrawal is refused.
#[derive(Debug, Error, PartialEq)]
#[error("{missing} too little")]
struct TooLittle {
    missing: u32,
}
struct Withdraw(u32);
struct Rename(&'static str);
protocol! {
    enum AccountProtocol {
        Withdraw(Withdraw) -> Result<u32, TooLittle>,
        Rename(Rename) -> Result<(), String>,
    }
}
struct Account(u32);
impl Actor for Account {
    type Protocol = AccountProtocol;
    type Error = Fault;
}
impl Handler<Withdraw> for Account {
    async fn handle(
        &mut self,
        Withdraw(cents): Withdraw,
        _: &mut Cx<AccountProtocol>,
    ) -> Result<Result<u32, TooLittle>, Fault> {
        Ok(match self.0.checked_sub(cents) {
            Some(left) => {
                self.0 = left;
                Ok(left)
            }
            None => Err(TooLittle { missing: cents - self.0 }),
        })
    }
}
impl Handler<Rename> for Account {
    async fn handle(
        &mut self,
        Rename(name): Rename,
        _: &mut Cx<AccountProtocol>,
    ) -> Result<Result<(), String>, Fault> {
        Ok(if name.is_empty() { Err("a name is wanted".to_owned()) } else { Ok(()) })
    }
}

/// What a caller makes of both kinds of errors, by `??`.
async fn withdraw(account: Addr<AccountProtocol>, cents: u32) -> Result<u32, Fault> {
    let left = account.ask(Withdraw(cents)).await??;
    Ok(left)
}

/// **R4.1** A callee that replies with an error, as text or typed, lives on, and the asker has that
/// error; one that ends is an error of the ask, and the two are never confused.
#[test]
fn ask_12_status_reply() {
    case(async |_test| {
        let account = greenroom::actor::spawn("account", || Account(100));
        assert_eq!(withdraw(account, 30).await.unwrap(), 70);
        let error = withdraw(account, 100).await.unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&TooLittle { missing: 30 }));
        let text = account.ask(Rename("")).await.unwrap();
        assert_eq!(text, Err("a name is wanted".to_owned()));
        assert_eq!(account.ask(Rename("savings")).await.unwrap(), Ok(()));
        assert_eq!(withdraw(account, 70).await.unwrap(), 0, "it lives");

        account.stop();
        account.ended().await;
        let error = withdraw(account, 1).await.unwrap_err();
        let ask: Option<&AskError<Withdraw>> = error.downcast_ref();
        assert!(ask.is_some_and(AskError::is_unhandled));
    });
}
