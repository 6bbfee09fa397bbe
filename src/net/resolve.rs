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
/// # fn main() -> std::io::Result<()> {
/// greenroom::EventLoop::new()?.run(async {
///     let found = greenroom::net::lookup("localhost:80").await?;
///     assert!(found.iter().all(|address| address.port() == 80));
///     Ok(())
/// })
/// # }
/// ```
pub async fn lookup(endpoint: impl Into<Endpoint>) -> io::Result<Vec<SocketAddr>> {
    let name = match endpoint.into().place {
        Place::Addresses(addresses) if addresses.is_empty() => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the list of addresses is empty",
            ));
        }
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

/// What `attempt` gives for the first address of `endpoint` for which it gives something; `what` is
/// for the error that names them all.
pub(crate) async fn first_of<T>(
    endpoint: Endpoint,
    what: &str,
    attempt: impl Fn(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut failures = Vec::new();
    for address in lookup(endpoint.clone()).await? {
        match attempt(address) {
            Ok(done) => return Ok(done),
            Err(error) => failures.push((address, error)),
        }
    }
    Err(all_failed(what, &endpoint, &failures))
}

/// One error that names every address that was tried; its kind is that of the last.
pub(crate) fn all_failed(
    what: &str,
    endpoint: &Endpoint,
    failures: &[(SocketAddr, io::Error)],
) -> io::Error {
    let kind = failures.last().map_or(io::ErrorKind::NotFound, |(_, error)| error.kind());
    let causes: Vec<String> =
        failures.iter().map(|(address, error)| format!("{address}: {error}")).collect();
    io::Error::new(kind, format!("{what} {endpoint} ({})", causes.join("; ")))
}
