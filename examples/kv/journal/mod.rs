//! The journal: every change of a key, in SQLite, by one writer thread with group commit.
//!
//! What an acknowledged write (its `done` was called with `Ok`) survives:
//!
//! | `Fsync`    | end of the process, `kill -9` too | power cut or crash of the kernel            |
//! |------------|-----------------------------------|---------------------------------------------|
//! | `Always`   | nothing is lost                   | nothing is lost                             |
//! | `EverySec` | nothing is lost                   | writes since the last sync are lost: about  |
//! |            |                                   | the last second; the file stays whole       |
//! | `No`       | nothing is lost                   | whatever the kernel had not written is lost,|
//! |            |                                   | and the file may be damaged                 |
//!
//! All of it holds as far as disk and file system keep what `fsync` promises. A write is either
//! there as a whole or not at all; what is lost is always the newest. A write that was not
//! acknowledged may be there or not; one whose `done` got an error is not in the journal now, but
//! may be after a power cut.
//!
//! Writes wait in a bounded queue. The thread takes what has gathered there, makes one
//! transaction of it, and only then calls the `done`s, in order: the slower the disk, the larger
//! the groups.

mod change;
mod database;
mod writer;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::thread::{self, JoinHandle, Thread};

use async_channel::{Sender, TrySendError};

pub(crate) use change::{Change, Entry, Fsync, JournalError};
use database::Database;
use writer::{Job, Writer};

/// Jobs that wait for the thread before `write` and `load` refuse more.
pub(crate) const QUEUE: usize = 8_192;

/// Called on the journal's thread, once; it must be short and must not panic.
pub(crate) type Done<T> = Box<dyn FnOnce(Result<T, JournalError>) + Send>;

/// Hands work to the journal's thread; cheap to clone, `Send`, and never waits.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    queue: Sender<Job>,
    thread: Thread,
}

/// Owns the thread; dropping it closes the journal like [`JournalThread::close`], unheard.
#[derive(Debug)]
pub(crate) struct JournalThread {
    journal: Journal,
    thread: Option<JoinHandle<Result<(), JournalError>>>,
}

impl Journal {
    /// Opens `dir/kv.sqlite`, creating directory and file where they are missing, and starts the
    /// writer thread. Entries written under another number of shards are moved to the shard that
    /// `shard_of(key, shards)` names; it must be the function by which the callers of `write`
    /// choose theirs, and must never change between runs.
    ///
    /// # Errors
    /// The directory or file cannot be used, belongs to another program, comes from a newer
    /// version, is damaged, or is held open by another server.
    pub(crate) fn open(
        dir: &Path,
        fsync: Fsync,
        shards: usize,
        shard_of: fn(&[u8], usize) -> usize,
    ) -> Result<(Self, JournalThread), JournalError> {
        let database = Database::open(dir, fsync, shards, shard_of)?;
        let (queue, jobs) = async_channel::bounded(QUEUE);
        let writer = Writer::new(database, jobs);
        let thread = thread::Builder::new()
            .name("kv-journal".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| JournalError::Thread(error.to_string()))?;
        let journal = Self { queue, thread: thread.thread().clone() };
        Ok((journal.clone(), JournalThread { journal, thread: Some(thread) }))
    }

    /// Queues `changes` of one shard, applied in order and as a whole; `done` hears when they are
    /// as safe as the journal's [`Fsync`] makes them, or that none of them was made.
    ///
    /// # Errors
    /// [`JournalError::QueueFull`] or [`JournalError::Closed`]: nothing was queued, and `done` is
    /// dropped without a call.
    pub(crate) fn write(
        &self,
        shard: u32,
        changes: Vec<Change>,
        done: Done<()>,
    ) -> Result<(), JournalError> {
        self.send(Job::Write { shard, changes, done })
    }

    /// Reads every entry of a shard, in the order of the keys, after all writes queued before it.
    /// Entries whose time has passed are among them.
    ///
    /// # Errors
    /// [`JournalError::QueueFull`] or [`JournalError::Closed`]: nothing was queued, and `done` is
    /// dropped without a call.
    pub(crate) fn load(&self, shard: u32, done: Done<Vec<Entry>>) -> Result<(), JournalError> {
        self.send(Job::Load { shard, done })
    }

    fn send(&self, job: Job) -> Result<(), JournalError> {
        self.queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => JournalError::QueueFull,
            TrySendError::Closed(_) => JournalError::Closed,
        })?;
        // The thread looks at the queue once more after every unpark, so none is lost.
        self.thread.unpark();
        Ok(())
    }
}

impl JournalThread {
    /// Refuses new work, finishes what is queued, puts all of it on the disk in every mode but
    /// [`Fsync::No`], and ends the thread.
    ///
    /// # Errors
    /// The last sync failed, or the thread had ended by a panic in a `done`.
    pub(crate) fn close(mut self) -> Result<(), JournalError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), JournalError> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        self.journal.queue.close();
        thread.thread().unpark();
        thread.join().unwrap_or(Err(JournalError::Closed))
    }
}

impl Drop for JournalThread {
    fn drop(&mut self) {
        // Whoever wants to hear of a failure calls `close`.
        let _unheard = self.join();
    }
}
