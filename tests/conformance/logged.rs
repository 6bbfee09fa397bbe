//! What was logged while something ran.

use std::io::Write;
use std::sync::{Arc, Mutex};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs `f` and gives the warnings and errors of this thread that contain `text`.
pub(crate) fn warnings(text: &str, f: impl FnOnce()) -> Vec<String> {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, f);
    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let is_bad = |line: &str| line.contains("WARN") || line.contains("ERROR");
    let warned = |line: &&str| is_bad(line) && line.contains(text);
    log.lines().filter(warned).map(str::to_owned).collect()
}
