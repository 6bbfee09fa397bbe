//! Actors of another loop: their ends, and that of their loop. Both loops run on this thread, in
//! turns.

use std::cell::Cell;
use std::rc::Rc;

use greenroom::prelude::*;
use greenroom::{EventLoop, task};

use crate::harness::{Log, case, in_order, logged};
use crate::scripted::{Script, inside, script, scripted};

fn another_loop() -> EventLoop {
    EventLoop::builder().virtual_clock(1).build().expect("a loop can be made")
}

/// Lets another loop do what has come to it.
fn turns(there: &mut EventLoop) {
    there.run(async {
        for _ in 0..20 {
            task::yield_now().await;
        }
    });
}

/// **R1.6** A monitor on an actor of another loop goes on over restarts of the watcher, and
/// tells the end once, with name and reason.
#[test]
fn a_monitor_across_loops_goes_on_over_a_restart() {
    case(async |test| {
        let mut there = another_loop();
        let target = there.run(async { scripted("far", &Log::new()) });
        let log = Log::new();
        let noted = log.clone();
        let body = async move |cx: &mut Cx<Script>| script("watcher", cx, &noted).await;
        let watcher = test.spawn(child("watcher", body)).await.unwrap();
        let named = log.clone();
        inside(test, watcher, move |cx| {
            cx.monitor_with(target.id(), move |down| {
                named.add(format!("{} ended", down.name.as_deref().unwrap_or("?")));
                Script::Down(down)
            });
        })
        .await;
        turns(&mut there);
        watcher.tell(Script::Fail("told to")).await.unwrap();
        test.settle().await;
        target.id().stop();
        turns(&mut there);
        test.settle().await;
        assert_eq!(watcher.id().info().unwrap().incarnation, 1);
        assert_eq!(log.take(), ["far ended", "watcher down shutdown"]);
        test.settle().await;
        assert!(log.take().is_empty(), "once");
    });
}

/// **R1.7** One that is taken back says so, is silent, and leaves nothing on either loop.
#[test]
fn a_monitor_across_loops_can_be_taken_back() {
    case(async |test| {
        let mut there = another_loop();
        let target = there.run(async { scripted("far", &Log::new()) });
        let log = Log::new();
        let watcher = scripted("watcher", &log);
        let tasks = greenroom::test::tasks();
        let taken = Rc::new(Cell::new(false));
        let noted = Rc::clone(&taken);
        inside(test, watcher, move |cx| {
            let monitor = cx.monitor(target.id());
            noted.set(cx.demonitor(monitor) && !cx.demonitor(monitor));
        })
        .await;
        assert!(taken.get());
        assert_eq!(greenroom::test::tasks(), tasks, "nobody waits any more");
        target.id().stop();
        turns(&mut there);
        test.settle().await;
        assert!(log.take().is_empty());
    });
}

/// **R1.6** A watcher that ends leaves nothing behind that waits.
#[test]
fn a_monitor_across_loops_ends_with_its_watcher() {
    case(async |test| {
        let mut there = another_loop();
        let target = there.run(async { scripted("far", &Log::new()) });
        let tasks = greenroom::test::tasks();
        let watcher = scripted("watcher", &Log::new());
        inside(test, watcher, move |cx| {
            cx.monitor(target.id());
        })
        .await;
        assert!(greenroom::test::tasks() > tasks + 1);
        watcher.stop();
        test.settle().await;
        assert_eq!(greenroom::test::tasks(), tasks);
        turns(&mut there);
    });
}

/// A message that is under way to a loop which closes is a dead letter there, and whoever asked is
/// told at once: one that no handler saw was not sent, one in a handler's hand died with it.
#[test]
fn a_loop_that_closes_loses_nothing_in_silence() {
    let log = logged(|| {
        in_order(async |test| {
            let mut there = another_loop();
            let target = there.run(async {
                greenroom::actor::spawn("far", async |cx: &mut Cx<Script>| {
                    let Script::Echo(_, _kept) = cx.recv().await else { panic!("a question") };
                    std::future::pending::<Result<(), Fault>>().await
                })
            });
            let ask = || task::spawn(target.ask_with(|reply| Script::Echo(1, reply)).into_future());
            let in_hand = ask();
            test.settle().await;
            turns(&mut there);
            let under_way = ask();
            target.try_tell(Script::Note(7)).unwrap();
            test.settle().await;
            drop(there);
            let in_hand = in_hand.await.unwrap();
            assert!(matches!(in_hand, Err(AskError::Crashed { .. })), "{in_hand:?}");
            let under_way = under_way.await.unwrap();
            assert!(matches!(under_way, Err(AskError::NotSent(_))), "{under_way:?}");
            assert!(test.now().is_zero());
        });
    });
    let letters = log.iter().filter(|line| line.contains("will not be handled")).count();
    assert_eq!(letters, 2, "{log:#?}");
}
