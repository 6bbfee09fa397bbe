//! ST-04 and ST-05: how a server is closed, and that it survives its handlers.

use std::cell::Cell;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use greenroom::net::{Connection, ServerOptions, SocketOptions, TcpListener, TcpStream, serve};
use greenroom::{task, time};

use crate::harness::logged;
use crate::st::{client, echo, run, settle};

async fn listener() -> io::Result<TcpListener> {
    TcpListener::bind("127.0.0.1:0").await
}

/// Whether `there` still has its echo.
async fn answers(there: &mut TcpStream) -> io::Result<()> {
    there.write_all(b"ping").await?;
    let mut answer = [0; 4];
    there.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"ping");
    Ok(())
}

/// **S4** A server that closes frees its port and refuses new clients; those that are connected are
/// served on. `wait_closed` is done when the last of them is gone, whoever waits and since when.
#[test]
fn st_04_after_close_the_clients_are_served_on_and_wait_closed_is_last() {
    run(async {
        let server = serve(listener().await?, ServerOptions::new(), echo);
        let address = server.local_addrs()[0];
        let wait = || {
            let server = server.clone();
            task::spawn(async move { server.wait_closed().await })
        };
        let before_all = wait();
        settle().await;
        assert!(!before_all.is_finished(), "nobody is there, but it is not closed");
        let mut there = client(&server).await?;
        let before_close = wait();
        answers(&mut there).await?;

        server.close();
        let after_close = wait();
        assert!(!server.is_serving() && server.local_addrs().is_empty());
        let refused = TcpStream::connect(address).await.expect_err("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let _again = TcpListener::bind(address).await?;
        answers(&mut there).await?;
        settle().await;
        let waiting = [before_all, before_close, after_close];
        assert!(waiting.iter().all(|task| !task.is_finished()), "a client is there");

        drop(there);
        for task in waiting {
            task.await?;
        }
        server.wait_closed().await; // and at once from then on
        assert_eq!(server.connections(), 0);
        Ok(())
    });
}

/// **S4** The other order: the clients go first, then the server closes.
#[test]
fn st_04_wait_closed_waits_for_the_close_when_all_clients_are_gone() {
    run(async {
        let server = serve(listener().await?, ServerOptions::new(), echo);
        let mut there = client(&server).await?;
        answers(&mut there).await?;
        let waits = server.clone();
        let waiting = task::spawn(async move { waits.wait_closed().await });
        drop(there);
        while server.connections() > 0 {
            task::yield_now().await;
        }
        settle().await;
        assert!(!waiting.is_finished(), "it is not closed");
        server.close();
        waiting.await?;
        Ok(())
    });
}

/// **S4** Both at the same moment.
#[test]
fn st_04_wait_closed_is_done_when_close_and_the_last_end_coincide() {
    run(async {
        let server = serve(listener().await?, ServerOptions::new(), echo);
        let there = client(&server).await?;
        let closes = server.clone();
        let closing = task::spawn(async move { closes.close() });
        drop(there);
        server.wait_closed().await;
        closing.await?;
        Ok(())
    });
}

/// **S4** `close_clients` ends every connection: who reads gets the end of the stream, may finish
/// and say goodbye, and then all is over. asyncio closes the transports, so that what is written
/// after that is lost; here it is sent.
#[test]
fn st_04_close_clients_ends_reading_and_lets_handlers_finish() {
    run(async {
        let handler = async |mut connection: Connection| {
            assert_eq!(connection.read(&mut [0; 16]).await?, 0, "the end");
            connection.write_all(b"goodbye").await
        };
        let server = serve(listener().await?, ServerOptions::new(), handler);
        let mut clients = [client(&server).await?, client(&server).await?];
        settle().await;
        server.close();
        server.close_clients();
        server.wait_closed().await;
        for there in &mut clients {
            let mut text = String::new();
            there.read_to_string(&mut text).await?;
            assert_eq!(text, "goodbye");
        }
        Ok(())
    });
}

/// **S4** `abort_clients` ends also those whose handler cannot go on: stuck in a write that nobody
/// reads, or waiting for something else. Their peers see that it is no proper end.
#[test]
fn st_04_abort_clients_ends_those_who_are_stuck() {
    run(async {
        let dropped = Rc::new(Cell::new(0));
        let drops = Rc::clone(&dropped);
        let handler = async move |mut connection: Connection| {
            let drops = Rc::clone(&drops);
            let _guard = scopeguard(move || drops.set(drops.get() + 1));
            let mut which = [0];
            connection.read_exact(&mut which).await?;
            if which == *b"w" {
                connection.write_all(&vec![7; 64 << 20]).await?;
                unreachable!("nobody reads so much");
            }
            pending::<io::Result<()>>().await
        };
        let small = SocketOptions::new().send_buffer(64 << 10);
        let server = serve(listener().await?, ServerOptions::new().socket(small), handler);
        let mut clients = [client(&server).await?, client(&server).await?];
        clients[0].write_all(b"w").await?;
        clients[1].write_all(b"p").await?;
        settle().await;
        server.close();
        server.close_clients();
        settle().await;
        assert_eq!((server.connections(), dropped.get()), (2, 0), "neither reads nor can go on");

        assert_eq!(server.abort_clients(), 2);
        assert_eq!((server.connections(), dropped.get()), (0, 2));
        server.wait_closed().await;
        for there in &mut clients {
            let error = there.read_to_end(&mut Vec::new()).await.expect_err("no proper end");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
        Ok(())
    });
}

/// **S4** Cancelling `serve_forever`, which in Rust is dropping it, closes listener and clients.
#[test]
fn st_04_a_dropped_serve_forever_closes_listener_and_clients() {
    run(async {
        let server = serve(listener().await?, ServerOptions::new(), echo);
        let address = server.local_addrs()[0];
        let serves = server.clone();
        let serving = task::spawn(async move { serves.serve_forever().await });
        let mut there = client(&server).await?;
        answers(&mut there).await?;
        serving.abort();
        assert!(!server.is_serving());
        server.wait_closed().await;
        assert!(there.read(&mut [0; 4]).await.is_err(), "it was ended");
        assert!(TcpStream::connect(address).await.is_err());
        // The other way to end it: closed from elsewhere it is done, with no error.
        let server = serve(listener().await?, ServerOptions::new(), echo);
        let serves = server.clone();
        let serving = task::spawn(async move { serves.serve_forever().await });
        settle().await;
        server.close();
        serving.await??;
        Ok(())
    });
}

/// **S4** `shutdown` is all of it: who ends in time ends in peace, the others are aborted.
#[test]
fn st_04_shutdown_gives_time_and_then_aborts() {
    run(async {
        let handler = async |connection: Connection| {
            if connection.id() == 1 {
                return pending::<io::Result<()>>().await;
            }
            connection.closing().await;
            time::sleep(Duration::from_millis(20)).await;
            (&connection).write_all(b"done").await
        };
        let server = serve(listener().await?, ServerOptions::new(), handler);
        let (_deaf, mut polite) = (client(&server).await?, client(&server).await?);
        assert_eq!(server.shutdown(Duration::from_millis(300)).await, 1);
        let mut text = String::new();
        polite.read_to_string(&mut text).await?;
        assert_eq!(text, "done");
        Ok(())
    });
}

/// **S5** A handler that fails is reported, once, with its peer; its connection is closed, and the
/// server lives. So is one that panics, in its task or already when it is called.
#[test]
fn st_05_a_handler_that_fails_is_reported_once_and_the_server_lives() {
    let handlers = ["fails", "panics"];
    let mut peers = Vec::new();
    let log = logged(|| {
        run(async {
            let handler = async |mut connection: Connection| {
                let mut which = [0; 6];
                connection.read_exact(&mut which).await?;
                match &which {
                    b"fails!" => Err(io::Error::other("no luck")),
                    b"panics" => panic!("bad luck"),
                    _ => connection.write_all(&which).await,
                }
            };
            let server = serve(listener().await?, ServerOptions::new(), handler);
            for word in ["fails!", "panics", "serves"] {
                let mut there = TcpStream::connect(server.local_addrs()[0]).await?;
                peers.push(there.local_addr()?);
                there.write_all(word.as_bytes()).await?;
                let mut text = String::new();
                there.read_to_string(&mut text).await?;
                assert_eq!(text, if word == "serves" { word } else { "" }, "and it is closed");
            }
            assert_eq!(server.shutdown(Duration::from_secs(5)).await, 0);
            Ok(())
        });
    });
    assert_eq!(log.len(), 2, "{log:#?}");
    for (at, text) in ["no luck", "bad luck"].iter().enumerate() {
        let of_peer = log[at].contains(&peers[at].to_string());
        assert!(log[at].contains(text) && of_peer, "{} {}", handlers[at], log[at]);
    }
    assert!(log[0].contains("WARN") && log[1].contains("ERROR"), "{log:#?}");
}

/// **S5** The same for a handler that panics when it is called, before there is a future.
#[test]
fn st_05_a_handler_that_panics_when_it_is_called_is_reported_too() {
    let log = logged(|| {
        run(async {
            let calls = Rc::new(Cell::new(0));
            let handler = move |mut connection: Connection| {
                calls.set(calls.get() + 1);
                assert!(calls.get() > 1, "not the first time");
                async move { connection.write_all(b"hello").await }
            };
            let server = serve(listener().await?, ServerOptions::new(), handler);
            for expected in ["", "hello"] {
                let mut text = String::new();
                let mut there = TcpStream::connect(server.local_addrs()[0]).await?;
                there.read_to_string(&mut text).await?;
                assert_eq!(text, expected);
            }
            Ok(())
        });
    });
    let log: Vec<_> = log.iter().filter(|line| line.contains("greenroom::net")).collect();
    assert!(log.len() == 1 && log[0].contains("not the first time"), "{log:#?}");
}

/// **S5** What a handler gives because its connection was ended is no failure of it, so the log
/// stays silent: asyncio's test_unhandled_cancel.
#[test]
fn st_05_a_handler_whose_connection_was_ended_is_no_news() {
    let log = logged(|| {
        run(async {
            let handler = async |mut connection: Connection| {
                let read = connection.read(&mut [0; 16]).await?;
                if read == 0 { Err(io::Error::other("it ended too early")) } else { Ok(()) }
            };
            let brief = ServerOptions::new().idle_timeout(Duration::from_millis(5));
            for (options, end) in [(brief, "idle"), (ServerOptions::new(), "closed")] {
                let server = serve(listener().await?, options, handler);
                let mut there = client(&server).await?;
                if end == "closed" {
                    settle().await;
                    server.close_clients();
                }
                assert_eq!(there.read(&mut [0; 16]).await?, 0, "{end}");
                assert_eq!(server.shutdown(Duration::from_secs(5)).await, 0);
            }
            Ok(())
        });
    });
    assert!(log.is_empty(), "{log:#?}");
}

/// Calls the closure when it is dropped.
fn scopeguard<F: FnMut()>(f: F) -> impl Drop {
    struct Guard<F: FnMut()>(F);
    impl<F: FnMut()> Drop for Guard<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    Guard(f)
}
