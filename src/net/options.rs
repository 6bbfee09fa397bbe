//! Socket options, with their defaults and why.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// Options of a connected socket; what is not said stays as the system has it, for the system may
/// have been tuned by whoever runs the program.
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
    reset_on_close: Option<bool>,
    receive_buffer: Option<usize>,
    send_buffer: Option<usize>,
    ttl: Option<u32>,
}

impl SocketOptions {
    /// Nothing said.
    ///
    /// ```
    /// use greenroom::net::SocketOptions;
    /// assert_eq!(SocketOptions::new(), SocketOptions::default());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether small writes are sent at once instead of being collected (`TCP_NODELAY`). Wanted by
    /// every protocol of requests and replies.
    ///
    /// ```
    /// use greenroom::net::{SocketOptions, TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// stream.set_options(SocketOptions::new().nodelay(true))?;
    /// assert!(stream.nodelay()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = Some(nodelay);
        self
    }

    /// Asks a silent peer for a sign of life after this time (`SO_KEEPALIVE`), so that one that is
    /// gone is noticed.
    ///
    /// ```
    /// use greenroom::net::{SocketOptions, TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// stream.set_options(SocketOptions::new().keepalive(std::time::Duration::from_secs(60)))?;
    /// assert!(socket2::SockRef::from(&stream.into_std()?).keepalive()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn keepalive(mut self, idle: Duration) -> Self {
        self.keepalive = Some(idle);
        self
    }

    /// Whether closing resets the connection and throws away what was not sent yet (`SO_LINGER` of
    /// zero). There is no longer time to choose: closing would block the whole loop for it. To know
    /// that the peer has everything, end the write side and read to the end.
    ///
    /// ```
    /// use futures::io::AsyncReadExt;
    /// use greenroom::net::{SocketOptions, TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let (here, there) = (TcpStream::connect(listener.local_addr()?).await?, listener.accept().await?.0);
    /// here.set_options(SocketOptions::new().reset_on_close(true))?;
    /// drop(here);
    /// let error = (&there).read(&mut [0; 8]).await.unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn reset_on_close(mut self, reset: bool) -> Self {
        self.reset_on_close = Some(reset);
        self
    }

    /// The kernel's receive buffer in bytes (`SO_RCVBUF`). Unsaid, most systems size it by the
    /// traffic, and saying it ends that.
    ///
    /// ```
    /// use greenroom::net::{SocketOptions, TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// stream.set_options(SocketOptions::new().receive_buffer(64 * 1024))?;
    /// let stream = stream.into_std()?;
    /// assert!(socket2::SockRef::from(&stream).recv_buffer_size()? >= 64 * 1024);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// The kernel's send buffer in bytes (`SO_SNDBUF`); see
    /// [`receive_buffer`](Self::receive_buffer).
    ///
    /// ```
    /// use greenroom::net::{SocketOptions, TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// stream.set_options(SocketOptions::new().send_buffer(64 * 1024))?;
    /// let stream = stream.into_std()?;
    /// assert!(socket2::SockRef::from(&stream).send_buffer_size()? >= 64 * 1024);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn send_buffer(mut self, bytes: usize) -> Self {
        self.send_buffer = Some(bytes);
        self
    }

    /// How many routers a packet may pass (`IP_TTL`, `IPV6_UNICAST_HOPS`).
    ///
    /// ```
    /// use greenroom::net::{SocketOptions, TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let stream = TcpStream::connect(listener.local_addr()?).await?;
    /// stream.set_options(SocketOptions::new().ttl(9))?;
    /// assert_eq!(stream.into_std()?.ttl()?, 9);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn ttl(mut self, hops: u32) -> Self {
        self.ttl = Some(hops);
        self
    }

    pub(crate) fn apply(&self, socket: SockRef<'_>, v6: bool) -> io::Result<()> {
        if let Some(nodelay) = self.nodelay {
            socket.set_tcp_nodelay(nodelay)?;
        }
        if let Some(idle) = self.keepalive {
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle))?;
        }
        if let Some(reset) = self.reset_on_close {
            socket.set_linger(reset.then_some(Duration::ZERO))?;
        }
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.send_buffer {
            socket.set_send_buffer_size(bytes)?;
        }
        match self.ttl {
            Some(hops) if v6 => socket.set_unicast_hops_v6(hops)?,
            Some(hops) => socket.set_ttl_v4(hops)?,
            None => {}
        }
        Ok(())
    }
}

/// Options of a listening socket.
///
/// ```
/// use greenroom::net::{ListenOptions, TcpListener};
/// # fn main() -> std::io::Result<()> {
/// greenroom::EventLoop::new()?.run(async {
///     let options = ListenOptions::new().backlog(64);
///     let listener = TcpListener::bind_with("127.0.0.1:0", options).await?;
///     assert_ne!(listener.local_addr()?.port(), 0);
///     Ok(())
/// })
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListenOptions {
    backlog: i32,
    reuse_address: bool,
    reuse_port: bool,
    only_v6: Option<bool>,
}

impl ListenOptions {
    /// A backlog of 1,024, so that a burst of clients is not refused; and, on Unix, an address that
    /// can be bound again at once after a restart of the program.
    ///
    /// ```
    /// use greenroom::net::ListenOptions;
    /// assert_eq!(ListenOptions::new(), ListenOptions::new().backlog(1_024).reuse_address(cfg!(unix)));
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { backlog: 1_024, reuse_address: cfg!(unix), reuse_port: false, only_v6: None }
    }

    /// How many connections may wait to be accepted.
    ///
    /// ```
    /// use greenroom::net::{ListenOptions, TcpListener};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let options = ListenOptions::new().backlog(4);
    /// let listener = TcpListener::bind_with("127.0.0.1:0", options).await?;
    /// assert_ne!(listener.local_addr()?.port(), 0);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn backlog(mut self, connections: i32) -> Self {
        self.backlog = connections;
        self
    }

    /// Whether an address in the last stage of an earlier use may be bound (`SO_REUSEADDR`).
    ///
    /// ```
    /// use greenroom::net::{ListenOptions, TcpListener};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let options = ListenOptions::new().reuse_address(true);
    /// let listener = TcpListener::bind_with("127.0.0.1:0", options).await?;
    /// let address = listener.local_addr()?;
    /// drop(listener);
    /// let again = TcpListener::bind_with(address, options).await?;
    /// assert_eq!(again.local_addr()?, address);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn reuse_address(mut self, reuse: bool) -> Self {
        self.reuse_address = reuse;
        self
    }

    /// Whether several listeners may share the port (`SO_REUSEPORT`, Unix).
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// use greenroom::net::{ListenOptions, TcpListener};
    /// let options = ListenOptions::new().reuse_port(true);
    /// let one = TcpListener::bind_with("127.0.0.1:0", options).await?;
    /// let two = TcpListener::bind_with(one.local_addr()?, options).await?;
    /// assert_eq!(one.local_addr()?, two.local_addr()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn reuse_port(mut self, reuse: bool) -> Self {
        self.reuse_port = reuse;
        self
    }

    /// Whether an IPv6 listener refuses IPv4 (`IPV6_V6ONLY`); as the system has it by default.
    ///
    /// ```
    /// use greenroom::net::{ListenOptions, TcpListener};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let v4 = TcpListener::bind("127.0.0.1:0").await?;
    /// let place = (std::net::Ipv6Addr::UNSPECIFIED, v4.local_addr()?.port());
    /// # if TcpListener::bind("[::1]:0").await.is_err() { return Ok(()); } // no IPv6
    /// let v6 = TcpListener::bind_with(place, ListenOptions::new().only_v6(true)).await?;
    /// assert_eq!(v6.local_addr()?.port(), v4.local_addr()?.port());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn only_v6(mut self, only: bool) -> Self {
        self.only_v6 = Some(only);
        self
    }

    pub(crate) fn listen(self, address: SocketAddr) -> io::Result<std::net::TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(self.reuse_address)?;
        #[cfg(unix)]
        if self.reuse_port {
            socket.set_reuse_port(true)?;
        }
        if let (true, Some(only)) = (address.is_ipv6(), self.only_v6) {
            socket.set_only_v6(only)?;
        }
        socket.bind(&address.into())?;
        socket.listen(self.backlog)?;
        Ok(socket.into())
    }
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self::new()
    }
}
