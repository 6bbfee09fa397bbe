//! `Exit`: the end of a child; waiting for it, bringing it about, reaping.

use std::cell::{Cell, RefCell};
use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, kill_process};

use super::error::ProcessError;
use super::pidfd::PidFd;
use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;
use crate::signal::{Signal, SignalError, signals};

/// A child that this process is the parent of, and the one who reaps it.
pub(crate) struct Exit {
    program: Arc<str>,
    id: u32,
    /// Borrowed for one system call at a time.
    child: RefCell<std::process::Child>,
    status: Cell<Option<ExitStatus>>,
    watch: Watch,
}

/// How its end is noticed.
enum Watch {
    /// By its own descriptor, which is readable then.
    PidFd(Source<PidFd>),
    /// The kernel has none for us: by looking at each SIGCHLD.
    Look,
}

impl Exit {
    pub(crate) fn new(program: Arc<str>, child: std::process::Child) -> Self {
        let watch = match PidFd::of(&child) {
            Ok(pidfd) => Watch::PidFd(Source::new(pidfd)),
            Err(error) => {
                tracing::debug!(
                    target: "greenroom::process", %program, %error,
                    "there is no pidfd for it; SIGCHLD tells of its end",
                );
                Watch::Look
            }
        };
        Self::watched(program, child, watch)
    }

    fn watched(program: Arc<str>, child: std::process::Child, watch: Watch) -> Self {
        let (id, status) = (child.id(), Cell::new(None));
        Self { program, id, child: RefCell::new(child), status, watch }
    }

    pub(crate) const fn program(&self) -> &Arc<str> {
        &self.program
    }

    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    /// The status, if it has ended; it is reaped by this.
    pub(crate) fn look(&self) -> Result<Option<ExitStatus>, ProcessError> {
        self.reap().map_err(|source| self.no_status(source))
    }

    fn reap(&self) -> io::Result<Option<ExitStatus>> {
        if self.status.get().is_none() {
            self.status.set(self.child.borrow_mut().try_wait()?);
        }
        Ok(self.status.get())
    }

    /// Waits for the end.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub(crate) async fn wait(&self) -> Result<ExitStatus, ProcessError> {
        if let Some(status) = self.status.get() {
            return Ok(status);
        }
        let ended = match &self.watch {
            Watch::PidFd(pidfd) => {
                let look = |_: &PidFd| self.reap()?.ok_or_else(|| io::ErrorKind::WouldBlock.into());
                pidfd.io(Direction::Read, look).await
            }
            Watch::Look => self.wait_by_looking().await,
        };
        ended.map_err(|source| self.no_status(source))
    }

    async fn wait_by_looking(&self) -> io::Result<ExitStatus> {
        let mut changes = signals([Signal::CHLD]).map_err(not_heard)?;
        loop {
            // Looked at after the listening began, so an end before it is seen as well.
            if let Some(status) = self.reap()? {
                return Ok(status);
            }
            changes.recv().await.map_err(not_heard)?;
        }
    }

    /// Sends a signal, unless it has ended.
    pub(crate) fn send(&self, signal: Signal) -> Result<(), ProcessError> {
        if let Some(status) = self.look()? {
            return Err(self.ended(status, signal));
        }
        // Until we reap it, which only this struct does, its number is given to nobody else.
        let sent = match rustix::process::Signal::from_named_raw(signal.number()) {
            None => Err(io::Error::new(io::ErrorKind::InvalidInput, "it has no name here")),
            Some(named) => match (&self.watch, i32::try_from(self.id).ok().and_then(Pid::from_raw))
            {
                (Watch::PidFd(pidfd), _) => pidfd.with(|pidfd| pidfd.send(named)),
                (Watch::Look, Some(id)) => kill_process(id, named).map_err(io::Error::from),
                (Watch::Look, None) => Err(io::ErrorKind::InvalidInput.into()),
            },
        };
        sent.map_err(|source| {
            let (program, id) = (Arc::clone(&self.program), self.id);
            ProcessError::NotSent { program, id, signal, source }
        })
    }

    /// Sends a signal that is to end it; one that has ended needs none.
    pub(crate) fn end_by(&self, signal: Signal) -> Result<(), ProcessError> {
        match self.send(signal) {
            Err(ProcessError::Ended { .. }) => Ok(()),
            sent => sent,
        }
    }

    /// Holds the thread until it has ended, at most for `limit`, where that can be waited for.
    pub(crate) fn block(&self, limit: Duration) {
        if let Watch::PidFd(pidfd) = &self.watch {
            pidfd.with(|pidfd| pidfd.block(limit));
        }
    }

    pub(crate) fn into_child(self) -> std::process::Child {
        self.child.into_inner()
    }

    fn ended(&self, status: ExitStatus, signal: Signal) -> ProcessError {
        ProcessError::Ended { program: Arc::clone(&self.program), id: self.id, status, signal }
    }

    fn no_status(&self, source: io::Error) -> ProcessError {
        ProcessError::NoStatus { program: Arc::clone(&self.program), id: self.id, source }
    }
}

fn not_heard(error: SignalError) -> io::Error {
    match error {
        SignalError::Loop(source) => source,
        error => io::Error::other(error),
    }
}

impl std::fmt::Debug for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exit")
            .field("program", &self.program)
            .field("id", &self.id)
            .field("status", &self.status.get())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_loop::EventLoop;
    use crate::time::{sleep, timeout};

    /// As on a system without pidfds.
    fn by_looking(line: &str) -> Exit {
        let child = std::process::Command::new("sh").args(["-c", line]).spawn().unwrap();
        Exit::watched(Arc::from("sh"), child, Watch::Look)
    }

    #[test]
    fn without_pidfds_the_end_is_seen_and_signals_arrive() {
        EventLoop::new().unwrap().run(async {
            let at_once = by_looking("exit 3");
            sleep(Duration::from_millis(50)).await; // its SIGCHLD comes before anybody listens
            assert_eq!(at_once.wait().await.unwrap().code(), Some(3));

            let (one, two) = (by_looking("read _; sleep 0.05; exit 1"), by_looking("sleep 60"));
            let ends = async {
                sleep(Duration::from_millis(20)).await;
                two.send(Signal::TERM).unwrap();
            };
            let limit = Duration::from_secs(30);
            let all = futures::future::join4(one.wait(), two.wait(), two.wait(), ends);
            let (first, second, again, ()) = timeout(limit, all).await.unwrap();
            assert_eq!(first.unwrap().code(), Some(1));
            assert_eq!(second.unwrap(), again.unwrap());
            assert!(matches!(two.send(Signal::TERM), Err(ProcessError::Ended { .. })));
            assert!(two.end_by(Signal::KILL).is_ok());
        });
    }
}
