//! `Command`: what to start and how.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::sync::Arc;

use super::child::Child;
use super::communicate::Pipes;
use super::error::ProcessError;
use super::exit::Exit;
use super::pipe::{PipeReader, PipeWriter};
use super::reaper;
use crate::event_loop::current;

/// How much `communicate` and `output` take of each output, unless told otherwise.
const OUTPUT_MAX: usize = 64 * 1024 * 1024;

/// What to start and how; as that of the standard library, whose defaults it has.
///
/// ```
/// use greenroom::process::Command;
/// greenroom::run(async |_system| {
///     let output = Command::new("printf").args(["%s-%s", "a", "b"]).output().await?;
///     assert_eq!(output.stdout, b"a-b");
///     Ok::<(), greenroom::process::ProcessError>(())
/// }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a command does nothing until it is started"]
pub struct Command {
    inner: std::process::Command,
    /// What errors call it.
    name: Arc<str>,
    kill_on_drop: bool,
    stdin_chosen: bool,
    merged: bool,
    output_max: usize,
}

impl Command {
    /// A program, by its path or by a name that is looked for in PATH.
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     assert!(Command::new("true").status().await?.success());
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref();
        let name = program.to_string_lossy();
        Self::from_std(std::process::Command::new(program), Arc::from(&*name))
    }

    /// A line for the shell, `/bin/sh`. Never put into it what a stranger wrote: use
    /// [`new`](Self::new) and [`arg`](Self::arg) for that.
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let output = Command::shell("echo b a | tr ' ' '\n' | sort").output().await?;
    ///     assert_eq!(output.stdout, b"a\nb\n");
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn shell(line: impl AsRef<OsStr>) -> Self {
        let line = line.as_ref();
        let mut shell = std::process::Command::new("/bin/sh");
        shell.arg("-c").arg(line);
        Self::from_std(shell, Arc::from(&*line.to_string_lossy()))
    }

    fn from_std(inner: std::process::Command, name: Arc<str>) -> Self {
        Self {
            inner,
            name,
            kill_on_drop: false,
            stdin_chosen: false,
            merged: false,
            output_max: OUTPUT_MAX,
        }
    }

    /// Adds an argument.
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let output = Command::new("echo").arg("$HOME;").output().await?;
    ///     assert_eq!(output.stdout, b"$HOME;\n"); // no shell has seen it
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.inner.arg(argument);
        self
    }

    /// Adds arguments.
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     assert_eq!(Command::new("expr").args(["2", "+", "2"]).output().await?.stdout, b"4\n");
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.inner.args(arguments);
        self
    }

    /// Sets a variable of its environment, beside those that it inherits.
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let output = Command::shell("echo $COLOUR").env("COLOUR", "green").output().await?;
    ///     assert_eq!(output.stdout, b"green\n");
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    /// The directory in which it starts; ours by default.
    ///
    /// ```
    /// use greenroom::process::{Command, ProcessError};
    /// greenroom::run(async |_system| {
    ///     assert_eq!(Command::new("pwd").current_dir("/").output().await?.stdout, b"/\n");
    ///     let error = Command::new("pwd").current_dir("/nowhere").output().await.unwrap_err();
    ///     assert!(matches!(error, ProcessError::NoDirectory { .. }));
    ///     Ok::<(), ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.inner.current_dir(directory);
        self
    }

    /// What it reads: ours by default; nothing for [`output`](Self::output).
    ///
    /// ```
    /// use greenroom::process::{Command, Stdio};
    /// greenroom::run(async |_system| {
    ///     let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    ///     assert_eq!(cat.communicate("hello").await?.stdout, b"hello");
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn stdin(mut self, from: impl Into<Stdio>) -> Self {
        self.inner.stdin(from);
        self.stdin_chosen = true;
        self
    }

    /// Where it writes; where we do by default.
    ///
    /// ```
    /// use greenroom::process::{Command, Stdio};
    /// greenroom::run(async |_system| {
    ///     assert!(Command::new("ls").stdout(Stdio::null()).status().await?.success());
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.inner.stdout(to);
        self
    }

    /// Where its errors go; where ours do by default.
    ///
    /// ```
    /// use greenroom::process::{Command, Stdio};
    /// greenroom::run(async |_system| {
    ///     let mut noisy = Command::shell("echo no >&2; exit 1").stderr(Stdio::piped()).spawn()?;
    ///     let output = noisy.communicate("").await?;
    ///     assert_eq!((output.status.code(), &*output.stderr), (Some(1), &b"no\n"[..]));
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn stderr(mut self, to: impl Into<Stdio>) -> Self {
        self.inner.stderr(to);
        self
    }

    /// Makes one pipe of both of its outputs, read at the `stdout` of the [`Child`], in the order
    /// in which it wrote. It comes before [`stdout`](Self::stdout) and [`stderr`](Self::stderr).
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let both = Command::shell("echo one; echo two >&2; echo three");
    ///     let output = both.stderr_to_stdout().output().await?;
    ///     assert_eq!(output.stdout, b"one\ntwo\nthree\n");
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub const fn stderr_to_stdout(mut self) -> Self {
        self.merged = true;
        self
    }

    /// Whether it is killed when its [`Child`] is dropped, unless it has ended by then; not by
    /// default. Its own children are not.
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let child = Command::new("sleep").arg("1000").kill_on_drop(true).spawn()?;
    ///     drop(child); // it is killed and, a moment later, reaped
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub const fn kill_on_drop(mut self, kill: bool) -> Self {
        self.kill_on_drop = kill;
        self
    }

    /// How many bytes of each output [`communicate`](Child::communicate) and
    /// [`output`](Self::output) take, before they fail; 64 MiB by default.
    ///
    /// ```
    /// use greenroom::process::{Command, ProcessError};
    /// greenroom::run(async |_system| {
    ///     let endless = Command::new("yes").output_max(1_000_000).kill_on_drop(true);
    ///     let error = endless.output().await.unwrap_err();
    ///     assert!(matches!(error, ProcessError::OutputTooLong { limit: 1_000_000, .. }));
    /// });
    /// ```
    pub const fn output_max(mut self, bytes: usize) -> Self {
        self.output_max = bytes;
        self
    }

    /// The command of the standard library inside, for what has no method here: `env_clear`, a
    /// process group, another user.
    ///
    /// ```
    /// use std::os::unix::process::CommandExt;
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let mut group = Command::new("sleep").arg("1000").kill_on_drop(true);
    ///     group.as_std_mut().process_group(0); // no Ctrl-C at the terminal reaches it
    ///     assert!(group.spawn().is_ok());
    /// });
    /// ```
    pub const fn as_std_mut(&mut self) -> &mut std::process::Command {
        &mut self.inner
    }

    /// Starts it. This holds the loop for as long as the kernel needs, a fraction of a millisecond
    /// unless the program lies on a slow file system.
    ///
    /// # Errors
    /// When it cannot be started, naming it and the reason; when this thread runs no loop, or one
    /// with a virtual clock. Nothing runs then.
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let child = Command::new("sleep").arg("0.01").spawn()?;
    ///     assert!(child.wait().await?.success());
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub fn spawn(mut self) -> Result<Child, ProcessError> {
        reaper::sweep();
        let program = &self.name;
        machine_loop()
            .map_err(|source| ProcessError::NoLoop { program: Arc::clone(program), source })?;
        let started = self.start();
        let (mut child, merged) = started.map_err(|source| self.not_started(source))?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let exit = Exit::new(Arc::clone(&self.name), child);
        let pipes = || -> io::Result<Pipes> {
            let stdout = stdout.map(PipeReader::from_fd).transpose()?;
            Ok(Pipes {
                stdin: stdin.map(PipeWriter::from_fd).transpose()?,
                stdout: merged.map(PipeReader::from_fd).transpose()?.or(stdout),
                stderr: stderr.map(PipeReader::from_fd).transpose()?,
            })
        };
        match pipes() {
            Ok(pipes) => Ok(Child::new(exit, pipes, self.kill_on_drop, self.output_max)),
            Err(source) => {
                reaper::adopt(exit, true);
                Err(self.not_started(source))
            }
        }
    }

    fn start(&mut self) -> io::Result<(std::process::Child, Option<io::PipeReader>)> {
        if !self.merged {
            return Ok((self.inner.spawn()?, None));
        }
        let (reader, writer) = io::pipe()?;
        self.inner.stdout(writer.try_clone()?).stderr(writer);
        // Our copies of the writing end go with the command, so that the pipe has an end.
        Ok((self.inner.spawn()?, Some(reader)))
    }

    /// Starts it and waits for its end. It has no pipes.
    ///
    /// # Errors
    /// When it cannot be started, or its status is lost.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the process goes on, unless it is to be
    /// [killed](Self::kill_on_drop).
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     assert_eq!(Command::shell("exit 3").status().await?.code(), Some(3));
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub async fn status(self) -> Result<ExitStatus, ProcessError> {
        let mut child = self.spawn()?;
        (child.stdin, child.stdout, child.stderr) = (None, None, None);
        child.wait().await
    }

    /// Starts it with pipes for both of its outputs and gives what it wrote, once it has ended and
    /// closed them. It reads nothing, unless [`stdin`](Self::stdin) says otherwise.
    ///
    /// # Errors
    /// When it cannot be started, its status is lost, or it writes more than
    /// [`output_max`](Self::output_max); in the last case it goes on without its pipes, unless it
    /// is to be [killed](Self::kill_on_drop).
    ///
    /// # Cancel safety
    /// Dropped while it waits, the process goes on without its pipes, unless it is to be
    /// [killed](Self::kill_on_drop).
    ///
    /// ```
    /// use greenroom::process::Command;
    /// greenroom::run(async |_system| {
    ///     let output = Command::shell("echo out; echo err >&2; exit 1").output().await?;
    ///     assert_eq!(output.status.code(), Some(1));
    ///     assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b"err\n"[..]));
    ///     Ok::<(), greenroom::process::ProcessError>(())
    /// }).unwrap();
    /// ```
    pub async fn output(mut self) -> Result<Output, ProcessError> {
        if !self.stdin_chosen {
            self.inner.stdin(Stdio::null());
        }
        self.inner.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.spawn()?.communicate([]).await
    }

    fn not_started(&self, source: io::Error) -> ProcessError {
        let program = Arc::clone(&self.name);
        let directory = self.inner.get_current_dir().filter(|directory| !directory.is_dir());
        match (source.kind(), directory) {
            (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, Some(directory)) => {
                ProcessError::NoDirectory { program, directory: directory.to_owned() }
            }
            (io::ErrorKind::NotFound, None) => ProcessError::NotFound { program },
            (io::ErrorKind::PermissionDenied, _) => ProcessError::Denied { program },
            _ => ProcessError::NotStarted { program, source },
        }
    }
}

/// A child is waited for by a loop on the machine's clock.
fn machine_loop() -> io::Result<()> {
    match current::get() {
        Some(core) => core.driver.reactor().map(drop),
        None => Err(io::Error::other(
            "no Greenroom loop runs on this thread; do it inside `greenroom::run` or \
             `EventLoop::run`",
        )),
    }
}
