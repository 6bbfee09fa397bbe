//! A TCP server as a tree: one actor accepts, and each connection is an actor that comes and goes.
//!
//! A connection that fails ends alone. A stop ends the one that accepts first, then the
//! connections. With a port it serves until a signal stops it; without one it takes a free port,
//! connects to itself and prints what came back. Run it:
//!
//! ```text
//! cargo run --example echo_server
//! cargo run --example echo_server -- 7007      and then: nc localhost 7007
//! ```

use std::pin::pin;

use futures::future::{Either, select};
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use greenroom::net::{TcpListener, TcpStream};
use greenroom::prelude::*;

/// These actors are driven by their sockets and receive no messages.
enum Nothing {}
impl Protocol for Nothing {}

/// Works until the actor is asked to stop. The wait for a message also says that it has started.
async fn until_stopped<T>(
    cx: &mut Cx<Nothing>,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<Option<T>, Fault> {
    match select(pin!(cx.next()), pin!(work)).await {
        Either::Left(_) => Ok(None),
        Either::Right((done, _)) => done.map(Some),
    }
}

/// Starts an actor for every connection.
async fn accept(
    cx: &mut Cx<Nothing>,
    listener: &TcpListener,
    connections: Supervisor,
) -> Result<(), Fault> {
    while let Some((stream, peer)) =
        until_stopped(cx, async { Ok(listener.accept().await?) }).await?
    {
        // A factory is called for every incarnation; this one has a stream for one of them, which
        // is enough for a temporary child.
        let mut stream = Some(stream);
        let connection = async move |cx: &mut Cx<Nothing>| {
            let Some(stream) = stream.take() else { return Ok(()) };
            until_stopped(cx, echo(stream)).await.map(drop)
        };
        connections.add(child(&format!("echo {peer}"), connection).restart(Temporary)).await?;
    }
    Ok(())
}

/// Everything that comes goes back, until the other side closes.
async fn echo(stream: TcpStream) -> Result<(), Fault> {
    let (reader, mut writer) = stream.into_split();
    futures::io::copy(reader, &mut writer).await?;
    writer.close().await?;
    Ok(())
}

fn main() -> Result<(), Fault> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    greenroom::run(async |system| {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let addr = listener.local_addr()?;
        let tree = Supervisor::rest_for_one().start(system).await?;
        let connections = tree.add(Supervisor::dynamic(10_000).name("connections")).await?;
        let acceptor = async move |cx: &mut Cx<Nothing>| accept(cx, &listener, connections).await;
        tree.add(child("acceptor", acceptor)).await?;
        if port != 0 {
            println!("echoing on {addr}");
            system.stopped().await;
            return Ok(());
        }
        let mut streams = [TcpStream::connect(addr).await?, TcpStream::connect(addr).await?];
        for (stream, line) in
            streams.iter_mut().zip(["to be, or not to be", "that is the question"])
        {
            stream.write_all(line.as_bytes()).await?;
            let mut back = vec![0; line.len()];
            stream.read_exact(&mut back).await?;
            println!("came back: {}", String::from_utf8_lossy(&back));
        }
        println!("connections: {}", connections.count().await.active);
        Ok(())
    })
}
