//! Every way in which a worker may end: its job hears of it, and nobody else is harmed.

use std::io::BufRead as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use futures::future::{join_all, select_all};
use greenroom::process_pool::{PoolError, ProcessPool};
use greenroom::{EventLoop, time};

use crate::jobs::{Die, Note, Square, Way, Who, hold};
use crate::scratch::{
    Scratch, gone, greeted, is_there, kill, ms, secs, with_pool, worker_of, workers,
};

crate::tests![
    a_panic_is_an_error_with_its_text,
    an_exit_an_abort_and_a_kill_are_errors_with_their_status,
    a_crash_harms_neither_those_that_wait_nor_those_beside_it,
    a_worker_that_dies_idle_is_replaced,
    a_job_that_takes_too_long_is_ended,
    whatever_workers_do_every_job_has_its_own_end,
    a_shutdown_waits_for_jobs_and_refuses_others,
    a_shutdown_ends_what_takes_too_long,
    the_last_handle_and_the_loop_take_the_workers_along,
    workers_end_with_the_process_that_started_them,
];

fn a_panic_is_an_error_with_its_text() {
    with_pool(workers(1), async |pool| {
        let me = pool.run::<Who>(()).await.unwrap();
        let error = pool.run::<Die>(Way::Panic("no luck".to_owned())).await.unwrap_err();
        let expected = PoolError::Panicked { job: "Die", worker: me, text: "no luck".into() };
        assert_eq!(error, expected);
        assert_eq!(error.to_string(), format!("job `Die` panicked in worker {me}: no luck"));
        assert_ne!(pool.run::<Who>(()).await.unwrap(), me, "what it left behind is gone");
        gone(me).await;
    });
}

fn an_exit_an_abort_and_a_kill_are_errors_with_their_status() {
    with_pool(workers(1), async |pool| {
        for (way, code, signal) in [
            (Way::Exit(3), Some(3), None),
            (Way::Exit(0), Some(0), None),
            (Way::Abort, None, Some(6)),
        ] {
            let error = pool.run::<Die>(way).await.unwrap_err();
            let PoolError::Crashed { job: "Die", status: Some(status), worker } = error else {
                panic!("{error}")
            };
            assert_eq!((status.code(), status.signal()), (code, signal));
            assert!(error.to_string().contains(&format!("worker {worker} ended with")), "{error}");
            assert!(!error.never_ran());
        }
        let me = pool.run::<Who>(()).await.unwrap();
        let killer = async {
            time::sleep(ms(20)).await;
            kill("-KILL", me);
        };
        let (outcome, ()) = futures::join!(pool.run::<Die>(Way::Never), killer);
        let Err(PoolError::Crashed { worker, status: Some(status), .. }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!((worker, status.signal()), (me, Some(9)));
        assert_eq!(pool.run::<Square>(4).await, Ok(16));
    });
}

fn a_crash_harms_neither_those_that_wait_nor_those_beside_it() {
    let scratch = Scratch::new("beside");
    with_pool(workers(2), async |pool| {
        let note = |line: &str| pool.run::<Note>((scratch.file("log"), line.to_owned(), ms(100)));
        let beside = note("beside");
        let crash = pool.run::<Die>(Way::Exit(1));
        let behind = join_all((0..20).map(|n| pool.run::<Square>(n)));
        let (beside, crash, behind) = futures::join!(beside, crash, behind);
        assert_eq!(beside, Ok(()));
        assert!(matches!(crash, Err(PoolError::Crashed { .. })));
        assert_eq!(behind, (0..20).map(|n| Ok(n * n)).collect::<Vec<_>>());
        assert_eq!(scratch.lines("log"), ["beside"]);
    });
}

fn a_worker_that_dies_idle_is_replaced() {
    with_pool(workers(1), async |pool| {
        for pause in [ms(50), ms(0)] {
            let me = pool.run::<Who>(()).await.unwrap();
            kill("-KILL", me);
            // Noticed or not yet: a job for a worker that is dead already may be lost with it.
            time::sleep(pause).await;
            match pool.run::<Who>(()).await {
                Ok(next) => assert_ne!(next, me),
                Err(error) => assert!(pause.is_zero() && worker_of(&error) == me, "{error}"),
            }
        }
        assert_eq!(pool.run::<Square>(5).await, Ok(25));
    });
}

fn a_job_that_takes_too_long_is_ended() {
    with_pool(workers(1).job_limit(ms(200)), async |pool| {
        let me = pool.run::<Who>(()).await.unwrap();
        let (late, next) = futures::join!(pool.run::<Die>(Way::Never), pool.run::<Who>(()));
        let late = late.unwrap_err();
        assert_eq!(late, PoolError::TimedOut { job: "Die", worker: me, limit: ms(200) });
        assert_ne!(next.unwrap(), me);
        gone(me).await;
    });
}

// J1: every job ends with its output or with one error, which says whether it may have run
fn whatever_workers_do_every_job_has_its_own_end() {
    with_pool(workers(3).job_limit(secs(20)), async |pool| {
        let job = async |n: u64| match n % 6 {
            0 => assert!(matches!(
                pool.run::<Die>(Way::Panic(n.to_string())).await,
                Err(PoolError::Panicked { text, .. }) if *text == n.to_string()
            )),
            1 => assert!(matches!(
                pool.run::<Die>(Way::Exit(n as i32)).await,
                Err(PoolError::Crashed { status: Some(status), .. })
                    if status.code() == Some(n as i32)
            )),
            2 => {
                let short = time::timeout(ms(n % 40), pool.run::<Die>(Way::Never)).await;
                assert!(short.is_err(), "{short:?}");
            }
            _ => assert_eq!(pool.run::<Square>(n).await, Ok(n * n)),
        };
        join_all((0..120).map(job)).await;
        assert_eq!(pool.run::<Square>(1).await, Ok(1));
        let workers = pool.workers();
        assert!(workers.len() <= 3);
        assert_eq!(pool.shutdown().await, 0);
        assert!(!workers.into_iter().any(is_there));
    });
}

fn a_shutdown_waits_for_jobs_and_refuses_others() {
    let scratch = Scratch::new("shutdown");
    with_pool(workers(1), async |pool| {
        let me = pool.run::<Who>(()).await.unwrap();
        let note = |line: &str| pool.run::<Note>((scratch.file("log"), line.to_owned(), ms(100)));
        let ends = async {
            time::sleep(ms(20)).await;
            let cut_off = pool.shutdown().await;
            (cut_off, is_there(me), note("late").await)
        };
        let (running, waiting, ended) = futures::join!(note("running"), note("waiting"), ends);
        assert_eq!((running, waiting), (Ok(()), Err(PoolError::Closed)));
        assert_eq!(ended, (0, false, Err(PoolError::Closed)));
        assert_eq!(scratch.lines("log"), ["running"]);
        assert_eq!(pool.shutdown().await, 0, "it has ended");
    });
}

fn a_shutdown_ends_what_takes_too_long() {
    with_pool(workers(2).shutdown_limit(ms(50)), async |pool| {
        let ends = async {
            greeted(pool, 2).await;
            time::sleep(ms(20)).await;
            let workers = pool.workers();
            (pool.shutdown().await, workers)
        };
        let never = || pool.run::<Die>(Way::Never);
        let (one, two, (cut_off, workers)) = futures::join!(never(), never(), ends);
        assert_eq!(cut_off, 2);
        for error in [one.unwrap_err(), two.unwrap_err()] {
            assert!(matches!(error, PoolError::Crashed { status: None, .. }) && !error.never_ran());
            assert!(workers.contains(&worker_of(&error)));
        }
        for worker in workers {
            gone(worker).await;
        }
    });
}

fn the_last_handle_and_the_loop_take_the_workers_along() {
    EventLoop::new().unwrap().run(async {
        let pool = ProcessPool::with(workers(1));
        let (other, me) = (pool.clone(), pool.run::<Who>(()).await.unwrap());
        drop(pool);
        assert_eq!(other.run::<Who>(()).await, Ok(me), "a clone is a handle too");
        drop(other);
        time::timeout(secs(20), gone(me)).await.expect("it ends");
    });
    let (_pool, me) = EventLoop::new().unwrap().run(async {
        let pool = ProcessPool::with(workers(1));
        let me = pool.run::<Who>(()).await.unwrap();
        (pool, me)
    });
    assert!(!is_there(me), "it went with its loop");
}

/// The first argument of the process below.
pub(crate) const ORPHANS: &str = "orphans";

/// Starts two workers that never end, says which, and waits to be killed.
pub(crate) fn orphans(_: &[String]) {
    EventLoop::new().unwrap().run(async {
        let pool = ProcessPool::with(workers(2));
        let says = async {
            greeted(&pool, 2).await;
            for worker in pool.workers() {
                println!("{worker}");
            }
        };
        let never = [pool.run::<Die>(Way::Never), pool.run::<Die>(Way::Never)].map(Box::pin);
        let (_one_that_ended, ()) = futures::join!(select_all(never), says);
    });
}

fn workers_end_with_the_process_that_started_them() {
    if cfg!(not(target_os = "linux")) {
        return;
    }
    let program = std::env::current_exe().unwrap();
    let mut parent =
        Command::new(program).arg(ORPHANS).stdout(Stdio::piped()).spawn().expect("it starts");
    let said = std::io::BufReader::new(parent.stdout.take().unwrap()).lines();
    let workers: Vec<u32> = said.take(2).map(|line| line.unwrap().parse().unwrap()).collect();
    assert!(workers.iter().all(|worker| is_there(*worker)));
    parent.kill().unwrap();
    parent.wait().unwrap();
    // Somebody else reaps them, in its own time; a zombie has ended, too.
    let lives = |worker: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{worker}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    let mut waited = 0;
    while workers.iter().any(lives) {
        assert!(waited < 2_000, "they live on: {workers:?}");
        waited += 1;
        hold(ms(10));
    }
}
