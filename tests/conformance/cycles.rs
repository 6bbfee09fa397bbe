//! Asks that wait for each other: who waits for whom, and cycles.

use std::time::Duration;

use greenroom::actor::{ActorLabel, Waiting};
use greenroom::prelude::*;
use greenroom::{task, time};

use crate::harness::{case, secs};

/// What an actor does with a message before it answers.
enum Plan {
    /// Answers at once.
    Answer,
    /// Asks this actor to follow that plan first.
    Ask(Addr<Node>, Box<Self>),
    /// Asks both at a time.
    AskBoth(Addr<Node>, Addr<Node>),
    /// Answers, and asks afterwards.
    AnswerThenAsk(Addr<Node>),
    /// Keeps the reply port, and answers with the next message.
    Keep,
    /// Waits so long.
    Wait(Duration),
    /// Asks from a task beside the handler, and does not wait for it.
    AskBeside(Addr<Node>),
    /// Takes one message more while it asks.
    AskAndListen(Addr<Node>),
}
enum Node {
    Run(Plan, Reply<Outcome>),
}
impl Protocol for Node {}

/// What came of the asks that a plan made: the names on a cycle, or nothing.
type Outcome = Result<u32, Vec<String>>;

fn names(cycle: &[ActorLabel]) -> Vec<String> {
    cycle.iter().map(|actor| actor.name.as_deref().unwrap_or("?").to_owned()).collect()
}

async fn ask(whom: Addr<Node>, plan: Plan) -> Outcome {
    match whom.ask_with(|reply| Node::Run(plan, reply)).await {
        Ok(Ok(answers)) => Ok(answers + 1),
        Ok(Err(cycle)) => Err(cycle),
        Err(error) if matches!(error, AskError::Cycle { .. }) => {
            let text = error.to_string();
            let AskError::Cycle { cycle } = error else { unreachable!("it was one") };
            // The text is for people: everybody on it, in order and round, and what to do.
            let round: Vec<String> = cycle.iter().map(ToString::to_string).collect();
            let round = format!("{} -> {}; let one of them tell", round.join(" -> "), round[0]);
            assert!(text.contains(&round), "{text}");
            Err(names(&cycle))
        }
        Err(other) => Err(vec![other.to_string()]),
    }
}

async fn node(cx: &mut Cx<Node>) -> Result<(), Fault> {
    let mut kept = Vec::new();
    loop {
        let Node::Run(plan, reply) = cx.recv().await;
        let outcome = match plan {
            Plan::Answer => Ok(0),
            Plan::Wait(duration) => {
                time::sleep(duration).await;
                Ok(0)
            }
            Plan::Ask(whom, plan) => ask(whom, *plan).await,
            Plan::AskBoth(one, other) => {
                let both = futures::join!(ask(one, Plan::Answer), ask(other, Plan::Answer));
                both.0.and(both.1)
            }
            Plan::AnswerThenAsk(whom) => {
                reply.send(Ok(0));
                let _ = ask(whom, Plan::Answer).await;
                continue;
            }
            Plan::Keep => {
                kept.push(reply);
                continue;
            }
            Plan::AskBeside(whom) => {
                cx.spawn(async move {
                    let outcome = ask(whom, Plan::Answer).await;
                    reply.send(outcome);
                })
                .detach();
                continue;
            }
            Plan::AskAndListen(whom) => {
                let asked = std::pin::pin!(ask(whom, Plan::Answer));
                let heard = std::pin::pin!(cx.recv());
                match futures::future::select(asked, heard).await {
                    futures::future::Either::Left((outcome, _)) => outcome,
                    futures::future::Either::Right((Node::Run(_, other), asked)) => {
                        other.send(Ok(0));
                        asked.await
                    }
                }
            }
        };
        kept.drain(..).for_each(|reply: Reply<Outcome>| reply.send(Ok(0)));
        reply.send(outcome);
    }
}

fn nodes<const N: usize>() -> [Addr<Node>; N] {
    std::array::from_fn(|number| greenroom::actor::spawn(["a", "b", "c", "d", "e"][number], node))
}

// C1: the ask that closes the cycle fails in the same turn and names everybody on it.
#[test]
fn cycle_of_two_and_of_four_is_named_when_it_closes() {
    case(async |test| {
        let began = test.now();
        let [a, b, c, d] = nodes();
        let back = Plan::Ask(a, Box::new(Plan::Answer));
        let cycle = ask(a, Plan::Ask(b, Box::new(back))).await;
        assert_eq!(cycle, Err(vec!["b".to_owned(), "a".to_owned()]));

        let back = Box::new(Plan::Ask(a, Box::new(Plan::Answer)));
        let plan = Plan::Ask(b, Box::new(Plan::Ask(c, Box::new(Plan::Ask(d, back)))));
        let cycle = ask(a, plan).await;
        assert_eq!(cycle, Err(["d", "a", "b", "c"].map(str::to_owned).to_vec()));
        assert_eq!(test.now(), began, "nobody waited for a limit");
        // Everybody lives and answers again.
        for addr in [a, b, c, d] {
            assert_eq!(ask(addr, Plan::Answer).await, Ok(1));
        }
    });
}

/// Two handlers that ask each other at the same time, whichever comes second.
#[test]
fn cycle_that_closes_while_both_messages_wait() {
    case(async |test| {
        let began = test.now();
        let [a, b] = nodes();
        let one = ask(a, Plan::Ask(b, Box::new(Plan::Answer)));
        let other = ask(b, Plan::Ask(a, Box::new(Plan::Answer)));
        let (one, other) = futures::join!(one, other);
        let cycles = [&one, &other].into_iter().filter(|outcome| outcome.is_err()).count();
        assert!(cycles <= 1, "one of them gives up, and the other goes on: {one:?} {other:?}");
        assert_eq!(test.now(), began);
    });
}

/// No false alarm: concurrent asks that are no cycle all come to their answers.
#[test]
fn cycle_alarm_is_never_false() {
    case(async |test| {
        let [a, b, c, d, e] = nodes();
        // A diamond: a asks b and c at once, and both ask d.
        let diamond = async {
            let (one, other) = futures::join!(
                ask(b, Plan::Ask(d, Box::new(Plan::Answer))),
                ask(c, Plan::Ask(d, Box::new(Plan::Answer)))
            );
            (one, other)
        };
        assert_eq!(diamond.await, (Ok(2), Ok(2)));
        // b asks c and d, while c asks d.
        let (one, other) = futures::join!(
            ask(b, Plan::AskBoth(c, d)),
            ask(c, Plan::Ask(d, Box::new(Plan::Answer)))
        );
        assert_eq!((one, other), (Ok(2), Ok(2)));
        // b has answered a before it asks a.
        assert_eq!(ask(a, Plan::Ask(b, Box::new(Plan::AnswerThenAsk(a)))).await, Ok(2));
        // b keeps a's reply port; it has handled the message, and asks a for another one. Who has
        // the port may be anybody, so this is no proof of a cycle: it ends when a's limit is
        // reached.
        let keeps = task::spawn(ask(e, Plan::Keep));
        test.settle().await;
        assert_eq!(ask(e, Plan::Ask(d, Box::new(Plan::Answer))).await, Ok(2));
        assert_eq!(keeps.await.unwrap(), Ok(1));
        // The ask is made beside the handler, which does not wait.
        assert_eq!(ask(a, Plan::Ask(b, Box::new(Plan::AskBeside(c)))).await, Ok(3));
        let (one, other) = futures::join!(ask(a, Plan::AskBeside(b)), ask(b, Plan::AskBeside(a)));
        assert_eq!((one, other), (Ok(2), Ok(2)));
        // It takes messages while it asks, and so answers the one that would close the cycle.
        let (one, other) = futures::join!(
            ask(a, Plan::AskAndListen(b)),
            ask(b, Plan::Ask(a, Box::new(Plan::Answer)))
        );
        assert_eq!((one, other), (Ok(2), Ok(2)));
        // Long chains, many at a time.
        let chain = || {
            let end = Box::new(Plan::Ask(e, Box::new(Plan::Answer)));
            Plan::Ask(c, Box::new(Plan::Ask(d, end)))
        };
        let chains = futures::future::join_all((0..10).map(|_| ask(b, chain()))).await;
        assert!(chains.iter().all(|outcome| *outcome == Ok(4)), "{chains:?}");
    });
}

fn edges(waits: &[Waiting]) -> Vec<String> {
    let name = |label: &ActorLabel| label.name.as_deref().unwrap_or("?").to_owned();
    let mut edges: Vec<String> =
        waits.iter().map(|wait| format!("{}->{}", name(&wait.asker), name(&wait.asked))).collect();
    edges.sort();
    edges
}

/// **I1** Who waits for whom can be seen: through `join!`, a limit, a shielded task; an edge is
/// gone when its wait is given up, and a cycle is reported.
#[test]
fn in_01_await_graph() {
    case(async |test| {
        let [a, b, c, d] = nodes();
        let busy = || Plan::Wait(secs(3_600));
        // Gather: a waits for both b and c.
        let _busy = [b, c].map(|addr| task::spawn(ask(addr, busy())));
        test.settle().await;
        let gather = task::spawn(ask(a, Plan::AskBoth(b, c)));
        test.settle().await;
        assert_eq!(edges(&test.waits()), ["a->b", "a->c"]);
        assert!(test.waits()[0].message.ends_with("Node"), "{:?}", test.waits()[0]);
        gather.abort();
        test.advance(secs(6)).await;
        assert!(test.waits().is_empty(), "the limit of 5 s was reached: given up");

        // A limit around it.
        let limited = greenroom::actor::spawn("limited", async move |cx: &mut Cx<Node>| {
            let Node::Run(_, reply) = cx.recv().await;
            let asked = time::timeout(secs(1), ask(b, Plan::Answer)).await;
            reply.send(if asked.is_err() { Ok(0) } else { Err(vec![]) });
            Ok::<(), Fault>(())
        });
        let waiting = task::spawn(ask(limited, Plan::Answer));
        test.settle().await;
        assert_eq!(edges(&test.waits()), ["limited->b"]);
        test.advance(secs(1)).await;
        assert!(test.waits().is_empty(), "given up");
        assert_eq!(waiting.await.unwrap(), Ok(1));

        // A group: asks of one actor through a collection.
        let group = greenroom::actor::spawn("group", async move |cx: &mut Cx<Node>| {
            let Node::Run(_, reply) = cx.recv().await;
            let all = futures::future::join_all([b, c].map(|addr| ask(addr, Plan::Answer)));
            let _ = all.await;
            reply.send(Ok(0));
            Ok::<(), Fault>(())
        });
        let waiting = task::spawn(ask(group, Plan::Answer));
        test.settle().await;
        assert_eq!(edges(&test.waits()), ["group->b", "group->c"]);
        group.kill();
        test.settle().await;
        assert!(test.waits().is_empty());
        drop(waiting);

        // A shielded task asks for itself: the actor that dropped its handle does not wait.
        assert_eq!(ask(d, Plan::AskBeside(d)).await, Ok(2));
        // And a cycle is reported as it closes.
        let cycle = ask(d, Plan::Ask(a, Box::new(Plan::Ask(d, Box::new(Plan::Answer))))).await;
        assert_eq!(cycle, Err(vec!["a".to_owned(), "d".to_owned()]));
    });
}
