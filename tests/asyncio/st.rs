//! What the cases of streams need: real sockets, a limit for each test, and time for the kernel.

use std::time::Duration;

use greenroom::net::{Connection, Server, TcpListener, TcpStream};
use greenroom::prelude::*;
use greenroom::{EventLoop, task, time};

/// Runs a case on a loop of its own; one that hangs fails.
pub(crate) fn run<T>(case: impl Future<Output = Result<T, Fault>>) -> T {
    let limited = time::timeout(Duration::from_secs(60), case);
    let mut event_loop = EventLoop::new().expect("the machine has a poller left");
    event_loop.run(limited).expect("the case comes to its end").expect("no operation fails")
}

/// Both ends of a connection.
pub(crate) async fn pair() -> Result<(TcpStream, TcpStream), Fault> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let here = TcpStream::connect(listener.local_addr()?).await?;
    Ok((here, listener.accept().await?.0))
}

/// Lets what can happen without anybody's doing happen. The kernel needs a moment to move bytes
/// from one socket to the other, so this waits on the real clock.
pub(crate) async fn settle() {
    for _ in 0..20 {
        task::yield_now().await;
    }
    time::sleep(Duration::from_millis(20)).await;
}

/// A client of `server`, once its handler has it.
pub(crate) async fn client(server: &Server) -> Result<TcpStream, Fault> {
    let before = server.connections();
    let client = TcpStream::connect(server.local_addrs()[0]).await?;
    while server.connections() == before {
        task::yield_now().await;
    }
    Ok(client)
}

/// Gives back what comes, until there is no more.
pub(crate) async fn echo(connection: Connection) -> std::io::Result<()> {
    futures::io::copy(&connection, &mut &connection).await.map(drop)
}
