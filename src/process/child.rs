//! `Child`: a process that was started.

use std::fmt;
use std::process::{ExitStatus, Output};

use super::communicate::Pipes;
use super::error::ProcessError;
use super::exit::Exit;
use super::pipe::{PipeReader, PipeWriter};
use super::reaper;
use crate::signal::Signal;

/// A process that was started; made by [`Command::spawn`](super::Command::spawn).
///
/// Its methods take `&self`, so it may be waited for and ended at the same time. Pipes are there
/// when the command asked for them by `Stdio::piped()`; take them out to use them.
///
/// ```
/// use std::time::Duration;
/// use greenroom::{process::Command, time};
/// greenroom::run(async |_system| {
///     let child = Command::new("sleep").arg("1000").spawn()?;
///     let limit = Duration::from_millis(10);
///     if time::timeout(limit, child.wait()).await.is_err() {
///         child.terminate()?; // and it may still tidy up
///     }
///     assert_eq!(child.wait().await?.code(), None, "a signal ended it");
///     Ok::<(), greenroom::process::ProcessError>(())
/// }).unwrap();
/// ```
#[must_use = "dropping it leaves the process to itself, or kills it"]
pub struct Child {
    /// What it reads, if that is a pipe. A process that reads to the end goes on only when this is
    /// taken out and dropped.
    pub stdin: Option<PipeWriter>,
    /// What it writes, if that is a pipe. A process waits when the pipe is full, so read it.
    pub stdout: Option<PipeReader>,
    /// Its errors, if that is a pipe.
    pub stderr: Option<PipeReader>,
    /// None only while this is dropped.
    exit: Option<Exit>,
    kill_on_drop: bool,
    output_max: usize,
}

impl Child {
    pub(crate) fn new(exit: Exit, pipes: Pipes, kill_on_drop: bool, output_max: usize) -> Self {
        let Pipes { stdin, stdout, stderr } = pipes;
        Self { stdin, stdout, stderr, exit: Some(exit), kill_on_drop, output_max }
    }

    /// Its number, also after its end; then it may be that of another process.
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let shell = Command::shell("echo $$").stdout(greenroom::process::Stdio::piped());
    ///     let mut child = shell.spawn()?;
    ///     let said = child.communicate("").await?.stdout;
    ///     assert_eq!(String::from_utf8_lossy(&said).trim(), child.id().to_string());
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    #[must_use]
    pub fn id(&self) -> u32 {
        self.exit().id()
    }

    /// Waits for its end and tells how it ended; any number of times, in any number of tasks.
    ///
    /// It is over when this process has ended, even if children of its own have not, and keep its
    /// pipes open. Pipes that nobody empties hold a process up: take them out and use or drop them,
    /// or call [`communicate`](Self::communicate).
    ///
    /// # Errors
    /// When this loop is another than the first that waited, or something else in this program took
    /// the status.
    ///
    /// # Cancel safety
    /// Dropped while it waits, nothing changes: the process goes on and can be waited for again.
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let child = Command::shell("exit 3").spawn()?;
    ///     let (once, twice) = futures::try_join!(child.wait(), child.wait())?;
    ///     assert_eq!((once.code(), twice.code()), (Some(3), Some(3)));
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub async fn wait(&self) -> Result<ExitStatus, ProcessError> {
        self.exit().wait().await
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// When something else in this program took the status.
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let child = Command::new("sleep").arg("1000").spawn()?;
    ///     assert_eq!(child.try_wait()?, None);
    ///     child.kill()?;
    ///     let status = child.wait().await?;
    ///     assert_eq!(child.try_wait()?, Some(status));
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn try_wait(&self) -> Result<Option<ExitStatus>, ProcessError> {
        self.exit().look()
    }

    /// Writes all of `input` to it and closes its input, reads both of its outputs to their ends,
    /// and waits for its end; all at the same time, so that neither side waits for the other. What
    /// is no pipe is left out.
    ///
    /// The outputs end when everybody who has them has closed them, children of its own too. It may
    /// end without having read all of its input.
    ///
    /// # Errors
    /// When it writes more than [`output_max`](super::Command::output_max), a pipe fails, or its
    /// status is lost. It goes on then, without its pipes.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the process goes on without its pipes; what was read is lost.
    ///
    /// ```
    /// use greenroom::process::{Command, Stdio};
    /// greenroom::run(async |_system| {
    ///     let mut tr = Command::new("tr").args(["a-z", "A-Z"]);
    ///     let mut tr = tr.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    ///     let long = "a".repeat(1_000_000); // more than a pipe holds
    ///     assert_eq!(tr.communicate(&long).await?.stdout.len(), 1_000_000);
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub async fn communicate(&mut self, input: impl AsRef<[u8]>) -> Result<Output, ProcessError> {
        let pipes = Pipes {
            stdin: self.stdin.take(),
            stdout: self.stdout.take(),
            stderr: self.stderr.take(),
        };
        let exit = self.exit();
        let (stdout, stderr) = pipes.exchange(exit, input.as_ref(), self.output_max).await?;
        Ok(Output { status: exit.wait().await?, stdout, stderr })
    }

    /// Sends a signal. It is certain to go to this process and no other.
    ///
    /// # Errors
    /// [`Ended`](ProcessError::Ended) when it has ended; when we may not, as for a program that has
    /// become another user.
    ///
    /// ```
    /// use greenroom::{process::{Command, ProcessError}, signal::Signal};
    /// greenroom::run(async |_system| {
    ///     let child = Command::new("sleep").arg("1000").spawn()?;
    ///     child.send_signal(Signal::HUP)?;
    ///     child.wait().await?;
    ///     let late = child.send_signal(Signal::HUP);
    ///     assert!(matches!(late, Err(ProcessError::Ended { .. })));
    ///     Ok::<(), ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn send_signal(&self, signal: Signal) -> Result<(), ProcessError> {
        self.exit().send(signal)
    }

    /// Asks it to end, by SIGTERM; one that has ended needs not be asked.
    ///
    /// # Errors
    /// When we may not.
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let child = Command::shell("trap 'exit 7' TERM; echo; while :; do sleep 0.01; done");
    ///     let child = child.stdout(greenroom::process::Stdio::piped());
    ///     let mut child = child.spawn()?;
    ///     # use futures::io::AsyncReadExt;
    ///     # child.stdout.as_mut().unwrap().read(&mut [0]).await.unwrap();
    ///     child.terminate()?;
    ///     assert_eq!(child.wait().await?.code(), Some(7));
    ///     assert!(child.terminate().is_ok());
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn terminate(&self) -> Result<(), ProcessError> {
        self.exit().end_by(Signal::TERM)
    }

    /// Ends it, by SIGKILL; nothing happens when it has ended. Wait to know that it is gone.
    ///
    /// # Errors
    /// When we may not.
    ///
    /// ```
    /// use std::os::unix::process::ExitStatusExt;
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let child = Command::new("sleep").arg("1000").spawn()?;
    ///     child.kill()?;
    ///     assert_eq!(child.wait().await?.signal(), Some(9));
    ///     assert!(child.kill().is_ok());
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn kill(&self) -> Result<(), ProcessError> {
        self.exit().end_by(Signal::KILL)
    }

    fn exit(&self) -> &Exit {
        self.exit.as_ref().expect("it is taken out by `drop` only")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The pipes first, so that a child that reads or writes sees it before anything else.
        (self.stdin, self.stdout, self.stderr) = (None, None, None);
        if let Some(exit) = self.exit.take() {
            reaper::adopt(exit, self.kill_on_drop);
        }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("exit", &self.exit)
            .field("kill_on_drop", &self.kill_on_drop)
            .finish_non_exhaustive()
    }
}
