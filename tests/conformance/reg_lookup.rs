//! Names: looking up and else starting, as one.

use greenroom::prelude::*;
use greenroom::supervisor::StartError;
use greenroom::task;

use crate::harness::{Log, case, secs};
use crate::worker::{End, Get, Knobs, Start, WorkerProtocol, plain, worker};

/// **R8.1** Of any number who look up or start at a time, one starts and all get the same actor,
/// and not before it has started.
#[test]
fn lookup_or_start_is_one_step_for_all_who_call_it() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new().start(|_| Start::Takes(secs(1)));
        let tree = Supervisor::dynamic(9).start(test).await.unwrap();
        let start = || {
            let spec = child("w", worker("w", &log, &knobs)).restart(Temporary);
            test.lookup_or_start("name", tree, spec)
        };
        let all = futures::future::join_all([start(), start(), start()]);
        let (found, ()) = futures::join!(all, async {
            test.settle().await;
            assert_eq!(log.take(), [""; 0], "nobody has anything before it has started");
        });
        assert_eq!(test.now(), secs(1));
        let w = *found[0].as_ref().unwrap();
        assert!(found.iter().all(|found| *found == Ok(w)));
        assert_eq!((knobs.starts.get(), tree.count().await.active), (1, 1));
        assert_eq!(start().await, Ok(w));
        // A name that was given later is as good, and the next one is started when it has ended.
        w.try_tell(End::Normal).unwrap();
        w.ended().await;
        let next = start().await.unwrap();
        assert!(next != w && test.lookup::<WorkerProtocol>("name") == Ok(next));
        assert_eq!((knobs.starts.get(), log.take().len()), (2, 3));
    });
}

/// **R8.1, R2.1** When the start of one fails, it hears so and the next one tries.
#[test]
fn when_the_start_of_one_fails_the_next_one_tries() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new().start(|attempt| match attempt {
            1 => Start::Fails,
            2 => Start::Declines,
            _ => Start::Takes(secs(1)),
        });
        let tree = Supervisor::dynamic(9).start(test).await.unwrap();
        let start = || {
            let spec = child("w", worker("w", &log, &knobs)).restart(Temporary);
            test.lookup_or_start("name", tree, spec)
        };
        let found = futures::future::join_all([start(), start(), start(), start()]).await;
        let failed = |found: &Result<_, _>| matches!(found, Err(StartError::Failed { .. }));
        let declined = |found: &Result<_, _>| matches!(found, Err(StartError::Declined { .. }));
        assert_eq!(found.iter().filter(|found| failed(found)).count(), 1);
        assert_eq!(found.iter().filter(|found| declined(found)).count(), 1);
        let started: Vec<_> = found.into_iter().filter_map(Result::ok).collect();
        assert!(started.len() == 2 && started[0] == started[1]);
        assert_eq!((knobs.starts.get(), test.names()), (3, 1));
    });
}

/// **R8.1** Who gives up while its child starts leaves nobody with half an actor: the next one
/// waits for the same start.
#[test]
fn who_gives_up_waiting_leaves_the_start_to_the_next() {
    case(async |test| {
        let log = Log::new();
        let knobs = Knobs::new().start(|_| Start::Takes(secs(2)));
        let start = |knobs: &Knobs| {
            let (system, spec) = ((**test).clone(), child("w", worker("w", &log, knobs)));
            async move { system.lookup_or_start("name", system.root(), spec).await }
        };
        let gives_up = task::spawn(start(&knobs));
        test.settle().await;
        gives_up.abort();
        let w = start(&Knobs::new()).await.unwrap();
        assert_eq!((test.now(), knobs.starts.get(), w.id()), (secs(2), 1, knobs.id()));
        assert_eq!(w.ask(Get).await.unwrap(), (0, 0));
    });
}

struct Other;
impl Protocol for Other {}

/// **R8.1** A name that belongs to an actor with another protocol is refused, with its owner, and
/// nothing is started; so is a start under a supervisor that has ended.
#[test]
fn a_name_of_another_protocol_starts_nothing() {
    case(async |test| {
        let log = Log::new();
        let owner = test.spawn(plain("w", &log)).await.unwrap();
        test.register("name", owner).unwrap();
        let other = || child("o", async |_: &mut Cx<Other>| Ok::<(), Fault>(()));
        let refused = test.lookup_or_start("name", test.root(), other()).await.unwrap_err();
        let (name, registered) = ("o".into(), "name".into());
        let taken = StartError::AlreadyRegistered { name, registered, owner: owner.id() };
        assert_eq!(refused, taken);
        assert_eq!(test.root().children().await.len(), 1);

        let tree = Supervisor::one_for_one().start(test).await.unwrap();
        tree.stop();
        tree.ended().await;
        let refused = test.lookup_or_start("free", tree, other()).await.unwrap_err();
        assert_eq!(refused, StartError::SupervisorStopping { name: "o".into() });
        assert_eq!(test.names(), 1);
    });
}
