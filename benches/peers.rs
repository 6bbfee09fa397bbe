//! The workloads of the peers' tables that need many actors, more threads, or CPU time to be told.

#![allow(clippy::disallowed_methods, reason = "a bench has a second thread")]

mod harness;

use std::cell::Cell;
use std::fs;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures::future::{LocalBoxFuture, join_all};
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use greenroom::actor::{MailboxOptions, spawn, spawn_with};
use greenroom::net::{TcpListener, TcpStream};
use greenroom::prelude::*;
use greenroom::{EventLoop, task, time};
use harness::{Harness, timed};

enum Msg {
    Add,
    Get(Reply<u64>),
    Next(Addr<Self>),
    Pass(u64),
}
impl Protocol for Msg {}

async fn counter(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    let (mut sum, mut next) = (0, cx.addr());
    loop {
        match cx.recv().await {
            Msg::Add => sum += 1,
            Msg::Get(reply) => reply.send(sum),
            Msg::Next(addr) => next = addr,
            Msg::Pass(0) => return Ok(()),
            Msg::Pass(left) => {
                let _ = next.try_tell(Msg::Pass(left - 1));
            }
        }
    }
}

fn unbounded() -> Addr<Msg> {
    spawn_with("counter", MailboxOptions::unbounded(), counter)
}

/// CPU time that this thread has used; zero where the kernel does not tell.
fn cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// Bytes in memory; zero where there is no `/proc`.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

/// The sum arrives only behind all that was sent, so an ask proves that everything was handled.
async fn drained(addr: Addr<Msg>, expected: u64) {
    let sum = addr.ask_with(Msg::Get).no_timeout().await;
    assert_eq!(sum.ok(), Some(expected));
}

fn floods(harness: &Harness, event_loop: &mut EventLoop) {
    harness.bench("A1 tell flood", 3_000_000, |operations| {
        event_loop.run(timed(async {
            let counter = unbounded();
            for _ in 0..operations {
                let _ = counter.try_tell(Msg::Add);
            }
            drained(counter, operations).await;
            counter.stop();
        }))
    });
    harness.bench("G1 fan-in, 10k senders", 1_000_000, |operations| {
        let each = operations.div_ceil(10_000);
        let took = event_loop.run(timed(async {
            let counter = unbounded();
            let senders = (0..10_000).map(|_| {
                task::spawn(async move {
                    for _ in 0..each {
                        let _ = counter.try_tell(Msg::Add);
                    }
                })
            });
            join_all(senders).await;
            drained(counter, each * 10_000).await;
            counter.stop();
        }));
        took.mul_f64(operations as f64 / (each * 10_000) as f64)
    });
    harness.bench("L std thread to actor", 1_000_000, |operations| {
        event_loop.run(timed(async {
            let counter = unbounded();
            let sender = std::thread::spawn(move || {
                for _ in 0..operations {
                    // A full inbox refuses; the loop is behind, so it is given its time.
                    while counter.try_tell(Msg::Add).is_err() {
                        std::thread::yield_now();
                    }
                }
            });
            while !sender.is_finished() {
                time::sleep(Duration::from_micros(100)).await;
            }
            // What another thread has sent may still be in the loop's inbox, behind this ask.
            while counter.ask_with(Msg::Get).no_timeout().await.ok() != Some(operations) {
                task::yield_now().await;
            }
            counter.stop();
        }))
    });
}

fn skynet(depth: u32) -> LocalBoxFuture<'static, u64> {
    Box::pin(async move {
        if depth == 0 {
            return 1;
        }
        let children: Vec<_> = (0..10)
            .map(|_| {
                spawn("node", async move |cx: &mut Cx<Msg>| {
                    let Msg::Get(reply) = cx.recv().await else { return Ok::<(), Fault>(()) };
                    reply.send(skynet(depth - 1).await);
                    Ok(())
                })
            })
            .collect();
        let sums = join_all(children.iter().map(|child| child.ask_with(Msg::Get).no_timeout()));
        sums.await.into_iter().map(|sum| sum.unwrap_or(0)).sum()
    })
}

fn many(harness: &Harness, event_loop: &mut EventLoop) {
    harness.bench("D2 ring of 100k, per hop", 100_000, |operations| {
        event_loop.run(async {
            let players = operations as usize;
            let ring: Vec<_> = (0..players).map(|_| spawn("player", counter)).collect();
            for (index, player) in ring.iter().enumerate() {
                let _ = player.try_tell(Msg::Next(ring[(index + 1) % players]));
            }
            task::yield_now().await;
            let took = timed(async {
                let _ = ring[0].try_tell(Msg::Pass(operations));
                ring[0].ended().await;
            });
            let took = took.await;
            ring.iter().for_each(Addr::kill);
            task::yield_now().await;
            took
        })
    });
    harness.bench("E2 skynet, per leaf", 100_000, |operations| {
        let depth = operations.ilog10();
        let leaves = 10_u64.pow(depth);
        let took = event_loop.run(timed(async { assert_eq!(skynet(depth).await, leaves) }));
        took.mul_f64(operations as f64 / leaves as f64)
    });
}

fn sleeps(harness: &Harness, event_loop: &mut EventLoop) {
    harness.bench("I1 sleeps within 1 s, with tasks (CPU)", 200_000, |operations| {
        let before = cpu();
        event_loop.run(async {
            let sleeps = (0..operations).map(|number| {
                task::spawn(time::sleep(Duration::from_micros(number * 1_000_000 / operations)))
            });
            join_all(sleeps).await;
        });
        cpu().saturating_sub(before)
    });
}

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4_096];
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..read]).await?;
    }
}

/// Serves 50 connections on a loop of this thread until they end; gives the CPU time it took.
fn serve(listener: std::net::TcpListener) -> Duration {
    let mut event_loop = EventLoop::new().expect("a loop can be made");
    event_loop.run(async {
        let listener = TcpListener::from_std(listener).expect("it can be made non-blocking");
        let mut served = Vec::new();
        for _ in 0..50 {
            let (stream, _) = listener.accept().await.expect("loopback works");
            served.push(task::spawn(echo(stream)));
        }
        join_all(served).await;
    });
    cpu()
}

fn echoes(harness: &Harness, event_loop: &mut EventLoop) {
    let used = Rc::new(Cell::new((Duration::ZERO, 0)));
    harness.bench("J echo 50x64, two threads", 200_000, |operations| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback works");
        let address = listener.local_addr().expect("it is bound");
        let server = std::thread::spawn(move || serve(listener));
        let each = operations.div_ceil(50);
        let took = event_loop.run(timed(async {
            let clients = (0..50).map(|_| {
                task::spawn(async move {
                    let mut client = TcpStream::connect(address).await?;
                    let mut buffer = [7; 64];
                    for _ in 0..each {
                        client.write_all(&buffer).await?;
                        client.read_exact(&mut buffer).await?;
                    }
                    Ok::<(), std::io::Error>(())
                })
            });
            for client in join_all(clients).await {
                client.expect("it does not panic").expect("loopback works");
            }
        }));
        used.set((server.join().expect("it does not panic"), each * 50));
        took
    });
    let (spent, requests) = used.get();
    if requests > 0 {
        println!(
            "  of it CPU of the server's thread: {} ns/op",
            spent.as_nanos() / u128::from(requests)
        );
    }
}

/// First, as memory that earlier rows gave back to the allocator would hide what actors take.
fn idle_actors() {
    EventLoop::new().expect("a loop can be made").run(async {
        let (before, begun) = (resident(), Instant::now());
        let idle: Vec<_> = (0..100_000).map(|_| spawn("idle", counter)).collect();
        task::yield_now().await;
        let bytes = resident().saturating_sub(before) / idle.len() as u64;
        println!("F idle actor: {bytes} bytes, {} ns", begun.elapsed().as_nanos() / 100_000);
    });
}

fn main() {
    idle_actors();
    let harness = Harness::from_args();
    let mut event_loop = EventLoop::new().expect("a loop can be made");
    floods(&harness, &mut event_loop);
    many(&harness, &mut event_loop);
    sleeps(&harness, &mut event_loop);
    echoes(&harness, &mut event_loop);
}
