//! Monitors on actors of another loop; both loops run on this thread, in turns.

use std::cell::Cell;
use std::rc::Rc;

use greenroom::prelude::*;
use greenroom::{EventLoop, task};

use crate::harness::{Log, case};
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
