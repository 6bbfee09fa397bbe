//! Names: kept over restarts, typed; and dead letters. The cases are in `tests/conformance/reg.rs`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use greenroom::actor::Cause;
use greenroom::prelude::*;
use greenroom::registry::LookupError;
use greenroom::time;

use crate::support::{Log, Work, ms, settle};
use crate::support::{in_system, secs};
use crate::worker::{End, Get, Inc, Knobs, WorkerProtocol};
use crate::worker::{plain, worker};

#[test]
fn a_name_is_kept_over_a_restart_and_refused_to_others_meanwhile() {
    in_system(async |system, log| {
        let backoff = Backoff::new(secs(10), secs(10));
        let spec = child("w", worker("w", &log, &Knobs::new())).backoff(backoff);
        let w = system.spawn(spec).await.unwrap();
        let other = system.spawn(plain("other", &log)).await.unwrap();
        system.register("a", w).unwrap();
        w.try_tell(End::Panic).unwrap();
        time::sleep(secs(1)).await;
        assert!(system.register("a", other).is_err(), "its owner is being restarted");
        assert_eq!(system.lookup::<WorkerProtocol>("a"), Ok(w));
        assert_eq!(w.ask(Get).no_timeout().await.unwrap(), (1, 0));
    });
}

#[test]
fn a_name_leads_to_its_protocol_only() {
    in_system(async |system, log| {
        let w = system.spawn(plain("w", &log)).await.unwrap();
        system.register("a", w).unwrap();
        let other = system.lookup::<Work>("a");
        assert!(matches!(other, Err(LookupError::OtherProtocol { .. })), "{other:?}");
        let nobody = system.lookup::<WorkerProtocol>("b");
        assert_eq!(nobody, Err(LookupError::NotFound { name: "b".into() }));
        let tree = Supervisor::one_for_one().child(plain("w", &log)).start(system).await.unwrap();
        assert!(tree.child::<Work>("w").await.is_none());
        assert!(tree.child::<WorkerProtocol>("w").await.is_some());
        assert!(tree.child::<WorkerProtocol>("x").await.is_none());
    });
}

#[test]
fn a_listener_that_panics_is_removed_and_the_others_still_hear() {
    in_system(async |system, log| {
        let (bad, good) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (b, g) = (Rc::clone(&bad), Rc::clone(&good));
        system.on_dead_letter(move |_| {
            b.set(b.get() + 1);
            panic!("a bad listener");
        });
        system.on_dead_letter(move |_| g.set(g.get() + 1));
        let w = system.spawn(plain("w", &log)).await.unwrap();
        for _ in 0..3 {
            w.try_tell(End::Crash).unwrap();
            settle().await;
        }
        assert_eq!((bad.get(), good.get(), system.dead_letters()), (1, 3, 3));
    });
}

#[test]
fn a_listener_that_causes_dead_letters_does_not_loop() {
    in_system(async |system, log| {
        let spec = child("w", worker("w", &log, &Knobs::new())).restart(Temporary);
        let w = system.spawn(spec).await.unwrap();
        let heard = Rc::new(Cell::new(0));
        let count = Rc::clone(&heard);
        system.on_dead_letter(move |_| {
            count.set(count.get() + 1);
            // To an actor that has ended, or is about to.
            let _ = w.try_tell(Inc(1));
        });
        w.try_tell(End::Crash).unwrap();
        w.ended().await;
        time::sleep(ms(1)).await;
        assert!((1..=2).contains(&heard.get()), "{}", heard.get());
    });
}

#[test]
fn what_a_crash_leaves_in_the_mailbox_is_handled_in_order_and_only_the_cause_is_lost() {
    in_system(async |system, log| {
        let letters = Rc::new(RefCell::new(Vec::new()));
        let heard = Rc::clone(&letters);
        system.on_dead_letter(move |letter| heard.borrow_mut().push(letter.clone()));
        let w = system.spawn(plain("w", &log)).await.unwrap();
        let order = Log::new();
        w.try_tell(End::Panic).unwrap();
        let asks = (0..3).map(|n| {
            let order = &order;
            async move {
                let answer = w.ask(Get).await;
                order.add(format!("{n}: {}", answer.unwrap().0));
            }
        });
        futures::future::join_all(asks).await;
        assert_eq!(order.take(), ["0: 1", "1: 1", "2: 1"]);
        let letters = letters.borrow();
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].recipient, Some(w.id()));
        assert_eq!(letters[0].cause, Cause::Crashed(ExitReason::Panicked("told to".into())));
    });
}
