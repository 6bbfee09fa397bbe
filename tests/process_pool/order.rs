//! Which job is taken when, by whom, and what giving up means.

use futures::future::{FutureExt as _, join_all};
use greenroom::process_pool::PoolError;
use greenroom::{task, time};

use crate::jobs::{Die, Meet, Note, Square, Way, Who};
use crate::scratch::{Scratch, gone, greeted, ms, secs, with_pool, workers};

crate::tests![
    jobs_run_at_the_same_time_in_different_workers,
    jobs_are_taken_in_the_order_in_which_they_were_asked_for,
    there_are_no_more_workers_than_allowed,
    a_full_line_refuses_and_says_its_limit,
    a_job_given_up_in_the_line_never_runs,
    a_job_given_up_while_it_runs_frees_its_worker,
    a_worker_is_replaced_after_its_share_of_jobs,
];

fn jobs_run_at_the_same_time_in_different_workers() {
    let scratch = Scratch::new("meet");
    let (one, two) = (scratch.file("one"), scratch.file("two"));
    with_pool(workers(2), async |pool| {
        let meet =
            |a: &std::path::Path, b: &std::path::Path| pool.run::<Meet>((a.into(), b.into()));
        let both = futures::join!(meet(&one, &two), meet(&two, &one));
        assert_eq!(both, (Ok(()), Ok(())));
    });
}

fn jobs_are_taken_in_the_order_in_which_they_were_asked_for() {
    let scratch = Scratch::new("order");
    with_pool(workers(1), async |pool| {
        let note = |n: usize| pool.run::<Note>((scratch.file("log"), n.to_string(), ms(0)));
        assert!(join_all((0..50).map(note)).await.iter().all(Result::is_ok));
        let expected: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        assert_eq!(scratch.lines("log"), expected);
    });
}

fn there_are_no_more_workers_than_allowed() {
    with_pool(workers(3), async |pool| {
        let mut who: Vec<u32> =
            join_all((0..100).map(|_| pool.run::<Who>(()))).await.into_iter().flatten().collect();
        assert_eq!(who.len(), 100);
        who.sort_unstable();
        who.dedup();
        assert!(who.len() <= 3, "{who:?}");
        assert!(who.iter().all(|worker| pool.workers().contains(worker)));
    });
}

fn a_full_line_refuses_and_says_its_limit() {
    let scratch = Scratch::new("full");
    with_pool(workers(1).waiting_max(2), async |pool| {
        let note = || pool.run::<Note>((scratch.file("log"), String::new(), ms(20)));
        let results = join_all([note(), note(), note(), note()]).await;
        // Nobody has taken the first yet when the others are asked for.
        assert_eq!(results[..2], [Ok(()), Ok(())]);
        assert_eq!(results[2..], [const { Err(PoolError::Full { limit: 2 }) }; 2]);
        assert!(results[2].clone().unwrap_err().to_string().contains("2 jobs wait already"));
        assert_eq!(note().await, Ok(()), "there is room again");
    });
}

fn a_job_given_up_in_the_line_never_runs() {
    let scratch = Scratch::new("withdrawn");
    with_pool(workers(1).waiting_max(2), async |pool| {
        let note = |line: &str| pool.run::<Note>((scratch.file("log"), line.to_owned(), ms(10)));
        let (first, given_up) = (note("first"), note("given up"));
        let mut first = std::pin::pin!(first);
        assert!(first.as_mut().now_or_never().is_none());
        {
            let given_up = std::pin::pin!(given_up);
            assert!(given_up.now_or_never().is_none());
        }
        let third = note("third"); // there is room for it at once
        assert_eq!(futures::join!(first, third), (Ok(()), Ok(())));
        assert_eq!(scratch.lines("log"), ["first", "third"]);
    });
}

fn a_job_given_up_while_it_runs_frees_its_worker() {
    with_pool(workers(1), async |pool| {
        let me = pool.run::<Who>(()).await.unwrap();
        let never = pool.run::<Die>(Way::Never);
        assert!(time::timeout(ms(50), never).await.is_err());
        let next = time::timeout(secs(20), pool.run::<Who>(())).await.expect("it does not wait");
        assert_ne!(next, Ok(me));
        gone(me).await;

        // The same in a task that is aborted.
        let pool = pool.clone();
        let other = pool.clone();
        let task = task::spawn(async move { other.run::<Die>(Way::Never).await });
        greeted(&pool, 1).await;
        let busy = pool.workers()[0];
        time::sleep(ms(20)).await;
        task.abort();
        assert_eq!(pool.run::<Square>(3).await, Ok(9));
        gone(busy).await;
    });
}

fn a_worker_is_replaced_after_its_share_of_jobs() {
    with_pool(workers(1).jobs_per_worker(3), async |pool| {
        let mut who = Vec::new();
        for _ in 0..7 {
            who.push(pool.run::<Who>(()).await.unwrap());
        }
        assert!(who[0] == who[2] && who[2] != who[3] && who[3] == who[5] && who[5] != who[6]);
        gone(who[0]).await;
    });
}
