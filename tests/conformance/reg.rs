//! Names: one owner at a time, free at its end, found at each send; and locks by name.

use std::cell::Cell;
use std::rc::Rc;

use greenroom::actor::{Cause, spawn};
use greenroom::prelude::*;
use greenroom::registry::{LookupError, NamedError, RegisterError};
use greenroom::supervisor::StartError;
use greenroom::test::TestSystem;

use crate::harness::{Log, case};
use crate::worker::{ENDS, Get, Inc, Knobs, Ping, WorkerProtocol, plain, worker};

fn lookup(test: &TestSystem, name: &str) -> Result<Addr<WorkerProtocol>, LookupError> {
    test.lookup(name)
}

/// **R8.1** A name has one owner; a second register says who, also to the owner itself; only the
/// owner can give it back; and the end of an earlier owner does not take it from a later one.
// N1: one owner at a time.
#[test]
fn reg_01_unique() {
    case(async |test| {
        let log = Log::new();
        let first = test.spawn(plain("first", &log)).await.unwrap();
        let second = test.spawn(plain("second", &log)).await.unwrap();
        test.register("a", first).unwrap();
        for addr in [second, first] {
            let taken = RegisterError::Taken { name: "a".into(), owner: first.id() };
            assert_eq!(test.register("a", addr), Err(taken));
        }
        assert!(!test.unregister("a", second), "it is not the owner");
        assert_eq!((lookup(test, "a"), test.names()), (Ok(first), 1));
        assert!(test.unregister("a", first));
        assert!(!test.unregister("a", first), "not twice");
        test.register("a", second).unwrap();
        assert_eq!(test.root().terminate_child(first).await, Ok(()));
        test.settle().await;
        assert_eq!(lookup(test, "a"), Ok(second));
    });
}

struct Gone;
impl Protocol for Gone {}

/// **R8.1, R1.8, D13** However the owner ends, its names are free when its end is heard of.
// N1: free before anybody hears of the end.
#[test]
fn reg_02_freed_at_end() {
    case(async |test| {
        let log = Log::new();
        for end in ENDS {
            let spec = child("w", worker("w", &log, &Knobs::new())).restart(Temporary);
            let w = test.spawn(spec).await.unwrap();
            test.register("a", w).unwrap();
            test.register("b", w).unwrap();
            let (system, found) = ((**test).clone(), Rc::new(Cell::new(None)));
            let finds = Rc::clone(&found);
            let watcher = spawn("watcher", async move |cx: &mut Cx<Gone>| {
                cx.monitor_with(w.id(), |_| Gone);
                let Gone = cx.recv().await;
                let free = system.lookup::<WorkerProtocol>("a").is_err();
                finds.set(Some((free, system.names())));
                Ok::<(), Fault>(())
            });
            test.settle().await;
            w.try_tell(end).unwrap();
            watcher.ended().await;
            assert_eq!(found.get(), Some((true, 0)), "{end:?}");
            let ended = RegisterError::Ended { name: "a".into(), actor: w.id() };
            assert_eq!((test.register("a", w), test.names()), (Err(ended), 0));
        }
    });
}

/// **R8.2, R8.1** A name stands for an address: started under it, asked and told by it, refused to
/// a second start, and looked up at each send. When it leads to nobody, the error says so and the
/// message comes back.
#[test]
fn reg_03_via() {
    case(async |test| {
        let log = Log::new();
        let named = test.named::<WorkerProtocol>("w");
        let spec =
            |id| child(id, worker(id, &log, &Knobs::new())).registered("w").restart(Temporary);
        let w = test.spawn(spec("w")).await.unwrap();
        named.tell(Inc(2)).await.unwrap();
        named.try_tell(Inc(3)).unwrap();
        assert_eq!(named.ask(Get).await.unwrap(), (0, 5));
        let refused = test.spawn(spec("v")).await.unwrap_err();
        let (name, registered) = ("v".into(), "w".into());
        assert_eq!(refused, StartError::AlreadyRegistered { name, registered, owner: w.id() });

        w.stop();
        w.ended().await;
        let error = named.ask(Ping(7)).await.unwrap_err();
        assert!(error.is_unhandled() && error.is_unresolved());
        let not_found = LookupError::NotFound { name: "w".into() };
        let NamedError::Unresolved(error) = error else { panic!("{error}") };
        assert_eq!(*error.why(), not_found);
        assert_eq!(error.into_message().unwrap().0, 7);
        assert_eq!(named.tell(Ping(8)).await.unwrap_err().into_message().unwrap().0, 8);
        assert_eq!(named.try_tell(Ping(9)).unwrap_err().into_message().unwrap().0, 9);

        // A message that came back and is dropped is not lost in silence.
        assert!(test.letters().is_empty());
        drop(named.ask(Ping(0)).await);
        drop(named.try_tell(Ping(0)));
        let letters = test.letters();
        assert_eq!(letters.len(), 2);
        for letter in letters {
            assert_eq!((letter.recipient, letter.name.as_deref()), (None, Some("w")));
            assert_eq!(letter.cause, Cause::Unresolved);
        }
        // Made before there was anybody, it is resolved when it is sent.
        let ask = named.ask(Ping(10));
        let next = test.spawn(spec("next")).await.unwrap();
        assert_eq!(ask.await.unwrap(), 10);
        assert_eq!(named.resolve(), Ok(next));
        let other = test.named::<Gone>("w").tell(Gone).await.unwrap_err();
        assert!(other.to_string().contains("understands"), "{other}");
        assert_eq!(log.take(), ["start w", "stop w", "start next", "msg next 10"]);
    });
}

/// What becomes of a holder of a lock.
enum Do {
    Leave,
    Panic,
}
impl Protocol for Do {}

/// An actor that waits for a lock and then holds it until told otherwise.
fn holder(test: &TestSystem, log: &Log, id: &'static str, key: &'static str) -> Addr<Do> {
    let (system, log) = ((**test).clone(), log.clone());
    spawn(id, async move |cx: &mut Cx<Do>| {
        let guard = system.lock(key).await;
        log.add(format!("{id} has {}", guard.name()));
        match cx.recv().await {
            Do::Leave => Ok::<(), Fault>(()),
            Do::Panic => panic!("with the lock in its hand"),
        }
    })
}

/// **R8.3** Locks of different keys do not wait for each other; those of one key do, in the order
/// in which they came, and go on when the holder panics, is killed, or a waiter is.
#[test]
fn reg_06_lock() {
    case(async |test| {
        let log = Log::new();
        let mut holders = Vec::new();
        for (id, key) in
            [("a", "x"), ("b", "y"), ("c", "x"), ("d", "x"), ("e", "x"), ("f", "x"), ("g", "x")]
        {
            holders.push(holder(test, &log, id, key));
            // One after the other, so that their order is known.
            test.settle().await;
        }
        let [a, b, c, d, e, f, g] = holders[..] else { unreachable!() };
        assert_eq!(log.take(), ["a has x", "b has y"], "different keys, at the same time");
        a.try_tell(Do::Leave).unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["c has x"], "only the next");
        c.try_tell(Do::Panic).unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["d has x"], "the holder panicked");
        // One who waits is killed, and then the holder.
        e.kill();
        test.settle().await;
        assert_eq!(log.take(), [""; 0]);
        d.kill();
        test.settle().await;
        assert_eq!(log.take(), ["f has x"], "the holder was killed, and one who waited");
        // The next one and the holder end at the same time.
        let h = holder(test, &log, "h", "x");
        test.settle().await;
        f.try_tell(Do::Leave).unwrap();
        g.kill();
        test.settle().await;
        let got = log.take();
        assert_eq!(got.last().unwrap(), "h has x", "{got:?}");
        assert!(b.is_alive() && h.is_alive());
        assert!(test.lock("z").await.name() == "z", "nobody holds it");
    });
}
