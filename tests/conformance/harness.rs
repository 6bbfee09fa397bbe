//! How a case is run: once in order, then under many shuffled schedules.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use greenroom::test::{self, TestSystem};

/// Under how many shuffled schedules a case is run.
pub(crate) const SCHEDULES: u64 = 1_000;

/// Runs a case in order, and then once for each of 1,000 seeds, each of which shuffles which ready
/// task runs next. `GREENROOM_SCHEDULES` says another number; `GREENROOM_SEED` runs that seed only.
pub(crate) fn case(case: impl AsyncFn(&TestSystem)) {
    if let Some(seed) = number("GREENROOM_SEED") {
        return test::builder().seed(seed).run(async |test| case(test).await);
    }
    in_order(&case);
    for seed in 1..=number("GREENROOM_SCHEDULES").unwrap_or(SCHEDULES) {
        let guard = Seed(seed);
        test::builder().seed(seed).run(async |test| case(test).await);
        std::mem::forget(guard);
    }
}

/// Runs a case in order only: where the schedule is no part of what is shown, or it is long.
pub(crate) fn in_order(case: impl AsyncFn(&TestSystem)) {
    LazyLock::force(&LISTENER);
    test::run(async |test| case(test).await);
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Says which seed failed.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        eprintln!("failed under GREENROOM_SEED={}", self.0);
    }
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Runs `f` and gives what was logged meanwhile on this thread, a line each.
pub(crate) fn logged(f: impl FnOnce()) -> Vec<String> {
    LazyLock::force(&LISTENER);
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, f);
    let log = kept.0.lock().expect("nobody panics while it writes").clone();
    String::from_utf8_lossy(&log).lines().map(str::to_owned).collect()
}

/// Somebody who would listen, on no thread. A place in the code that logs for the first time while
/// nobody does is switched off; when a test on another thread begins to listen at that very moment,
/// it stays off, and what that test waits for is not logged.
static LISTENER: LazyLock<tracing::Dispatch> = LazyLock::new(|| {
    let subscriber = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
    tracing::Dispatch::new(subscriber)
});

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics while it writes").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn add(&self, entry: impl Into<String>) {
        self.0.borrow_mut().push(entry.into());
    }

    /// How many entries there are since they were last taken.
    #[allow(dead_code, reason = "the integration tests in `tests/it` share this file")]
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// What was added since this was last called.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}
