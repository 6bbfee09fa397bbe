//! What the datagram sockets have in common.

/// The methods of a socket that sends and receives datagrams, over its `source`. `$Mio` and `$Std`
/// are the types of those libraries; `$pair` is how the examples come by `a`, connected to `b`.
macro_rules! datagrams {
    ($Socket:ty, $Mio:ty, $Std:ty, $pair:literal) => {
        impl $Socket {
            /// Takes over a socket of the standard library.
            ///
            /// # Errors
            /// When it cannot be made non-blocking.
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            #[doc = concat!("use greenroom::net::", stringify!($Socket), ";")]
            #[doc = $pair]
            #[doc = concat!("let again = ", stringify!($Socket), "::from_std(a.into_std()?)?;")]
            /// assert_eq!(again.send(b"ping").await?, 4);
            /// assert_eq!(b.recv(&mut [0; 16]).await?, 4);
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
            pub fn from_std(socket: $Std) -> ::std::io::Result<Self> {
                socket.set_nonblocking(true)?;
                Ok(Self::new(<$Mio>::from_std(socket)))
            }

            /// Gives the socket back to the standard library; it stays non-blocking.
            ///
            /// # Errors
            /// When there is no descriptor left to hand it over.
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            #[doc = concat!("use greenroom::net::", stringify!($Socket), ";")]
            #[doc = $pair]
            /// let error = a.into_std()?.recv(&mut [0; 16]).unwrap_err();
            /// assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
            /// # drop(b);
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
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
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            #[doc = concat!("use greenroom::net::", stringify!($Socket), ";")]
            #[doc = $pair]
            /// assert_eq!(a.send(b"ping").await?, 4);
            /// assert_eq!(b.recv(&mut [0; 16]).await?, 4);
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
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
            ///
            /// ```
            /// # greenroom::EventLoop::new().unwrap().run(async {
            #[doc = concat!("use greenroom::net::", stringify!($Socket), ";")]
            #[doc = $pair]
            /// a.send(b"a long one").await?;
            /// let mut short = [0; 6];
            /// assert_eq!(b.recv(&mut short).await?, 6);
            /// assert_eq!(&short, b"a long");
            /// # Ok::<(), std::io::Error>(()) }).unwrap();
            /// ```
            pub async fn recv(&self, buffer: &mut [u8]) -> ::std::io::Result<usize> {
                let reading = $crate::reactor::readiness::Direction::Read;
                self.source.io(reading, |socket| socket.recv(buffer)).await
            }
        }
    };
}
pub(crate) use datagrams;
