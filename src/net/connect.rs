//! Connecting: the addresses race each other, none of them blocking, all within one limit.
//!
//! An attempt that fails is followed by the next address at once. One that says nothing for 250 ms
//! gets the next address beside it, and whichever is connected first wins; so a name whose first
//! address is dead costs a quarter of a second and not the whole limit. The order is the
//! resolver's, but the two versions of IP take turns.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::address::Endpoint;
use super::options::SocketOptions;
use super::resolve::{all_failed, lookup};
use super::tcp_stream::TcpStream;
use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;
use crate::time::timeout;

/// How long an attempt is alone before the next address is tried beside it.
const STAGGER: Duration = Duration::from_millis(250);

/// How a connection is made.
///
/// ```
/// use std::time::Duration;
/// use greenroom::net::{ConnectOptions, SocketOptions, TcpListener, TcpStream};
/// # fn main() -> std::io::Result<()> {
/// greenroom::EventLoop::new()?.run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let options = ConnectOptions::new()
///         .limit(Duration::from_secs(3))
///         .socket(SocketOptions::new().nodelay(true));
///     let stream = TcpStream::connect_with(listener.local_addr()?, options).await?;
///     assert!(stream.nodelay()?);
///     Ok(())
/// })
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectOptions {
    limit: Duration,
    socket: SocketOptions,
}

impl ConnectOptions {
    /// 30 s for everything, because a network that drops packets would otherwise be waited for
    /// for minutes; sockets as the system has them.
    ///
    /// ```
    /// use greenroom::net::{ConnectOptions, SocketOptions};
    /// use std::time::Duration;
    /// let said = ConnectOptions::new().limit(Duration::from_secs(30)).socket(SocketOptions::new());
    /// assert_eq!(ConnectOptions::new(), said);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { limit: Duration::from_secs(30), socket: SocketOptions::new() }
    }

    /// How long the lookup and all attempts together may take.
    ///
    /// ```
    /// use greenroom::net::{ConnectOptions, TcpStream};
    /// # use greenroom::offload::{OffloadOptions, configure, offload};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// # configure(OffloadOptions::default().threads_max(1));
    /// # let (_hold, gate) = std::sync::mpsc::channel::<()>();
    /// # let mut busy = Box::pin(offload(move || gate.recv()));
    /// # assert!(futures::poll!(&mut busy).is_pending());
    /// // The resolver is slow today.
    /// let options = ConnectOptions::new().limit(std::time::Duration::from_millis(1));
    /// let error = TcpStream::connect_with("localhost:80", options).await.unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Options of the socket, set before it connects: the buffers decide what it can offer its
    /// peer.
    ///
    /// ```
    /// use greenroom::net::{ConnectOptions, SocketOptions, TcpListener, TcpStream};
    /// # greenroom::EventLoop::new().unwrap().run(async {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let options = ConnectOptions::new().socket(SocketOptions::new().ttl(7));
    /// let stream = TcpStream::connect_with(listener.local_addr()?, options).await?;
    /// assert_eq!(stream.into_std()?.ttl()?, 7);
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub const fn socket(mut self, socket: SocketOptions) -> Self {
        self.socket = socket;
        self
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What became of each address, for the error that names them.
#[derive(Default)]
struct Tried {
    addresses: Vec<SocketAddr>,
    failures: Vec<(SocketAddr, io::Error)>,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.addresses.is_empty() {
            return f.write_str("the name was still being looked up");
        }
        for (index, address) in self.addresses.iter().enumerate() {
            let comma = if index == 0 { "" } else { "; " };
            match self.failures.iter().find(|(failed, _)| failed == address) {
                Some((_, error)) => write!(f, "{comma}{address}: {error}")?,
                None => write!(f, "{comma}{address}: no answer")?,
            }
        }
        Ok(())
    }
}

pub(crate) async fn connect(endpoint: Endpoint, options: ConnectOptions) -> io::Result<TcpStream> {
    let tried = RefCell::new(Tried::default());
    let racing = race(&endpoint, options.socket, &tried);
    timeout(options.limit, racing).await.unwrap_or_else(|_| {
        let (limit, tried) = (options.limit, tried.borrow());
        let text = format!("could not connect to {endpoint} within {limit:?} ({tried})");
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    })
}

async fn race(
    endpoint: &Endpoint,
    options: SocketOptions,
    tried: &RefCell<Tried>,
) -> io::Result<TcpStream> {
    let mut waiting = take_turns(lookup(endpoint.clone()).await?).into_iter();
    let mut running = FuturesUnordered::new();
    loop {
        if let Some(address) = waiting.next() {
            tried.borrow_mut().addresses.push(address);
            running.push(async move { (address, attempt(address, options).await) });
        }
        let next = running.next();
        let ended = if waiting.len() == 0 {
            next.await
        } else {
            match timeout(STAGGER, next).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        };
        match ended {
            Some((_, Ok(stream))) => return Ok(stream),
            Some((address, Err(error))) => tried.borrow_mut().failures.push((address, error)),
            None => break,
        }
    }
    Err(all_failed("could not connect to", endpoint, &tried.borrow().failures))
}

/// One address of the first one's version of IP, then one of the other, and so on.
fn take_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let v6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == v6_first);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::with_capacity(first.len() + second.len());
    while first.len() + second.len() > 0 {
        turns.extend(first.next());
        turns.extend(second.next());
    }
    turns
}

async fn attempt(address: SocketAddr, options: SocketOptions) -> io::Result<TcpStream> {
    let source = Source::new(begin(address, options)?);
    // The kernel answers in its own time; it is connected when it has a peer and no error.
    let peer = source
        .io(Direction::Write, |stream| {
            if let Some(error) = stream.take_error()? {
                return Err(error);
            }
            match stream.peer_addr() {
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    Err(io::ErrorKind::WouldBlock.into())
                }
                peer => peer,
            }
        })
        .await?;
    if source.with(mio::net::TcpStream::local_addr)? == peer {
        // TCP lets a socket meet itself when the system gives it the very port it asks for.
        let text = "nobody listens there, and the socket met itself";
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, text));
    }
    Ok(TcpStream::from_source(source))
}

fn begin(address: SocketAddr, options: SocketOptions) -> io::Result<mio::net::TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    options.apply(SockRef::from(&socket), address.is_ipv6())?;
    match socket.connect(&address.into()) {
        Err(error) if !is_under_way(&error) => Err(error),
        _ => Ok(mio::net::TcpStream::from_std(socket.into())),
    }
}

fn is_under_way(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, WouldBlock};
    // It has no kind of its own outside Windows.
    const EINPROGRESS: i32 =
        if cfg!(any(target_os = "linux", target_os = "android")) { 115 } else { 36 };
    matches!(error.kind(), WouldBlock | Interrupted)
        || (cfg!(unix) && error.raw_os_error() == Some(EINPROGRESS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_of_ip_take_turns_in_the_order_of_the_resolver() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("a literal");
        let [a, b, c] = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"].map(address);
        let [x, y] = ["[::1]:1", "[::2]:1"].map(address);
        for (given, tried) in [
            (vec![a, b, c, x, y], vec![a, x, b, y, c]),
            (vec![x, y, a], vec![x, a, y]),
            (vec![b, a], vec![b, a]),
            (vec![], vec![]),
        ] {
            assert_eq!(take_turns(given), tried);
        }
    }
}
