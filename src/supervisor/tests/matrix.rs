//! Every restart type with every reason under every strategy, for the first, a middle and the last
//! child; and the table itself.

use crate::actor::ExitReason;
use crate::supervisor::plan::Plan;
use crate::supervisor::strategy::{Restart, Strategy, Verdict};
use crate::supervisor::tests::{Stage, flags, worker};

const RESTARTS: [Restart; 3] = [Restart::Permanent, Restart::Transient, Restart::Temporary];
const STRATEGIES: [Strategy; 3] = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn reasons() -> [ExitReason; 8] {
    [
        ExitReason::Normal,
        ExitReason::Shutdown,
        ExitReason::ShutdownWith("enough".into()),
        ExitReason::Killed,
        ExitReason::Error("bad".into()),
        ExitReason::Panicked("worse".into()),
        ExitReason::NoActor,
        ExitReason::RestartLimit,
    ]
}

/// What the specification says in words, said a second time and in another way.
fn comes_back(restart: Restart, reason: &ExitReason) -> bool {
    match restart {
        Restart::Permanent => true,
        Restart::Transient => reason.is_abnormal(),
        Restart::Temporary => false,
    }
}

fn expected(restart: Restart, reason: &ExitReason, strategy: Strategy, at: usize) -> Vec<String> {
    let name = NAMES[at];
    if !comes_back(restart, reason) {
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
    stops.chain(group.map(|member| format!("restart {}", NAMES[member]))).collect()
}

// OTP: permanent_normal … temporary_abnormal, one_for_one, one_for_all, rest_for_one.
#[test]
fn every_end_under_every_strategy_has_exactly_the_consequences_of_the_table() {
    for restart in RESTARTS {
        for reason in reasons() {
            for strategy in STRATEGIES {
                for at in [0, 2, NAMES.len() - 1] {
                    let mut plans: Vec<Plan> = NAMES.map(worker).into();
                    plans[at].restart = restart;
                    let mut stage = Stage::started(flags(strategy), plans);
                    stage.end(NAMES[at], reason.clone());
                    assert_eq!(
                        stage.everything(),
                        expected(restart, &reason, strategy, at),
                        "{restart:?}, {reason:?}, {strategy:?}, child {at}"
                    );
                    let back = comes_back(restart, &reason);
                    let specs = NAMES.len() - usize::from(restart == Restart::Temporary);
                    let active = NAMES.len() - usize::from(!back);
                    assert_eq!(stage.counts(), [specs, active, 0, specs]);
                }
            }
        }
    }
}

#[test]
fn the_decision_table_says_the_same_alone() {
    for restart in RESTARTS {
        for reason in reasons() {
            let verdict =
                if comes_back(restart, &reason) { Verdict::Restart } else { Verdict::Finish };
            assert_eq!(restart.verdict(&reason), verdict, "{restart:?}, {reason:?}");
        }
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
