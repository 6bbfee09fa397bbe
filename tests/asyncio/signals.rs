//! SG: signals are heard in the loop, wake it, and act by default once nobody listens.
//!
//! Signals belong to the process and every stream hears them, so each test here has a signal of its
//! own, and those that would end the process are sent to another one.

use std::cell::Cell;
use std::os::unix::process::ExitStatusExt as _;
use std::rc::Rc;

use futures::stream::StreamExt as _;
use greenroom::signal::{Signal, SignalError, Signals, ctrl_c, signals};
use greenroom::{System, task, time};

use crate::again::{Again, kill, say, scenario};
use crate::support::{finishes, hold_thread, ms, real, secs, simulated};

/// The signal is sent by `raise`, to this very thread, and is handled before that returns.
fn raise(signal: Signal) {
    signal_hook::low_level::raise(signal.number()).expect("the signal exists");
}

/// Far longer than any signal takes.
async fn within<T>(future: impl Future<Output = T>) -> T {
    time::timeout(secs(30), future).await.expect("the signal is heard")
}

/// **G1** A signal is taken in a turn of the loop like anything else, so what runs then may use all
/// of the loop. (asyncio calls a function with its arguments; here a stream gives the signal, and
/// what is to be done with it stands behind the `await`.)
#[test]
fn sg_01_a_signal_is_heard_as_an_item_of_a_stream() {
    finishes(|| {
        real().run(async {
            let mut heard = signals([Signal::USR1]).expect("it can be listened to");
            let turns = Rc::new(Cell::new(0));
            let seen = Rc::clone(&turns);
            let listener = task::spawn(async move {
                let signal = within(heard.recv()).await.expect("it is on its own loop");
                let deeper = task::spawn(async move { seen.get() }).await;
                (signal, deeper)
            });
            task::yield_now().await;
            raise(Signal::USR1);
            assert!(!listener.is_finished(), "the handler itself runs none of it");
            turns.set(1);
            assert_eq!(listener.await, Ok((Signal::USR1, Ok(1))));
        });
    });
}

/// **G1** A loop that sleeps without a timer wakes for a signal, whichever thread gets it.
#[test]
fn sg_01_a_signal_wakes_a_loop_that_sleeps() {
    finishes(|| {
        let (ready, listening) = std::sync::mpsc::channel();
        let sender = std::thread::Builder::new();
        let sender = sender.spawn(move || {
            listening.recv().expect("the loop listens");
            hold_thread(ms(50)); // it has nothing to do but sleep
            kill("-USR2", std::process::id());
        });
        real().run(async {
            let mut heard = signals([Signal::USR2]).expect("it can be listened to");
            ready.send(()).expect("the sender waits");
            assert_eq!(heard.next().await, Some(Signal::USR2));
        });
        sender.expect("a thread").join().expect("it was sent");
    });
}

/// **G1** Every stream hears the signal, also two of one loop and those of other loops on other
/// threads. (asyncio has one handler for each signal, and on the main thread only; Rust knows no
/// main thread.)
#[test]
fn sg_01_every_stream_on_every_loop_hears_it() {
    finishes(|| {
        let (ready, listening) = std::sync::mpsc::channel();
        let others: Vec<_> = (0..2)
            .map(|_| {
                let ready = ready.clone();
                let listen = move || {
                    real().run(async {
                        let mut heard = signals([Signal::WINCH]).expect("it can be listened to");
                        ready.send(()).expect("the test waits");
                        within(heard.recv()).await.expect("it is on its own loop")
                    })
                };
                std::thread::Builder::new().spawn(listen).expect("a thread")
            })
            .collect();
        real().run(async {
            let mut first = signals([Signal::WINCH]).expect("it can be listened to");
            let mut second = signals([Signal::CONT, Signal::WINCH]).expect("so can these");
            for _ in 0..2 {
                listening.recv().expect("the others listen");
            }
            kill("-WINCH", std::process::id());
            assert_eq!(within(first.recv()).await.unwrap(), Signal::WINCH);
            assert_eq!(within(second.recv()).await.unwrap(), Signal::WINCH);
        });
        for other in others {
            assert_eq!(other.join().expect("it hears it"), Signal::WINCH);
        }
    });
}

/// **G1** What cannot be handled is refused, with the reason and what to do instead.
#[test]
fn sg_01_kill_and_stop_are_refused() {
    real().run(async {
        for signal in [Signal::KILL, Signal::STOP] {
            let error = signals([Signal::HUP, signal]).expect_err("nobody may handle it");
            assert!(matches!(error, SignalError::Refused(refused) if refused == signal));
            let text = error.to_string();
            assert!(text.contains(&signal.to_string()) && text.contains("the kernel"), "{text}");
        }
        let fault = signals([Signal::from_number(11)]).expect_err("nor this");
        assert!(fault.to_string().contains("a fault of its own"), "{fault}");
        let none = signals([]).expect_err("it would wait for ever");
        assert!(matches!(none, SignalError::Empty));
        let unknown = signals([Signal::from_number(4_711)]).expect_err("there is no such signal");
        assert!(matches!(unknown, SignalError::System(..)), "{unknown}");
    });
}

/// **G1** A signal that comes again before it was taken is one; none that came before is lost when
/// the wait for it is given up.
#[test]
fn sg_01_signals_are_not_counted_and_not_lost() {
    finishes(|| {
        real().run(async {
            let mut heard = signals([Signal::TTIN, Signal::TTOU]).expect("they can be heard");
            for _ in 0..1_000 {
                raise(Signal::TTOU);
            }
            raise(Signal::TTIN);
            drop(heard.recv()); // given up before it began
            assert_eq!(within(heard.recv()).await.unwrap(), Signal::TTIN, "first in the set");
            assert_eq!(within(heard.recv()).await.unwrap(), Signal::TTOU);
            assert!(time::timeout(ms(20), heard.recv()).await.is_err(), "they were one");
            raise(Signal::TTOU);
            assert_eq!(within(heard.recv()).await.unwrap(), Signal::TTOU);
        });
    });
}

/// **G1** Where nothing could hear it, listening fails and says so.
#[test]
fn sg_01_without_a_loop_of_the_machine_nothing_is_heard() {
    let nowhere = signals([Signal::USR1]).expect_err("there is no loop");
    assert!(nowhere.to_string().contains("no Greenroom loop"), "{nowhere}");
    simulated().run(async {
        let simulated = signals([Signal::USR1]).expect_err("a virtual clock has no signals");
        assert!(simulated.to_string().contains("virtual clock"), "{simulated}");
    });
    let mut moved = real().run(async { signals([Signal::TSTP]).expect("it can be heard") });
    real().run(async {
        assert!(matches!(moved.recv().await, Err(SignalError::Loop(_))), "it is another loop's");
        assert_eq!(moved.next().await, None);
    });
}

/// **G1** Once the last stream is gone, the signal does what it did before anyone listened; also
/// when other streams for it had come and gone.
// H1: once nobody listens any more, a signal does again what it does by default
#[test]
fn sg_01_removal_restores_the_default() {
    finishes(|| {
        for (signal, ends) in
            [("-TERM", Signal::TERM), ("-USR1", Signal::USR1), ("-HUP", Signal::HUP)]
        {
            let process = Again::start(PROCESS, "removal");
            process.signal(signal);
            assert_eq!(process.end().signal(), Some(ends.number()), "{signal} ended it");
        }
    });
}

/// **G1** A signal that is ignored by default is ignored again.
#[test]
fn sg_01_removal_restores_a_default_of_ignoring() {
    finishes(|| {
        let mut process = Again::start(PROCESS, "removal");
        process.signal("-WINCH");
        process.signal("-CHLD");
        process.signal("-CONT");
        hold_thread(ms(100));
        assert!(process.is_running());
        process.signal("-KILL");
        assert_eq!(process.end().signal(), Some(9));
    });
}

/// **G1** A system takes SIGINT and SIGTERM for itself only while it runs.
#[test]
fn sg_01_the_end_of_a_system_restores_the_default() {
    finishes(|| {
        for (signal, ends) in [("-INT", Signal::INT), ("-TERM", Signal::TERM)] {
            let process = Again::start(PROCESS, "after a system");
            process.signal(signal);
            assert_eq!(process.end().signal(), Some(ends.number()), "{signal} ended it");
        }
    });
}

/// **G1** Beside a system a stream of one's own hears the signal that stops it.
#[test]
fn sg_01_a_stream_and_the_system_hear_the_same_signal() {
    finishes(|| {
        let mut process = Again::start(PROCESS, "beside a system");
        process.signal("-TERM");
        process.wait_for("heard SIGTERM");
        process.wait_for("stopped");
        assert_eq!(process.end().code(), Some(7));
    });
}

/// **G1** `ctrl_c` takes one; the next is the default's.
#[test]
fn sg_01_the_second_ctrl_c_ends_the_process() {
    finishes(|| {
        let mut process = Again::start(PROCESS, "ctrl-c");
        process.signal("-INT");
        process.wait_for("heard");
        process.signal("-INT");
        assert_eq!(process.end().signal(), Some(2));
    });
}

const PROCESS: &str = "signals::the_process";

/// Not a test by itself: what the process does.
#[test]
fn the_process() {
    let Some(scenario) = scenario() else { return };
    match scenario.as_str() {
        "removal" => removal(),
        "after a system" => {
            greenroom::run(async |_system| time::sleep(ms(1)).await);
            say("ready");
            hold_thread(secs(60));
        }
        "beside a system" => beside_a_system(),
        "ctrl-c" => {
            real().run(async {
                let mut first = std::pin::pin!(ctrl_c());
                assert!(futures::poll!(&mut first).is_pending());
                say("ready");
                first.await.expect("it is heard");
                say("heard");
                time::sleep(secs(60)).await;
            });
        }
        other => panic!("there is no scenario {other:?}"),
    }
    panic!("nothing ended it");
}

fn removal() {
    const ALL: [Signal; 6] =
        [Signal::TERM, Signal::USR1, Signal::HUP, Signal::WINCH, Signal::CHLD, Signal::CONT];
    real().run(async {
        for signal in ALL {
            let (mut kept, dropped) = (listen(signal), listen(signal));
            raise(signal);
            drop(dropped);
            raise(signal); // somebody still listens
            assert_eq!(within(kept.recv()).await.unwrap(), signal);
            drop(kept);
            let mut again = listen(signal);
            raise(signal); // somebody listens again
            assert_eq!(within(again.recv()).await.unwrap(), signal);
        }
        say("ready");
        time::sleep(secs(60)).await;
    });
}

fn listen(signal: Signal) -> Signals {
    signals([signal]).expect("it can be listened to")
}

fn beside_a_system() {
    let outcome = System::builder().run(async |system: &System| {
        let mut heard = listen(Signal::TERM);
        say("ready");
        let signal = within(heard.recv()).await.unwrap();
        say(&format!("heard {signal}"));
        system.stopped().await;
        say("stopped");
    });
    outcome.expect("main returned in time");
    std::process::exit(7);
}
