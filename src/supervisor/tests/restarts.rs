//! The budget, repeated starts and back-off, seen through the whole machine.

use std::time::Duration;

use crate::base::backoff::Backoff;
use crate::supervisor::action::{Answer, Call, Event, Report};
use crate::supervisor::children::ChildStatus;
use crate::supervisor::intensity::Intensity;
use crate::supervisor::plan::{Flags, Plan};
use crate::supervisor::strategy::{ChildKind, Strategy};
use crate::supervisor::tests::{SECOND, Stage, dynamic, ended, error, flags, worker, workers};

fn with_intensity(flags: Flags, max: u32) -> Flags {
    Flags { intensity: Intensity { max, period_ns: 5 * SECOND }, ..flags }
}

fn one_to_ten_seconds() -> Backoff {
    Backoff::new(Duration::from_secs(1), Duration::from_secs(10)).jitter(0.0)
}

fn with_backoff(strategy: Strategy, backoff: Backoff) -> Flags {
    Flags { backoff: Some(backoff), ..flags(strategy) }
}

// S2: SUP-15
#[test]
fn one_restart_too_many_stops_everything_in_reverse() {
    let flags = with_intensity(flags(Strategy::OneForOne), 2);
    let intensity = flags.intensity;
    let mut stage = Stage::started(flags, workers(&["a", "b", "c"]));
    for _ in 0..3 {
        stage.crash("a");
    }
    assert_eq!(
        stage.everything(),
        [
            "restart a",
            "restart a",
            "finish a",
            "stop c",
            "finish c",
            "stop b",
            "finish b",
            "done: restart limit reached"
        ]
    );
    let id = stage.id("a");
    assert_eq!(stage.reports.last(), Some(&Report::IntensityReached { id, intensity }));
    assert!(stage.reports.contains(&Report::Restarting { id, spent: 2, intensity }));
}

// S2: SUP-16
#[test]
fn intensity_zero_refuses_the_first_restart() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let mut stage = Stage::started(with_intensity(flags(strategy), 0), workers(&["a"]));
        stage.crash("a");
        assert_eq!(stage.everything(), ["finish a", "done: restart limit reached"]);
    }
}

// SUP-17
#[test]
fn spaced_crashes_never_use_up_the_budget() {
    let mut flags = with_intensity(flags(Strategy::OneForOne), 1);
    flags.intensity.period_ns = SECOND;
    let mut stage = Stage::started(flags, workers(&["a"]));
    for _ in 0..4 {
        stage.advance(2_100_000_000);
        stage.crash("a");
        assert_eq!(stage.everything(), ["restart a"]);
    }
}

// SUP-18
#[test]
fn failing_restarts_use_up_the_budget() {
    let ordered = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
    for flags in ordered.map(flags).into_iter().chain([dynamic(5)]) {
        let mut stage = Stage::new(with_intensity(flags.clone(), 3), vec![]);
        stage.feed(Event::Start);
        stage.call(Call::Add(worker("w")));
        stage.failing.insert("w");
        stage.crash("w");
        let starts = ["ready", "start w", "restart w", "restart w", "restart w"];
        let mut expected = starts.to_vec();
        expected.push("done: restart limit reached");
        assert_eq!(stage.played(), expected, "{:?}", flags.mode);
    }
}

#[test]
fn a_retry_waits_behind_everything_that_is_in_the_mailbox() {
    let mut stage = Stage::started(flags(Strategy::OneForOne), workers(&["a", "b"]));
    stage.slow.insert("a");
    stage.crash("a");
    stage.everything();
    let failed = Event::ChildStartFailed(stage.id("a"), error());
    stage.mailbox.push_back(failed);
    stage.mailbox.push_back(ended(stage.id("b"), error()));
    stage.drain();
    assert_eq!(stage.everything(), ["restart b", "restart a"]);
}

#[test]
fn a_slow_start_of_one_child_does_not_keep_another_from_being_restarted() {
    let mut stage = Stage::started(flags(Strategy::OneForOne), workers(&["a", "b"]));
    stage.slow.insert("a");
    stage.crash("a");
    stage.crash("b");
    assert_eq!(stage.everything(), ["restart a", "restart b"]);
    assert_eq!(stage.status("a"), Some(ChildStatus::Restarting));
    assert_eq!(stage.status("b"), Some(ChildStatus::Running));
}

// R3.10; OTP: hanging_restart_loop
#[test]
fn while_a_child_is_being_restarted_calls_are_answered() {
    let backoff = one_to_ten_seconds();
    for slow_start in [true, false] {
        let mut stage =
            Stage::started(with_backoff(Strategy::OneForOne, backoff), workers(&["a", "b"]));
        stage.slow.insert("a");
        stage.crash("a");
        if slow_start {
            stage.advance(SECOND);
        }
        assert_eq!(stage.status("a"), Some(ChildStatus::Restarting));
        assert_eq!(stage.counts(), [2, 1, 0, 2]);
        assert_eq!(stage.restart("a"), Some(Answer::Restarting));
        assert_eq!(stage.delete("a"), Some(Answer::Restarting));
        let present = Answer::AlreadyPresent(stage.id("a"));
        assert_eq!(stage.call(Call::Add(worker("a"))), Some(present));
        stage.slow.clear();
        assert_eq!(stage.terminate("a"), Some(Answer::Terminated));
        assert_eq!(stage.status("a"), Some(ChildStatus::NotRunning));
        stage.everything();
        stage.advance(20 * SECOND);
        assert_eq!(stage.everything(), [""; 0], "the retry is cancelled");
    }
}

// SUP-21
#[test]
fn children_between_two_incarnations_are_not_active() {
    let mut stage = Stage::started(dynamic(9), vec![]);
    for name in ["x", "y", "z"] {
        stage.call(Call::Add(worker(name)));
    }
    stage.slow.extend(["x", "y"]);
    stage.crash("x");
    stage.crash("y");
    assert_eq!(stage.counts(), [1, 1, 0, 3]);
    for name in ["x", "y"] {
        assert_eq!(stage.status(name), Some(ChildStatus::Restarting));
        stage.feed(Event::ChildStarted(stage.id(name)));
    }
    assert_eq!(stage.counts(), [1, 3, 0, 3]);
    stage.slow.clear();
    for name in ["x", "y", "z"] {
        assert_eq!(stage.terminate(name), Some(Answer::Terminated));
    }
    assert_eq!(stage.counts(), [1, 0, 0, 0]);
}

// SUP-40
#[test]
fn a_child_that_keeps_crashing_is_restarted_after_ever_longer_delays() {
    let backoff = one_to_ten_seconds();
    let mut stage = Stage::started(with_backoff(Strategy::OneForOne, backoff), workers(&["a"]));
    for seconds in [1, 2, 4, 8, 10, 10] {
        stage.crash("a");
        assert_eq!(stage.everything(), [format!("a waits {seconds}s")]);
        stage.advance(seconds * SECOND - 1);
        assert_eq!(stage.everything(), [""; 0]);
        stage.advance(1);
        assert_eq!(stage.everything(), ["restart a"]);
    }
    let jittered = with_backoff(Strategy::OneForOne, backoff.jitter(0.2));
    let mut stage = Stage::started(jittered, workers(&["a"]));
    stage.random = 0.5;
    stage.crash("a");
    assert_eq!(stage.everything(), ["a waits 1.1s"]);
}

// SUP-41
#[test]
fn the_back_off_starts_anew_after_a_quiet_time() {
    let backoff = one_to_ten_seconds().reset_after(Duration::from_millis(100));
    for (quiet_ms, second) in [(101, "1s"), (99, "2s")] {
        let mut stage = Stage::started(with_backoff(Strategy::OneForOne, backoff), workers(&["a"]));
        stage.crash("a");
        stage.advance(SECOND);
        stage.advance(quiet_ms * 1_000_000);
        stage.crash("a");
        assert_eq!(stage.played().last(), Some(&format!("a waits {second}")));
    }
}

// SUP-42
#[test]
fn a_back_off_with_a_limit_gives_up_after_so_many_failures_in_a_row() {
    let backoff = one_to_ten_seconds().max_restarts(2);
    let plan = Plan { backoff: Some(backoff), ..worker("a") };
    let mut stage = Stage::started(flags(Strategy::OneForOne), vec![plan]);
    stage.failing.insert("a");
    stage.crash("a");
    stage.advance(60 * SECOND);
    assert_eq!(
        stage.played(),
        ["a waits 1s", "restart a", "a waits 2s", "restart a", "done: restart limit reached"]
    );
    let failed = |report: &&Report| matches!(report, Report::StartFailed { .. });
    assert_eq!(stage.reports.iter().filter(failed).count(), 2);
    let id = stage.id("a");
    assert_eq!(stage.reports.last(), Some(&Report::BackoffExhausted { id, failures: 2 }));
}

#[test]
fn the_timer_of_a_retry_that_was_cancelled_does_not_shorten_the_next_wait() {
    let backoff = one_to_ten_seconds();
    let mut stage = Stage::started(with_backoff(Strategy::OneForOne, backoff), workers(&["a"]));
    stage.crash("a");
    stage.terminate("a");
    stage.restart("a");
    stage.crash("a");
    assert_eq!(stage.played(), ["a waits 1s", "start a", "a waits 2s"]);
    stage.advance(2 * SECOND - 1);
    assert_eq!(stage.played(), [""; 0]);
    stage.advance(1);
    assert_eq!(stage.played(), ["restart a"]);
}

#[test]
fn the_back_off_of_a_child_goes_before_that_of_its_supervisor() {
    let own = Backoff::new(Duration::from_secs(3), Duration::from_secs(3)).jitter(0.0);
    let plans = vec![Plan { backoff: Some(own), ..worker("a") }, worker("b")];
    let mut stage = Stage::started(with_backoff(Strategy::OneForOne, one_to_ten_seconds()), plans);
    stage.crash("a");
    stage.crash("b");
    assert_eq!(stage.everything(), ["a waits 3s", "b waits 1s"]);
}

#[test]
fn a_group_is_stopped_while_it_waits_for_the_back_off_of_one() {
    let flags = with_backoff(Strategy::OneForAll, one_to_ten_seconds());
    let mut stage = Stage::started(flags, workers(&["a", "b", "c"]));
    stage.crash("b");
    assert_eq!(stage.everything(), ["stop c", "stop a", "b waits 1s"]);
    assert_eq!(stage.counts(), [3, 0, 0, 3]);
    stage.advance(SECOND);
    assert_eq!(stage.everything(), ["restart a", "restart b", "restart c"]);
    assert_eq!(stage.budget_spent(), 1);
}

#[test]
fn a_group_comes_back_without_a_child_that_is_terminated_while_it_waits() {
    let flags = with_backoff(Strategy::OneForAll, one_to_ten_seconds());
    let mut stage = Stage::started(flags, workers(&["a", "b", "c"]));
    stage.crash("b");
    stage.everything();
    assert_eq!(stage.terminate("b"), Some(Answer::Terminated));
    assert_eq!(stage.everything(), ["finish b", "restart a", "restart c"]);
    stage.advance(60 * SECOND);
    assert_eq!(stage.everything(), [""; 0]);
}

#[test]
fn supervisors_and_workers_are_counted_apart() {
    let inner = Plan::new(Some("inner".into()), ChildKind::Supervisor);
    let stage = Stage::started(flags(Strategy::OneForOne), vec![inner, worker("w")]);
    assert_eq!(stage.counts(), [2, 2, 1, 1]);
}
