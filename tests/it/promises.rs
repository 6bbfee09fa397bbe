//! The named promises that no unit test shows, seen from outside: a test for each, under its name.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use greenroom::prelude::*;
use greenroom::time::{now, sleep};
use greenroom::{EventLoop, task};

/// Runs `main` on a clock that stands still while anything is ready.
fn run<R>(main: impl AsyncFnOnce(&System) -> R) -> R {
    let event_loop = EventLoop::builder().virtual_clock(1);
    System::builder().event_loop(event_loop).signals(false).run(main).expect("it is not stopped")
}

enum Order {
    Work,
    Fail,
    /// Lets the reply port fall.
    Ignore(Reply<()>),
    Answer(Reply<()>),
    /// Takes a minute.
    Dawdle(Reply<()>),
    Crash(Reply<()>),
}
impl Protocol for Order {}

async fn worker(cx: &mut Cx<Order>, inside: &Cell<u32>, handled: &Cell<u32>) -> Result<(), Fault> {
    while let Some(order) = cx.next().await {
        assert_eq!(inside.replace(1), 0, "two messages in one actor at a time");
        task::yield_now().await;
        handled.set(handled.get() + 1);
        inside.set(0);
        match order {
            Order::Work => {}
            Order::Fail => return Err(Fault::new("told to")),
            Order::Crash(_reply) => return Err(Fault::new("told to, while asked")),
            Order::Ignore(reply) => drop(reply),
            Order::Answer(reply) => reply.send(()),
            Order::Dawdle(reply) => {
                sleep(Duration::from_secs(60)).await;
                reply.send(());
            }
        }
    }
    Ok(())
}

// A1: an actor runs at most one handler at a time; awaiting in a handler lets nobody in.
// M4: a message is handled at most once; if never, it comes back, or is a dead letter.
#[test]
fn every_message_is_handled_once_or_is_a_dead_letter_and_none_beside_another() {
    run(async |system| {
        let dead = Rc::new(Cell::new(0));
        let listener = Rc::clone(&dead);
        system.on_dead_letter(move |letter| {
            assert!(letter.message.ends_with("Order"), "nothing internal is one: {letter:?}");
            listener.set(listener.get() + 1);
        });
        let (inside, handled) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let counter = Rc::clone(&handled);
        let tree = Supervisor::one_for_one().intensity(1, Duration::from_secs(60));
        let tree = tree.start(system).await.unwrap();
        let worker = async move |cx: &mut Cx<Order>| worker(cx, &inside, &handled).await;
        let addr = tree.add(child("worker", worker)).await.unwrap();
        // The second failure is one too many: what waits behind it is never handled.
        let orders = [Order::Work, Order::Fail, Order::Work, Order::Fail, Order::Work, Order::Work];
        let sent = orders.len() as u64;
        for order in orders {
            addr.try_tell(order).unwrap();
        }
        tree.ended().await;
        // The two that failed were handled in part and are dead letters as well.
        assert_eq!((counter.get(), dead.get()), (4, 2 + (sent - 4)));
        assert_eq!(system.dead_letters(), dead.get());
        let refused = addr.try_tell(Order::Work).unwrap_err();
        assert!(matches!(refused.into_message(), Some(Order::Work)));
    });
}

/// Writes down when it starts and stops.
struct Diarist(Rc<RefCell<Vec<String>>>);
protocol! { enum DiaryProtocol { Panic(&'static str) } }
impl Actor for Diarist {
    type Protocol = DiaryProtocol;
    type Error = Fault;

    async fn stopped(&mut self, reason: &ExitReason, cx: &mut Cx<DiaryProtocol>) {
        self.0.borrow_mut().push(format!("{}: {reason}", cx.incarnation()));
    }
}
impl Handler<&'static str> for Diarist {
    async fn handle(&mut self, text: &'static str, _: &mut Cx<DiaryProtocol>) -> Result<(), Fault> {
        panic!("{text}")
    }
}

// A2: the stop hook runs once per incarnation, also after a panic, except when it was killed.
#[test]
fn the_stop_hook_runs_once_an_incarnation_and_not_when_killed() {
    run(async |system| {
        let diary = Rc::new(RefCell::new(Vec::new()));
        let kept = Rc::clone(&diary);
        let addr = child("diarist", move || Diarist(Rc::clone(&kept))).restart(Transient);
        let addr = system.spawn(addr).await.unwrap();
        addr.tell("ink").await.unwrap();
        sleep(Duration::from_millis(1)).await;
        addr.kill();
        sleep(Duration::from_millis(1)).await;
        addr.stop();
        addr.ended().await;
        assert_eq!(*diary.borrow(), ["0: panicked: ink", "2: shutdown"]);
    });
}

// A3: every ask ends: with a reply, with an error that says what is certain, or at its limit.
#[test]
fn every_ask_ends_and_says_what_is_certain() {
    run(async |system| {
        let (inside, handled) = (Cell::new(0), Cell::new(0));
        let worker = async move |cx: &mut Cx<Order>| {
            inside.set(0);
            worker(cx, &inside, &handled).await
        };
        let addr = system.spawn(child("worker", worker).restart(Transient)).await.unwrap();
        assert!(addr.ask_with(Order::Answer).await.is_ok());
        let dropped = addr.ask_with(Order::Ignore).await;
        assert!(matches!(dropped, Err(AskError::NoReply { .. })), "{dropped:?}");
        let crashed = addr.ask_with(Order::Crash).await;
        assert!(matches!(crashed, Err(AskError::Crashed { .. })), "{crashed:?}");

        let begun = now();
        let late = addr.ask_with(Order::Dawdle).timeout(Duration::from_secs(2)).await;
        assert!(late.is_err_and(|error| error.is_timeout() && !error.is_unhandled()));
        assert_eq!(now() - begun, Duration::from_secs(2));

        let waiting = task::spawn(async move { addr.ask_with(Order::Answer).no_timeout().await });
        task::yield_now().await;
        addr.kill();
        addr.stop();
        let unhandled = task::spawn(async move { addr.ask_with(Order::Answer).await });
        // Killed, it comes back and answers those who were waiting.
        assert!(waiting.await.unwrap().is_ok());
        assert!(unhandled.await.unwrap().is_ok());
        addr.stop();
        addr.ended().await;
        let closed = addr.ask_with(Order::Answer).await;
        assert!(closed.is_err_and(|error| error.is_unhandled()));
    });
}

// L1: user code runs in the inbox and in the rounds of a turn and nowhere else.
#[test]
fn nothing_that_a_task_does_runs_another_task_inside_it() {
    let mut event_loop = EventLoop::builder().virtual_clock(1).build().unwrap();
    let handle = event_loop.handle();
    event_loop.run(async {
        let inside = Rc::new(Cell::new(false));
        let seen = Rc::clone(&inside);
        let (sender, receiver) = futures::channel::oneshot::channel();
        let other = task::spawn(async move {
            receiver.await.unwrap();
            assert!(!seen.get(), "polled inside another task");
        });
        task::yield_now().await;
        inside.set(true);
        sender.send(()).unwrap();
        let _ = handle.post(|| {});
        task::spawn(async {}).abort();
        inside.set(false);
        other.await.unwrap();
    });
}

/// A waker that uses the loop from inside `wake`, as foreign code may.
struct Meddler;
impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        // Opens and closes a place at the reactor, and starts a task.
        drop(
            std::pin::pin!(greenroom::net::UdpSocket::bind("127.0.0.1:0"))
                .poll(&mut Context::from_waker(Waker::noop())),
        );
        WOKEN.with(|woken| woken.set(true));
    }
}
thread_local! {
    static WOKEN: Cell<bool> = const { Cell::new(false) };
}

// R1: no user code runs while events are dispatched: wakers are moved to a list.
#[test]
fn a_waker_may_use_the_reactor_when_it_is_woken_by_it() {
    greenroom::run(async |_system| {
        let one = greenroom::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let two = greenroom::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut buffer = [0; 8];
        {
            let mut receiving = std::pin::pin!(one.recv_from(&mut buffer));
            let meddler = Waker::from(Arc::new(Meddler));
            assert!(receiving.as_mut().poll(&mut Context::from_waker(&meddler)).is_pending());
            two.send_to(b"hello", one.local_addr().unwrap()).await.unwrap();
            while !WOKEN.with(Cell::get) {
                sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(receiving.await.unwrap().0, 5);
        }
    });
}

/// Takes a minute to start.
struct Slow;
protocol! { enum SlowProtocol { Never(std::convert::Infallible) } }
impl Actor for Slow {
    type Protocol = SlowProtocol;
    type Error = Fault;

    async fn started(&mut self, _: &mut Cx<SlowProtocol>) -> Result<(), Fault> {
        sleep(Duration::from_secs(60)).await;
        Ok(())
    }
}
impl Handler<std::convert::Infallible> for Slow {
    async fn handle(
        &mut self,
        message: std::convert::Infallible,
        _: &mut Cx<SlowProtocol>,
    ) -> Result<(), Fault> {
        match message {}
    }
}

// S4: a supervisor answers while its children start, stop and wait for their next try.
#[test]
fn a_supervisor_answers_while_a_child_starts() {
    run(async |system| {
        let tree = Supervisor::one_for_one().start(system).await.unwrap();
        let begun = now();
        let starting = task::spawn(async move { tree.add(child("slow", || Slow)).await });
        task::yield_now().await;
        assert_eq!(tree.children().await.len(), 1);
        assert_eq!(now(), begun, "it answered at once");
        assert!(starting.await.unwrap().is_ok());
        assert_eq!(now() - begun, Duration::from_secs(60));
    });
}

/// Notes on which thread it is dropped, and whether a loop is there.
struct Witness(Arc<std::sync::Mutex<Vec<std::thread::ThreadId>>>);
impl Drop for Witness {
    fn drop(&mut self) {
        let _ = now();
        self.0.lock().unwrap().push(std::thread::current().id());
    }
}

// T3: a future is dropped on its loop's thread, while the loop is the thread's current one.
#[test]
fn a_future_is_dropped_at_home_when_its_loop_ends_and_when_its_last_waker_is_elsewhere() {
    let dropped = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut event_loop = EventLoop::builder().virtual_clock(1).build().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
    event_loop.run(async {
        for _ in 0..2 {
            let (witness, sender) = (Witness(Arc::clone(&dropped)), sender.clone());
            task::spawn(async move {
                let _witness = witness;
                std::future::poll_fn(|cx| {
                    sender
                        .send(cx.waker().clone())
                        .map_or_else(|_| std::task::Poll::Ready(()), |()| std::task::Poll::Pending)
                })
                .await;
            });
        }
        task::yield_now().await;
    });
    let (wake, forget) = (receiver.recv().unwrap(), receiver.recv().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(move || drop(forget));
    });
    drop(event_loop);
    assert_eq!(*dropped.lock().unwrap(), [std::thread::current().id(); 2]);
    // A waker that outlives its loop wakes nobody.
    wake.wake();
}
