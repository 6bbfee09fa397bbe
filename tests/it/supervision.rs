//! Actors under supervisors as others see them: those who ask, watch, name and start them. What
//! supervisors themselves promise is shown in `tests/conformance`.

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::actor::Cause;
use greenroom::prelude::*;
use greenroom::supervisor::{ChildCounts, ChildError, StartError};
use greenroom::{task, time};

use crate::support::{Log, ms};
use crate::support::{in_system, secs};
use crate::worker::{ENDS, End, Get, Inc, Knobs, Start, WorkerProtocol};
use crate::worker::{plain, worker};

#[test]
fn an_asker_learns_of_a_crash_at_once_and_the_message_is_a_dead_letter() {
    in_system(async |system, log| {
        let causes = Rc::new(RefCell::new(Vec::new()));
        let heard = Rc::clone(&causes);
        system.on_dead_letter(move |letter| heard.borrow_mut().push(letter.cause.clone()));
        let w = system.spawn(plain("w", &log)).await.unwrap();
        let before = time::now();
        let (crashed, next) = futures::join!(w.ask(End::Crash), w.ask(Get));
        assert!(matches!(crashed, Err(AskError::Crashed { .. })), "{crashed:?}");
        assert_eq!(next.unwrap(), (1, 0));
        assert_eq!(time::now(), before);
        assert!(matches!(causes.borrow()[..], [Cause::Crashed(ExitReason::Error(_))]));
        w.try_tell(End::Normal).unwrap();
        assert_eq!(w.ask(Get).await.unwrap().0, 2, "a permanent child comes back from any end");
    });
}

#[test]
fn reg_02_a_name_is_kept_over_a_restart_and_freed_before_the_end_is_heard_of() {
    in_system(async |system, log| {
        let spec = child("w", worker("w", &log, &Knobs::new())).restart(Transient);
        let w = system.spawn(spec).await.unwrap();
        system.register("printer", w).unwrap();
        w.try_tell(End::Crash).unwrap();
        w.ask(Get).await.unwrap();
        assert_eq!(system.lookup::<WorkerProtocol>("printer").unwrap(), w);
        assert!(system.register("printer", w).is_err());
        w.try_tell(End::Normal).unwrap();
        assert_eq!(w.ended().await, ExitReason::Normal);
        assert!(system.lookup::<WorkerProtocol>("printer").is_err());
        assert_eq!(system.names(), 0);
    });
}

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

#[test]
fn mbx_01_starts_come_to_an_address_or_to_the_reason_why_not() {
    in_system(async |system, log| {
        let tree = Supervisor::one_for_one().start(system).await.unwrap();
        let table = [
            (Start::Works, None),
            (Start::Fails, Some(ExitReason::Error("no start".into()))),
            (Start::Panics, Some(ExitReason::Panicked("no start".into()))),
        ];
        for (start, failure) in table {
            let knobs = Knobs::new().start(move |_| start);
            let added = tree.add(child("w", worker("w", &log, &knobs)).restart(Temporary)).await;
            match failure {
                None => assert_eq!(tree.terminate_child(added.unwrap()).await, Ok(())),
                Some(reason) => {
                    let name = "w".into();
                    assert_eq!(added.unwrap_err(), StartError::Failed { name, reason });
                }
            }
            assert_eq!(knobs.starts.get(), 1, "a first start that fails is not tried again");
            assert_eq!(tree.count().await, ChildCounts::default());
        }
        let declines = Knobs::new().start(|_| Start::Declines);
        let declined = tree.add(child("w", worker("w", &log, &declines))).await;
        assert_eq!(declined.unwrap_err(), StartError::Declined { name: "w".into() });
        assert_eq!(
            tree.count().await,
            ChildCounts { specs: 1, workers: 1, ..ChildCounts::default() }
        );
        assert_eq!(tree.restart_child("w").await, Err(ChildError::Declined("w".to_owned())));
    });
}

#[test]
fn mbx_03_mail_that_comes_before_the_start_is_kept() {
    in_system(async |_system, log| {
        let knobs = Knobs::new().start(|_| Start::Takes(secs(1)));
        let mailbox = MailboxOptions::bounded(1);
        let w = greenroom::actor::spawn_with("w", mailbox, worker("w", &log, &knobs));
        w.try_tell(Inc(1)).unwrap();
        w.tell(Inc(2)).await.unwrap();
        assert_eq!(w.ask(Get).await.unwrap(), (0, 3));
    });
}
