//! `Endpoint`: where to bind or connect, before names are looked up.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// An address, or a name and a port that are looked up when they are used.
///
/// ```
/// use greenroom::net::Endpoint;
///
/// assert_eq!(Endpoint::from("127.0.0.1:80").to_string(), "127.0.0.1:80");
/// assert_eq!(Endpoint::from(("localhost", 80)).to_string(), "localhost:80");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    pub(crate) place: Place,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Addresses(Vec<SocketAddr>),
    /// `host:port`, as the system's resolver takes it.
    Name(String),
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self { place: Place::Addresses(vec![address]) }
    }
}

impl From<Vec<SocketAddr>> for Endpoint {
    fn from(addresses: Vec<SocketAddr>) -> Self {
        Self { place: Place::Addresses(addresses) }
    }
}

/// Everything that is an address already.
macro_rules! from_address {
    ($($Address:ty),+) => {$(
        impl From<$Address> for Endpoint {
            fn from(address: $Address) -> Self {
                SocketAddr::from(address).into()
            }
        }
    )+};
}

from_address!(SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl From<&[SocketAddr]> for Endpoint {
    fn from(addresses: &[SocketAddr]) -> Self {
        addresses.to_vec().into()
    }
}

impl From<&str> for Endpoint {
    fn from(text: &str) -> Self {
        match text.parse::<SocketAddr>() {
            Ok(address) => address.into(),
            Err(_) => Self { place: Place::Name(text.to_owned()) },
        }
    }
}

impl From<String> for Endpoint {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&String> for Endpoint {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<(&str, u16)> for Endpoint {
    fn from((host, port): (&str, u16)) -> Self {
        match host.parse::<IpAddr>() {
            Ok(ip) => (ip, port).into(),
            Err(_) => Self { place: Place::Name(format!("{host}:{port}")) },
        }
    }
}

impl From<(String, u16)> for Endpoint {
    fn from((host, port): (String, u16)) -> Self {
        (host.as_str(), port).into()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Name(name) => f.write_str(name),
            Place::Addresses(addresses) => {
                for (index, address) in addresses.iter().enumerate() {
                    write!(f, "{}{address}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}
