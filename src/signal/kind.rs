//! `Signal`: which signal, by name and by number.

use std::fmt;

use signal_hook::consts::signal as number;
use signal_hook::low_level::signal_name;

/// A signal of the operating system.
///
/// ```
/// use greenroom::signal::Signal;
/// assert_eq!(Signal::TERM.to_string(), "SIGTERM");
/// assert_eq!(Signal::from_number(15), Signal::TERM);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

impl Signal {
    /// A timer ran out.
    pub const ALRM: Self = Self(number::SIGALRM);
    /// A child ended or stopped.
    pub const CHLD: Self = Self(number::SIGCHLD);
    /// Go on after a stop.
    pub const CONT: Self = Self(number::SIGCONT);
    /// The terminal is gone; to a server by custom: read the configuration again.
    pub const HUP: Self = Self(number::SIGHUP);
    /// Ctrl-C at the terminal.
    pub const INT: Self = Self(number::SIGINT);
    /// End at once; nobody can listen to it.
    pub const KILL: Self = Self(number::SIGKILL);
    /// A write to a pipe that nobody reads; Rust programs ignore it and see the error instead.
    pub const PIPE: Self = Self(number::SIGPIPE);
    /// Ctrl-\ at the terminal: end, with a core dump.
    pub const QUIT: Self = Self(number::SIGQUIT);
    /// Stop until [`CONT`](Self::CONT); nobody can listen to it.
    pub const STOP: Self = Self(number::SIGSTOP);
    /// End, please.
    pub const TERM: Self = Self(number::SIGTERM);
    /// Ctrl-Z at the terminal: stop, please.
    pub const TSTP: Self = Self(number::SIGTSTP);
    /// A read from the terminal in the background.
    pub const TTIN: Self = Self(number::SIGTTIN);
    /// A write to the terminal in the background.
    pub const TTOU: Self = Self(number::SIGTTOU);
    /// Whatever a program takes it for.
    pub const USR1: Self = Self(number::SIGUSR1);
    /// Whatever a program takes it for.
    pub const USR2: Self = Self(number::SIGUSR2);
    /// The terminal has another size.
    pub const WINCH: Self = Self(number::SIGWINCH);

    /// The signal with this number, whether or not this system has it.
    ///
    /// ```
    /// use greenroom::signal::Signal;
    /// assert_eq!(Signal::from_number(9), Signal::KILL);
    /// ```
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Its number on this system.
    ///
    /// ```
    /// use greenroom::signal::Signal;
    /// assert_eq!(Signal::INT.number(), 2);
    /// ```
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Whether it has a name, and with it a default that is known.
    pub(crate) fn is_named(self) -> bool {
        signal_name(self.0).is_some()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signal_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
