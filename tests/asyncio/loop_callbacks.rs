//! Callbacks: their order among each other, beside sockets and timers, being cancelled, panics.

use std::cell::OnceCell;
use std::io::{Read as _, Write as _};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenroom::EventLoop;
use greenroom::event_loop::{self, PanicOrigin, PanicReport, Posted};
use greenroom::net::AsyncFd;
use greenroom::task::{self, ContextVar};
use greenroom::time::{self, Timer, sleep};

use crate::harness::{Log, logged, ms};
use crate::support::{finishes, hold_thread, real, run, settle};

/// **L1** A thousand callbacks are called once each, in the order in which they were posted.
#[test]
fn lp_01_callbacks_are_called_in_order_and_once() {
    run(async || {
        let log = Log::new();
        for number in 0..1_000 {
            let log = log.clone();
            event_loop::post(move || log.add(number.to_string()));
        }
        assert_eq!(log.len(), 0, "never inside `post`");
        settle().await;
        let expected: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
        assert_eq!(log.take(), expected);
        settle().await;
        assert!(log.take().is_empty());
    });
}

/// Logs its number, and posts the next one.
fn chain(number: u32, last: u32, log: Log) {
    event_loop::post(move || {
        log.add(number.to_string());
        if number < last {
            chain(number + 1, last, log);
        }
    });
}

/// **L2** What a callback posts comes after what is ready by then. With one callback a turn and a
/// look at the kernel in each, this is asyncio's order: a socket that is ready comes after the
/// first callback and before the second.
#[test]
fn lp_02_what_a_callback_schedules_runs_after_sockets_that_are_ready() {
    finishes(|| {
        let builder = EventLoop::builder().polls_per_turn(1).kernel_interval(Duration::ZERO);
        builder.build().expect("a loop").run(async {
            let log = Log::new();
            let (reader, mut writer) = std::io::pipe().expect("a pipe");
            let reader = AsyncFd::new(reader).expect("it can be waited for");
            let in_task = log.clone();
            let io = task::spawn(async move {
                reader.read_with(|mut pipe| pipe.read(&mut [0; 4])).await.expect("it reads");
                in_task.add("io");
            });
            settle().await;
            writer.write_all(b"x").expect("there is room");
            chain(0, 5, log.clone());
            io.await.expect("no panic");
            settle().await;
            assert_eq!(log.take(), ["0", "io", "1", "2", "3", "4", "5"]);
        });
    });
}

/// **L2** With the usual limits callbacks that post each other without end hold up neither sockets
/// nor timers nor tasks. (A turn has several rounds here, so some links of the chain may come
/// before the socket.)
#[test]
fn lp_02_an_endless_chain_starves_nobody() {
    finishes(|| {
        real().run(async {
            let (reader, mut writer) = std::io::pipe().expect("a pipe");
            let reader = AsyncFd::new(reader).expect("it can be waited for");
            let io = task::spawn(async move {
                reader.read_with(|mut pipe| pipe.read(&mut [0; 4])).await.expect("it reads")
            });
            settle().await;
            chain(0, u32::MAX, Log::new());
            writer.write_all(b"x").expect("there is room");
            assert_eq!(io.await, Ok(1));
            sleep(ms(2)).await;
        });
    });
}

/// **L3** What is ready already comes before a timer that is due now.
#[test]
fn lp_03_ready_callbacks_come_before_timers() {
    for make in [real, crate::support::simulated] {
        finishes(move || {
            make().run(async {
                let log = Log::new();
                let note = |text: &'static str| {
                    let log = log.clone();
                    move || log.add(text)
                };
                time::after(Duration::ZERO, note("later"));
                event_loop::post(note("soon1"));
                event_loop::post(note("soon2"));
                sleep(ms(1)).await;
                assert_eq!(log.take(), ["soon1", "soon2", "later"]);
            });
        });
    }
}

/// **L3** A socket that became ready comes before a timer that became due in the same turn.
#[test]
fn lp_03_sockets_come_before_timers() {
    finishes(|| {
        real().run(async {
            let log = Log::new();
            let (reader, mut writer) = std::io::pipe().expect("a pipe");
            let reader = AsyncFd::new(reader).expect("it can be waited for");
            let in_task = log.clone();
            let io = task::spawn(async move {
                reader.read_with(|mut pipe| pipe.read(&mut [0; 4])).await.expect("it reads");
                in_task.add("io");
            });
            settle().await;
            let in_callback = log.clone();
            time::after(ms(1), move || in_callback.add("timer"));
            writer.write_all(b"x").expect("there is room");
            hold_thread(ms(5));
            event_loop::post({
                let log = log.clone();
                move || log.add("ready")
            });
            io.await.expect("no panic");
            sleep(ms(1)).await;
            assert_eq!(log.take(), ["ready", "io", "timer"]);
        });
    });
}

/// **L4, L5** Timers come in the order of their deadlines, and equal ones in the order in which
/// they were set; those that were cancelled never; cancelling twice does no harm.
#[test]
fn lp_04_timers_come_in_order_and_cancelled_ones_never() {
    run(async || {
        let log = Log::new();
        let begun = time::now();
        let (mut expected, mut state) = (Vec::new(), 7_u64);
        let mut timers = Vec::new();
        for number in 0..1_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // A few hundred deadlines for a thousand timers: many are equal.
            let delay = Duration::from_micros((state >> 40) % 300 * 333);
            let in_callback = log.clone();
            let timer = time::after(delay, move || {
                assert_eq!(time::now(), begun + delay, "never early, and on this clock never late");
                in_callback.add(number.to_string());
            });
            assert_eq!(timer.when(), begun + delay);
            if number % 3 == 0 {
                assert!(timer.is_pending() && timer.cancel());
                assert!(!timer.is_pending() && !timer.cancel());
            } else {
                expected.push((delay, number));
            }
            timers.push(timer);
        }
        assert_eq!(event_loop::stats().timers, expected.len(), "cancelled ones are gone at once");
        expected.sort();
        let expected: Vec<String> =
            expected.into_iter().map(|(_, number)| number.to_string()).collect();
        sleep(ms(200)).await;
        assert_eq!(log.take(), expected);
        assert!(timers.iter().all(|timer| !timer.cancel()), "all have gone");
    });
}

/// **L4** Also when the loop is late they come in the order of their deadlines and not of the
/// calls.
#[test]
fn lp_04_the_order_is_kept_by_a_late_loop() {
    finishes(|| {
        let builder = EventLoop::builder().polls_per_turn(1);
        builder.build().expect("a loop").run(async {
            let log = Log::new();
            let now = time::now();
            for delay in [3, 1, 2] {
                let in_callback = log.clone();
                time::at(now + ms(delay), move || in_callback.add(delay.to_string()));
            }
            let in_callback = log.clone();
            time::at(now - ms(1), move || in_callback.add("past"));
            hold_thread(ms(10));
            sleep(ms(5)).await;
            assert_eq!(log.take(), ["past", "1", "2", "3"]);
        });
    });
}

/// **L4** A callback may cancel one that is due in the same turn, and set another; its own cannot
/// be cancelled any more.
#[test]
fn lp_04_callbacks_may_cancel_each_other_but_not_themselves() {
    run(async || {
        let log = Log::new();
        let (own, victim) = (Rc::new(OnceCell::new()), Rc::new(OnceCell::new()));
        let (in_callback, found, of_itself) = (log.clone(), victim.clone(), own.clone());
        let timer = time::after(ms(1), move || {
            let victim: &Timer = found.get().expect("it was set");
            assert!(victim.cancel() && !victim.is_pending());
            let own: &Timer = of_itself.get().expect("it was set");
            assert!(!own.cancel() && !own.is_pending());
            let again = in_callback.clone();
            time::after(ms(1), move || again.add("again"));
            in_callback.add("first");
        });
        own.set(timer).expect("once");
        victim.set(time::after(ms(1), || panic!("it was cancelled"))).expect("once");
        let in_callback = log.clone();
        time::after(ms(1), move || in_callback.add("third"));
        sleep(ms(5)).await;
        assert_eq!(log.take(), ["first", "third", "again"]);

        let (own, found) = (Rc::new(OnceCell::new()), log.clone());
        let of_itself = own.clone();
        let posted = event_loop::post(move || {
            let own: &Posted = of_itself.get().expect("it was set");
            found.add(format!("{} {}", own.cancel(), own.is_pending()));
        });
        assert!(posted.is_pending());
        own.set(posted).expect("once");
        settle().await;
        assert_eq!(log.take(), ["false false"]);
    });
}

static VAR: ContextVar<u32> = ContextVar::new("var");

/// **T11** A callback sees what was set when it was given, and what it sets nobody else sees.
#[test]
fn tk_10_callbacks_see_a_copy_of_the_context() {
    run(async || {
        let log = Log::new();
        let look = || {
            let log = log.clone();
            move || {
                log.add(format!("{:?}", VAR.get()));
                VAR.set(9);
                // It is not told of what a panic leaves behind either.
                assert!(log.len() != 2, "on purpose");
            }
        };
        VAR.set(1);
        event_loop::post(look());
        time::after(ms(1), look());
        VAR.set(2);
        event_loop::post(look());
        settle().await;
        assert_eq!(VAR.get(), Some(2));
        assert_eq!(log.len(), 2);
        sleep(ms(2)).await;
        assert_eq!(log.take(), ["Some(1)", "Some(2)", "Some(1)"]);
        assert_eq!(VAR.unset(), Some(2));
    });
}

type Heard = Arc<Mutex<Vec<(PanicOrigin, String)>>>;

fn hearing(heard: &Heard) -> impl Fn(&PanicReport<'_>) + Send + Sync + 'static {
    let heard = Arc::clone(heard);
    move |report| heard.lock().expect("no panic").push((report.origin, report.text.to_owned()))
}

/// **L8** A panic in a callback is reported once, to the log and to the listener, and what comes
/// after it runs: posted here, posted from elsewhere, at a time, and in a task that nobody awaits.
#[test]
fn lp_06_a_panic_in_a_callback_is_reported_once_and_harms_nobody() {
    let heard = Heard::default();
    let builder = EventLoop::builder().virtual_clock(1).on_panic(hearing(&heard));
    let mut event_loop = builder.build().expect("a loop");
    let lines = logged(|| {
        let handle = event_loop.handle();
        event_loop.run(async {
            let log = Log::new();
            let good = || {
                let log = log.clone();
                move || log.add("good")
            };
            event_loop::post(|| panic!("posted"));
            event_loop::post(good());
            time::after(ms(1), || panic!("timed"));
            time::after(ms(1), good());
            handle.post(|| panic!("from elsewhere")).expect("it is open");
            task::spawn(async { panic!("in a task") }).detach();
            let awaited = task::spawn(async { panic!("heard of") });
            assert!(awaited.await.is_err());
            sleep(ms(2)).await;
            assert_eq!(log.take(), ["good", "good"]);
        });
    });
    let texts = ["posted", "in a task", "from elsewhere", "timed"];
    let mut said = heard.lock().expect("no panic").clone();
    said.sort_by_key(|(_, text)| texts.iter().position(|known| known == text));
    let origins =
        [PanicOrigin::Callback, PanicOrigin::Task, PanicOrigin::Posted, PanicOrigin::Callback];
    let expected: Vec<_> = origins.into_iter().zip(texts.map(str::to_owned)).collect();
    assert_eq!(said, expected);
    for text in texts {
        let reports = lines.iter().filter(|line| line.contains(&format!("panic={text}")));
        assert_eq!(reports.count(), 1, "{text}: {lines:?}");
    }
}

/// **L8** A listener that panics itself is survived, and is called for the next one.
#[test]
fn lp_06_a_panic_of_the_listener_is_survived() {
    let heard = Heard::default();
    let hears = hearing(&heard);
    let builder = EventLoop::builder().virtual_clock(1).on_panic(move |report| {
        hears(report);
        panic!("the listener too");
    });
    let lines = logged(|| {
        builder.build().expect("a loop").run(async {
            let log = Log::new();
            let in_callback = log.clone();
            event_loop::post(|| panic!("one"));
            event_loop::post(|| panic!("two"));
            event_loop::post(move || in_callback.add("good"));
            settle().await;
            assert_eq!(log.take(), ["good"]);
        });
    });
    assert_eq!(heard.lock().expect("no panic").len(), 2);
    assert_eq!(lines.iter().filter(|line| line.contains("panicked itself")).count(), 2);
}
