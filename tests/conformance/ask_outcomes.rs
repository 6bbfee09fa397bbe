//! Asks: every way in which one can end, and what is certain then.

use futures::stream::{FuturesUnordered, StreamExt as _};
use greenroom::actor::{Cause, TellErrorKind};
use greenroom::prelude::*;
use greenroom::time::sleep;

use crate::callee::{Call, Port, callee, callee_with};
use crate::harness::{Log, case, ms, secs};
use crate::worker::{ENDS, End};

/// **R4.1, R4.2, D8** A callee that is alive replies; one that is dead is an error now; one that
/// ends without replying is an error now, with its reason; one that is slow is a timeout after 5 s
/// and not the worse for it.
#[test]
fn ask_01_outcome_matrix() {
    case(async |test| {
        let alive = callee("alive", &Log::new());
        assert_eq!(alive.ask_with(Call::echo(7)).await.unwrap(), 7);

        let begun = test.now();
        for end in ENDS {
            for port in [Port::Dropped, Port::Kept] {
                let ends = callee("ends", &Log::new());
                let error = ends.ask_with(Call::end(end, port)).await.unwrap_err();
                let as_it_was = match &error {
                    AskError::Stopped { actor, reason } => {
                        actor.id == ends.id() && *reason == end.reason() && reason.is_clean()
                    }
                    AskError::Crashed { actor, reason } => {
                        actor.id == ends.id() && *reason == end.reason() && reason.is_crash()
                    }
                    _ => false,
                };
                assert!(as_it_was && !error.is_unhandled(), "{end:?}, {port:?}: {error}");
                let error = ends.ask_with(Call::echo(8)).await.unwrap_err();
                assert!(matches!(&error, AskError::NotSent(refused) if refused.is_closed()));
                assert!(error.is_unhandled());
            }
        }
        assert_eq!(test.now(), begun, "each of them now");
        test.letters();

        let slow = callee("slow", &Log::new());
        let error = slow.ask_with(Call::after(secs(6), 1)).await.unwrap_err();
        assert!(error.is_timeout() && !error.is_unhandled(), "{error}");
        assert_eq!(test.now() - begun, secs(5));
        assert_eq!(slow.ask_with(Call::echo(2)).await.unwrap(), 2, "not the reply that came late");
        let causes: Vec<Cause> = test.letters().into_iter().map(|letter| letter.cause).collect();
        assert_eq!(causes, [Cause::LateReply]);
    });
}

/// Ends in this way, and takes its time in the stop hook.
struct Lingers;
struct Work(End);
protocol! { enum LingersProtocol { Work(Work) => u32 } }
impl Actor for Lingers {
    type Protocol = LingersProtocol;
    type Error = Fault;

    async fn stopped(&mut self, _: &ExitReason, _: &mut Cx<LingersProtocol>) {
        sleep(secs(3)).await;
    }
}
impl Handler<Request<Work, u32>> for Lingers {
    async fn handle(
        &mut self,
        request: Request<Work, u32>,
        cx: &mut Cx<LingersProtocol>,
    ) -> Result<(), Fault> {
        match request.message.0 {
            End::Crash => return Err(Fault::new("told to")),
            End::Panic => panic!("told to"),
            end => cx.id().stop_with(end.reason()),
        }
        Ok(())
    }
}

/// **R4.1** The asker learns how its callee ended at once, although the stop hook takes its time.
#[test]
fn ask_01_a_slow_stop_hook_neither_delays_nor_changes_the_outcome() {
    case(async |test| {
        for end in [End::Crash, End::Panic, End::Normal, End::ShutdownWith] {
            let begun = test.now();
            let lingers = greenroom::actor::spawn("lingers", || Lingers);
            let error = lingers.ask(Work(end)).await.unwrap_err();
            assert_eq!(error.exit_reason(), Some(&end.reason()), "{error}");
            assert_eq!(test.now(), begun);
            assert!(lingers.is_alive(), "it is in its hook");
            lingers.ended().await;
            assert_eq!(test.now() - begun, secs(3));
        }
    });
}

/// **R4.1** A mailbox without room is an error now under `Fail`, and at the limit under `Wait`: it
/// is certain that the message was not sent, and it comes back.
#[test]
fn ask_01_a_full_mailbox_gives_the_message_back() {
    case(async |test| {
        for (overflow, after) in [(Overflow::Fail, ms(0)), (Overflow::Wait, ms(100))] {
            let options = MailboxOptions::bounded(1).overflow(overflow);
            let full = callee_with("full", options, &Log::new());
            full.try_tell(Call::Busy(secs(1))).unwrap();
            test.settle().await;
            full.try_tell(Call::Note(1)).unwrap();
            let begun = test.now();
            let error = full.ask_with(Call::echo(2)).timeout(ms(100)).await.unwrap_err();
            let full = TellErrorKind::Full { capacity: 1 };
            assert!(matches!(&error, AskError::NotSent(refused) if refused.kind() == full));
            assert_eq!(test.now() - begun, after);
            assert!(error.is_unhandled() && error.into_message().is_some());
        }
    });
}

struct Me;
struct Count;
protocol! { enum SelfishProtocol { Me(Me) -> [bool; 3], Count(Count) -> u32 } }
#[derive(Default)]
struct Selfish {
    handled: u32,
}
impl Actor for Selfish {
    type Protocol = SelfishProtocol;
    type Error = Fault;
}
impl Handler<Me> for Selfish {
    async fn handle(&mut self, _: Me, cx: &mut Cx<SelfishProtocol>) -> Result<[bool; 3], Fault> {
        self.handled += 1;
        let (addr, recipient): (_, Recipient<Me, _>) = (cx.addr(), cx.addr().recipient());
        let by_addr = addr.ask(Me).await;
        let by_recipient = recipient.ask(Me).await;
        let by_closure = addr.ask_with(|reply| SelfishProtocol::Me(Me, reply)).no_timeout().await;
        Ok([
            matches!(&by_addr, Err(AskError::SelfAsk(_))) && by_addr.unwrap_err().is_unhandled(),
            matches!(by_recipient, Err(AskError::SelfAsk(_))),
            matches!(by_closure, Err(AskError::SelfAsk(_))),
        ])
    }
}
impl Handler<Count> for Selfish {
    async fn handle(&mut self, _: Count, _: &mut Cx<SelfishProtocol>) -> Result<u32, Fault> {
        Ok(self.handled)
    }
}

/// **R4.1** An actor that asks itself in a handler, by whatever way, is told so immediately and
/// does not hang; nothing was sent.
#[test]
fn ask_02_self_ask() {
    case(async |test| {
        let begun = test.now();
        let selfish = greenroom::actor::spawn("selfish", Selfish::default);
        assert_eq!(selfish.ask(Me).await.unwrap(), [true; 3]);
        assert_eq!(test.now(), begun);
        assert_eq!(selfish.ask(Count).await.unwrap(), 1, "it was not sent");
    });
}

/// **R4.1** A port that its handler lets fall is an error now, and not a timeout; the callee lives.
/// One that falls in a crash, in the same turn and behind it, is told apart from it.
#[test]
fn ask_04_broken_promise() {
    // A3: every ask ends: with a reply, with an error that says what is certain, or at its limit.
    case(async |test| {
        let begun = test.now();
        let forgets = callee("forgets", &Log::new());
        let error = forgets.ask_with(Call::Forget).await.unwrap_err();
        assert!(matches!(&error, AskError::NoReply { actor } if actor.id == forgets.id()));
        assert!(!error.is_unhandled() && !error.is_timeout());
        assert_eq!(forgets.ask_with(Call::echo(1)).await.unwrap(), 1);

        let (forgotten, crashed, behind) = futures::join!(
            forgets.ask_with(Call::Forget),
            forgets.ask_with(Call::end(End::Crash, Port::Dropped)),
            forgets.ask_with(Call::echo(2)),
        );
        assert!(matches!(forgotten, Err(AskError::NoReply { .. })), "{forgotten:?}");
        assert!(matches!(crashed, Err(AskError::Crashed { .. })), "{crashed:?}");
        assert!(matches!(behind, Err(AskError::NeverHandled { .. })), "{behind:?}");
        assert_eq!(test.now(), begun, "each of them now");
    });
}

/// **R2.7, D12** A handler that replies to two askers and stops: both replies come, then the news
/// of its end, in this order.
#[test]
fn ask_09_reply_then_stop() {
    case(async |test| {
        let replies = callee("replies", &Log::new());
        let seen = FuturesUnordered::new();
        for ask in [Call::Keep, Call::AnswerAndStop] {
            let reply = replies.ask_with(ask);
            seen.push(Box::pin(async move { format!("reply {}", reply.await.unwrap()) }) as Seen);
        }
        seen.push(Box::pin(async move { format!("down {}", replies.ended().await) }));
        let begun = test.now();
        let seen: Vec<String> = seen.collect().await;
        assert_eq!(seen, ["reply 0", "reply 1", "down normal"]);
        assert_eq!(test.now(), begun);
    });
}

type Seen = std::pin::Pin<Box<dyn Future<Output = String>>>;
