//! The journal's thread: takes what is queued, commits it as one, and tells everybody in order.

#![allow(
    clippy::disallowed_methods,
    reason = "this thread is not the loop's: it has no simulated clock, and blocking is its work"
)]

use std::thread;
use std::time::{Duration, Instant};

use async_channel::Receiver;

use crate::journal::Done;
use crate::journal::change::{Change, Entry, Fsync, JournalError};
use crate::journal::database::Database;

/// Writes that share one transaction at most.
pub(crate) const GROUP: usize = 1_024;
/// How old an unsynced commit may grow with [`Fsync::EverySec`].
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// What the thread is asked to do.
pub(crate) enum Job {
    Write { shard: u32, changes: Vec<Change>, done: Done<()> },
    Load { shard: u32, done: Done<Vec<Entry>> },
}

/// The state of the thread.
pub(crate) struct Writer {
    database: Database,
    jobs: Receiver<Job>,
    /// When the oldest commit that is not on the disk yet must be.
    sync_due: Option<Instant>,
    /// The sync that failed; it ends all writing.
    broken: Option<JournalError>,
}

impl Writer {
    pub(crate) fn new(database: Database, jobs: Receiver<Job>) -> Self {
        Self { database, jobs, sync_due: None, broken: None }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) -> Result<(), JournalError> {
        loop {
            let worked = self.step();
            self.sync_if_due();
            if worked {
                continue;
            }
            // Closed first: what was sent before the queue closed is seen by the next look at it.
            if self.jobs.is_closed() && self.jobs.is_empty() {
                return self.finish();
            }
            match self.sync_due {
                Some(due) => thread::park_timeout(due.saturating_duration_since(Instant::now())),
                None => thread::park(),
            }
        }
    }

    /// Does one group of writes, up to the load that follows it; false when nothing is queued.
    pub(crate) fn step(&mut self) -> bool {
        let mut group = Vec::new();
        let mut load = None;
        while group.len() < GROUP {
            match self.jobs.try_recv() {
                Ok(Job::Write { shard, changes, done }) => group.push((shard, changes, done)),
                Ok(Job::Load { shard, done }) => {
                    load = Some((shard, done));
                    break;
                }
                Err(_) => break,
            }
        }
        let worked = !group.is_empty() || load.is_some();
        if !group.is_empty() {
            let result = self.commit(&group);
            for (_, _, done) in group {
                done(result.clone());
            }
        }
        if let Some((shard, done)) = load {
            done(self.database.load(shard));
        }
        worked
    }

    fn commit(&mut self, group: &[(u32, Vec<Change>, Done<()>)]) -> Result<(), JournalError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        self.database.apply(group.iter().map(|(shard, changes, _)| (*shard, &changes[..])))?;
        if self.database.fsync() == Fsync::EverySec && self.sync_due.is_none() {
            self.sync_due = Some(Instant::now() + SYNC_EVERY);
        }
        Ok(())
    }

    fn sync_if_due(&mut self) {
        if self.sync_due.is_some_and(|due| due <= Instant::now()) {
            self.sync_due = None;
            self.broken = self.database.sync().err();
        }
    }

    fn finish(mut self) -> Result<(), JournalError> {
        if self.broken.is_none() && self.sync_due.is_some() {
            self.broken = self.database.sync().err();
        }
        let closed = self.database.close();
        self.broken.map_or(closed, Err)
    }

    #[cfg(test)]
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Stands in for a sync that failed.
    #[cfg(test)]
    pub(crate) fn break_with(&mut self, error: JournalError) {
        self.broken = Some(error);
    }
}
