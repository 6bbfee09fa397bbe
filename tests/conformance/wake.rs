//! Whom a message wakes.

use greenroom::prelude::*;
use greenroom::time;

use crate::harness::{Log, case, secs};
use crate::scripted::Script;

/// A wait inside a combinator that is gone leaves nothing that could swallow a wake.
#[test]
fn a_message_wakes_the_latest_wait_and_not_one_that_is_gone() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let body = async move |cx: &mut Cx<Script>| -> Result<(), Fault> {
            {
                use futures::stream::{FuturesUnordered, StreamExt as _};
                let mut both = FuturesUnordered::new();
                let waits = async { drop(cx.recv().await) };
                both.push(futures::future::Either::Left(waits));
                both.push(futures::future::Either::Right(time::sleep(secs(1))));
                both.next().await;
            }
            crate::scripted::script("a", cx, &noted).await
        };
        let addr = greenroom::actor::spawn("a", body);
        test.advance(secs(2)).await;
        addr.tell(Script::Note(1)).await.unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["a note 1"]);
    });
}

/// An actor that makes a new wait at each poll, by hand, is woken by a message all the same.
#[test]
fn a_wait_that_is_made_anew_at_each_poll_is_woken() {
    case(async |test| {
        let log = Log::new();
        let noted = log.clone();
        let actor = greenroom::actor::spawn("by hand", async move |cx: &mut Cx<Script>| {
            std::future::poll_fn(|task| {
                loop {
                    match std::pin::pin!(cx.next()).poll(task) {
                        std::task::Poll::Ready(Some(_)) => noted.add("message"),
                        std::task::Poll::Ready(None) => return std::task::Poll::Ready(()),
                        std::task::Poll::Pending => return std::task::Poll::Pending,
                    }
                }
            })
            .await;
            Ok::<(), Fault>(())
        });
        for _ in 0..3 {
            test.settle().await;
            actor.tell(Script::Note(1)).await.unwrap();
        }
        test.settle().await;
        assert_eq!(log.take(), ["message"; 3]);
        actor.stop();
        assert_eq!(actor.ended().await, ExitReason::Shutdown);
    });
}
