//! Why signals cannot be heard.

use std::io;

use super::Signal;

/// A signal cannot be listened to, or no longer; nothing has changed about what it does.
///
/// ```
/// use greenroom::signal::{Signal, SignalError, signals};
/// greenroom::run(async |_system| {
///     let error = signals([Signal::KILL]).unwrap_err();
///     assert!(matches!(error, SignalError::Refused(Signal::KILL)));
///     assert!(error.to_string().starts_with("SIGKILL cannot be listened to"));
/// });
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// Nobody may listen to this one: SIGKILL and SIGSTOP belong to the kernel, and SIGSEGV, SIGILL
    /// and SIGFPE mean that the very next instruction cannot go on.
    #[error(
        "{0} cannot be listened to: {reason}; listen to SIGTERM for a wish to end the process, \
         or to SIGTSTP for one to stop it",
        reason = reason(*.0)
    )]
    Refused(Signal),
    /// The set of signals was empty: such a stream would wait for ever.
    #[error("no signal to listen to was given; name at least one")]
    Empty,
    /// The system does not let this one be handled.
    #[error("{0} cannot be listened to: {1}")]
    System(Signal, #[source] io::Error),
    /// There is no loop here that could hear it, or it is not the stream's own.
    #[error("signals cannot be heard here: {0}")]
    Loop(#[source] io::Error),
}

fn reason(signal: Signal) -> &'static str {
    match signal {
        Signal::KILL | Signal::STOP => "the kernel lets no program handle it",
        _ => "a program that got it by a fault of its own cannot go on",
    }
}
