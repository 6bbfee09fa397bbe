//! Sockets over the real loopback: what arrives, what fails and how it is told.

#[cfg(unix)]
mod limits;
mod memory;
mod server;
mod tls;
#[cfg(unix)]
mod unix;

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{join_all, try_join};
use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, IoSlice};
use futures::{FutureExt as _, StreamExt as _};
use greenroom::net::{
    ConnectOptions, ListenOptions, SocketOptions, TcpListener, TcpStream, UdpSocket, lookup,
};
use greenroom::{EventLoop, task, time};

const ANY: &str = "127.0.0.1:0";

/// Runs on a loop of its own; a test that hangs fails.
fn run<T>(future: impl Future<Output = io::Result<T>>) -> T {
    let limited = time::timeout(Duration::from_secs(120), future);
    let mut event_loop = EventLoop::new().expect("the machine has a poller left");
    event_loop.run(limited).expect("the test comes to its end").expect("no operation fails")
}

async fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(ANY).await?;
    let address = listener.local_addr()?;
    let (here, (there, _)) = try_join(TcpStream::connect(address), listener.accept()).await?;
    Ok((here, there))
}

/// A port of loopback at which nobody listens.
async fn closed_port() -> io::Result<SocketAddr> {
    TcpListener::bind(ANY).await?.local_addr()
}

/// A listener whose queue is full, so that the kernel answers nobody any more; and those in it.
async fn silent_listener() -> io::Result<(TcpListener, Vec<TcpStream>)> {
    let listener = TcpListener::bind_with(ANY, ListenOptions::new().backlog(0)).await?;
    let mut queued = Vec::new();
    let options = ConnectOptions::new().limit(Duration::from_millis(200));
    while let Ok(stream) = TcpStream::connect_with(listener.local_addr()?, options).await {
        queued.push(stream);
    }
    Ok((listener, queued))
}

/// `length` bytes in which every position is recognisable.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn a_client_that_ends_its_side_still_gets_the_whole_answer() {
    run(async {
        let listener = TcpListener::bind(ANY).await?;
        let address = listener.local_addr()?;
        let serving = async {
            let (mut client, _) = listener.accept().await?;
            let mut request = Vec::new();
            client.read_to_end(&mut request).await?;
            client.write_all(&request).await?;
            client.close().await
        };
        let asking = async {
            let mut stream = TcpStream::connect(address).await?;
            let request = pattern(3 << 20);
            stream.write_all(&request).await?;
            stream.close().await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            assert!(answer == request, "{} bytes came back changed", answer.len());
            Ok(())
        };
        try_join(serving, asking).await
    });
}

#[test]
fn a_reset_is_an_error_of_that_connection_only() {
    run(async {
        let listener = TcpListener::bind(ANY).await?;
        let options =
            ConnectOptions::new().socket(SocketOptions::new().reset_on_close(true).nodelay(true));
        let client = TcpStream::connect_with(listener.local_addr()?, options).await?;
        let (mut served, peer) = listener.accept().await?;
        assert_eq!(peer, client.local_addr()?);
        assert!(client.nodelay()?);
        let waiting = task::spawn(async move { served.read(&mut [0; 8]).await });
        task::yield_now().await;
        drop(client);
        let error = waiting.await.expect("the task does not panic").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        // A connection that was reset while it still waited to be accepted harms nobody either.
        drop(TcpStream::connect_with(listener.local_addr()?, options).await?);
        let mut well = TcpStream::connect(listener.local_addr()?).await?;
        well.write_all(b"x").await?;
        let mut incoming = listener.incoming();
        while let Some(connection) = incoming.next().await {
            if matches!(connection?.read(&mut [0; 8]).await, Ok(1)) {
                break;
            }
        }
        Ok(())
    });
}

#[test]
fn every_connection_goes_to_one_of_the_tasks_that_accept() {
    run(async {
        let listener = Rc::new(TcpListener::bind(ANY).await?);
        let address = listener.local_addr()?;
        let acceptors: Vec<_> = (0..8)
            .map(|_| {
                let listener = Rc::clone(&listener);
                task::spawn(async move {
                    let mut count = 0;
                    loop {
                        let (mut client, _) = listener.accept().await?;
                        let mut byte = [0];
                        client.read_exact(&mut byte).await?;
                        if byte == [0] {
                            return io::Result::Ok(count);
                        }
                        client.write_all(&byte).await?;
                        count += 1;
                    }
                })
            })
            .collect();
        let ask = async |byte: u8| {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(&[byte]).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            io::Result::Ok(answer)
        };
        for answer in join_all((0..200).map(|_| ask(7))).await {
            assert_eq!(answer?, [7]);
        }
        // Each acceptor ends at one zero.
        for answer in join_all((0..8).map(|_| ask(0))).await {
            assert_eq!(answer?, []);
        }
        let mut total = 0;
        for acceptor in acceptors {
            total += acceptor.await.expect("the task does not panic")?;
        }
        assert_eq!(total, 200);
        Ok(())
    });
}

#[test]
fn a_wait_that_is_given_up_loses_nothing() {
    run(async {
        let listener = TcpListener::bind(ANY).await?;
        for _ in 0..3 {
            let given_up = time::timeout(Duration::from_millis(2), listener.accept()).await;
            assert!(given_up.is_err());
        }
        let mut client = TcpStream::connect(listener.local_addr()?).await?;
        let (mut served, _) = listener.accept().await?;
        assert!(client.read(&mut [0; 8]).now_or_never().is_none());
        served.write_all(b"whole").await?;
        let mut bytes = [0; 5];
        assert_eq!(client.peek(&mut bytes).await?, 5);
        client.read_exact(&mut bytes).await?;
        assert_eq!(&bytes, b"whole");
        let (a, b) = (UdpSocket::bind(ANY).await?, UdpSocket::bind(ANY).await?);
        assert!(b.recv_from(&mut [0; 8]).now_or_never().is_none());
        a.send_to(b"one", b.local_addr()?).await?;
        assert_eq!(b.peek_from(&mut [0; 8]).await?, (3, a.local_addr()?));
        assert_eq!(b.recv_from(&mut [0; 8]).await?, (3, a.local_addr()?));
        Ok(())
    });
}

#[test]
fn many_slices_are_written_in_one_call_and_in_order() {
    run(async {
        let (mut here, mut there) = tcp_pair().await?;
        let slices = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(here.write_vectored(&slices).await?, 7);
        here.close().await?;
        let (mut first, mut second) = ([0; 2], [0; 16]);
        let mut buffers = [io::IoSliceMut::new(&mut first), io::IoSliceMut::new(&mut second)];
        assert_eq!(there.read_vectored(&mut buffers).await?, 7);
        assert_eq!((&first[..], &second[..5]), (&b"on"[..], &b"e two"[..]));
        assert_eq!(there.read(&mut first).await?, 0, "a short read does not hide the end");
        Ok(())
    });
}

/// Sends 64 MiB and takes in as many, through buffers so small that both sides wait for each other.
async fn exchange(
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    const CHUNK: usize = 251 * 128; // whole patterns
    const CHUNKS: usize = (64 << 20) / CHUNK;
    let sending = async {
        let chunk = pattern(CHUNK);
        for _ in 0..CHUNKS {
            writer.write_all(&chunk).await?;
        }
        writer.close().await
    };
    let receiving = async {
        let (chunk, mut buffer) = (pattern(CHUNK), vec![0; CHUNK]);
        for _ in 0..CHUNKS {
            reader.read_exact(&mut buffer).await?;
            assert!(buffer == chunk, "bytes were lost or came twice");
        }
        assert_eq!(reader.read(&mut buffer).await?, 0);
        Ok(())
    };
    try_join(sending, receiving).await.map(drop)
}

#[test]
fn sixty_four_mebibytes_go_both_ways_through_small_buffers() {
    run(async {
        let (mut here, there) = tcp_pair().await?;
        // Smaller ones than a packet of loopback make the kernel wait for its own delayed answers.
        let small = SocketOptions::new().send_buffer(65_536).receive_buffer(131_072);
        here.set_options(small)?;
        there.set_options(small)?;
        let (there_reads, there_writes) = there.into_split();
        let there = task::spawn(exchange(there_reads, there_writes));
        let (reader, writer) = here.halves();
        exchange(reader, writer).await?;
        there.await.expect("the task does not panic")
    });
}

#[test]
fn a_refused_connection_names_every_address_that_was_tried() {
    run(async {
        let (a, b) = (closed_port().await?, closed_port().await?);
        let error = TcpStream::connect(vec![a, b]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let text = error.to_string();
        assert!(text.contains(&format!("{a}: ")) && text.contains(&format!("{b}: ")), "{text}");
        let taken = TcpListener::bind(ANY).await?;
        let error = TcpListener::bind(taken.local_addr()?).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&taken.local_addr()?.to_string()), "{error}");
        let nowhere = TcpStream::connect(Vec::<SocketAddr>::new()).await.unwrap_err();
        assert_eq!(nowhere.kind(), ErrorKind::InvalidInput);
        Ok(())
    });
}

#[test]
fn an_address_that_fails_or_says_nothing_is_followed_by_the_next() {
    run(async {
        let (silent, _queued) = silent_listener().await?;
        let open = TcpListener::bind(ANY).await?;
        let addresses = vec![closed_port().await?, silent.local_addr()?, open.local_addr()?];
        let stream = TcpStream::connect(addresses).await?;
        assert_eq!(stream.peer_addr()?, open.local_addr()?);
        Ok(())
    });
}

#[test]
fn the_limit_of_a_connect_holds_for_all_addresses_together() {
    run(async {
        let (silent, _queued) = silent_listener().await?;
        let (silent, closed) = (silent.local_addr()?, closed_port().await?);
        let options = ConnectOptions::new().limit(Duration::from_millis(400));
        let error = TcpStream::connect_with(vec![closed, silent], options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let text = error.to_string();
        assert!(text.contains(&format!("{silent}: no answer")), "{text}");
        assert!(text.contains(&format!("{closed}: ")), "{text}");
        Ok(())
    });
}

#[test]
fn names_are_looked_up_and_a_bad_one_is_named() {
    run(async {
        let listener = TcpListener::bind(("localhost", 0)).await?;
        let port = listener.local_addr()?.port();
        assert!(lookup(format!("localhost:{port}")).await?.contains(&listener.local_addr()?));
        TcpStream::connect(("localhost".to_owned(), port)).await?;
        let error = lookup("no port").await.unwrap_err();
        assert!(error.to_string().contains("`no port`"), "{error}");
        Ok(())
    });
}

#[test]
fn datagrams_keep_their_borders_and_a_connected_socket_its_peer() {
    run(async {
        let (a, b) = (UdpSocket::bind(ANY).await?, UdpSocket::bind(ANY).await?);
        a.connect(b.local_addr()?).await?;
        b.connect(a.local_addr()?).await?;
        assert_eq!(a.peer_addr()?, b.local_addr()?);
        a.send(b"first").await?;
        a.send(b"second").await?;
        let mut buffer = [0; 16];
        assert_eq!((b.recv(&mut buffer).await?, &buffer[..5]), (5, &b"first"[..]));
        assert_eq!(b.recv(&mut buffer[..3]).await?, 3, "what does not fit is cut off");
        a.set_broadcast(true)?;
        a.set_ttl(5)?;
        assert_eq!((a.broadcast()?, a.ttl()?), (true, 5));
        let group = Ipv4Addr::new(239, 255, 7, 7);
        a.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
        a.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
        let again = UdpSocket::from_std(a.into_std()?)?;
        again.send(b"still").await?;
        assert_eq!(b.recv(&mut buffer).await?, 5);
        Ok(())
    });
}

#[test]
fn the_halves_of_one_stream_serve_two_tasks_and_come_together_again() {
    run(async {
        let (here, there) = tcp_pair().await?;
        let (mut reader, mut writer) = here.into_split();
        let reading = task::spawn(async move {
            let mut line = [0; 6];
            reader.read_exact(&mut line).await.map(|()| (reader, line))
        });
        let writing = task::spawn(async move { writer.write_all(b"hello").await.map(|()| writer) });
        let (mut there_reads, mut there_writes) = there.into_split();
        there_reads.read_exact(&mut [0; 5]).await?;
        there_writes.write_all(b"hello!").await?;
        let (reader, line) = reading.await.expect("the task does not panic")?;
        assert_eq!(&line, b"hello!");
        let writer = writing.await.expect("the task does not panic")?;
        let (reader, there_writes) = reader.reunite(there_writes).expect_err("of another stream");
        drop(there_writes);
        let mut whole = reader.reunite(writer).expect("of one stream");
        assert_eq!(whole.read(&mut [0; 8]).await?, 0, "a dropped write half is the end");
        whole.write_all(b"more").await?;
        assert_eq!(there_reads.read(&mut [0; 8]).await?, 4);
        Ok(())
    });
}

#[test]
fn what_is_tried_and_would_block_can_be_waited_for() {
    run(async {
        let (here, there) = tcp_pair().await?;
        let mut buffer = [0; 1_024];
        assert_eq!(here.try_read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        let mut written = 0;
        let full = loop {
            match there.try_write(&buffer) {
                Ok(bytes) => written += bytes,
                Err(error) if written > 1 << 20 => break error,
                Err(_) => time::timeout(Duration::from_millis(50), there.writable())
                    .await
                    .unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))?,
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        let mut read = 0;
        while read < written {
            here.readable().await?;
            match here.try_read(&mut buffer) {
                Ok(bytes) => read += bytes,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        let here = TcpStream::from_std(here.into_std()?)?;
        drop(there);
        here.readable().await?;
        assert_eq!(here.try_read(&mut buffer)?, 0);
        Ok(())
    });
}

#[test]
fn a_task_whose_socket_is_always_ready_lets_others_run() {
    run(async {
        let (here, mut there) = tcp_pair().await?;
        there.write_all(b"x").await?;
        here.readable().await?;
        let greedy = async {
            loop {
                here.peek(&mut [0; 8]).await?;
            }
        };
        let others = async {
            for _ in 0..50 {
                task::yield_now().await;
            }
            time::sleep(Duration::from_millis(5)).await;
        };
        let stopped = task::spawn(others);
        let (greedy, stopped) = (pin!(greedy), pin!(stopped));
        match futures::future::select(greedy, stopped).await {
            futures::future::Either::Left((ended, _)) => ended,
            futures::future::Either::Right(_) => Ok(()),
        }
    });
}

#[test]
fn a_socket_says_on_which_loop_it_can_be_used() {
    let mut first = EventLoop::new().expect("the machine has a poller left");
    let (mut here, _there) = first.run(tcp_pair()).expect("no operation fails");
    let error = run(async { Ok(here.read(&mut [0; 8]).await) }).unwrap_err();
    assert!(error.to_string().contains("another event loop"), "{error}");
    let nowhere = here.read(&mut [0; 8]).now_or_never().expect("it does not wait").unwrap_err();
    assert!(nowhere.to_string().contains("no Greenroom loop runs"), "{nowhere}");
}
