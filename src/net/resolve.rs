//! Name lookup: the system's resolver, on the thread pool, because it blocks.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

use super::address::{Endpoint, Place};
use crate::offload::offload;

/// The addresses of an endpoint, in the order in which they are to be tried. Addresses are given
/// back as they are; names go to the system's resolver, on the thread pool.
///
/// # Errors
/// When the name has no address, naming it, or the pool is closed.
///
/// # Cancel safety
/// Dropped while it waits, the lookup may go on in the pool; nothing else happens.
///
/// ```
/// greenroom::run(async |_system| {
///     let found = greenroom::net::lookup("localhost:80").await?;
///     assert!(found.iter().all(|address| address.port() == 80));
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
pub async fn lookup(endpoint: impl Into<Endpoint>) -> io::Result<Vec<SocketAddr>> {
    let name = match endpoint.into().place {
        Place::Addresses(addresses) => return Ok(addresses),
        Place::Name(name) => name,
    };
    let asked = name.clone();
    let found = offload(move || asked.to_socket_addrs().map(Iterator::collect::<Vec<_>>)).await;
    let addresses = found.map_err(io::Error::other)?.map_err(|error| {
        io::Error::new(error.kind(), format!("`{name}` could not be looked up: {error}"))
    })?;
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("`{name}` has no address")));
    }
    Ok(addresses)
}
