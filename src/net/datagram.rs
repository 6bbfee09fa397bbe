//! What the datagram sockets have in common.

/// The methods of a socket that sends and receives datagrams, over its `source`. `$Mio` and `$Std`
/// are the types of those libraries.
macro_rules! datagrams {
    ($Socket:ty, $Mio:ty, $Std:ty) => {
        impl $Socket {
            /// Takes over a socket of the standard library.
            ///
            /// # Errors
            /// When it cannot be made non-blocking.
            pub fn from_std(socket: $Std) -> ::std::io::Result<Self> {
                socket.set_nonblocking(true)?;
                Ok(Self::new(<$Mio>::from_std(socket)))
            }

            /// Gives the socket back to the standard library; it stays non-blocking.
            ///
            /// # Errors
            /// When there is no descriptor left to hand it over.
            pub fn into_std(self) -> ::std::io::Result<$Std> {
                let copied = self.source.with(|io| ::socket2::SockRef::from(io).try_clone())?;
                Ok(copied.into())
            }

            const fn new(socket: $Mio) -> Self {
                Self { source: $crate::event_loop::source::Source::new(socket) }
            }

            /// Sends a datagram to the connected address.
            ///
            /// # Errors
            /// When it is not connected, nobody receives there, or the datagram is too long.
            ///
            /// # Cancel safety
            /// Dropped while it waits, nothing was sent.
            pub async fn send(&self, datagram: &[u8]) -> ::std::io::Result<usize> {
                let writing = $crate::reactor::readiness::Direction::Write;
                self.source.io(writing, |socket| socket.send(datagram)).await
            }

            /// Receives a datagram; what does not fit is cut off.
            ///
            /// # Errors
            /// When the kernel reports one, for instance that the connected peer is gone.
            ///
            /// # Cancel safety
            /// Dropped while it waits, no datagram is lost.
            pub async fn recv(&self, buffer: &mut [u8]) -> ::std::io::Result<usize> {
                let reading = $crate::reactor::readiness::Direction::Read;
                self.source.io(reading, |socket| socket.recv(buffer)).await
            }
        }
    };
}
pub(crate) use datagrams;
