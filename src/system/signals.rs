//! SIGINT and SIGTERM: the first stops the system in order, the second ends the process at once.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;

use super::System;
use crate::event_loop::current;
use crate::event_loop::source::Source;
use crate::reactor::readiness::Direction;

/// Listens until the loop ends.
pub(crate) fn listen(system: &System) {
    let Some(core) = current::get().filter(|core| !core.driver.is_virtual()) else { return };
    let signals = match Signals::new([SIGINT, SIGTERM]) {
        Ok(signals) => signals,
        Err(error) => {
            tracing::warn!(
                target: "greenroom::system", %error,
                "signals will not stop the system in order",
            );
            return;
        }
    };
    let (source, system) = (Source::new(signals), system.clone());
    core.spawn(Box::pin(async move {
        loop {
            let came = source.io_mut(Direction::Read, |signals| signals.pending().next()).await;
            match came {
                Ok(signal) => take(&system, signal),
                Err(error) => {
                    tracing::warn!(
                        target: "greenroom::system", %error,
                        "signals are no longer heard",
                    );
                    return;
                }
            }
        }
    }));
}

fn take(system: &System, signal: i32) {
    if system.shared.signal.replace(Some(signal)).is_some() {
        tracing::warn!(target: "greenroom::system", signal, "second signal: ending at once");
        std::process::exit(128 + signal);
    }
    tracing::info!(
        target: "greenroom::system", signal,
        "stopping in order; a second signal ends at once",
    );
    system.stop();
}
