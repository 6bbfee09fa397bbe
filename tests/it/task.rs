//! Tasks and their handles: awaiting, aborting, letting go, and panics in every place.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use greenroom::task::{self, JoinError, JoinHandle};
use greenroom::time;

use crate::support::{Log, OnDrop, ms, run, settle, simulated};

/// A payload that panics while it is dropped.
struct Evil;
impl Drop for Evil {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("the payload panicked");
        }
    }
}

#[test]
fn a_handle_gives_what_the_task_gave_whenever_it_is_awaited() {
    run(async || {
        let early = task::spawn(async {
            time::sleep(ms(1)).await;
            "early"
        });
        let late = task::spawn(async { "late" });
        assert!(!late.is_finished());
        assert_eq!(early.await, Ok("early"));
        assert!(late.is_finished());
        assert_eq!(late.await, Ok("late"));
    });
}

#[test]
fn a_task_that_is_let_go_goes_on() {
    run(async || {
        let log = Log::new();
        for name in ["dropped", "detached"] {
            let log = log.clone();
            let handle = task::spawn(async move {
                time::sleep(ms(1)).await;
                log.add(name);
            });
            if name == "detached" { handle.detach() } else { drop(handle) }
        }
        time::sleep(ms(2)).await;
        assert_eq!(log.take(), ["dropped", "detached"]);
    });
}

#[test]
fn a_handle_may_be_awaited_by_another_task_and_after_a_timeout() {
    run(async || {
        let mut slow = task::spawn(async {
            time::sleep(ms(10)).await;
            3
        });
        assert!(time::timeout(ms(1), &mut slow).await.is_err());
        let other = task::spawn(slow);
        assert_eq!(other.await, Ok(Ok(3)));
    });
}

#[test]
fn tk_01_a_task_aborted_before_its_start_never_runs() {
    run(async || {
        let log = Log::new();
        let in_task = log.clone();
        let dropped = log.clone();
        let held = OnDrop(move || dropped.add("dropped"));
        let handle = task::spawn(async move {
            let _held = held;
            in_task.add("ran");
        });
        handle.abort();
        assert_eq!(log.take(), ["dropped"], "at once");
        assert!(handle.is_finished());
        assert_eq!(handle.await, Err(JoinError::Cancelled));
        settle().await;
        assert!(log.take().is_empty());
    });
}

#[test]
fn aborting_a_waiting_task_drops_its_future_at_once_on_the_loop() {
    run(async || {
        let log = Log::new();
        let dropped = log.clone();
        let handle = task::spawn(async move {
            let _held = OnDrop(move || {
                let _ = time::now();
                dropped.add("dropped");
            });
            std::future::pending::<()>().await;
        });
        settle().await;
        assert!(log.take().is_empty());
        handle.abort();
        assert_eq!(log.take(), ["dropped"]);
        handle.abort();
        assert_eq!(handle.await, Err(JoinError::Cancelled));
    });
}

#[test]
fn a_task_that_aborts_itself_is_dropped_at_the_end_of_its_poll() {
    run(async || {
        let log = Log::new();
        let (in_task, dropped) = (log.clone(), log.clone());
        let own: Rc<RefCell<Option<JoinHandle<()>>>> = Rc::default();
        let in_own = Rc::clone(&own);
        let handle = task::spawn(async move {
            let _held = OnDrop(move || dropped.add("dropped"));
            if let Some(own) = &*in_own.borrow() {
                own.abort();
            }
            in_task.add("still here");
            task::yield_now().await;
            in_task.add("never");
        });
        *own.borrow_mut() = Some(handle);
        settle().await;
        assert_eq!(log.take(), ["still here", "dropped"]);
        let handle = own.borrow_mut().take().expect("it was put there");
        assert_eq!(handle.await, Err(JoinError::Cancelled));
    });
}

#[test]
fn a_task_that_aborts_itself_in_its_last_poll_has_still_given() {
    run(async || {
        let own: Rc<RefCell<Option<JoinHandle<u8>>>> = Rc::default();
        let in_own = Rc::clone(&own);
        let handle = task::spawn(async move {
            if let Some(own) = &*in_own.borrow() {
                own.abort();
            }
            9
        });
        *own.borrow_mut() = Some(handle);
        settle().await;
        let handle = own.borrow_mut().take().expect("it was put there");
        assert_eq!(handle.await, Ok(9));
    });
}

#[test]
fn aborting_a_finished_task_keeps_what_it_gave() {
    run(async || {
        let handle = task::spawn(async { 4 });
        settle().await;
        handle.abort();
        assert_eq!(handle.await, Ok(4));
    });
}

#[test]
fn a_panic_is_an_error_for_whoever_awaits_and_for_nobody_else() {
    run(async || {
        let plain = task::spawn(async { panic!("plain") });
        let formatted = task::spawn(async { panic!("number {}", 5) });
        let neighbour = task::spawn(async { "unharmed" });
        assert_eq!(plain.await, Err::<(), _>(JoinError::Panicked("plain".into())));
        assert_eq!(formatted.await, Err::<(), _>(JoinError::Panicked("number 5".into())));
        assert_eq!(neighbour.await, Ok("unharmed"));
        task::spawn(async { panic!("nobody awaits this") }).detach();
        settle().await;
    });
}

#[test]
fn a_panic_payload_that_panics_while_it_is_dropped_is_an_ordinary_panic() {
    run(async || {
        let evil = task::spawn(async { std::panic::panic_any(Evil) });
        assert!(matches!(evil.await, Err::<(), _>(JoinError::Panicked(_))));
        task::spawn(async { std::panic::panic_any(Evil) }).detach();
        settle().await;
        assert_eq!(task::spawn(async { 1 }).await, Ok(1));
    });
}

/// Gives 1 at its second poll and panics while it is dropped.
struct PanicsInDrop(u32);
impl Future for PanicsInDrop {
    type Output = u32;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        self.0 += 1;
        if self.0 == 2 {
            return Poll::Ready(1);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("the future panicked in its drop");
    }
}

#[test]
fn a_future_that_panics_while_it_is_aborted_harms_nobody() {
    run(async || {
        let handle = task::spawn(PanicsInDrop(100));
        task::yield_now().await;
        handle.abort();
        assert_eq!(handle.await, Err(JoinError::Cancelled));
        assert_eq!(task::spawn(async { 1 }).await, Ok(1));
    });
}

#[test]
fn a_future_that_panics_in_its_drop_after_it_was_done_has_panicked() {
    run(async || {
        let handle = task::spawn(PanicsInDrop(0));
        let outcome = handle.await;
        let text = "the future panicked in its drop";
        assert_eq!(outcome, Err(JoinError::Panicked(text.into())), "nobody cancelled it");
    });
}

#[test]
fn an_output_that_nobody_takes_may_panic_in_its_drop() {
    run(async || {
        task::spawn(async { Evil }).detach();
        let handle = task::spawn(async { Evil });
        settle().await;
        let taken = handle.await.expect("it gave the value");
        std::mem::forget(taken);
        assert_eq!(task::spawn(async { 1 }).await, Ok(1));
    });
}

#[test]
fn drop_code_of_a_task_may_spawn_abort_and_sleep() {
    run(async || {
        let log = Log::new();
        let (in_drop, other) = (log.clone(), task::spawn(std::future::pending::<()>()));
        let held = OnDrop(move || {
            other.abort();
            let in_task = in_drop.clone();
            task::spawn(async move {
                time::sleep(ms(1)).await;
                in_task.add("spawned in drop");
            })
            .detach();
        });
        let handle = task::spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        settle().await;
        handle.abort();
        time::sleep(ms(2)).await;
        assert_eq!(log.take(), ["spawned in drop"]);
    });
}

#[test]
fn tasks_may_abort_each_other_in_one_round() {
    run(async || {
        let handles: Rc<RefCell<Vec<JoinHandle<()>>>> = Rc::default();
        let ran = Rc::new(Cell::new(0));
        for _ in 0..10 {
            let (others, ran) = (Rc::clone(&handles), Rc::clone(&ran));
            handles.borrow_mut().push(task::spawn(async move {
                ran.set(ran.get() + 1);
                for other in others.borrow().iter() {
                    other.abort();
                }
            }));
        }
        settle().await;
        assert_eq!(ran.get(), 1, "the first aborts all the others before they run");
    });
}

#[test]
fn a_handle_on_another_loop_aborts_nothing_and_cannot_be_mistaken() {
    let mut one = simulated();
    let mut two = simulated();
    let handle = one.run(async { task::spawn(async { 5 }) });
    let stranger = two.run(async {
        let stranger = task::spawn(async { 6 });
        handle.abort();
        stranger
    });
    assert_eq!(two.run(stranger), Ok(6));
    assert_eq!(one.run(handle), Ok(5));
}

#[test]
fn yielding_lets_every_ready_task_run_first() {
    run(async || {
        let log = Log::new();
        for number in 0..5 {
            let log = log.clone();
            task::spawn(async move { log.add(number.to_string()) }).detach();
        }
        task::yield_now().await;
        log.add("root");
        assert_eq!(log.take(), ["0", "1", "2", "3", "4", "root"]);
    });
}

#[test]
fn a_hundred_thousand_tasks_come_and_go() {
    run(async || {
        let done = Rc::new(Cell::new(0));
        for _ in 0..10 {
            let handles: Vec<_> = (0..10_000)
                .map(|_| {
                    let done = Rc::clone(&done);
                    task::spawn(async move {
                        task::yield_now().await;
                        done.set(done.get() + 1);
                    })
                })
                .collect();
            for handle in handles {
                assert_eq!(handle.await, Ok(()));
            }
        }
        assert_eq!(done.get(), 100_000);
    });
}
