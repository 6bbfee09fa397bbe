//! `UdpSocket`: datagrams.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::address::Endpoint;
use super::datagram::datagrams;
use super::resolve::first_of;
use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;

/// A UDP socket. All operations take `&self`; any number of tasks may wait at once, and each
/// datagram goes to one of them.
///
/// ```
/// use greenroom::net::UdpSocket;
/// greenroom::run(async |_system| {
///     let (a, b) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
///     a.send_to(b"ping", b.local_addr()?).await?;
///     let mut buffer = [0; 16];
///     let (length, from) = b.recv_from(&mut buffer).await?;
///     assert_eq!((&buffer[..length], from), (&b"ping"[..], a.local_addr()?));
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub struct UdpSocket {
    source: Source<mio::net::UdpSocket>,
}

datagrams!(
    UdpSocket,
    mio::net::UdpSocket,
    std::net::UdpSocket,
    "let a = UdpSocket::bind(\"127.0.0.1:0\").await?;
let b = UdpSocket::bind(\"127.0.0.1:0\").await?;
a.connect(b.local_addr()?).await?;"
);

impl UdpSocket {
    /// Binds to the first address of `endpoint` that can be had; port 0 is any free one.
    ///
    /// # Errors
    /// When none can be had, naming each with its cause.
    ///
    /// # Cancel safety
    /// Dropped while it looks a name up, nothing is bound.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// assert_ne!(socket.local_addr()?.port(), 0);
    /// let taken = UdpSocket::bind(socket.local_addr()?).await;
    /// assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn bind(endpoint: impl Into<Endpoint>) -> io::Result<Self> {
        let bound = first_of(endpoint.into(), "could not bind to", mio::net::UdpSocket::bind);
        Ok(Self::new(bound.await?))
    }

    /// Where it is bound.
    ///
    /// # Errors
    /// When the kernel does not tell.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// assert!(socket.local_addr()?.ip().is_loopback());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.with(mio::net::UdpSocket::local_addr)
    }

    /// The address it is connected to.
    ///
    /// # Errors
    /// When it is not connected.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// assert!(socket.peer_addr().is_err());
    /// let peer = UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.connect(peer.local_addr()?).await?;
    /// assert_eq!(socket.peer_addr()?, peer.local_addr()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.source.with(mio::net::UdpSocket::peer_addr)
    }

    /// Sends to and receives from one address only, from now on: the first of `endpoint` that the
    /// kernel takes.
    ///
    /// # Errors
    /// When it takes none, naming each with its cause.
    ///
    /// # Cancel safety
    /// Dropped while it looks a name up, nothing changes.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let (a, b) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    /// a.connect(b.local_addr()?).await?;
    /// assert_eq!(a.send(b"ping").await?, 4);
    /// assert_eq!(b.recv_from(&mut [0; 16]).await?, (4, a.local_addr()?));
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn connect(&self, endpoint: impl Into<Endpoint>) -> io::Result<()> {
        let connect = |address| self.source.with(|socket| socket.connect(address));
        first_of(endpoint.into(), "could not connect to", connect).await
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// Dropped while it waits, nothing was sent.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let (a, b) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    /// assert_eq!(a.send_to(b"ping", b.local_addr()?).await?, 4);
    /// assert_eq!(b.recv(&mut [0; 16]).await?, 4);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.source.io(Direction::Write, |socket| socket.send_to(datagram, to)).await
    }

    /// Receives a datagram and tells from whom; what does not fit is cut off.
    ///
    /// # Errors
    /// When the kernel reports one.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no datagram is lost.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let (a, b) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    /// a.send_to(b"a long one", b.local_addr()?).await?;
    /// let mut short = [0; 6];
    /// assert_eq!(b.recv_from(&mut short).await?, (6, a.local_addr()?));
    /// assert_eq!(&short, b"a long");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.source.io(Direction::Read, |socket| socket.recv_from(buffer)).await
    }

    /// As [`recv_from`](Self::recv_from), without taking the datagram.
    ///
    /// # Errors
    /// As [`recv_from`](Self::recv_from).
    ///
    /// # Cancel safety
    /// Nothing is taken either way.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let (a, b) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    /// a.send_to(b"ping", b.local_addr()?).await?;
    /// let peeked = b.peek_from(&mut [0; 16]).await?;
    /// assert_eq!(b.recv_from(&mut [0; 16]).await?, peeked);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.source.io(Direction::Read, |socket| socket.peek_from(buffer)).await
    }

    /// Whether it may send to broadcast addresses.
    ///
    /// # Errors
    /// When the kernel does not tell.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// assert!(!socket.broadcast()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn broadcast(&self) -> io::Result<bool> {
        self.source.with(mio::net::UdpSocket::broadcast)
    }

    /// Says whether it may send to broadcast addresses.
    ///
    /// # Errors
    /// When the kernel refuses.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.set_broadcast(true)?;
    /// assert!(socket.broadcast()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.source.with(|socket| socket.set_broadcast(broadcast))
    }

    /// Says how many routers a datagram over IPv4 may pass (`IP_TTL`).
    ///
    /// # Errors
    /// When the kernel refuses.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.set_ttl(3)?;
    /// assert_eq!(socket.ttl()?, 3);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn set_ttl(&self, hops: u32) -> io::Result<()> {
        self.source.with(|socket| socket.set_ttl(hops))
    }

    /// How many routers a datagram over IPv4 may pass (`IP_TTL`).
    ///
    /// # Errors
    /// When the kernel does not tell.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// assert!(socket.ttl()? > 0);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn ttl(&self) -> io::Result<u32> {
        self.source.with(mio::net::UdpSocket::ttl)
    }

    /// Says whether what it sends to a multicast group comes back to this machine.
    ///
    /// # Errors
    /// When the kernel refuses.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.set_multicast_loop_v4(false)?;
    /// assert!(!socket.into_std()?.multicast_loop_v4()?);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn set_multicast_loop_v4(&self, back: bool) -> io::Result<()> {
        self.source.with(|socket| socket.set_multicast_loop_v4(back))
    }

    /// Says how many routers a datagram to a multicast group may pass; 1 by default.
    ///
    /// # Errors
    /// When the kernel refuses.
    ///
    /// ```
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let socket = UdpSocket::bind("127.0.0.1:0").await?;
    /// socket.set_multicast_ttl_v4(4)?;
    /// assert_eq!(socket.into_std()?.multicast_ttl_v4()?, 4);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn set_multicast_ttl_v4(&self, hops: u32) -> io::Result<()> {
        self.source.with(|socket| socket.set_multicast_ttl_v4(hops))
    }

    /// Joins a multicast group on an interface.
    ///
    /// # Errors
    /// When the kernel refuses.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    /// let group = Ipv4Addr::new(239, 1, 2, 3);
    /// socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
    /// let twice = socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST);
    /// assert_eq!(twice.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.source.with(|socket| socket.join_multicast_v4(group, interface))
    }

    /// Leaves a multicast group.
    ///
    /// # Errors
    /// When it had not joined.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    /// let group = Ipv4Addr::new(239, 1, 2, 3);
    /// socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
    /// socket.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
    /// assert!(socket.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST).is_err());
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.source.with(|socket| socket.leave_multicast_v4(group, interface))
    }

    /// Joins an IPv6 multicast group on an interface, by its index.
    ///
    /// # Errors
    /// When the kernel refuses.
    ///
    /// ```
    /// use std::net::Ipv6Addr;
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # if UdpSocket::bind("[::1]:0").await.is_err() { return Ok(()); } // no IPv6
    /// let socket = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).await?;
    /// let (group, interface) = (Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 0x123), 1);
    /// socket.join_multicast_v6(&group, interface)?;
    /// assert!(socket.join_multicast_v6(&group, interface).is_err(), "it has joined already");
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.source.with(|socket| socket.join_multicast_v6(group, interface))
    }

    /// Leaves an IPv6 multicast group.
    ///
    /// # Errors
    /// When it had not joined.
    ///
    /// ```
    /// use std::net::Ipv6Addr;
    /// use greenroom::net::UdpSocket;
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # if UdpSocket::bind("[::1]:0").await.is_err() { return Ok(()); } // no IPv6
    /// let socket = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).await?;
    /// let (group, interface) = (Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 0x123), 1);
    /// assert!(socket.leave_multicast_v6(&group, interface).is_err());
    /// socket.join_multicast_v6(&group, interface)?;
    /// socket.leave_multicast_v6(&group, interface)?;
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.source.with(|socket| socket.leave_multicast_v6(group, interface))
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpSocket").field("local", &self.local_addr().ok()).finish()
    }
}
