//! What can go wrong with a process, named after the program.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;

use crate::signal::Signal;

/// A process could not be started, or something about it did not work.
///
/// ```
/// use greenroom::process::{Command, ProcessError};
/// greenroom::run(async |_system| {
///     let error = Command::new("no-such-program").spawn().unwrap_err();
///     assert!(matches!(error, ProcessError::NotFound { .. }));
///     assert!(error.to_string().starts_with("`no-such-program` was not found"));
/// });
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// There is no such program. Nothing was started.
    #[error(
        "`{program}` was not found: give its path, or a name that is in one of the directories \
         of PATH"
    )]
    NotFound {
        /// The program, as it was given.
        program: Arc<str>,
    },
    /// The directory in which it was to start does not exist. Nothing was started.
    #[error("`{program}` was not started: there is no directory {directory:?} to start it in")]
    NoDirectory {
        /// The program, as it was given.
        program: Arc<str>,
        /// The directory.
        directory: PathBuf,
    },
    /// The file may not be executed by this user. Nothing was started.
    #[error("`{program}` may not be executed: is it a program, and has it the mode of one (x)?")]
    Denied {
        /// The program, as it was given.
        program: Arc<str>,
    },
    /// The kernel did not start it. Nothing was started, or it is killed already.
    #[error("`{program}` was not started: {source}{}", hint(source))]
    NotStarted {
        /// The program, as it was given.
        program: Arc<str>,
        /// What the kernel said.
        source: io::Error,
    },
    /// This thread runs no loop that could wait for it. Nothing was started.
    #[error("`{program}` was not started: {source}")]
    NoLoop {
        /// The program, as it was given.
        program: Arc<str>,
        /// Which loop is missing.
        source: io::Error,
    },
    /// It has ended, so no signal was sent.
    #[error("`{program}` (process {id}) has ended with {status}; {signal} was not sent")]
    Ended {
        /// The program, as it was given.
        program: Arc<str>,
        /// Its number while it ran.
        id: u32,
        /// How it ended.
        status: ExitStatus,
        /// What was to be sent.
        signal: Signal,
    },
    /// The signal was not sent; the process goes on.
    #[error("{signal} was not sent to `{program}` (process {id}): {source}")]
    NotSent {
        /// The program, as it was given.
        program: Arc<str>,
        /// Its number.
        id: u32,
        /// What was to be sent.
        signal: Signal,
        /// What the kernel said.
        source: io::Error,
    },
    /// How it ended cannot be learned: this loop is not its own, or somebody else in this process
    /// took the status.
    #[error("cannot wait for `{program}` (process {id}): {source}{}", stolen(source))]
    NoStatus {
        /// The program, as it was given.
        program: Arc<str>,
        /// Its number.
        id: u32,
        /// What the kernel or the loop said.
        source: io::Error,
    },
    /// It writes more than was allowed for. It goes on, without its pipes.
    #[error(
        "`{program}` (process {id}) writes more than the limit of {limit} bytes: read its pipes \
         piece by piece, or raise the limit by `Command::output_max`"
    )]
    OutputTooLong {
        /// The program, as it was given.
        program: Arc<str>,
        /// Its number.
        id: u32,
        /// How many bytes each of its outputs might have.
        limit: usize,
    },
    /// A pipe to or from it failed. It goes on, without its pipes.
    #[error("a pipe of `{program}` (process {id}) failed: {source}")]
    Pipe {
        /// The program, as it was given.
        program: Arc<str>,
        /// Its number.
        id: u32,
        /// What the kernel or the loop said.
        source: io::Error,
    },
}

/// As an error of the standard library, of the kind that the kernel's had.
impl From<ProcessError> for io::Error {
    fn from(error: ProcessError) -> Self {
        let kind = match &error {
            ProcessError::NotFound { .. } | ProcessError::NoDirectory { .. } => {
                io::ErrorKind::NotFound
            }
            ProcessError::Denied { .. } => io::ErrorKind::PermissionDenied,
            ProcessError::NotStarted { source, .. }
            | ProcessError::NoLoop { source, .. }
            | ProcessError::NotSent { source, .. }
            | ProcessError::NoStatus { source, .. }
            | ProcessError::Pipe { source, .. } => source.kind(),
            ProcessError::OutputTooLong { .. } => io::ErrorKind::FileTooLarge,
            ProcessError::Ended { .. } => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// What can be done about it, where that is not plain.
fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::ArgumentListTooLong => {
            "; give it so much by a pipe or a file, and not as arguments"
        }
        io::ErrorKind::WouldBlock => {
            "; this user has as many processes as it may (see `ulimit -u`): wait for some to end"
        }
        io::ErrorKind::ExecutableFileBusy => "; somebody is still writing the file",
        io::ErrorKind::OutOfMemory => "; the machine has no memory left",
        _ => match source.raw_os_error() {
            Some(FILES_MAX) => "; there are too many open files (see `ulimit -n`)",
            Some(NO_PROGRAM) => "; if it is a script, its first line must name what runs it (#!)",
            _ => "",
        },
    }
}

/// EMFILE and ENOEXEC; every Unix has the same numbers for them.
const FILES_MAX: i32 = 24;
const NO_PROGRAM: i32 = 8;
/// ECHILD.
const NO_CHILD: i32 = 10;

fn stolen(source: &io::Error) -> &'static str {
    match source.raw_os_error() {
        Some(NO_CHILD) => {
            "; something else in this program waits for all children, or ignores SIGCHLD"
        }
        _ => "",
    }
}
