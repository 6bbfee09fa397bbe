//! What goes into the journal and comes out of it: changes, entries, errors.

use std::path::PathBuf;

/// When an acknowledged write is on the disk; the module's table says what that saves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fsync {
    /// Before it is acknowledged.
    Always,
    /// About a second after it is acknowledged, at most.
    EverySec,
    /// When the kernel writes it.
    No,
}

/// One step of a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// Sets a key, whatever it was; the caller encoded `value`.
    Put {
        key: Vec<u8>,
        value: Vec<u8>,
        /// Milliseconds since 1970; `None` for a key that stays.
        expires_at_ms: Option<u64>,
    },
    /// Removes a key; nothing happens when it is missing.
    Delete { key: Vec<u8> },
    /// Removes every key of the shard.
    Clear,
}

/// A key as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    /// Milliseconds since 1970; `None` for a key that stays.
    pub(crate) expires_at_ms: Option<u64>,
}

/// What went wrong with the journal.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum JournalError {
    #[error("cannot create the directory {}: {cause}", path.display())]
    Directory { path: PathBuf, cause: String },
    #[error("cannot open {}: {cause}", path.display())]
    Open { path: PathBuf, cause: String },
    #[error("{} is not a journal of this server: {cause}", path.display())]
    Foreign { path: PathBuf, cause: String },
    #[error("{} is damaged: {cause}", path.display())]
    Damaged { path: PathBuf, cause: String },
    #[error("{} is in use by another server", path.display())]
    InUse { path: PathBuf },
    #[error("cannot start the journal's thread: {0}")]
    Thread(String),
    #[error("the journal's queue is full")]
    QueueFull,
    #[error("the journal is closed")]
    Closed,
    /// Nothing of this write is in the journal.
    #[error("the journal could not write: {0}")]
    Write(String),
    #[error("the journal could not read: {0}")]
    Read(String),
    /// After this the journal refuses every write: the kernel may have dropped what it could not
    /// put on the disk, so no later sync can make it good.
    #[error("the journal could not sync to the disk and takes no more writes: {0}")]
    Sync(String),
}
