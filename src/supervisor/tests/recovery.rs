//! What the errors of handlers ask for, repeated first starts, refusals, and restarts without end.

use std::time::Duration;

use crate::actor::{ExitReason, Recovery};
use crate::base::backoff::Backoff;
use crate::supervisor::action::{Answer, Call, Event, Report};
use crate::supervisor::children::ChildStatus;
use crate::supervisor::intensity::Intensity;
use crate::supervisor::plan::{Flags, Plan};
use crate::supervisor::strategy::{AutoShutdown, Strategy};
use crate::supervisor::tests::{SECOND, Stage, dynamic, error, flags, transient, worker, workers};

const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];

fn backoff(seconds: u64) -> Backoff {
    let delay = Duration::from_secs(seconds);
    Backoff::new(delay, delay).jitter(0.0)
}

fn refused() -> ExitReason {
    ExitReason::Refused("not today".into())
}

// R3.27
#[test]
fn an_error_that_asks_for_a_restart_does_not_wait_for_the_back_off() {
    let flags = Flags { backoff: Some(backoff(9)), ..flags(Strategy::OneForOne) };
    let own = Plan { backoff: Some(backoff(7)), ..worker("b") };
    let mut stage = Stage::started(flags, vec![worker("a"), own]);
    stage.crash_asking("a", Recovery::Restart);
    stage.crash_asking("b", Recovery::Restart);
    assert_eq!(stage.everything(), ["restart a", "restart b"]);
    assert_eq!(stage.budget_spent(), 2, "it costs as much as any other restart");
    stage.crash("a");
    assert_eq!(stage.everything(), ["a waits 9s"]);
}

// R3.27
#[test]
fn the_back_off_that_an_error_asks_for_goes_before_all_others_until_the_child_has_started() {
    let plan = Plan { backoff: Some(backoff(7)), ..worker("a") };
    let mut stage = Stage::started(flags(Strategy::OneForOne), vec![plan]);
    stage.failing.insert("a");
    stage.crash_asking("a", Recovery::Backoff(backoff(2)));
    stage.advance(2 * SECOND);
    assert_eq!(stage.everything(), ["a waits 2s", "restart a", "a waits 2s"]);
    stage.failing.clear();
    stage.advance(2 * SECOND);
    stage.crash("a");
    assert_eq!(stage.everything(), ["restart a", "a waits 7s"]);
}

#[test]
fn the_limit_of_a_back_off_that_was_asked_for_holds() {
    let mut stage = Stage::started(flags(Strategy::OneForOne), workers(&["a"]));
    stage.failing.insert("a");
    stage.crash_asking("a", Recovery::Backoff(backoff(1).max_restarts(2)));
    stage.advance(9 * SECOND);
    assert_eq!(
        stage.played(),
        ["a waits 1s", "restart a", "a waits 1s", "restart a", "done: restart limit reached"]
    );
}

// R3.27, R3.6
#[test]
fn a_final_error_ends_a_permanent_child_alone_and_a_later_group_brings_it_back() {
    for strategy in STRATEGIES {
        let mut stage = Stage::started(flags(strategy), workers(&["a", "b"]));
        stage.crash_asking("b", Recovery::Stop);
        assert_eq!(stage.everything(), ["finish b"]);
        assert_eq!(stage.status("b"), Some(ChildStatus::NotRunning));
        assert_eq!(stage.budget_spent(), 0);
        stage.crash("a");
        let back: &[&str] = match strategy {
            Strategy::OneForOne => &["restart a"],
            Strategy::OneForAll | Strategy::RestForOne => &["restart a", "start b"],
        };
        assert_eq!(stage.everything(), back);
    }
}

#[test]
fn a_final_error_of_a_significant_child_counts_as_an_end_by_itself() {
    let flags = Flags { auto_shutdown: AutoShutdown::AnySignificant, ..flags(Strategy::OneForOne) };
    let significant = Plan { significant: true, ..transient("s") };
    let mut stage = Stage::started(flags, vec![worker("a"), significant]);
    stage.crash_asking("s", Recovery::Restart);
    stage.crash_asking("s", Recovery::Stop);
    assert_eq!(stage.played(), ["restart s", "stop a", "done: shutdown"]);
}

#[test]
fn what_an_error_asks_for_is_kept_while_it_cannot_be_decided() {
    for (recovery, expected) in [(Recovery::Stop, "finish a"), (Recovery::Restart, "restart a")] {
        let mut flags = flags(Strategy::RestForOne);
        flags.backoff = Some(backoff(1));
        let mut stage = Stage::started(flags, workers(&["a", "b", "c"]));
        stage.crash_asking("c", Recovery::Restart);
        stage.everything();
        stage.slow.insert("c");
        stage.crash_asking("c", Recovery::Restart);
        assert_eq!(stage.everything(), ["restart c"]);
        // The group of c is being started: the end of a must wait.
        stage.crash_asking("a", recovery);
        assert_eq!(stage.everything(), [""; 0]);
        stage.slow.clear();
        stage.feed(Event::ChildStarted(stage.id("c")));
        assert!(stage.everything().iter().any(|line| line == expected), "{recovery:?}");
    }
}

// SUP-44
#[test]
fn a_first_start_is_tried_as_often_as_the_plan_says_and_no_more() {
    for (tries, starts) in [(0, 1), (1, 1), (2, 2), (3, 3)] {
        let plan = || Plan { start_tries: tries, ..worker("w") };
        let repeats = vec!["restart w"; starts - 1];
        // As a static child.
        let mut stage = Stage::new(flags(Strategy::OneForOne), vec![worker("a"), plan()]);
        stage.failing.insert("w");
        stage.feed(Event::Start);
        let failed = "w failed to start: error: on purpose";
        let expected = [&["start a", "start w"], &*repeats, &["stop a", failed]].concat();
        assert_eq!(stage.played(), expected);
        // By a call, here and in a family that comes and goes.
        for flags in [flags(Strategy::OneForOne), dynamic(9)] {
            let mut stage = Stage::started(flags, workers(&[]));
            stage.failing.insert("w");
            let answer = stage.call(Call::Add(plan()));
            assert_eq!(answer, Some(Answer::StartFailed(error())));
            assert_eq!(stage.played(), [&["start w"], &*repeats].concat());
            assert_eq!(stage.status("w"), None);
            let failed = |report: &&Report| matches!(report, Report::StartFailed { .. });
            assert_eq!(stage.reports.iter().filter(failed).count(), starts);
            assert_eq!(stage.budget_spent(), 0);
        }
    }
}

#[test]
fn a_first_start_that_is_being_repeated_can_be_cut_short() {
    let mut stage = Stage::started(flags(Strategy::OneForOne), workers(&["a"]));
    stage.slow.insert("w");
    let plan = Plan { start_tries: 3, ..worker("w") };
    stage.call(Call::Add(plan));
    stage.feed(Event::ChildStartFailed(stage.id("w"), error()));
    assert_eq!(stage.status("w"), Some(ChildStatus::Starting));
    stage.shutdown();
    stage.feed(Event::ChildStartFailed(stage.id("w"), ExitReason::Killed));
    assert_eq!(stage.played(), ["start w", "restart w", "stop w", "stop a", "done: shutdown"]);
    assert!(stage.answers.values().any(|answer| *answer == Answer::ShuttingDown));
}

// R2.2
#[test]
fn a_refusal_is_a_start_that_failed_but_a_first_one_is_not_tried_again() {
    let plan = Plan { start_tries: 3, ..worker("w") };
    let mut stage = Stage::started(flags(Strategy::OneForOne), workers(&["a"]));
    stage.slow.insert("w");
    stage.call(Call::Add(plan));
    let id = stage.id("w");
    stage.feed(Event::ChildStartFailed(id, refused()));
    assert_eq!(stage.everything(), ["start w", "finish w", "forget w"]);
    assert!(stage.answers.values().any(|answer| *answer == Answer::StartFailed(refused())));
    // A restart goes on, and costs what a restart costs.
    stage.crash("a");
    stage.slow.insert("a");
    stage.crash("a");
    stage.everything();
    stage.feed(Event::ChildStartFailed(stage.id("a"), refused()));
    assert_eq!(stage.everything(), ["restart a"]);
    assert_eq!(stage.budget_spent(), 3);
}

/// How often a child that takes so long to come back is said to go on without end.
fn endless(stage: &Stage) -> Vec<(u64, u32)> {
    let told = stage.reports.iter().filter_map(|report| match report {
        Report::EndlessRestarts { down_ns, intensity, .. } => Some((*down_ns, intensity.max)),
        _ => None,
    });
    told.collect()
}

// R3.13
#[test]
fn a_child_whose_starts_are_so_slow_that_the_budget_is_never_used_up_is_reported_once() {
    for strategy in STRATEGIES {
        let intensity = Intensity { max: 3, period_ns: 9 * SECOND };
        let flags = Flags { intensity, ..flags(strategy) };
        let mut stage = Stage::started(flags, workers(&["a"]));
        stage.slow.insert("a");
        for (takes, told) in [(3 * SECOND, 0), (3 * SECOND + 1, 1), (5 * SECOND, 1)] {
            // One that ran for long is steady, however long it took to come back.
            stage.advance(60 * SECOND);
            stage.crash("a");
            stage.advance(takes);
            stage.feed(Event::ChildStarted(stage.id("a")));
            assert_eq!(endless(&stage).len(), told, "{takes}");
        }
        assert_eq!(endless(&stage), [(3 * SECOND + 1, 3)]);
    }
}

// R3.13
#[test]
fn a_back_off_that_outgrows_the_budget_is_reported_unless_it_has_a_limit() {
    let delays = Backoff::new(Duration::from_secs(1), Duration::from_secs(4)).jitter(0.0);
    for (backoff, told) in [(delays, vec![(4 * SECOND, 3)]), (delays.max_restarts(9), vec![])] {
        let intensity = Intensity { max: 3, period_ns: 10 * SECOND };
        let flags = Flags { intensity, backoff: Some(backoff), ..flags(Strategy::OneForOne) };
        let mut stage = Stage::started(flags, workers(&["a"]));
        stage.failing.insert("a");
        stage.crash("a");
        stage.advance(40 * SECOND);
        assert_eq!(endless(&stage), told);
    }
}

#[test]
fn a_budget_of_nothing_is_never_out_of_reach_and_first_starts_are_not_meant() {
    let intensity = Intensity { max: 1, period_ns: SECOND };
    let flags = Flags { intensity, ..flags(Strategy::OneForOne) };
    let mut stage = Stage::new(flags, workers(&["a"]));
    stage.slow.insert("a");
    stage.feed(Event::Start);
    stage.advance(100 * SECOND);
    stage.feed(Event::ChildStarted(stage.id("a")));
    assert_eq!(endless(&stage), []);
}
