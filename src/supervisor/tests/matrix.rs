//! Every restart type with every reason, and whatever an error may ask for, under every strategy,
//! for the first, a middle and the last child; and the table itself.

use std::time::Duration;

use crate::actor::{ExitReason, Recovery};
use crate::base::backoff::Backoff;
use crate::supervisor::action::Event;
use crate::supervisor::plan::Plan;
use crate::supervisor::strategy::{Restart, Strategy, Verdict};
use crate::supervisor::tests::{SECOND, Stage, flags, worker};

const RESTARTS: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];
const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn recoveries() -> [Recovery; 5] {
    let second = Duration::from_secs(1);
    let backoff = Recovery::Backoff(Backoff::new(second, second).jitter(0.0));
    // An actor that resumes has not ended; who hears of it all the same decides as usual.
    [Recovery::Supervise, Recovery::Resume, Recovery::Restart, backoff, Recovery::Stop]
}

fn reasons() -> [ExitReason; 9] {
    [
        ExitReason::Normal,
        ExitReason::Shutdown,
        ExitReason::ShutdownWith("enough".into()),
        ExitReason::Killed,
        ExitReason::Error("bad".into()),
        ExitReason::Panicked("worse".into()),
        ExitReason::NoActor,
        ExitReason::RestartLimit,
        ExitReason::Refused("not today".into()),
    ]
}

/// What the specification says in words, said a second time and in another way.
fn comes_back(restart: Restart, reason: &ExitReason, recovery: Recovery) -> bool {
    match (recovery, restart) {
        (Recovery::Stop, _) | (_, Restart::Temporary) => false,
        (_, Restart::Permanent) => true,
        (_, Restart::Transient) => reason.is_abnormal(),
    }
}

/// One way for a child to end.
#[derive(Clone, Debug)]
struct End {
    restart: Restart,
    reason: ExitReason,
    recovery: Recovery,
    at: usize,
}

fn expected(end: &End, strategy: Strategy) -> Vec<String> {
    let End { restart, reason, recovery, at } = end.clone();
    let name = NAMES[at];
    if !comes_back(restart, &reason, recovery) {
        let mut lines = vec![format!("finish {name}")];
        if restart == Restart::Temporary {
            lines.push(format!("forget {name}"));
        }
        return lines;
    }
    let group = match strategy {
        Strategy::OneForOne => at..at + 1,
        Strategy::OneForAll => 0..NAMES.len(),
        Strategy::RestForOne => at..NAMES.len(),
    };
    let siblings = group.clone().rev().filter(|sibling| *sibling != at);
    let stops = siblings.map(|sibling| format!("stop {}", NAMES[sibling]));
    let delayed = matches!(recovery, Recovery::Backoff(_));
    let wait = delayed.then(|| format!("{name} waits 1s"));
    let restarts = group.map(|member| format!("restart {}", NAMES[member]));
    stops.chain(wait).chain(restarts).collect()
}

fn ends() -> Vec<End> {
    let mut ends = Vec::new();
    for restart in RESTARTS {
        for reason in reasons() {
            for recovery in recoveries() {
                for at in [0, 2, NAMES.len() - 1] {
                    ends.push(End { restart, reason: reason.clone(), recovery, at });
                }
            }
        }
    }
    ends
}

// OTP: permanent_normal … temporary_abnormal, one_for_one, one_for_all, rest_for_one.
#[test]
fn every_end_under_every_strategy_has_exactly_the_consequences_of_the_table() {
    for end in ends() {
        for strategy in STRATEGIES {
            let mut plans: Vec<Plan> = NAMES.map(worker).into();
            plans[end.at].restart = end.restart;
            let mut stage = Stage::started(flags(strategy), plans);
            let id = stage.id(NAMES[end.at]);
            stage.feed(Event::ChildEnded(id, end.reason.clone(), end.recovery));
            stage.advance(SECOND);
            assert_eq!(stage.everything(), expected(&end, strategy), "{end:?}, {strategy:?}");
            let back = comes_back(end.restart, &end.reason, end.recovery);
            let specs = NAMES.len() - usize::from(end.restart == Restart::Temporary);
            let active = NAMES.len() - usize::from(!back);
            assert_eq!(stage.counts(), [specs, active, 0, specs]);
        }
    }
}

#[test]
fn the_decision_table_says_the_same_alone() {
    for end in ends() {
        let back = comes_back(end.restart, &end.reason, end.recovery);
        let verdict = if back { Verdict::Restart } else { Verdict::Finish };
        assert_eq!(end.restart.verdict(&end.reason, end.recovery), verdict, "{end:?}");
    }
}

#[test]
fn a_permanent_child_is_restarted_after_each_of_its_ends() {
    let mut stage = Stage::started(flags(Strategy::OneForOne), vec![worker("a")]);
    for reason in reasons() {
        stage.end("a", reason);
        assert_eq!(stage.everything(), ["restart a"]);
        assert_eq!(stage.counts(), [1, 1, 0, 1]);
    }
}
