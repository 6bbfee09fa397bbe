//! What several test files need: loops, a log, a worker actor, and a guard against hanging.

use std::sync::mpsc;
use std::time::Duration;

use futures::channel::oneshot;
use greenroom::actor::{Addr, Cx, Fault, MailboxOptions, Protocol, Reply, spawn_with};
use greenroom::{EventLoop, System};
use greenroom::{task, time};

pub(crate) use crate::harness::{Log, ms, secs};

/// A loop whose clock stands still while anything is ready.
pub(crate) fn simulated() -> EventLoop {
    EventLoop::builder().virtual_clock(1).build().expect("a loop can be made")
}

/// A loop on the machine's clock.
pub(crate) fn real() -> EventLoop {
    EventLoop::new().expect("a loop can be made")
}

/// Runs `f` on a loop of its own with a virtual clock.
pub(crate) fn run<T>(f: impl AsyncFnOnce() -> T) -> T {
    simulated().run(f())
}

/// Runs `main` in a system on a virtual clock.
pub(crate) fn in_system<R>(main: impl AsyncFnOnce(&System, Log) -> R) -> R {
    let event_loop = EventLoop::builder().virtual_clock(1);
    let system = System::builder().event_loop(event_loop).signals(false);
    system.run(async |system| main(system, Log::new()).await).expect("it is not stopped")
}

/// Runs `f` on another thread and fails if it takes longer than any machine should need.
pub(crate) fn finishes<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .spawn(move || {
            let value = f();
            let _ = sender.send(());
            value
        })
        .expect("a thread can be made");
    if receiver.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("it hangs");
    }
    thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// Holds the thread for a while, as a test of sleeping and blocking has to.
#[expect(clippy::disallowed_methods, reason = "the thread itself is what the test is about")]
pub(crate) fn hold_thread(duration: Duration) {
    std::thread::sleep(duration);
}

/// Lets everything that is ready run, and what it makes ready, without moving a virtual clock.
pub(crate) async fn settle() {
    for _ in 0..50 {
        task::yield_now().await;
    }
}

/// Calls the closure when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Something to do inside an actor.
pub(crate) type Job = Box<dyn FnOnce(&mut Cx<Work>) + Send>;

/// What a worker understands: what tests of the loop and of other threads need.
pub(crate) enum Work {
    /// Notes the number.
    Note(u32),
    /// Notes the number and answers with it.
    Echo(u32, Reply<u32>),
    /// Sleeps for that many milliseconds, then notes and answers.
    Slow(u64, Reply<u32>),
    /// Answers, and then waits until the other side of the channel is dropped.
    Hold(Reply<()>, oneshot::Receiver<()>),
    /// Ends with an error.
    Fail(Option<Reply<u32>>),
    /// Ends by itself.
    Finish(Option<Reply<u32>>),
    Do(Job),
}
impl Protocol for Work {}

impl Work {
    pub(crate) fn job(job: impl FnOnce(&mut Cx<Self>) + Send + 'static) -> Self {
        Self::Do(Box::new(job))
    }
}

/// A worker with the usual mailbox.
pub(crate) fn worker(name: &str, log: &Log) -> Addr<Work> {
    worker_with(name, MailboxOptions::default(), log)
}

pub(crate) fn worker_with(name: &str, mailbox: MailboxOptions, log: &Log) -> Addr<Work> {
    let log = log.clone();
    spawn_with(name, mailbox, async move |cx: &mut Cx<Work>| work(cx, &log).await)
}

async fn work(cx: &mut Cx<Work>, log: &Log) -> Result<(), Fault> {
    loop {
        match cx.recv().await {
            Work::Note(number) => log.add(format!("note {number}")),
            Work::Echo(number, reply) => {
                log.add(format!("echo {number}"));
                reply.send(number);
            }
            Work::Slow(duration, reply) => {
                time::sleep(ms(duration)).await;
                log.add(format!("slow {duration}"));
                reply.send(duration as u32);
            }
            Work::Hold(reply, until) => {
                reply.send(());
                let _ = until.await;
            }
            Work::Fail(_reply) => return Err(Fault::new("the work failed")),
            Work::Finish(_reply) => return Ok(()),
            Work::Do(job) => job(cx),
        }
    }
}
