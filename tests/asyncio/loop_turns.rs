//! How the loop turns: in whose order, how often, and what it says about itself.

use std::time::Duration;

use greenroom::prelude::*;
use greenroom::{EventLoop, event_loop, task, time};

use crate::harness::{Log, logged, ms};
use crate::support::{finishes, hold_thread, real, run, settle};

struct Ponder(u64);
protocol! { enum ThinkerProtocol { Ponder(Ponder) -> () } }
struct Thinker;
impl Actor for Thinker {
    type Protocol = ThinkerProtocol;
    type Error = Fault;
}
impl Handler<Ponder> for Thinker {
    async fn handle(
        &mut self,
        Ponder(for_ms): Ponder,
        _: &mut Cx<ThinkerProtocol>,
    ) -> Result<(), Fault> {
        hold_thread(ms(for_ms));
        Ok(())
    }
}

/// **L10** Of two handlers, one that holds the loop for much longer than the limit and one that
/// does not, the first is reported, once, with the actor, the message and how long; in release
/// builds too. (The limit is asyncio's 100 ms; the times are far from it, as machines are busy.)
#[test]
fn lp_09_a_slow_handler_is_reported_once_with_name_and_duration() {
    let log = logged(|| {
        let mut event_loop = EventLoop::builder().slow_handler(ms(100)).build().expect("a loop");
        event_loop.run(async {
            let thinker = greenroom::actor::spawn("thinker", || Thinker);
            thinker.ask(Ponder(400)).await.expect("it answers");
            thinker.ask(Ponder(5)).await.expect("it answers");
        });
    });
    let reports: Vec<_> = log.iter().filter(|line| line.contains("held the loop")).collect();
    assert_eq!(reports.len(), 1, "{log:?}");
    assert!(reports[0].contains("thinker") && reports[0].contains("Ponder"), "{}", reports[0]);
    let held = reports[0].split("held_ms=").nth(1).expect("it says how long");
    let held: u64 =
        held.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
    assert!(held >= 400, "{held}");
}

/// **L1, L2** Tasks that give way take turns.
#[test]
fn lp_11_tasks_that_yield_go_round() {
    run(async || {
        let log = Log::new();
        for name in ["a", "b"] {
            let log = log.clone();
            task::spawn(async move {
                for round in 0..3 {
                    log.add(format!("{name}{round}"));
                    task::yield_now().await;
                }
            })
            .detach();
        }
        settle().await;
        assert_eq!(log.take(), ["a0", "b0", "a1", "b1", "a2", "b2"]);
    });
}

/// **L2** Sleeps from 10 ms to a nanosecond, one after another, take few turns: the loop does not
/// spin towards a deadline that is nearer than the kernel can wait.
#[test]
fn lp_12_tiny_sleeps_do_not_spin() {
    finishes(|| {
        real().run(async {
            let before = event_loop::stats().turns;
            for nanos in [10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1] {
                time::sleep(Duration::from_nanos(nanos)).await;
            }
            let turns = event_loop::stats().turns - before;
            assert!((1..=20).contains(&turns), "{turns} turns");
        });
    });
}

/// The numbers say what there is; what is to be measured is there only when it was asked for.
#[test]
fn stats_count_what_there_is() {
    run(async || {
        let before = event_loop::stats();
        let tasks: Vec<_> = (0..5).map(|_| task::spawn(std::future::pending::<()>())).collect();
        let timer = time::after(ms(1), || ());
        let after = event_loop::stats();
        assert_eq!(after.tasks, before.tasks + 6);
        assert_eq!((after.ready, after.timers), (before.ready + 5, before.timers + 1));
        settle().await;
        drop(tasks);
        assert!(timer.cancel());
        assert_eq!(event_loop::stats().ready, before.ready);
        assert!(event_loop::stats().measured.is_none());
    });
}

/// A turn that is held, a timer that is late by it, and a queue that is deep are seen as such.
#[test]
fn stats_measure_turns_timers_and_the_queue() {
    finishes(|| {
        let mut event_loop = EventLoop::builder().measured(true).build().expect("a loop");
        let quiet = event_loop.stats().measured.expect("it measures");
        assert_eq!((quiet.tick.count(), quiet.timer_lag.count()), (0, 0));
        event_loop.run(async {
            time::after(ms(30), || ());
            for _ in 0..99 {
                task::spawn(async {}).detach();
            }
            task::yield_now().await;
            hold_thread(ms(50));
            time::sleep(ms(1)).await;
        });
        let stats = event_loop.stats();
        let measured = stats.measured.expect("it measures");
        let lag = Duration::from_nanos(measured.timer_lag.max());
        let tick = Duration::from_nanos(measured.tick.max());
        assert!(tick >= ms(50) && lag >= ms(20), "{tick:?} {lag:?}");
        assert!(
            measured.tick.count() <= stats.turns && measured.tick.mean() <= measured.tick.max()
        );
        assert!(measured.ready.count() > 0);
    });
}
