//! `serve`: a handler for each connection of a listener, and a server that can be closed in order.
//!
//! ```text
//!   listener ── accepts while there is room ──▶ Line ◀── ends it, counts it ── Server
//!                                                 ▲
//!                               handler's task ── Connection   (may be given away)
//! ```

mod accepting;
mod connection;
mod handle;
mod idle;
mod line;
mod options;
mod roll;
mod socket;

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

pub use connection::Connection;
pub use handle::Server;
pub use options::ServerOptions;
pub use socket::{Listener, Socket};

use crate::task;
use accepting::{Shared, caught};
use line::{Line, Part, Standing};

/// Accepts connections and handles each in a task of its own, until the server is closed.
///
/// A handler that gives an error or panics is reported once, as a warning or an error in the log
/// with the address of its peer; its connection is closed, unless it
/// was given to somebody else, and the others and the server go on. What
/// it gives because the server has ended its connection is no news and stays at the level of
/// debugging.
///
/// Nobody need hold on to what this returns: without it the server goes on until its loop ends.
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// use std::time::Duration;
/// use futures::{AsyncReadExt, AsyncWriteExt};
/// use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};
///
/// async fn echo(connection: Connection) -> std::io::Result<()> {
///     futures::io::copy(&connection, &mut &connection).await.map(drop)
/// }
///
/// greenroom::run(async |_system| {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let server = serve(listener, ServerOptions::new().max_connections(100), echo);
///     let mut client = TcpStream::connect(server.local_addrs()[0]).await?;
///     client.write_all(b"ping").await?;
///     client.read_exact(&mut [0; 4]).await?;
///     assert_eq!(server.connections(), 1);
///
///     assert_eq!(server.shutdown(Duration::from_secs(5)).await, 0, "none had to be aborted");
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub fn serve<L, F, E>(listener: L, options: ServerOptions, handler: F) -> Server<L::Socket>
where
    L: Listener,
    F: AsyncFn(Connection<L::Socket>) -> Result<(), E> + 'static,
    E: fmt::Display + 'static,
{
    let handler = Rc::new(handler);
    let start = move |connection: Connection<L::Socket>| {
        let handler = Rc::clone(&handler);
        let running = Running(Rc::clone(&connection.line));
        task::spawn(async move {
            let outcome = caught(async { handler(connection).await }).await;
            report(&running.0, outcome);
        })
    };
    let server = Server::new(Shared::new(options, Box::new(start)));
    server.listen_also(listener);
    server
}

/// The part of a connection that is its handler; let go also when its task is aborted.
struct Running<S: Socket>(Rc<Line<S>>);

impl<S: Socket> Drop for Running<S> {
    fn drop(&mut self) {
        self.0.let_go(Part::Handler);
    }
}

/// Tells the log, once, how a handler failed.
fn report<S: Socket, E: fmt::Display>(line: &Line<S>, outcome: Result<Result<(), E>, Arc<str>>) {
    let peer = &line.peer;
    let ours = !matches!(line.standing(), Standing::Open | Standing::Dropped);
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) if ours => tracing::debug!(
            target: "greenroom::net", ?peer, connection = line.id, %error,
            "the server has ended a connection",
        ),
        Ok(Err(error)) => tracing::warn!(
            target: "greenroom::net", ?peer, connection = line.id, %error,
            "a connection's handler failed",
        ),
        Err(panic) => tracing::error!(
            target: "greenroom::net", ?peer, connection = line.id, %panic,
            "a connection's handler panicked",
        ),
    }
}
