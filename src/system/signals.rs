//! SIGINT and SIGTERM: the first stops the system in order, the second ends the process at once.

use super::System;
use crate::event_loop::current;
use crate::signal::{Signal, signals};

/// Listens until the loop ends.
pub(crate) fn listen(system: &System) {
    let Some(core) = current::get().filter(|core| !core.driver.is_virtual()) else { return };
    let mut signals = match signals([Signal::INT, Signal::TERM]) {
        Ok(signals) => signals,
        Err(error) => {
            tracing::warn!(
                target: "greenroom::system", %error,
                "signals will not stop the system in order",
            );
            return;
        }
    };
    let system = system.clone();
    core.spawn(Box::pin(async move {
        loop {
            match signals.recv().await {
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

fn take(system: &System, signal: Signal) {
    let status = 128 + signal.number();
    if system.shared.signal.replace(Some(signal.number())).is_some() {
        tracing::warn!(target: "greenroom::system", %signal, "second signal: ending at once");
        std::process::exit(status);
    }
    tracing::info!(
        target: "greenroom::system", %signal,
        "stopping in order; a second signal ends at once",
    );
    system.shared.signalled.wake_all();
    system.stop();
}
