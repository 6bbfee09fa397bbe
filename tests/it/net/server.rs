//! Servers: limits, idle connections, connections that are given away, and broken listeners.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use futures::{FutureExt as _, join};
use greenroom::net::{Connection, Server, ServerOptions, TcpListener, TcpStream, serve};
use greenroom::{task, time};

use super::memory::{Door, End};
use super::{ANY, run};
use crate::harness::{logged, secs};
use crate::support::{self, settle};

/// Runs `f` on a virtual clock.
fn simulated<T>(f: impl AsyncFnOnce() -> io::Result<T>) -> T {
    support::run(f).expect("no operation fails")
}

async fn echo(connection: Connection<End>) -> io::Result<()> {
    futures::io::copy(&connection, &mut &connection).await.map(drop)
}

// B3: never more than the maximum; further clients wait and are served in their order.
#[test]
fn at_its_limit_a_server_accepts_none_and_goes_on_when_there_is_room() {
    simulated(async || {
        let (front, back) = (Door::default(), Door::default());
        let most = Rc::new(Cell::new(0));
        let (sees, serves) = (Rc::clone(&most), Rc::new(Cell::new(0)));
        let now = Rc::clone(&serves);
        let handler = async move |connection: Connection<End>| {
            now.set(now.get() + 1);
            sees.set(sees.get().max(now.get()));
            let echoed = echo(connection).await;
            now.set(now.get() - 1);
            echoed
        };
        let server = serve(front.clone(), ServerOptions::new().max_connections(3), handler);
        server.listen_also(back.clone());
        let mut clients: Vec<_> = (1..=5).map(|number| front.connect(number)).collect();
        clients.extend((6..=10).map(|number| back.connect(number)));
        settle().await;
        assert_eq!((server.connections(), front.waiting() + back.waiting()), (3, 7));
        let mut served = 0;
        while !clients.is_empty() {
            let mut waiting = Vec::new();
            for client in clients.drain(..) {
                client.write(b"hello").await?;
                settle().await;
                match client.read(16).now_or_never() {
                    Some(answer) if !answer.as_ref().is_ok_and(Vec::is_empty) => {
                        assert!(answer?.starts_with(b"hello"));
                        served += 1;
                    }
                    _ => waiting.push(client),
                }
            }
            clients = waiting;
            settle().await;
        }
        assert_eq!((served, most.get(), server.connections()), (10, 3, 0));
        Ok(())
    });
}

#[test]
fn clients_beyond_the_limit_wait_in_the_queue_of_the_kernel() {
    run(async {
        let listener = TcpListener::bind(ANY).await?;
        let one = ServerOptions::new().max_connections(1);
        let server = serve(listener, one, async |mut connection: Connection| {
            connection.write_all(b"hello").await?;
            connection.read(&mut [0; 16]).await.map(drop)
        });
        let mut clients = Vec::new();
        for _ in 0..5 {
            clients.push(TcpStream::connect(server.local_addrs()[0]).await?);
        }
        for mut client in clients {
            client.read_exact(&mut [0; 5]).await?;
            assert_eq!(server.connections(), 1);
        }
        assert_eq!(server.shutdown(secs(5)).await, 0);
        Ok(())
    });
}

/// Waits for its peer, and has news for it every six seconds, five times.
async fn writes_beside(connection: Connection<End>) -> io::Result<usize> {
    let (mut read, mut write) = connection.into_split();
    let mut writes = async || {
        for _ in 0..5 {
            time::sleep(secs(6)).await;
            write.write_all(b"news").await?;
        }
        pending::<io::Result<()>>().await
    };
    let mut bytes = [0; 16];
    let (mut reading, mut writing) = (read.read(&mut bytes).fuse(), Box::pin(writes().fuse()));
    futures::select! { read = reading => read, _ = writing => unreachable!() }
}

/// What a handler does, and after how many seconds its connection is closed with a limit of ten.
#[test]
fn a_connection_is_idle_while_somebody_waits_for_a_silent_peer() {
    simulated(async || {
        let ended = Rc::new(RefCell::new(Vec::new()));
        let begun = time::now();
        let ends = Rc::clone(&ended);
        let handler = async move |mut connection: Connection<End>| {
            let number = *connection.peer_addr();
            let outcome = match number {
                // Works, and then waits.
                2 => {
                    time::sleep(secs(45)).await;
                    connection.read(&mut [0; 16]).await
                }
                // Writes more than its peer takes.
                4 => connection.write_all(&[7; 1_000]).await.map(|()| 0),
                // Waits for its peer and writes beside that.
                5 => writes_beside(connection).await,
                // Waits in small pieces.
                6 => loop {
                    let mut bytes = [0; 16];
                    if let Ok(read) = time::timeout(secs(3), connection.read(&mut bytes)).await {
                        break read;
                    }
                },
                // Gives up, works, and waits again.
                7 => {
                    let given_up = time::timeout(secs(1), connection.read(&mut [0; 16])).await;
                    assert!(given_up.is_err());
                    time::sleep(secs(70)).await;
                    connection.read(&mut [0; 16]).await
                }
                // Reads whatever comes.
                _ => loop {
                    if let Err(error) = connection.read(&mut [0; 16]).await {
                        break Err(error);
                    }
                },
            };
            let kind = outcome.expect_err("it is idle in the end").kind();
            ends.borrow_mut().push((number, (time::now() - begun).as_secs(), kind));
            Ok::<(), io::Error>(())
        };
        let door = Door::default();
        let server = serve(door.clone(), ServerOptions::new().idle_timeout(secs(10)), handler);
        let clients: Vec<_> = (1..=7).map(|number| door.connect(number)).collect();
        for _ in 0..3 {
            time::sleep(secs(9)).await;
            clients[2].write(b"still here").await?;
        }
        time::sleep(secs(100)).await;
        let mut ended = ended.take();
        ended.sort_unstable();
        // 1 is silent from the beginning; 3 wrote last after 27 s; 5 had its last news after 30 s.
        let expected = [(1, 10), (2, 55), (3, 37), (4, 10), (5, 40), (6, 10), (7, 81)];
        let late = io::ErrorKind::TimedOut;
        assert_eq!(ended, expected.map(|(number, seconds)| (number, seconds, late)));
        assert_eq!(server.connections(), 0);
        assert_eq!(clients[0].read(16).await?, b"", "it was closed");
        Ok(())
    });
}

#[test]
fn a_connection_that_was_given_away_still_belongs_to_its_server() {
    simulated(async || {
        let door = Door::default();
        let kept = Rc::new(RefCell::new(Vec::new()));
        let keeps = Rc::clone(&kept);
        let handler = async move |connection: Connection<End>| {
            keeps.borrow_mut().push(connection);
            Ok::<(), io::Error>(())
        };
        let server = serve(door.clone(), ServerOptions::new().max_connections(2), handler);
        let clients: Vec<_> = (1..=3).map(|number| door.connect(number)).collect();
        settle().await;
        assert_eq!((server.connections(), door.waiting()), (2, 1));
        let first = kept.borrow_mut().remove(0);
        drop(first);
        settle().await;
        assert_eq!((server.connections(), door.waiting()), (2, 0), "there was room for the third");

        let mut second = kept.borrow_mut().remove(0);
        let reading = task::spawn(async move { second.read(&mut [0; 16]).await });
        settle().await;
        server.close();
        assert!(server.wait_closed().now_or_never().is_none());
        assert_eq!(server.abort_clients(), 2);
        let error = reading.await.expect("it does not panic").expect_err("it was aborted");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        // The third is still in somebody's hand, but its socket is closed.
        server.wait_closed().await;
        assert_eq!(clients[2].read(16).await?, b"");
        let third = kept.borrow_mut().remove(0);
        assert!(third.is_closing());
        let error = third.with_socket(|_| Ok(())).expect_err("it has none any more");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        Ok(())
    });
}

#[test]
fn a_handler_may_end_its_own_server() {
    simulated(async || {
        for how in ["close", "abort_clients", "shutdown", "abort"] {
            let door = Door::default();
            let this: Rc<RefCell<Option<Server<End>>>> = Rc::default();
            let mine = Rc::clone(&this);
            let handler = async move |mut connection: Connection<End>| {
                connection.read_exact(&mut [0; 1]).await?;
                let server = mine.borrow().clone().expect("it was put there");
                match how {
                    "close" => server.close(),
                    "abort_clients" => drop(server.abort_clients()),
                    "shutdown" => drop(server.shutdown(secs(3)).await),
                    _ => connection.abort(),
                }
                Ok::<(), io::Error>(())
            };
            let server = serve(door.clone(), ServerOptions::new(), handler);
            *this.borrow_mut() = Some(server.clone());
            let client = door.connect(1);
            client.write(b"x").await?;
            assert_eq!(client.read(16).await?, b"", "{how}");
            server.close();
            server.wait_closed().await;
            this.take();
        }
        Ok(())
    });
}

#[test]
fn a_broken_listener_is_reported_and_closes_a_server_that_has_no_other() {
    let log = logged(|| {
        simulated(async || {
            let (one, two) = (Door::default(), Door::default());
            let server = serve(one.clone(), ServerOptions::new(), echo);
            server.listen_also(two.clone());
            let client = one.connect(1);
            one.breaks(io::Error::other("the first is broken"));
            settle().await;
            assert!(server.is_serving() && server.local_addrs().len() == 1);
            let other = two.connect(2);
            two.breaks(io::ErrorKind::Unsupported.into());
            settle().await;
            assert!(!server.is_serving());
            for client in [client, other] {
                client.write(b"hello").await?;
                assert_eq!(client.read(16).await?, b"hello", "those who are there are served");
            }
            let error = server.serve_forever().await.expect_err("it did not close by itself");
            assert_eq!(error.to_string(), "the first is broken");
            Ok(())
        });
    });
    assert!(log.len() == 2 && log[0].contains("the first is broken"), "{log:#?}");
    assert!(log[1].contains("a bug of the listener"), "{log:#?}");
}

#[test]
fn a_server_is_closed_outside_its_loop_when_that_runs_again() {
    let mut event_loop = support::real();
    let (server, address) = event_loop.run(async {
        let listener = TcpListener::bind(ANY).await.expect("a port is free");
        let server =
            serve(listener, ServerOptions::new(), async |_: Connection| io::Result::Ok(()));
        let address = server.local_addrs()[0];
        settle().await;
        (server, address)
    });
    server.close();
    event_loop.run(async {
        let closed = join!(server.wait_closed(), settle());
        assert_eq!(closed, ((), ()));
        let error = TcpStream::connect(address).await.expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_server_ends_with_its_loop() {
    let mut event_loop = support::real();
    let server = event_loop.run(async {
        let listener = TcpListener::bind(ANY).await.expect("a port is free");
        let server =
            serve(listener, ServerOptions::new(), async |_: Connection| io::Result::Ok(()));
        settle().await;
        server
    });
    let address = server.local_addrs()[0];
    drop(event_loop);
    let gone = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(5));
    assert_eq!(gone.expect_err("nobody listens").kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!((server.connections(), server.abort_clients()), (0, 0));
}
