//! Sockets on the loop: TCP, UDP and Unix sockets with the `futures` I/O traits.
//!
//! A socket takes its place on the loop that first uses it and stays there. An operation that waits
//! gives an error where no loop runs, on another loop than the socket's, and on one with a virtual
//! clock, which has no sockets.
//!
//! Reads and writes are tried first and waited for only when the kernel says that they would block;
//! after a short read the kernel has no more, so the next read waits without asking. A task that
//! finds its sockets always ready still yields after `operations_per_poll` of them.
//!
//! [`serve()`] accepts connections and handles each in a task, with limits, and closes in order. A
//! [`Connection`], as every stream, is read line by line and written behind by what its
//! `into_buffered` gives: see [`io`](crate::io).
//!
//! * **B3** a server never has more connections than its maximum
//!
//! Nothing here knows actors.

mod accept;
mod address;
#[cfg(unix)]
mod async_fd;
mod connect;
mod datagram;
mod incoming;
mod options;
mod resolve;
mod server;
mod split;
mod stream;
mod tcp_listener;
mod tcp_stream;
mod udp;
#[cfg(unix)]
mod unix;

pub use address::Endpoint;
#[cfg(unix)]
pub use async_fd::AsyncFd;
pub use connect::ConnectOptions;
pub use incoming::Incoming;
pub use options::{ListenOptions, SocketOptions};
pub use resolve::lookup;
pub use server::{Connection, Listener, Server, ServerOptions, Socket, serve};
pub use split::{ReadHalf, WriteHalf};
pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;
pub use udp::UdpSocket;
#[cfg(unix)]
pub use unix::{UnixDatagram, UnixListener, UnixStream};
