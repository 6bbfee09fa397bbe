//! How supervised actors stop: rules, order over a tree, kills, and who hears of it when.

use std::time::Duration;

use greenroom::prelude::*;
use greenroom::supervisor::{ChildError, ChildStatus};
use greenroom::{task, time};

use crate::support::{Log, ms};
use crate::worker::{ENDS, End, Get, Knobs, Start, WorkerProtocol};
use crate::worker::{in_system, plain, secs, worker};

type Child = Addr<WorkerProtocol>;

/// Writes down when each of these ended and how.
fn note_ends(log: &Log, actors: impl IntoIterator<Item = (&'static str, ActorId)>) {
    for (name, actor) in actors {
        let log = log.clone();
        task::spawn(async move {
            let reason = actor.ended().await;
            log.add(format!("{name}: {reason}"));
        })
        .detach();
    }
}

#[test]
fn sup_22_a_child_that_exceeds_its_limit_is_killed_and_its_siblings_stop_in_order() {
    in_system(async |system, log| {
        let slow = worker("slow", &log, &Knobs::new().stop_takes(secs(5)));
        let slow = child("slow", slow).shutdown(Shutdown::Timeout(ms(50)));
        let tree = Supervisor::one_for_one().child(plain("a", &log)).child(slow);
        let tree = tree.child(plain("b", &log)).start(system).await.unwrap();
        let slow: Child = tree.child("slow").await.unwrap();
        let before = time::now();
        // A call of the API stops it by the same rule.
        assert_eq!(tree.terminate_child("slow").await, Ok(()));
        assert_eq!(time::now() - before, ms(50));
        assert!(!slow.is_alive());
        tree.stop();
        assert_eq!(tree.ended().await, ExitReason::Shutdown);
        assert_eq!(log.take(), ["start a", "start slow", "start b", "stop b", "stop a"]);
    });
}

#[test]
fn sup_23_a_brutal_stop_runs_no_hook() {
    in_system(async |system, log| {
        let brutal = child("w", worker("w", &log, &Knobs::new())).shutdown(Shutdown::Brutal);
        let tree = Supervisor::one_for_one().child(plain("a", &log)).child(brutal);
        let tree = tree.start(system).await.unwrap();
        let w: Child = tree.child("w").await.unwrap();
        tree.stop();
        assert_eq!(w.ended().await, ExitReason::Killed);
        assert_eq!(tree.ended().await, ExitReason::Shutdown);
        assert_eq!(log.take(), ["start a", "start w", "stop a"]);
    });
}

#[test]
fn sup_24_infinity_waits() {
    in_system(async |system, log| {
        let patient = worker("w", &log, &Knobs::new().stop_takes(secs(600)));
        let patient = child("w", patient).shutdown(Shutdown::Infinity);
        let tree = Supervisor::one_for_one().child(patient).start(system).await.unwrap();
        let before = time::now();
        tree.stop();
        assert_eq!(tree.ended().await, ExitReason::Shutdown);
        assert_eq!(time::now() - before, secs(600));
        assert_eq!(log.take(), ["start w", "stop w"]);
    });
}

#[test]
fn sup_26_a_dynamic_supervisor_stops_each_child_by_its_own_rule() {
    in_system(async |system, log| {
        let tree = Supervisor::dynamic(9).start(system).await.unwrap();
        let mut children = Vec::new();
        for (takes, how) in
            [(3, Shutdown::Infinity), (3, Shutdown::Brutal), (3, Shutdown::Timeout(ms(1)))]
        {
            let spec = worker("w", &log, &Knobs::new().stop_takes(secs(takes)));
            children.push(tree.add(child("w", spec).shutdown(how)).await.unwrap());
        }
        let before = time::now();
        tree.stop();
        let ends = futures::future::join_all(children.iter().map(Addr::ended)).await;
        assert_eq!(ends, [ExitReason::Shutdown, ExitReason::Killed, ExitReason::Killed]);
        assert_eq!(time::now() - before, secs(3));
    });
}

#[test]
fn sup_29_a_foreign_actor_is_not_terminated() {
    in_system(async |system, log| {
        let tree = Supervisor::dynamic(9).start(system).await.unwrap();
        let own = tree.add(plain("own", &log)).await.unwrap();
        let foreign = system.spawn(plain("foreign", &log)).await.unwrap();
        let refused = tree.terminate_child(foreign).await;
        assert!(matches!(refused, Err(ChildError::NotFound(_))), "{refused:?}");
        assert!(foreign.is_alive());
        assert_eq!(tree.terminate_child(own).await, Ok(()));
    });
}

// Of one's own dead child there is nothing left to do.
#[test]
fn sup_29_terminating_a_dynamic_child_that_has_ended_is_no_error() {
    in_system(async |system, log| {
        let tree = Supervisor::dynamic(9).start(system).await.unwrap();
        let spec = child("own", worker("own", &log, &Knobs::new())).restart(Temporary);
        let own = tree.add(spec).await.unwrap();
        own.kill();
        own.ended().await;
        assert_eq!(tree.terminate_child(own).await, Ok(()));
    });
}

#[test]
fn sup_01_a_whole_tree_stops_in_reverse_and_mbx_13_parents_end_after_their_children() {
    in_system(async |system, log| {
        let tree = Supervisor::one_for_one().name("top").start(system).await.unwrap();
        let a = tree.add(plain("a", &log)).await.unwrap();
        let inner = tree.add(Supervisor::one_for_all().name("inner")).await.unwrap();
        let b = inner.add(plain("b", &log)).await.unwrap();
        let c = inner.add(plain("c", &log)).await.unwrap();
        let d = tree.add(plain("d", &log)).await.unwrap();
        log.take();
        let names = ["a", "b", "c", "d", "inner", "top"];
        let ids = [a.id(), b.id(), c.id(), d.id(), inner.id(), tree.id()];
        note_ends(&log, names.into_iter().zip(ids));
        time::sleep(ms(1)).await;
        tree.stop();
        tree.ended().await;
        time::sleep(ms(1)).await;
        let heard = log.take();
        let hooks = ["stop d", "stop c", "stop b", "stop a"];
        let stops = heard.iter().filter(|line| line.starts_with("stop"));
        assert!(stops.eq(hooks.iter()), "{heard:?}");
        let place = |line: &str| heard.iter().position(|other| other == line).expect(line);
        assert!(place("b: shutdown") < place("inner: shutdown"), "{heard:?}");
        assert!(place("c: shutdown") < place("b: shutdown"), "{heard:?}");
        assert_eq!(place("top: shutdown"), heard.len() - 1, "{heard:?}");
    });
}

#[test]
fn sig_01_a_watcher_of_a_supervised_actor_hears_of_its_last_end_once() {
    in_system(async |system, log| {
        for end in ENDS {
            let spec = child("w", worker("w", &log, &Knobs::new())).restart(Temporary);
            let w = system.spawn(spec).await.unwrap();
            let downs = Log::new();
            note_ends(&downs, [("w", w.id())]);
            time::sleep(ms(1)).await;
            w.try_tell(end).unwrap();
            time::sleep(secs(1)).await;
            assert_eq!(downs.take(), [format!("w: {}", end.reason())]);
        }
    });
}

// S4: it answers while a child's start hangs, and can be stopped.
#[test]
fn a_supervisor_answers_and_stops_while_a_start_hangs() {
    in_system(async |system, log| {
        let tree = Supervisor::one_for_one().child(plain("a", &log)).start(system).await.unwrap();
        let hangs = Knobs::new().start(|_| Start::Takes(Duration::from_secs(1_000_000)));
        let hangs = child("hangs", worker("hangs", &log, &hangs));
        let adding = task::spawn(async move { tree.add(hangs).await });
        time::sleep(secs(1)).await;
        let children = tree.children().await;
        assert_eq!(children[1].status, ChildStatus::Starting);
        assert_eq!((tree.count().await.specs, tree.count().await.active), (2, 1));
        let before = time::now();
        tree.stop();
        assert!(adding.await.unwrap().is_err());
        assert_eq!(tree.ended().await, ExitReason::Shutdown);
        assert!(time::now() - before < secs(5));
        assert_eq!(log.take(), ["start a", "stop a"]);
    });
}

#[test]
fn a_supervisor_stops_at_once_while_a_child_backs_off() {
    in_system(async |system, log| {
        let backoff = Backoff::new(secs(1_000), secs(1_000));
        let tree = Supervisor::one_for_all().backoff(backoff).child(plain("a", &log));
        let tree = tree.child(plain("b", &log)).start(system).await.unwrap();
        let b: Child = tree.child("b").await.unwrap();
        b.try_tell(End::Crash).unwrap();
        time::sleep(secs(1)).await;
        assert_eq!(tree.count().await.active, 0);
        let waiting = task::spawn(async move { b.ask(Get).await });
        time::sleep(ms(1)).await;
        let before = time::now();
        tree.stop();
        assert_eq!(tree.ended().await, ExitReason::Shutdown);
        assert_eq!(time::now(), before);
        let unanswered = waiting.await.unwrap();
        assert!(matches!(unanswered, Err(AskError::NeverHandled { .. })), "{unanswered:?}");
    });
}

// D6: only the killed actor skips its hook.
#[test]
fn children_of_a_killed_supervisor_end_with_their_hooks_and_none_survives() {
    in_system(async |system, log| {
        let stubborn = worker("stubborn", &log, &Knobs::new().stop_takes(secs(100)));
        let stubborn = child("stubborn", stubborn).shutdown(Shutdown::Timeout(secs(2)));
        let tree = Supervisor::one_for_one().child(plain("a", &log)).child(stubborn);
        let tree = tree.start(system).await.unwrap();
        let inner = tree.add(Supervisor::one_for_one().name("inner")).await.unwrap();
        let b = inner.add(plain("b", &log)).await.unwrap();
        let all = [tree.child::<WorkerProtocol>("a").await.unwrap(), b];
        let stubborn: Child = tree.child("stubborn").await.unwrap();
        log.take();
        let before = time::now();
        tree.id().kill();
        assert_eq!(stubborn.ended().await, ExitReason::Killed);
        assert_eq!(time::now() - before, secs(2));
        assert!(all.iter().all(|child| !child.is_alive()) && !inner.id().is_alive());
        let mut stops = log.take();
        stops.sort();
        assert_eq!(stops, ["stop a", "stop b"]);
    });
}

#[test]
fn the_restart_limit_is_visible_to_a_watcher_and_comes_after_the_children() {
    in_system(async |system, log| {
        let tree = Supervisor::one_for_one().intensity(0, secs(1)).child(plain("a", &log));
        let tree = tree.child(plain("b", &log)).start(system).await.unwrap();
        let [a, b] = ["a", "b"].map(|name| async move { tree.child(name).await.unwrap() });
        let (a, b): (Child, Child) = (a.await, b.await);
        log.take();
        note_ends(&log, [("top", tree.id()), ("a", a.id()), ("b", b.id())]);
        time::sleep(ms(1)).await;
        a.try_tell(End::Crash).unwrap();
        time::sleep(secs(1)).await;
        let heard = log.take();
        assert_eq!(heard.last().map(String::as_str), Some("top: restart limit reached"));
        assert!(heard.contains(&"a: error: told to".to_owned()), "{heard:?}");
        assert!(heard.contains(&"b: shutdown".to_owned()), "{heard:?}");
    });
}
