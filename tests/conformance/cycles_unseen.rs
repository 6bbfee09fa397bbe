//! Asks that look like a cycle and are none: no alarm.

use std::cell::Cell;
use std::pin::pin;

use futures::future::{Either, FutureExt as _, LocalBoxFuture, select};
use futures::stream::{FuturesUnordered, StreamExt as _};

use greenroom::prelude::*;
use greenroom::{task, time};

use crate::harness::{case, in_order, secs};

struct Question;
struct Name;
struct Poke;
struct Begin;
protocol! {
    enum FriendProtocol {
        Question(Question) => u32,
        Name(Name) -> u32,
        Poke(Poke),
        Begin(Begin),
    }
}

/// Asks that one a question when it is told to begin, and what comes of it is the task's.
fn asker(friend: Addr<FriendProtocol>) -> Addr<FriendProtocol> {
    greenroom::actor::spawn(
        "asker",
        async move |cx: &mut Cx<FriendProtocol>| -> Result<(), Fault> {
            loop {
                match cx.recv().await {
                    FriendProtocol::Begin(..) => {
                        let answer =
                            friend.ask(Question).await.map_err(|e| Fault::new(e.to_string()))?;
                        assert_eq!(answer, 7);
                    }
                    FriendProtocol::Name(_, reply) => reply.send(1),
                    FriendProtocol::Question(_, reply) => reply.send(7),
                    FriendProtocol::Poke(..) => return Ok(()),
                }
            }
        },
    )
}

/// Lets the asker ask, and looks whether it went well: it takes a poke then, and ends.
async fn went_well(test: &greenroom::test::TestSystem, asker: Addr<FriendProtocol>) {
    asker.tell(Begin).await.unwrap();
    test.advance(secs(3)).await;
    let _ = asker.try_tell(Poke);
    assert_eq!(asker.ended().await, ExitReason::Normal);
    assert_eq!(crashes(test), 0);
}

fn crashes(test: &greenroom::test::TestSystem) -> usize {
    test.events().iter().filter(|event| event.to_string().contains("crashed")).count()
}

/// Asks the asker, which can answer only when it has its own answer.
async fn ask_back(cx: &Cx<FriendProtocol>) -> Result<(), Fault> {
    let name = test_asker(cx).ask(Name).await.map_err(|error| Fault::new(error.to_string()))?;
    assert_eq!(name, 1);
    Ok(())
}

async fn answer_later(reply: Reply<u32>) {
    time::sleep(secs(1)).await;
    reply.send(7);
}

/// Whoever waits for a message too is not stuck, though its share of this turn is used up.
#[test]
fn no_alarm_where_the_share_of_the_turn_is_used_up() {
    case(async |test| {
        let friend = greenroom::actor::spawn("friend", async |cx: &mut Cx<FriendProtocol>| {
            let FriendProtocol::Begin(..) = cx.recv().await else { panic!("it begins") };
            time::sleep(secs(1)).await;
            for _ in 0..SHARE {
                let FriendProtocol::Poke(..) = cx.recv().await else { panic!("a poke") };
            }
            // The question stands in the mailbox, and may be taken in the next turn.
            let ask = pin!(test_asker(cx).ask(Name).into_future());
            let told = pin!(cx.recv());
            let Either::Right((FriendProtocol::Question(_, reply), ask)) = select(ask, told).await
            else {
                panic!("the question comes first")
            };
            reply.send(7);
            assert_eq!(ask.await.map_err(|e| Fault::new(e.to_string()))?, 1);
            Ok::<(), Fault>(())
        });
        let asker = asker(friend);
        ASKER.set(Some(asker));
        friend.tell(Begin).await.unwrap();
        test.settle().await;
        for _ in 0..SHARE {
            friend.try_tell(Poke).unwrap();
        }
        went_well(test, asker).await;
    });
}

/// How many messages an actor may take in one poll.
const SHARE: usize = 128;

type Known = Option<Addr<FriendProtocol>>;
thread_local! {
    static ASKER: Cell<Known> = const { Cell::new(None) };
}

fn test_asker(_: &Cx<FriendProtocol>) -> Addr<FriendProtocol> {
    ASKER.get().expect("it is set before it asks")
}

/// A wait for a message goes on in a combinator that polls only what was woken.
#[test]
fn no_alarm_where_the_wait_was_not_polled_again() {
    case(async |test| {
        let friend = greenroom::actor::spawn("friend", async |cx: &mut Cx<FriendProtocol>| {
            let asker = test_asker(cx);
            let told = cx.recv().map(|message| {
                let FriendProtocol::Question(_, reply) = message else { panic!("a question") };
                reply.send(7);
            });
            let ask = async move {
                time::sleep(secs(1)).await;
                assert_eq!(asker.ask(Name).await.expect("it can answer"), 1);
            };
            let both: [LocalBoxFuture<'_, ()>; 2] = [told.boxed_local(), ask.boxed_local()];
            let mut both: FuturesUnordered<_> = both.into_iter().collect();
            while both.next().await.is_some() {}
            Ok::<(), Fault>(())
        });
        let asker = greenroom::actor::spawn("asker", async move |cx: &mut Cx<FriendProtocol>| {
            time::sleep(secs(2)).await;
            let answer = friend.ask(Question).await.map_err(|e| Fault::new(e.to_string()))?;
            assert_eq!(answer, 7);
            let FriendProtocol::Name(_, reply) = cx.recv().await else { panic!("a name") };
            reply.send(1);
            Ok::<(), Fault>(())
        });
        ASKER.set(Some(asker));
        assert_eq!(asker.ended().await, ExitReason::Normal);
        assert!(matches!(friend.ended().await, ExitReason::Normal | ExitReason::NoActor));
        assert_eq!(crashes(test), 0);
    });
}

/// A message that was taken back does not make another stand for longer than it does.
#[test]
fn no_alarm_after_a_message_was_taken_back() {
    case(async |test| {
        let friend = greenroom::actor::spawn("friend", async |cx: &mut Cx<FriendProtocol>| {
            // A message in the mailbox that is taken back before its turn.
            cx.send_after("nothing", secs(1), Poke);
            let FriendProtocol::Begin(..) = cx.recv().await else { panic!("it begins") };
            time::sleep(secs(2)).await;
            cx.cancel_timer("nothing");
            let FriendProtocol::Question(_, reply) = cx.recv().await else {
                panic!("one question")
            };
            // Another answers, and this one is free to ask back.
            task::spawn(answer_later(reply));
            let FriendProtocol::Poke(..) = cx.recv().await else { panic!("and a poke") };
            ask_back(cx).await
        });
        let asker = asker(friend);
        ASKER.set(Some(asker));
        friend.tell(Begin).await.unwrap();
        // Behind the timer's message.
        test.advance(std::time::Duration::from_millis(1_500)).await;
        asker.tell(Begin).await.unwrap();
        test.settle().await;
        friend.tell(Poke).await.unwrap();
        test.advance(secs(3)).await;
        assert_eq!(friend.ended().await, ExitReason::NoActor, "it has ended already");
        let _ = asker.try_tell(Poke);
        assert_eq!(asker.ended().await, ExitReason::Normal);
        assert_eq!(crashes(test), 0);
    });
}

/// A question that was passed on is answered by somebody else, so its handler may ask back.
#[test]
fn no_alarm_where_the_question_was_passed_on() {
    case(async |test| {
        let third = greenroom::actor::spawn("third", async |cx: &mut Cx<FriendProtocol>| {
            let FriendProtocol::Question(_, reply) = cx.recv().await else { panic!("a question") };
            answer_later(reply).await;
            Ok::<(), Fault>(())
        });
        let friend = greenroom::actor::spawn("friend", async move |cx: &mut Cx<FriendProtocol>| {
            let FriendProtocol::Question(message, reply) = cx.recv().await else {
                panic!("a question")
            };
            Request { message, reply }.forward(third).map_err(|e| e.without_message())?;
            ask_back(cx).await
        });
        let asker = asker(friend);
        ASKER.set(Some(asker));
        went_well(test, asker).await;
    });
}

/// The same where a task was started that may answer.
#[test]
fn no_alarm_where_a_task_may_answer() {
    case(async |test| {
        let friend = greenroom::actor::spawn("friend", async |cx: &mut Cx<FriendProtocol>| {
            let FriendProtocol::Question(_, reply) = cx.recv().await else { panic!("a question") };
            task::spawn(answer_later(reply));
            ask_back(cx).await
        });
        let asker = asker(friend);
        ASKER.set(Some(asker));
        went_well(test, asker).await;
    });
}

// C1: a wait for a message that was given up hides no cycle.
#[test]
fn a_cycle_is_seen_after_a_wait_was_given_up() {
    case(async |test| {
        let friend = greenroom::actor::spawn("friend", async |cx: &mut Cx<FriendProtocol>| {
            let FriendProtocol::Question(_, _reply) = cx.recv().await else { panic!("a question") };
            let asker = test_asker(cx);
            let asked = asker.ask(Name).await;
            assert!(matches!(asked, Err(AskError::Cycle { .. })), "{asked:?}");
            Ok::<(), Fault>(())
        });
        let asker = greenroom::actor::spawn("asker", async move |cx: &mut Cx<FriendProtocol>| {
            let mut waits: FuturesUnordered<_> = [cx.recv()].into_iter().collect();
            assert!(time::timeout(secs(1), waits.next()).await.is_err());
            drop(waits);
            let _ = friend.ask(Question).await;
            Ok::<(), Fault>(())
        });
        ASKER.set(Some(asker));
        let ended = task::spawn(async move { friend.ended().await });
        test.advance(secs(1)).await;
        test.settle().await;
        assert_eq!(ended.await, Ok(ExitReason::Normal), "in the turn in which it closed");
        assert_eq!(test.now(), secs(1));
    });
}

enum Layer {
    /// Asks both, and waits.
    Ask(Reply<()>),
}
impl Protocol for Layer {}

async fn layer(cx: &mut Cx<Layer>, below: Option<[Addr<Layer>; 2]>) -> Result<(), Fault> {
    loop {
        let Layer::Ask(_reply) = cx.recv().await;
        match below {
            Some([left, right]) => {
                let ask = |whom: Addr<Layer>| whom.ask_with(Layer::Ask).no_timeout();
                let _ = futures::join!(ask(left).into_future(), ask(right).into_future());
            }
            None => std::future::pending().await,
        }
    }
}

/// Over thirty layers of two there are 2³⁰ ways, and each actor is looked at once.
#[test]
fn a_look_for_a_cycle_takes_each_actor_once() {
    in_order(async |test| {
        let mut below = None;
        for _ in 0..30 {
            let actor = |_| {
                greenroom::actor::spawn("layer", async move |cx: &mut Cx<Layer>| {
                    layer(cx, below).await
                })
            };
            below = Some([0, 1].map(actor));
        }
        let [top, _] = below.unwrap();
        top.tell(Layer::Ask(Reply::nobody())).await.unwrap();
        test.settle().await;
        let last = greenroom::actor::spawn("last", async move |cx: &mut Cx<Layer>| {
            let Layer::Ask(..) = cx.recv().await;
            let ask = top.ask_with(Layer::Ask).timeout(secs(1)).await;
            assert!(matches!(ask, Err(AskError::TimedOut { .. })), "{ask:?}");
            Ok::<(), Fault>(())
        });
        last.tell(Layer::Ask(Reply::nobody())).await.unwrap();
        assert_eq!(last.ended().await, ExitReason::Normal);
    });
}
