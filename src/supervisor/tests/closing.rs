//! Stopping: of the whole family from every state, of stubborn children, because of a significant
//! one.

use std::time::Duration;

use crate::actor::ExitReason;
use crate::supervisor::action::{Answer, Call, Event, Report};
use crate::supervisor::plan::{Flags, Plan};
use crate::supervisor::strategy::{AutoShutdown, Shutdown, Strategy};
use crate::supervisor::tests::{
    SECOND, Stage, dynamic, error, flags, temporary, transient, worker, workers,
};

#[test]
fn a_shutdown_before_the_start_ends_at_once() {
    let mut stage = Stage::new(flags(Strategy::OneForOne), workers(&["a"]));
    stage.shutdown();
    assert_eq!(stage.everything(), ["done: shutdown"]);
    stage.feed(Event::Start);
    assert_eq!(stage.everything(), [""; 0]);
}

// R3.19
#[test]
fn a_shutdown_takes_effect_at_once_while_the_first_start_is_under_way() {
    let mut stage = Stage::new(flags(Strategy::OneForOne), workers(&["a", "b", "c"]));
    stage.slow.insert("b");
    stage.feed(Event::Start);
    stage.everything();
    stage.shutdown();
    assert_eq!(stage.everything(), ["stop b"]);
    stage.feed(Event::ChildStartFailed(stage.id("b"), ExitReason::Shutdown));
    assert_eq!(stage.everything(), ["finish b", "stop a", "finish a", "done: shutdown"]);
}

// R3.19; OTP: hanging_restart_loop
#[test]
fn a_shutdown_takes_effect_at_once_while_a_group_is_stopped() {
    let mut stage = Stage::started(flags(Strategy::OneForAll), workers(&["a", "b", "c"]));
    stage.slow.insert("c");
    stage.crash("b");
    stage.shutdown();
    assert_eq!(stage.everything(), ["stop c"]);
    stage.end("c", ExitReason::Shutdown);
    assert_eq!(
        stage.everything(),
        ["finish c", "finish b", "stop a", "finish a", "done: shutdown"]
    );
}

#[test]
fn a_shutdown_takes_effect_at_once_while_a_group_is_started() {
    let mut stage = Stage::started(flags(Strategy::OneForAll), workers(&["a", "b", "c"]));
    stage.slow.insert("b");
    stage.crash("b");
    assert_eq!(stage.everything(), ["stop c", "stop a", "restart a", "restart b"]);
    let late = stage.call(Call::Add(worker("d")));
    stage.crash("a");
    stage.shutdown();
    stage.end("b", ExitReason::Shutdown);
    assert_eq!(
        stage.everything(),
        ["finish c", "stop b", "finish b", "finish a", "done: shutdown"]
    );
    assert_eq!(late, None);
    assert_eq!(stage.answers.values().next(), Some(&Answer::ShuttingDown));
}

#[test]
fn a_shutdown_ends_the_wait_for_a_retry() {
    use crate::base::backoff::Backoff;
    let backoff = Backoff::new(Duration::from_secs(9), Duration::from_secs(9));
    let flags = Flags { backoff: Some(backoff), ..flags(Strategy::OneForOne) };
    let mut stage = Stage::started(flags, workers(&["a", "b"]));
    stage.crash("a");
    stage.everything();
    stage.shutdown();
    assert_eq!(stage.everything(), ["stop b", "finish b", "finish a", "done: shutdown"]);
    stage.advance(60 * SECOND);
    assert_eq!(stage.everything(), [""; 0]);
}

// R3.16; OTP: sup_stop_race
#[test]
fn what_ends_during_a_shutdown_is_reported_but_never_restarted() {
    let mut stage = Stage::started(flags(Strategy::OneForAll), workers(&["a", "b", "c"]));
    stage.slow.insert("c");
    stage.shutdown();
    stage.crash("a");
    assert_eq!(stage.everything(), ["stop c", "finish a"]);
    stage.end("c", ExitReason::Normal);
    assert_eq!(stage.everything(), ["finish c", "stop b", "finish b", "done: shutdown"]);
    let (a, c) = (stage.id("a"), stage.id("c"));
    assert_eq!(
        stage.reports,
        [
            Report::Crashed { id: a, reason: error() },
            Report::StoppedOddly { id: c, reason: ExitReason::Normal }
        ]
    );
}

#[test]
fn the_first_reason_for_a_shutdown_stands() {
    let mut stage = Stage::started(flags(Strategy::OneForOne), workers(&["a"]));
    stage.slow.insert("a");
    stage.feed(Event::Shutdown(ExitReason::ShutdownWith("update".into())));
    stage.shutdown();
    assert_eq!(stage.call(Call::Add(worker("b"))), Some(Answer::ShuttingDown));
    stage.crash("a");
    assert_eq!(stage.played(), ["stop a", "done: shutdown: update"]);
    assert_eq!(stage.call(Call::Add(worker("b"))), Some(Answer::ShuttingDown));
}

// SUP-22
#[test]
fn a_child_that_does_not_stop_in_time_is_killed_once() {
    let plan = Plan { shutdown: Shutdown::Timeout(Duration::from_millis(50)), ..worker("a") };
    let mut stage = Stage::started(flags(Strategy::OneForOne), vec![plan, worker("b")]);
    stage.slow.insert("a");
    stage.shutdown();
    stage.everything();
    let (a, ticket) = (stage.id("a"), stage.tickets[&stage.id("a")]);
    stage.feed(Event::StopOverdue(stage.id("b"), ticket));
    assert_eq!(stage.everything(), [""; 0]);
    stage.feed(Event::StopOverdue(a, ticket));
    assert_eq!(stage.everything(), ["kill a", "finish a", "done: shutdown"]);
    assert_eq!(stage.reports, [], "it ended as it was asked to in the end");
    stage.feed(Event::StopOverdue(a, ticket));
    assert_eq!(stage.everything(), [""; 0]);
}

// S3: the timer of a stop that is over must not kill the next incarnation.
#[test]
fn a_late_timer_of_an_earlier_stop_kills_nobody() {
    let mut stage = Stage::started(flags(Strategy::OneForAll), workers(&["a", "b"]));
    stage.crash("a");
    let (b, earlier) = (stage.id("b"), stage.tickets[&stage.id("b")]);
    stage.slow.insert("b");
    stage.crash("a");
    stage.everything();
    stage.feed(Event::StopOverdue(b, earlier));
    assert_eq!(stage.everything(), [""; 0]);
}

// SUP-23
#[test]
fn a_brutal_stop_is_a_kill_and_ends_as_asked() {
    let plan = Plan { shutdown: Shutdown::Brutal, ..worker("a") };
    let mut stage = Stage::started(flags(Strategy::OneForOne), vec![plan]);
    stage.shutdown();
    assert_eq!(stage.everything(), ["stop a", "finish a", "done: shutdown"]);
    assert_eq!(stage.reports, []);
}

// SUP-25
#[test]
fn a_dynamic_supervisor_stops_all_children_at_once() {
    let mut stage = Stage::started(dynamic(9), vec![]);
    for name in ["x", "y", "z"] {
        stage.call(Call::Add(worker(name)));
    }
    stage.slow.extend(["x", "y", "z"]);
    stage.everything();
    stage.shutdown();
    assert_eq!(stage.everything(), ["stop z", "stop y", "stop x"]);
    for name in ["y", "x", "z"] {
        stage.end(name, ExitReason::Shutdown);
    }
    let gone = ["y", "x", "z"].map(|name| [format!("finish {name}"), format!("forget {name}")]);
    let mut expected = gone.concat();
    expected.push("done: shutdown".to_owned());
    assert_eq!(stage.everything(), expected);
}

fn family(auto_shutdown: AutoShutdown, significant: fn(&str) -> Plan) -> Stage {
    let plan = |name| Plan { significant: true, ..significant(name) };
    let flags = Flags { auto_shutdown, ..flags(Strategy::OneForOne) };
    Stage::started(flags, vec![worker("a"), plan("s1"), plan("s2")])
}

// SUP-30; OTP: significant_transient, significant_temporary
#[test]
fn the_end_of_significant_children_ends_the_supervisor() {
    let mut any = family(AutoShutdown::AnySignificant, transient);
    any.crash("s1");
    assert_eq!(any.played(), ["restart s1"]);
    any.end("s1", ExitReason::Normal);
    assert_eq!(any.played(), ["stop s2", "stop a", "done: shutdown"]);
    let id = any.id("s1");
    assert!(any.reports.contains(&Report::AutoShutdown { id }));

    let mut all = family(AutoShutdown::AllSignificant, transient);
    all.end("s1", ExitReason::Normal);
    assert_eq!(all.played(), [""; 0]);
    all.end("s2", ExitReason::Shutdown);
    assert_eq!(all.played(), ["stop a", "done: shutdown"]);

    let mut killed = family(AutoShutdown::AnySignificant, temporary);
    killed.end("s2", ExitReason::Killed);
    assert_eq!(killed.played(), ["stop s1", "stop a", "done: shutdown"]);
}

#[test]
fn ends_by_call_or_with_the_group_are_not_significant() {
    let mut stage = family(AutoShutdown::AnySignificant, transient);
    assert_eq!(stage.terminate("s1"), Some(Answer::Terminated));
    assert_eq!(stage.played(), ["stop s1"]);
    assert!(!stage.decider.is_closing());

    let significant = Plan { significant: true, ..temporary("s") };
    let auto_shutdown = AutoShutdown::AllSignificant;
    let flags = Flags { auto_shutdown, ..flags(Strategy::OneForAll) };
    let mut stage = Stage::started(flags, vec![worker("a"), significant]);
    stage.crash("a");
    assert_eq!(stage.played(), ["stop s", "restart a"]);
    assert!(!stage.decider.is_closing());
}

// SUP-35
#[test]
fn stopping_many_children_takes_time_in_proportion() {
    let names: Vec<String> = (0..50_000).map(|number| number.to_string()).collect();
    let plans = names.iter().map(|name| worker(name)).collect();
    let mut stage = Stage::started(flags(Strategy::OneForAll), plans);
    stage.crash("17");
    assert_eq!(stage.everything().len(), 2 * names.len() - 1);
    stage.shutdown();
    assert_eq!(stage.everything().len(), 2 * names.len() + 1);
}
