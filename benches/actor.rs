//! Messages, asks, starts and crashes of actors; named as the workloads that peers are measured by.

mod harness;

use std::time::Duration;

use futures::future::join_all;
use greenroom::actor::{MailboxOptions, spawn, spawn_with};
use greenroom::prelude::*;
use greenroom::{EventLoop, System, task};
use harness::{Harness, timed};

struct Add(u64);
struct Get;
struct Fail;
struct Panic;

protocol! {
    enum CounterProtocol { Add(Add), Get(Get) -> u64, Fail(Fail), Panic(Panic) }
}

struct Counter(u64);
impl Actor for Counter {
    type Protocol = CounterProtocol;
    type Error = Fault;
}
impl Handler<Add> for Counter {
    async fn handle(&mut self, add: Add, _: &mut Cx<CounterProtocol>) -> Result<(), Fault> {
        self.0 += add.0;
        Ok(())
    }
}
impl Handler<Get> for Counter {
    async fn handle(&mut self, _: Get, _: &mut Cx<CounterProtocol>) -> Result<u64, Fault> {
        Ok(self.0)
    }
}
impl Handler<Fail> for Counter {
    async fn handle(&mut self, _: Fail, _: &mut Cx<CounterProtocol>) -> Result<(), Fault> {
        Err(Fault::new("told to"))
    }
}
impl Handler<Panic> for Counter {
    async fn handle(&mut self, _: Panic, _: &mut Cx<CounterProtocol>) -> Result<(), Fault> {
        std::panic::panic_any("told to")
    }
}

/// A ball that is passed on so many times more.
enum Ball {
    Next(Addr<Self>),
    Pass(u64),
}
impl Protocol for Ball {}

async fn player(cx: &mut Cx<Ball>) -> Result<(), Fault> {
    let mut next = cx.addr();
    loop {
        match cx.recv().await {
            Ball::Next(addr) => next = addr,
            Ball::Pass(0) => return Ok(()),
            Ball::Pass(left) => {
                let _ = next.try_tell(Ball::Pass(left - 1));
            }
        }
    }
}

/// Passes a ball `hops` times around a ring of players.
async fn ring(players: usize, hops: u64) -> Duration {
    let ring: Vec<_> = (0..players).map(|_| spawn("player", player)).collect();
    for (index, player) in ring.iter().enumerate() {
        let _ = player.try_tell(Ball::Next(ring[(index + 1) % players]));
    }
    task::yield_now().await;
    let last = ring[(hops % players as u64) as usize];
    let took = timed(async {
        let _ = ring[0].try_tell(Ball::Pass(hops));
        last.ended().await;
    })
    .await;
    ring.iter().for_each(Addr::kill);
    task::yield_now().await;
    took
}

fn tells(harness: &Harness, event_loop: &mut EventLoop) {
    harness.bench("A2 tell, cache-hot, handled", 2_000_000, |operations| {
        event_loop.run(async {
            let counter = spawn_with("counter", MailboxOptions::unbounded(), || Counter(0));
            timed(async {
                for number in 0..operations {
                    let _ = counter.try_tell(Add(1));
                    if number % 256 == 255 {
                        task::yield_now().await;
                    }
                }
                let _ = counter.ask(Get).await;
                counter.stop();
            })
            .await
        })
    });
    harness.bench("A3 tell, bounded 1024, awaited", 2_000_000, |operations| {
        event_loop.run(async {
            let counter = spawn("counter", || Counter(0));
            timed(async {
                for _ in 0..operations {
                    let _ = counter.tell(Add(1)).await;
                }
                let _ = counter.ask(Get).await;
                counter.stop();
            })
            .await
        })
    });
}

async fn ask_often(counter: Addr<CounterProtocol>, times: u64) {
    for _ in 0..times {
        let _ = counter.ask(Get).await;
    }
}

fn asks(harness: &Harness, event_loop: &mut EventLoop) {
    harness.bench("B1 ask, sequential", 500_000, |operations| {
        event_loop.run(async {
            let counter = spawn("counter", || Counter(0));
            timed(async {
                for _ in 0..operations {
                    let _ = counter.ask(Get).await;
                }
                counter.stop();
            })
            .await
        })
    });
    harness.bench("B2 ask, 1000 askers", 500_000, |operations| {
        event_loop.run(async {
            let counter = spawn("counter", || Counter(0));
            let each = operations.div_ceil(1_000);
            timed(async {
                join_all((0..1_000).map(|_| task::spawn(ask_often(counter, each)))).await;
                counter.stop();
            })
            .await
        })
    });
}

fn lives(harness: &Harness, event_loop: &mut EventLoop) {
    harness.bench("E1 create, start, stop", 200_000, |operations| {
        event_loop.run(timed(async {
            for _ in 0..operations.div_ceil(1_000) {
                let batch: Vec<_> = (0..1_000).map(|_| spawn("counter", || Counter(0))).collect();
                task::yield_now().await;
                batch.iter().for_each(Addr::stop);
                task::yield_now().await;
            }
        }))
    });
    let restarts = async |panics: bool, operations: u64| {
        let system = System::builder().signals(false).run(async |system| {
            let tree = Supervisor::one_for_one().intensity(u32::MAX, Duration::from_millis(1));
            let tree = tree.start(system).await.expect("it starts");
            let counter = tree.add(child("counter", || Counter(0))).await.expect("it starts");
            timed(async {
                for _ in 0..operations {
                    let told = if panics {
                        counter.try_tell(Panic).is_ok()
                    } else {
                        counter.try_tell(Fail).is_ok()
                    };
                    assert!(told && counter.ask(Get).await.is_ok());
                }
            })
            .await
        });
        system.expect("it is not stopped")
    };
    std::panic::set_hook(Box::new(|_| ()));
    for (name, panics) in [("H restart after an error", false), ("H restart after a panic", true)] {
        harness.bench(name, 20_000, |operations| {
            futures::executor::block_on(restarts(panics, operations))
        });
    }
}

fn main() {
    let harness = Harness::from_args();
    let mut event_loop = EventLoop::new().expect("a loop can be made");
    tells(&harness, &mut event_loop);
    asks(&harness, &mut event_loop);
    harness.bench("C ping-pong, per message", 1_000_000, |hops| event_loop.run(ring(2, hops)));
    harness.bench("D1 ring of 503, per hop", 1_000_000, |hops| event_loop.run(ring(503, hops)));
    lives(&harness, &mut event_loop);
}
