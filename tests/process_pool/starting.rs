//! Where jobs run, what may go in and out, and what is said when no worker starts.

use std::os::unix::fs::PermissionsExt as _;

use greenroom::EventLoop;
use greenroom::process_pool::{PoolError, PoolOptions, ProcessPool};

use crate::jobs::{Bytes, Chatter, Die, Fussy, Missing, Nested, OtherSquare, Square, Way, Who};
use crate::scratch::{Scratch, ms, secs, with_pool, workers};

crate::tests![
    a_job_runs_in_a_process_of_its_own,
    any_amount_goes_in_and_out_up_to_the_limit,
    what_a_job_prints_and_reads_does_not_get_between,
    a_job_that_the_worker_does_not_know_never_ran,
    an_output_that_cannot_be_sent_is_an_error,
    a_program_that_is_no_worker_is_told_so,
    a_worker_has_no_workers,
    on_a_virtual_clock_jobs_run_on_the_loops_own_thread,
    a_pool_works_on_its_own_loop,
];

fn a_job_runs_in_a_process_of_its_own() {
    with_pool(workers(2), async |pool| {
        assert!(pool.workers().is_empty(), "none before there is work");
        let one = pool.run::<Who>(()).await.unwrap();
        assert_ne!(one, std::process::id());
        assert_eq!(pool.run::<Who>(()).await, Ok(one), "it stays for the next");
        assert_eq!(pool.workers(), [one], "and one was enough");
        assert_eq!(pool.run::<Square>(12).await, Ok(144));
    });
}

fn any_amount_goes_in_and_out_up_to_the_limit() {
    with_pool(workers(1), async |pool| {
        let bytes: Vec<u8> = (0..10_000_000_u32).map(|n| n as u8).collect();
        let mut back = pool.run::<Bytes>(bytes.clone()).await.unwrap();
        back.reverse();
        assert!(back == bytes);
        assert_eq!(pool.run::<Bytes>(Vec::new()).await, Ok(Vec::new()));
    });
    with_pool(workers(1).message_max(1_001), async |pool| {
        // 999 bytes and two for their number.
        assert_eq!(pool.run::<Bytes>(vec![7; 999]).await.unwrap().len(), 999);
        let error = pool.run::<Bytes>(vec![7; 1_000]).await.unwrap_err();
        assert!(error.never_ran() && error.to_string().contains("1001 are the limit"), "{error}");
        let text = "x".repeat(500);
        let die = pool.run::<Die>(Way::Panic(text.repeat(4))).await.unwrap_err();
        assert!(matches!(die, PoolError::Input { .. }), "{die}");
        assert_eq!(pool.run::<Square>(3).await, Ok(9));
    });
}

fn what_a_job_prints_and_reads_does_not_get_between() {
    with_pool(workers(1), async |pool| {
        for _ in 0..3 {
            assert_eq!(pool.run::<Chatter>(()).await.as_deref(), Ok("\"\""));
        }
    });
}

fn a_job_that_the_worker_does_not_know_never_ran() {
    with_pool(workers(1), async |pool| {
        let me = pool.run::<Who>(()).await.unwrap();
        let missing = pool.run::<Missing>(()).await.unwrap_err();
        assert!(
            matches!(missing, PoolError::Unknown { job: "Missing", worker, .. } if worker == me)
        );
        assert!(
            missing.never_ran() && missing.to_string().contains("has no such job"),
            "{missing}"
        );
        let other = pool.run::<OtherSquare>((1, "two".to_owned())).await.unwrap_err();
        assert!(other.to_string().contains("takes another input"), "{other}");
        assert_eq!(pool.run::<Who>(()).await, Ok(me), "it serves on");
    });
}

fn an_output_that_cannot_be_sent_is_an_error() {
    with_pool(workers(1), async |pool| {
        let error = pool.run::<Fussy>(()).await.map(drop).unwrap_err();
        assert!(matches!(error, PoolError::Output { job: "Fussy", .. }) && !error.never_ran());
        assert!(error.to_string().contains("cannot be received"), "{error}");
        assert_eq!(pool.run::<Square>(2).await, Ok(4));
    });
    // One that is too long: the worker had no way to know.
    with_pool(workers(1).message_max(40), async |pool| {
        let error = pool.run::<Nested>(()).await.unwrap_err();
        assert!(matches!(error, PoolError::Output { .. }), "{error}");
        assert!(error.to_string().contains("40 are the limit"), "{error}");
        assert_eq!(pool.run::<Square>(2).await, Ok(4));
    });
}

fn a_program_that_is_no_worker_is_told_so() {
    let options = |program: &str, arguments: &[&str]| {
        workers(2).start_limit(ms(50)).program(program, arguments.iter().copied())
    };
    let cases: [(PoolOptions, &str); 4] = [
        (options("/no/such/worker", &[]), "`/no/such/worker` was not found"),
        (options("true", &[]), "ended with exit status: 0 before its greeting"),
        (options("echo", &["a greeting of another kind, and a long one"]), "something else"),
        (options("/bin/sh", &[]), "ended with exit status"),
    ];
    for (options, expected) in cases {
        with_pool(options, async |pool| {
            let both = futures::join!(pool.run::<Square>(1), pool.run::<Square>(2));
            for error in [both.0.unwrap_err(), both.1.unwrap_err()] {
                assert!(error.never_ran() && error.to_string().contains(expected), "{error}");
            }
        });
    }
    let scratch = Scratch::new("silent");
    let script = scratch.file("script");
    std::fs::write(&script, "#!/bin/sh\nexec sleep 1000\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let silent = workers(1).start_limit(ms(20)).program(script, [] as [&str; 0]);
    with_pool(silent, async |pool| {
        let error = pool.run::<Square>(1).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("does not greet: the time limit of 20ms"), "{text}");
        assert!(text.contains("`Worker::serve_if_worker`"), "{text}");
    });
}

fn a_worker_has_no_workers() {
    with_pool(workers(1), async |pool| {
        let reason = pool.run::<Nested>(()).await.unwrap();
        assert!(reason.contains("this process is a worker itself"), "{reason}");
    });
}

fn on_a_virtual_clock_jobs_run_on_the_loops_own_thread() {
    EventLoop::builder().virtual_clock(1).build().unwrap().run(async {
        let pool = ProcessPool::with(workers(1));
        assert_eq!(pool.run::<Who>(()).await, Ok(std::process::id()));
        let panic = pool.run::<Die>(Way::Panic("no luck".to_owned())).await.unwrap_err();
        let me = std::process::id();
        assert_eq!(panic.to_string(), format!("job `Die` panicked in worker {me}: no luck"));
        assert!(matches!(pool.run::<Fussy>(()).await, Err(PoolError::Output { .. })));
        assert_eq!(pool.shutdown().await, 0);
        assert_eq!(pool.run::<Square>(1).await, Err(PoolError::Closed));
    });
}

fn a_pool_works_on_its_own_loop() {
    let pool = EventLoop::new().unwrap().run(async { ProcessPool::with(workers(1)) });
    EventLoop::new().unwrap().run(async {
        let error = greenroom::time::timeout(secs(10), pool.run::<Square>(1)).await.unwrap();
        assert_eq!(error, Err(PoolError::NoLoop { job: "Square" }));
    });
}
