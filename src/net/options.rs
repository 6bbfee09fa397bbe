//! Socket options, with their defaults and why.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// Options of a connected socket; what is not said stays as the system has it.
///
/// ```
/// use std::time::Duration;
/// use greenroom::net::SocketOptions;
/// let options = SocketOptions::new().nodelay(true).keepalive(Duration::from_secs(60));
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct SocketOptions {
    nodelay: Option<bool>,
    keepalive: Option<Duration>,
    linger: Option<Option<Duration>>,
    receive_buffer: Option<usize>,
    send_buffer: Option<usize>,
    ttl: Option<u32>,
}

impl SocketOptions {
    /// Nothing said.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether small writes are sent at once instead of being collected (`TCP_NODELAY`). Wanted by
    /// every protocol of requests and replies.
    #[must_use]
    pub const fn nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = Some(nodelay);
        self
    }

    /// Asks a silent peer for a sign of life after this time (`SO_KEEPALIVE`), so that one that is
    /// gone is noticed.
    #[must_use]
    pub const fn keepalive(mut self, idle: Duration) -> Self {
        self.keepalive = Some(idle);
        self
    }

    /// How long closing waits for unsent data (`SO_LINGER`); `Some(ZERO)` resets the connection.
    #[must_use]
    pub const fn linger(mut self, linger: Option<Duration>) -> Self {
        self.linger = Some(linger);
        self
    }

    /// The kernel's receive buffer in bytes (`SO_RCVBUF`).
    #[must_use]
    pub const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// The kernel's send buffer in bytes (`SO_SNDBUF`).
    #[must_use]
    pub const fn send_buffer(mut self, bytes: usize) -> Self {
        self.send_buffer = Some(bytes);
        self
    }

    /// How many routers a packet may pass (`IP_TTL`).
    #[must_use]
    pub const fn ttl(mut self, hops: u32) -> Self {
        self.ttl = Some(hops);
        self
    }

    pub(crate) fn apply(&self, socket: SockRef<'_>) -> io::Result<()> {
        if let Some(nodelay) = self.nodelay {
            socket.set_tcp_nodelay(nodelay)?;
        }
        if let Some(idle) = self.keepalive {
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle))?;
        }
        if let Some(linger) = self.linger {
            socket.set_linger(linger)?;
        }
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.send_buffer {
            socket.set_send_buffer_size(bytes)?;
        }
        if let Some(hops) = self.ttl {
            socket.set_ttl_v4(hops)?;
        }
        Ok(())
    }
}

/// Options of a listening socket.
///
/// ```
/// use greenroom::net::{ListenOptions, TcpListener};
/// greenroom::run(async |_system| {
///     let options = ListenOptions::new().backlog(64);
///     let listener = TcpListener::bind_with("127.0.0.1:0", options).await?;
///     assert_ne!(listener.local_addr()?.port(), 0);
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListenOptions {
    pub(crate) backlog: i32,
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) only_v6: Option<bool>,
}

impl ListenOptions {
    /// A backlog of 1,024, so that a burst of clients is not refused; and, on Unix, an address that
    /// can be bound again at once after a restart of the program.
    #[must_use]
    pub const fn new() -> Self {
        Self { backlog: 1_024, reuse_address: cfg!(unix), reuse_port: false, only_v6: None }
    }

    /// How many connections may wait to be accepted.
    #[must_use]
    pub const fn backlog(mut self, connections: i32) -> Self {
        self.backlog = connections;
        self
    }

    /// Whether an address in the last stage of an earlier use may be bound (`SO_REUSEADDR`).
    #[must_use]
    pub const fn reuse_address(mut self, reuse: bool) -> Self {
        self.reuse_address = reuse;
        self
    }

    /// Whether several listeners may share the port (`SO_REUSEPORT`, Unix).
    #[must_use]
    pub const fn reuse_port(mut self, reuse: bool) -> Self {
        self.reuse_port = reuse;
        self
    }

    /// Whether an IPv6 listener refuses IPv4 (`IPV6_V6ONLY`); as the system has it by default.
    #[must_use]
    pub const fn only_v6(mut self, only: bool) -> Self {
        self.only_v6 = Some(only);
        self
    }
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self::new()
    }
}
