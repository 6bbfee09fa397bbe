//! What to do when `accept` fails: a pure decision, and the loop around it.
//!
//! Running out of descriptors must neither spin nor lose the listener: it waits, longer each time,
//! and goes on when descriptors are free again.

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;
use crate::time::{now, sleep_until};

const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// A server at its limit accepts one and fails again, over and over; the log is told this often.
const WARNINGS_APART: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// That one connection is lost; the next may be well.
    Next,
    /// The system is short of something; try again later.
    Pause(Duration),
    Fail,
}

/// Decides by the error; `failures` counts those in a row before it.
fn after_error(error: &io::Error, failures: u32) -> Then {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable, OutOfMemory, TimedOut,
    };
    // Out of descriptors (process, system) and of buffers have no kind of their own.
    const EMFILE: i32 = if cfg!(windows) { 10_024 } else { 24 };
    const ENFILE: i32 = 23;
    const ENOBUFS: i32 = if cfg!(windows) {
        10_055
    } else if cfg!(any(target_os = "linux", target_os = "android")) {
        105
    } else {
        55
    };
    const EPROTO: i32 =
        if cfg!(any(target_os = "linux", target_os = "android")) { 71 } else { 100 };
    match (error.raw_os_error(), error.kind()) {
        (Some(EMFILE | ENFILE | ENOBUFS), _) | (_, OutOfMemory) => {
            Then::Pause(PAUSE_MIN.saturating_mul(2_u32.saturating_pow(failures)).min(PAUSE_MAX))
        }
        // Linux hands on what went wrong with the connection before it could be accepted.
        (Some(EPROTO), _)
        | (
            _,
            ConnectionAborted | ConnectionReset | Interrupted | TimedOut | NetworkDown
            | NetworkUnreachable | HostUnreachable,
        ) => Then::Next,
        _ => Then::Fail,
    }
}

/// What a listener knows of a shortage. It belongs to the listener and not to one `accept`, so that
/// a cancelled one forgets nothing and several at once tell it once.
#[derive(Default, Debug)]
pub(crate) struct Shortage {
    failures: Cell<u32>,
    /// Nobody tries before this.
    until: Cell<Option<Instant>>,
    warned_at: Cell<Option<Instant>>,
    /// Whether the log knows of this one, and so wants to hear of its end.
    warned: Cell<bool>,
}

impl Shortage {
    /// Waits until the pause is over, however often it is extended meanwhile.
    async fn pass(&self) {
        while let Some(until) = self.until.get()
            && now() < until
        {
            sleep_until(until).await;
        }
    }

    fn begin_pause(&self, pause: Duration, name: &impl Fn() -> String, error: &io::Error) {
        let now = now();
        if self.until.get().is_some_and(|until| now < until) {
            return; // somebody else, woken by the same event, was first
        }
        let first = self.failures.replace(self.failures.get().saturating_add(1)) == 0;
        self.until.set(Some(now + pause));
        let told = self.warned_at.get().is_some_and(|at| now < at + WARNINGS_APART);
        if first && !told {
            self.warned_at.set(Some(now));
            self.warned.set(true);
            tracing::warn!(
                target: "greenroom::net", listener = %name(), %error,
                "no connection can be accepted; trying again until it can",
            );
        }
    }

    fn end(&self, name: &impl Fn() -> String) {
        if self.failures.replace(0) == 0 {
            return;
        }
        self.until.set(None);
        if self.warned.replace(false) {
            tracing::info!(target: "greenroom::net", listener = %name(), "accepting again");
        }
    }
}

/// Accepts one connection, through whatever passes by itself.
pub(crate) async fn accept<S, T>(
    listener: &Source<S>,
    shortage: &Shortage,
    name: impl Fn() -> String,
    mut operation: impl FnMut(&S) -> io::Result<T>,
) -> io::Result<T>
where
    S: mio::event::Source,
{
    loop {
        shortage.pass().await;
        let error = match listener.io(Direction::Read, &mut operation).await {
            Ok(accepted) => {
                shortage.end(&name);
                return Ok(accepted);
            }
            Err(error) => error,
        };
        match after_error(&error, shortage.failures.get()) {
            Then::Next => {}
            Then::Pause(pause) => shortage.begin_pause(pause, &name, &error),
            Then::Fail => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortage_pauses_longer_each_time_and_lost_connections_do_not() {
        let millis = Duration::from_millis;
        let emfile = io::Error::from_raw_os_error(if cfg!(windows) { 10_024 } else { 24 });
        for (failures, pause) in [(0, 10), (1, 20), (3, 80), (6, 640), (7, 1_000), (900, 1_000)] {
            assert_eq!(after_error(&emfile, failures), Then::Pause(millis(pause)));
        }
        let no_memory = io::Error::from(io::ErrorKind::OutOfMemory);
        assert_eq!(after_error(&no_memory, 0), Then::Pause(PAUSE_MIN));
        for lost in [io::ErrorKind::ConnectionAborted, io::ErrorKind::NetworkDown] {
            assert_eq!(after_error(&lost.into(), 5), Then::Next);
        }
        let broken = io::Error::from(io::ErrorKind::InvalidInput);
        assert_eq!(after_error(&broken, 0), Then::Fail);
    }

    #[test]
    fn those_who_fail_together_count_once_and_an_end_forgets_the_pause() {
        let mut event_loop = crate::EventLoop::new().expect("a loop can be made here");
        event_loop.run(async {
            let (shortage, name) = (Shortage::default(), String::new);
            let emfile = io::Error::from_raw_os_error(24);
            for _ in 0..3 {
                shortage.begin_pause(PAUSE_MIN, &name, &emfile);
            }
            assert_eq!(shortage.failures.get(), 1);
            shortage.pass().await;
            shortage.begin_pause(PAUSE_MAX, &name, &emfile);
            assert_eq!(shortage.failures.get(), 2);
            shortage.end(&name);
            shortage.pass().await;
            assert_eq!((shortage.failures.get(), shortage.warned.get()), (0, false));
        });
    }
}
