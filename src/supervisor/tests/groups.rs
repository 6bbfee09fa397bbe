//! Order: of the first start, of group restarts, of what happens while one is under way.

use crate::actor::ExitReason;
use crate::supervisor::action::{Answer, Call, Event, Report};
use crate::supervisor::children::ChildStatus;
use crate::supervisor::plan::SpecError;
use crate::supervisor::strategy::Strategy;
use crate::supervisor::tests::{Stage, ended, error, flags, temporary, transient, worker, workers};

// S1: SUP-01. The ids are not sorted, lest an order by name pass for the order of starts.
#[test]
fn children_start_in_list_order_and_stop_in_reverse() {
    let mut stage = Stage::new(flags(Strategy::OneForOne), workers(&["7", "3", "10", "2", "5"]));
    stage.feed(Event::Start);
    assert_eq!(stage.played(), ["start 7", "start 3", "start 10", "start 2", "start 5", "ready"]);
    stage.shutdown();
    assert_eq!(
        stage.everything(),
        [
            "stop 5",
            "finish 5",
            "stop 2",
            "finish 2",
            "stop 10",
            "finish 10",
            "stop 3",
            "finish 3",
            "stop 7",
            "finish 7",
            "done: shutdown"
        ]
    );
}

#[test]
fn the_next_child_starts_only_when_the_start_before_has_come_out() {
    let mut stage = Stage::new(flags(Strategy::OneForOne), workers(&["a", "b"]));
    stage.slow.insert("a");
    stage.feed(Event::Start);
    assert_eq!(stage.played(), ["start a"]);
    stage.feed(Event::ChildStarted(stage.id("a")));
    assert_eq!(stage.played(), ["start b", "ready"]);
}

// SUP-02
#[test]
fn a_failed_first_start_rolls_back_in_reverse_and_is_not_tried_again() {
    let mut stage = Stage::new(flags(Strategy::OneForOne), workers(&["a", "b", "c", "d"]));
    stage.failing.insert("c");
    stage.feed(Event::Start);
    assert_eq!(
        stage.everything(),
        [
            "start a",
            "start b",
            "start c",
            "finish c",
            "stop b",
            "finish b",
            "stop a",
            "finish a",
            "c failed to start: error: on purpose"
        ]
    );
    let id = stage.id("c");
    assert_eq!(stage.reports, [Report::StartFailed { id, reason: error() }]);
}

// SUP-03, SUP-04
#[test]
fn a_child_that_declines_to_run_keeps_its_spec_unless_it_is_temporary() {
    let plans = vec![worker("kept"), temporary("gone"), worker("runs")];
    let mut stage = Stage::new(flags(Strategy::OneForOne), plans);
    stage.ignoring.extend(["kept", "gone"]);
    stage.feed(Event::Start);
    assert_eq!(stage.played(), ["start kept", "start gone", "start runs", "ready"]);
    assert_eq!(stage.status("kept"), Some(ChildStatus::NotRunning));
    assert_eq!(stage.counts(), [2, 1, 0, 2]);
    assert_eq!(stage.restart("kept"), Some(Answer::Ignored));
    stage.ignoring.clear();
    assert_eq!(stage.restart("kept"), Some(Answer::Started(stage.id("kept"))));
    assert_eq!(stage.call(Call::Add(temporary("gone"))), Some(Answer::Started(stage.id("gone"))));
    assert_eq!(stage.counts(), [3, 3, 0, 3]);
}

// SUP-12; OTP: order_of_children
#[test]
fn one_for_all_stops_the_others_in_reverse_and_starts_all_in_order() {
    let mut stage = Stage::started(flags(Strategy::OneForAll), workers(&["a", "b", "c"]));
    stage.crash("b");
    assert_eq!(stage.everything(), ["stop c", "stop a", "restart a", "restart b", "restart c"]);
}

// SUP-13
#[test]
fn rest_for_one_leaves_earlier_siblings_alone() {
    let mut stage = Stage::started(flags(Strategy::RestForOne), workers(&["a", "b", "c", "d"]));
    stage.crash("b");
    assert_eq!(stage.everything(), ["stop d", "stop c", "restart b", "restart c", "restart d"]);
}

// SUP-14; OTP: temporary_bystander
#[test]
fn a_temporary_sibling_is_stopped_with_the_group_and_does_not_come_back() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let plans = vec![worker("p"), temporary("t"), worker("q")];
        let mut stage = Stage::started(flags(strategy), plans);
        stage.crash("p");
        assert_eq!(
            stage.everything(),
            ["stop q", "stop t", "finish t", "forget t", "restart p", "restart q"],
            "{strategy:?}"
        );
        assert_eq!(stage.counts(), [2, 2, 0, 2]);
    }
}

// R3.6
#[test]
fn a_group_restart_brings_back_what_had_finished_or_was_terminated() {
    let plans = vec![transient("done"), worker("a"), worker("stopped")];
    let mut stage = Stage::started(flags(Strategy::OneForAll), plans);
    stage.end("done", ExitReason::Normal);
    assert_eq!(stage.terminate("stopped"), Some(Answer::Terminated));
    assert_eq!(stage.everything(), ["finish done", "stop stopped", "finish stopped"]);
    stage.crash("a");
    // New actors for those that had ended for good, the same actor for the one that crashed.
    assert_eq!(stage.everything(), ["start done", "restart a", "start stopped"]);
}

// R3.9
#[test]
fn two_children_that_die_together_cost_one_restart_in_a_group_and_two_alone() {
    for (strategy, spent) in
        [(Strategy::OneForAll, 1), (Strategy::RestForOne, 1), (Strategy::OneForOne, 2)]
    {
        let mut stage = Stage::started(flags(strategy), workers(&["a", "b", "c"]));
        stage.crash_together(&["a", "b"]);
        let restarts = |report: &&Report| matches!(report, Report::Restarting { .. });
        assert_eq!(stage.reports.iter().filter(restarts).count(), spent, "{strategy:?}");
        assert_eq!(stage.counts(), [3, 3, 0, 3]);
        let starts = stage.played().iter().filter(|line| line.starts_with("restart")).count();
        assert_eq!(starts, if strategy == Strategy::OneForOne { 2 } else { 3 });
    }
}

#[test]
fn a_sibling_that_ends_before_its_turn_to_be_stopped_is_taken_along() {
    let mut stage = Stage::started(flags(Strategy::OneForAll), workers(&["a", "b", "c"]));
    stage.slow.insert("c");
    stage.crash("b");
    assert_eq!(stage.played(), ["stop c"]);
    stage.crash("a");
    stage.slow.clear();
    stage.end("c", ExitReason::Shutdown);
    assert_eq!(stage.everything(), ["restart a", "restart b", "restart c"]);
    assert_eq!(stage.budget_spent(), 1);
}

#[test]
fn the_end_of_a_new_incarnation_during_the_restart_is_decided_after_it() {
    let mut stage = Stage::started(flags(Strategy::OneForAll), workers(&["a", "b"]));
    stage.slow.insert("b");
    stage.crash("b");
    stage.crash("a");
    assert_eq!(stage.played(), ["stop a", "restart a", "restart b"]);
    stage.slow.clear();
    stage.feed(Event::ChildStarted(stage.id("b")));
    assert_eq!(stage.played(), ["stop b", "restart a", "restart b"]);
    assert_eq!(stage.budget_spent(), 2);
}

#[test]
fn an_earlier_sibling_that_ends_during_a_rest_for_one_restart_is_decided_after_it() {
    let mut stage = Stage::started(flags(Strategy::RestForOne), workers(&["a", "b", "c"]));
    stage.slow.insert("c");
    stage.crash("b");
    stage.crash("a");
    assert_eq!(stage.played(), ["stop c"]);
    stage.slow.clear();
    stage.end("c", ExitReason::Shutdown);
    assert_eq!(
        stage.played(),
        ["restart b", "restart c", "stop c", "stop b", "restart a", "restart b", "restart c"]
    );
}

// R3.9
#[test]
fn ends_that_were_put_aside_are_taken_along_by_the_next_restart() {
    let plans = vec![worker("a"), temporary("t"), worker("b"), worker("c")];
    let mut stage = Stage::new(flags(Strategy::OneForAll), plans);
    stage.slow.insert("c");
    stage.feed(Event::Start);
    for name in ["b", "t", "a"] {
        stage.crash(name);
    }
    assert_eq!(stage.everything(), ["start a", "start t", "start b", "start c"]);
    stage.slow.clear();
    stage.feed(Event::ChildStarted(stage.id("c")));
    assert_eq!(
        stage.everything(),
        ["ready", "stop c", "finish t", "forget t", "restart a", "restart b", "restart c"]
    );
    assert_eq!(stage.budget_spent(), 1);
}

#[test]
fn a_retry_is_part_of_a_group_restart_that_comes_before_it() {
    let mut stage = Stage::started(flags(Strategy::OneForAll), workers(&["a", "b"]));
    stage.slow.insert("b");
    stage.crash("b");
    stage.everything();
    stage.slow.clear();
    let failed = Event::ChildStartFailed(stage.id("b"), error());
    stage.mailbox.extend([failed, ended(stage.id("a"), error())]);
    stage.drain();
    assert_eq!(stage.everything(), ["restart a", "restart b"]);
    assert_eq!(stage.budget_spent(), 2);
}

// R3.8; OTP: rest_for_one_other_child_fails_restart
#[test]
fn rest_for_one_retries_a_later_sibling_without_restarting_the_first_again() {
    let mut stage = Stage::started(flags(Strategy::RestForOne), workers(&["a", "b", "c", "d"]));
    stage.slow.insert("c");
    stage.crash("b");
    stage.end("c", ExitReason::Shutdown);
    assert_eq!(stage.played(), ["stop d", "stop c", "restart b", "restart c"]);
    stage.slow.clear();
    stage.feed(Event::ChildStartFailed(stage.id("c"), error()));
    assert_eq!(stage.played(), ["restart c", "restart d"]);
    assert_eq!(stage.budget_spent(), 2);
}

// R3.8; OTP: one_for_all_other_child_fails_restart
#[test]
fn one_for_all_starts_everything_again_when_a_sibling_fails_to_start() {
    let mut stage = Stage::started(flags(Strategy::OneForAll), workers(&["a", "b", "c"]));
    stage.slow.insert("b");
    stage.crash("b");
    assert_eq!(stage.played(), ["stop c", "stop a", "restart a", "restart b"]);
    stage.slow.clear();
    stage.feed(Event::ChildStartFailed(stage.id("b"), error()));
    assert_eq!(stage.played(), ["stop a", "restart a", "restart b", "restart c"]);
    assert_eq!(stage.budget_spent(), 2);
}

#[test]
fn contradictions_are_refused_before_anything_starts() {
    use crate::supervisor::decide::Decider;
    use crate::supervisor::plan::Flags;
    use crate::supervisor::strategy::{AutoShutdown, Restart};
    use crate::supervisor::tests::dynamic;

    let plain = || flags(Strategy::OneForOne);
    let zero = |mut flags: Flags| {
        flags.intensity.period_ns = 0;
        flags
    };
    let any = |flags| Flags { auto_shutdown: AutoShutdown::AnySignificant, ..flags };
    let significant = |restart| {
        let mut plan = worker("a");
        (plan.significant, plan.restart) = (true, restart);
        plan
    };
    // SUP-05, SUP-06
    let table = [
        (plain(), workers(&["a", "a"]), SpecError::DuplicateName("a".into())),
        (zero(plain()), vec![], SpecError::ZeroPeriod),
        (
            any(plain()),
            vec![significant(Restart::Permanent)],
            SpecError::SignificantPermanent("a".into()),
        ),
        (
            plain(),
            vec![significant(Restart::Temporary)],
            SpecError::SignificantForNothing("a".into()),
        ),
        (any(dynamic(9)), vec![], SpecError::DynamicAutoShutdown),
    ];
    for (flags, plans, fault) in table {
        assert_eq!(Decider::new(flags, plans).err(), Some(fault));
    }
    let mut stage = Stage::started(plain(), workers(&["b"]));
    let answer = stage.call(Call::Add(significant(Restart::Transient)));
    assert_eq!(answer, Some(Answer::Refused(SpecError::SignificantForNothing("a".into()))));
    assert_eq!(stage.counts(), [1, 1, 0, 1]);
}
