//! What may be asked of a supervisor, in every state of the child it is about.

use crate::actor::ExitReason;
use crate::supervisor::action::{Answer, Call, Event, RequestId};
use crate::supervisor::children::ChildStatus;
use crate::supervisor::strategy::Strategy;
use crate::supervisor::tests::{Stage, dynamic, ended, error, flags, temporary, worker, workers};

fn one_child() -> Stage {
    Stage::started(flags(Strategy::OneForOne), workers(&["a"]))
}

// SUP-20; OTP: child_adm, extra_return
#[test]
fn every_call_in_every_state_has_its_answer() {
    let mut stage = one_child();
    let a = stage.id("a");
    // Running.
    assert_eq!(stage.call(Call::Add(worker("a"))), Some(Answer::AlreadyStarted(a)));
    assert_eq!(stage.restart("a"), Some(Answer::Running));
    assert_eq!(stage.delete("a"), Some(Answer::Running));
    assert_eq!(stage.counts(), [1, 1, 0, 1]);
    assert_eq!(stage.terminate("a"), Some(Answer::Terminated));
    // Stopped.
    assert_eq!(stage.counts(), [1, 0, 0, 1]);
    assert_eq!(stage.terminate("a"), Some(Answer::Terminated));
    assert_eq!(stage.call(Call::Add(worker("a"))), Some(Answer::AlreadyPresent(a)));
    assert_eq!(stage.restart("a"), Some(Answer::Started(a)));
    assert_eq!(stage.counts(), [1, 1, 0, 1]);
    assert_eq!(stage.restart("a"), Some(Answer::Running));
    assert_eq!(stage.terminate("a"), Some(Answer::Terminated));
    assert_eq!(stage.delete("a"), Some(Answer::Deleted));
    // Unknown.
    assert_eq!(stage.counts(), [0, 0, 0, 0]);
    assert_eq!(stage.decider.children().find("a"), None);
    for call in [Call::Terminate(a), Call::Restart(a), Call::Delete(a)] {
        assert_eq!(stage.call(call), Some(Answer::NotFound));
    }
    stage.call(Call::Add(worker("a")));
    assert_ne!(stage.id("a"), a, "an id is not used again");
    assert_eq!(stage.counts(), [1, 1, 0, 1]);
}

#[test]
fn a_child_that_is_added_comes_last() {
    let mut stage = Stage::started(flags(Strategy::RestForOne), workers(&["z", "y"]));
    assert_eq!(stage.call(Call::Add(worker("a"))), Some(Answer::Started(stage.id("a"))));
    assert_eq!(stage.everything(), ["start a"]);
    stage.crash("y");
    assert_eq!(stage.everything(), ["stop a", "restart y", "restart a"]);
}

#[test]
fn a_child_that_fails_to_start_when_added_is_forgotten_and_not_tried_again() {
    let mut stage = one_child();
    stage.failing.insert("b");
    assert_eq!(stage.call(Call::Add(worker("b"))), Some(Answer::StartFailed(error())));
    assert_eq!(stage.everything(), ["start b", "finish b", "forget b"]);
    assert_eq!(stage.counts(), [1, 1, 0, 1]);
    stage.failing.clear();
    assert_eq!(stage.call(Call::Add(worker("b"))), Some(Answer::Started(stage.id("b"))));
    // A kept spec whose restart by call fails stays.
    stage.terminate("a");
    stage.failing.insert("a");
    assert_eq!(stage.restart("a"), Some(Answer::StartFailed(error())));
    assert_eq!(stage.status("a"), Some(ChildStatus::NotRunning));
    assert_eq!(stage.budget_spent(), 0, "restarts by call are free");
}

#[test]
fn a_temporary_child_that_is_terminated_is_forgotten() {
    let mut stage = one_child();
    stage.call(Call::Add(temporary("t")));
    stage.everything();
    assert_eq!(stage.terminate("t"), Some(Answer::Terminated));
    assert_eq!(stage.everything(), ["stop t", "finish t", "forget t"]);
    assert_eq!(stage.status("t"), None);
}

#[test]
fn calls_about_a_child_that_is_being_stopped_wait_in_order() {
    let mut stage = one_child();
    stage.slow.insert("a");
    let a = stage.id("a");
    for call in [Call::Terminate(a), Call::Terminate(a), Call::Restart(a), Call::Delete(a)] {
        assert_eq!(stage.call(call), None);
    }
    assert_eq!(stage.call(Call::Add(worker("a"))), None);
    // Others are not in their way.
    assert_eq!(stage.call(Call::Add(worker("b"))), Some(Answer::Started(stage.id("b"))));
    stage.feed(ended(a, ExitReason::Shutdown));
    assert_eq!(stage.everything(), ["stop a", "start b", "finish a", "start a"]);
    stage.feed(Event::ChildStarted(a));
    let answers: Vec<Answer> = stage.answers.values().cloned().collect();
    assert_eq!(
        answers,
        [
            Answer::Terminated,
            Answer::Terminated,
            Answer::Started(a),
            Answer::Running,
            Answer::AlreadyStarted(a),
            Answer::Started(stage.id("b")),
        ]
    );
}

#[test]
fn a_child_that_is_terminated_while_it_starts_is_stopped_and_both_callers_hear_of_it() {
    let mut stage = one_child();
    stage.slow.insert("b");
    assert_eq!(stage.call(Call::Add(worker("b"))), None);
    assert_eq!(stage.status("b"), Some(ChildStatus::Starting));
    assert_eq!(stage.terminate("b"), None);
    // The start had come out when the stop was on its way.
    stage.feed(Event::ChildStarted(stage.id("b")));
    stage.end("b", ExitReason::Shutdown);
    assert_eq!(stage.everything(), ["start b", "stop b", "finish b", "forget b"]);
    assert_eq!(stage.answers[&RequestId(0)], Answer::StartFailed(ExitReason::Shutdown));
    assert_eq!(stage.answers[&RequestId(1)], Answer::Terminated);
    assert_eq!(stage.status("b"), None);
}

#[test]
fn calls_wait_for_the_end_of_a_group_restart() {
    let mut stage = Stage::started(flags(Strategy::OneForAll), workers(&["a", "b"]));
    stage.slow.insert("b");
    stage.crash("b");
    let early = [stage.call(Call::Add(worker("c"))), stage.terminate("a"), stage.delete("b")];
    assert_eq!(early, [None, None, None]);
    stage.feed(Event::ChildStarted(stage.id("b")));
    assert_eq!(stage.played(), ["stop a", "restart a", "restart b", "start c", "stop a"]);
    assert_eq!(stage.answers[&RequestId(1)], Answer::Terminated);
    assert_eq!(stage.answers[&RequestId(2)], Answer::Running);
}

#[test]
fn a_start_that_was_asked_for_is_not_cut_short_by_a_group_restart() {
    let mut stage = Stage::started(flags(Strategy::OneForAll), workers(&["a", "b"]));
    stage.slow.insert("c");
    assert_eq!(stage.call(Call::Add(worker("c"))), None);
    stage.crash("a");
    assert_eq!(stage.played(), ["start c"]);
    stage.slow.clear();
    stage.feed(Event::ChildStarted(stage.id("c")));
    assert_eq!(stage.answers[&RequestId(0)], Answer::Started(stage.id("c")));
    assert_eq!(stage.played(), ["stop c", "stop b", "restart a", "restart b", "restart c"]);
}

// SUP-27, SUP-28, SUP-29
#[test]
fn a_dynamic_supervisor_has_limits_and_keeps_no_specs() {
    let mut stage = Stage::started(dynamic(1), vec![]);
    stage.call(Call::Add(worker("x")));
    stage.slow.insert("x");
    let x = stage.id("x");
    stage.crash("x");
    assert_eq!(stage.call(Call::Add(worker("y"))), Some(Answer::MaxChildren));
    assert_eq!(stage.counts(), [1, 0, 0, 1]);
    stage.everything();
    stage.feed(Event::ChildIgnored(x));
    assert_eq!(stage.everything(), ["finish x", "forget x"]);
    assert_eq!(stage.call(Call::Terminate(x)), Some(Answer::Terminated), "its own dead child");
    stage.shutdown();
    assert_eq!(stage.everything(), ["done: shutdown"]);
    let foreign = Stage::started(flags(Strategy::OneForOne), workers(&["f", "g"])).id("g");
    let mut stage = Stage::started(dynamic(1), vec![]);
    assert_eq!(stage.call(Call::Terminate(foreign)), Some(Answer::NotFound));
}

#[test]
fn strangers_and_echoes_change_nothing() {
    let mut stage = one_child();
    let b = Stage::started(flags(Strategy::OneForOne), workers(&["a", "b"])).id("b");
    let a = stage.id("a");
    stage.feed(ended(b, error()));
    stage.feed(Event::ChildStarted(b));
    stage.feed(Event::ChildStarted(a));
    stage.feed(Event::ChildStartFailed(a, error()));
    stage.feed(Event::ChildIgnored(a));
    stage.feed(Event::Start);
    assert_eq!(stage.everything(), [""; 0]);
    stage.terminate("a");
    stage.everything();
    stage.feed(ended(a, error()));
    assert_eq!(stage.everything(), [""; 0]);
    assert_eq!(stage.budget_spent(), 0);
}
