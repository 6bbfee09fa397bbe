//! What these tests share: a loop with a limit, files of one's own, a look at processes.

use std::path::PathBuf;
use std::time::Duration;

use greenroom::process_pool::{PoolError, PoolOptions, ProcessPool};
use greenroom::{EventLoop, time};

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Runs `f` with a pool of so many workers, on a loop of the machine; it may not hang.
pub(crate) fn with_pool(options: PoolOptions, f: impl AsyncFnOnce(&ProcessPool)) {
    let mut event_loop = EventLoop::new().expect("a loop can be made");
    event_loop.run(async {
        let pool = ProcessPool::with(options);
        time::timeout(secs(60), f(&pool)).await.expect("it does not hang");
    });
}

pub(crate) fn workers(workers: usize) -> PoolOptions {
    PoolOptions::default().workers(workers)
}

/// A directory of one's own, for one test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("greenroom-pp-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("there is a place for files");
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.file(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether there is such a process, be it a zombie.
pub(crate) fn is_there(process: u32) -> bool {
    PathBuf::from(format!("/proc/{process}")).exists()
}

pub(crate) async fn gone(process: u32) {
    while is_there(process) {
        time::sleep(ms(2)).await;
    }
}

/// Until so many workers have greeted.
pub(crate) async fn greeted(pool: &ProcessPool, number: usize) {
    while pool.workers().len() < number {
        time::sleep(ms(2)).await;
    }
}

pub(crate) fn kill(signal: &str, process: u32) {
    let id = process.to_string();
    let sent = std::process::Command::new("kill").args([signal, &id]).status();
    assert!(sent.expect("there is `kill`").success());
}

/// The process in which the job of an error was.
pub(crate) fn worker_of(error: &PoolError) -> u32 {
    match error {
        PoolError::Panicked { worker, .. }
        | PoolError::Crashed { worker, .. }
        | PoolError::TimedOut { worker, .. }
        | PoolError::Output { worker, .. } => *worker,
        other => panic!("it was in no worker: {other}"),
    }
}
