//! What to do when `accept` fails: a pure decision, and the loop around it.
//!
//! Running out of descriptors must neither spin nor lose the listener: it waits, longer each time,
//! and goes on when descriptors are free again.

use std::io;
use std::time::Duration;

use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;
use crate::time::sleep;

const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

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
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, OutOfMemory, TimedOut};
    // Out of descriptors (process, system) and of buffers have no kind of their own.
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    const ENOBUFS: i32 = if cfg!(target_os = "linux") { 105 } else { 55 };
    const EPROTO: i32 = if cfg!(target_os = "linux") { 71 } else { 100 };
    match (error.raw_os_error(), error.kind()) {
        (Some(EMFILE | ENFILE | ENOBUFS), _) | (_, OutOfMemory) => {
            Then::Pause((PAUSE_MIN * 2_u32.saturating_pow(failures)).min(PAUSE_MAX))
        }
        (Some(EPROTO), _) | (_, ConnectionAborted | ConnectionReset | Interrupted | TimedOut) => {
            Then::Next
        }
        _ => Then::Fail,
    }
}

/// Accepts one connection, through whatever passes by itself.
pub(crate) async fn accept<S, T>(
    listener: &Source<S>,
    name: impl Fn() -> String,
    mut operation: impl FnMut(&S) -> io::Result<T>,
) -> io::Result<T>
where
    S: mio::event::Source,
{
    let mut failures = 0;
    loop {
        let error = match listener.io(Direction::Read, &mut operation).await {
            Ok(accepted) => {
                if failures > 0 {
                    tracing::info!(target: "greenroom::net", listener = %name(), "accepting again");
                }
                return Ok(accepted);
            }
            Err(error) => error,
        };
        match after_error(&error, failures) {
            Then::Next => {}
            Then::Pause(pause) => {
                if failures == 0 {
                    tracing::warn!(
                        target: "greenroom::net", listener = %name(), %error,
                        "no connection can be accepted; trying again until it can",
                    );
                }
                failures = failures.saturating_add(1);
                sleep(pause).await;
            }
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
        let emfile = io::Error::from_raw_os_error(24);
        for (failures, pause) in [(0, 10), (1, 20), (3, 80), (6, 640), (7, 1_000), (900, 1_000)] {
            assert_eq!(after_error(&emfile, failures), Then::Pause(millis(pause)));
        }
        let aborted = io::Error::from(io::ErrorKind::ConnectionAborted);
        assert_eq!(after_error(&aborted, 5), Then::Next);
        let broken = io::Error::from(io::ErrorKind::InvalidInput);
        assert_eq!(after_error(&broken, 0), Then::Fail);
    }
}
