//! What a signal does while nobody listens: a table of the process, because dispositions are its.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::flag;

use super::Signal;

/// The signals that somebody has ever listened to.
static HEARD: Mutex<BTreeMap<Signal, Heard>> = Mutex::new(BTreeMap::new());

/// One of them. Its handler stays in place for good, and looks at the mark.
struct Heard {
    listeners: usize,
    /// Nobody listens: the handler is to do what the kernel would.
    by_default: Arc<AtomicBool>,
}

/// While this is held, the signal does not do what it does by default.
#[derive(Debug)]
pub(crate) struct Held(Signal);

impl Held {
    pub(crate) fn new(signal: Signal) -> io::Result<Self> {
        let mut table = lock();
        if let Some(heard) = table.get_mut(&signal) {
            heard.listeners += 1;
            heard.by_default.store(false, Ordering::SeqCst);
            return Ok(Self(signal));
        }
        let by_default = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&by_default);
        if signal.is_named() {
            flag::register_conditional_default(signal.number(), mark)?;
        } else {
            // The signals without a name, those for real time, end the process.
            flag::register_conditional_shutdown(signal.number(), 128 + signal.number(), mark)?;
        }
        table.insert(signal, Heard { listeners: 1, by_default });
        Ok(Self(signal))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut table = lock();
        let Some(heard) = table.get_mut(&self.0) else { return };
        heard.listeners -= 1;
        heard.by_default.store(heard.listeners == 0, Ordering::SeqCst);
    }
}

fn lock() -> MutexGuard<'static, BTreeMap<Signal, Heard>> {
    // Nothing under this lock can panic half-way, and no handler takes it.
    HEARD.lock().unwrap_or_else(PoisonError::into_inner)
}
