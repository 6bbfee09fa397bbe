//! Tasks, timers, offloaded work and sockets, without actors; and a yardstick from the standard
//! library, so that ratios can be quoted from one run.

mod harness;

use std::collections::VecDeque;
use std::hint::black_box;
use std::pin::pin;
use std::time::Duration;

use futures::future::join_all;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use greenroom::net::{TcpListener, TcpStream};
use greenroom::offload::offload;
use greenroom::{EventLoop, task, time};
use harness::{Harness, timed};

fn yardsticks(harness: &Harness) {
    harness.bench("yardstick: VecDeque push and pop", 10_000_000, |operations| {
        let mut queue = VecDeque::new();
        futures::executor::block_on(timed(async {
            for number in 0..operations {
                queue.push_back(black_box(number));
                black_box(queue.pop_front());
            }
        }))
    });
    harness.bench("yardstick: mpsc send and recv", 2_000_000, |operations| {
        let (sender, receiver) = std::sync::mpsc::channel();
        futures::executor::block_on(timed(async {
            for number in 0..operations {
                let _ = sender.send(black_box(number));
                let _ = black_box(receiver.try_recv());
            }
        }))
    });
}

fn tasks(harness: &Harness, event_loop: &mut EventLoop) {
    harness.bench("yield, one task", 2_000_000, |operations| {
        event_loop.run(timed(async {
            for _ in 0..operations {
                task::yield_now().await;
            }
        }))
    });
    harness.bench("spawn and join", 300_000, |operations| {
        event_loop.run(timed(async {
            for number in 0..operations {
                let _ = black_box(task::spawn(async move { number }).await);
            }
        }))
    });
}

fn timers(harness: &Harness, event_loop: &mut EventLoop) {
    harness.bench("I2 timer, create and cancel", 500_000, |operations| {
        event_loop.run(timed(async {
            for _ in 0..operations {
                let sleep = pin!(time::sleep(Duration::from_secs(30)));
                let _ = futures::poll!(sleep);
            }
        }))
    });
}

fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

fn offloads(harness: &Harness, event_loop: &mut EventLoop) {
    harness.bench("K1 offload fib(15), one at a time", 10_000, |operations| {
        event_loop.run(timed(async {
            for _ in 0..operations {
                let _ = offload(|| fib(black_box(15))).await;
            }
        }))
    });
    harness.bench("K2 offload fib(15), 256 at a time", 20_000, |operations| {
        event_loop.run(timed(async {
            for _ in 0..operations.div_ceil(256) {
                join_all((0..256).map(|_| offload(|| fib(black_box(15))))).await;
            }
        }))
    });
}

/// Echoes until the client leaves.
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

/// 50 clients and the server share one loop, so one number holds both sides.
async fn echo_round(operations: u64) -> std::io::Result<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = task::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            task::spawn(echo(stream)).detach();
        }
    });
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(TcpStream::connect(address).await?);
    }
    let each = operations.div_ceil(50);
    let took = timed(async {
        let clients = clients.into_iter().map(|mut client| {
            task::spawn(async move {
                let mut buffer = [7; 64];
                for _ in 0..each {
                    client.write_all(&buffer).await?;
                    client.read_exact(&mut buffer).await?;
                }
                Ok::<(), std::io::Error>(())
            })
        });
        join_all(clients).await;
    })
    .await;
    server.abort();
    Ok(took)
}

fn main() {
    let harness = Harness::from_args();
    let mut event_loop = EventLoop::new().expect("a loop can be made");
    yardsticks(&harness);
    tasks(&harness, &mut event_loop);
    timers(&harness, &mut event_loop);
    offloads(&harness, &mut event_loop);
    harness.bench("J echo 50x64, both sides on one loop", 100_000, |operations| {
        event_loop.run(echo_round(operations)).expect("loopback works")
    });
}
