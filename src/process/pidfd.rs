//! The descriptor of a process: readable once it has ended, and never that of another one.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

/// A descriptor as a source of the reactor.
#[derive(Debug)]
pub(crate) struct PidFd(OwnedFd);

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::AsFd as _;
    use std::process::Child;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

    use super::PidFd;

    impl PidFd {
        /// That of a child which nobody has reaped yet.
        pub(crate) fn of(child: &Child) -> io::Result<Self> {
            Ok(Self(pidfd_open(Pid::from_child(child), PidfdFlags::empty())?))
        }

        pub(crate) fn send(&self, signal: rustix::process::Signal) -> io::Result<()> {
            Ok(pidfd_send_signal(&self.0, signal)?)
        }

        /// Holds the thread until the process has ended, at most for `limit`.
        pub(crate) fn block(&self, limit: Duration) {
            let Ok(limit) = Timespec::try_from(limit) else { return };
            let mut ended = [PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN)];
            // Whatever it says, the status is looked at next.
            let _ = poll(&mut ended, Some(&limit));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::process::Child;
    use std::time::Duration;

    use super::PidFd;

    impl PidFd {
        pub(crate) fn of(_: &Child) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) fn send(&self, _: rustix::process::Signal) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) fn block(&self, _: Duration) {}
    }
}

impl mio::event::Source for PidFd {
    fn register(&mut self, to: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).register(to, token, interest)
    }

    fn reregister(&mut self, to: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).reregister(to, token, interest)
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).deregister(from)
    }
}
