//! The SQLite file of the journal: its layout, and what is done to it in one transaction.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction, params};

use crate::journal::change::{Change, Entry, Fsync, JournalError};

/// Marks the file as ours in SQLite's header ("kvGR").
const APPLICATION_ID: i64 = 0x6b76_4752;
/// Rises when the layout changes; an older server refuses a newer file.
const VERSION: i64 = 1;
/// How long a server that is just ending may still hold the file.
const PATIENCE: Duration = Duration::from_secs(1);

/// Without a row id, the entries of a shard lie side by side, sorted by key.
const ENTRIES: &str = "(shard INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
    expires_at_ms INTEGER, PRIMARY KEY (shard, key)) WITHOUT ROWID";
const PUT: &str = "INSERT INTO entry (shard, key, value, expires_at_ms) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET value = ?3, expires_at_ms = ?4";
const DELETE: &str = "DELETE FROM entry WHERE shard = ?1 AND key = ?2";
const CLEAR: &str = "DELETE FROM entry WHERE shard = ?1";
const LOAD: &str = "SELECT key, value, expires_at_ms FROM entry WHERE shard = ?1 ORDER BY key";

/// The open file; nobody else can open it meanwhile.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
    fsync: Fsync,
    /// SQLite's write-ahead log, to which every commit is appended.
    log_path: PathBuf,
    log: Option<File>,
}

/// How keys are spread over shards.
#[derive(Clone, Copy)]
struct Placement {
    shards: usize,
    shard_of: fn(&[u8], usize) -> usize,
}

impl Placement {
    /// Differs, but for a freak of chance, when another function spreads the keys.
    fn fingerprint(self) -> i64 {
        (0_u8..64).fold(0_i64, |sum, probe| {
            let shard = (self.shard_of)(&[b'k', b'v', probe], self.shards);
            sum.wrapping_mul(31).wrapping_add(shard as i64)
        })
    }
}

impl Database {
    /// Opens or creates `dir/kv.sqlite` for this server alone.
    ///
    /// # Errors
    /// Directory or file cannot be used, is not ours, is damaged or in use.
    pub(crate) fn open(
        dir: &Path,
        fsync: Fsync,
        shards: usize,
        shard_of: fn(&[u8], usize) -> usize,
    ) -> Result<Self, JournalError> {
        create(dir)?;
        let path = dir.join("kv.sqlite");
        let failed = |error| open_error(&path, &error);
        let mut connection = Connection::open(&path).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        // Keeps a second server out, and the index of the log in our memory.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
        recognise(&connection, &path)?;
        configure(&connection, fsync).map_err(failed)?;
        let placement = Placement { shards, shard_of };
        settle(&mut connection, placement).map_err(failed)?;
        if fsync != Fsync::No {
            // The last server may have synced nothing; this puts all that it left on the disk.
            connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .map_err(failed)?;
        }
        Ok(Self { connection, fsync, log_path: dir.join("kv.sqlite-wal"), log: None })
    }

    pub(crate) fn fsync(&self) -> Fsync {
        self.fsync
    }

    /// Applies all changes in one transaction.
    ///
    /// # Errors
    /// [`JournalError::Write`]: none of them was made.
    pub(crate) fn apply<'a>(
        &mut self,
        writes: impl Iterator<Item = (u32, &'a [Change])>,
    ) -> Result<(), JournalError> {
        let transaction = self.connection.transaction().map_err(write_error)?;
        for (shard, changes) in writes {
            for change in changes {
                make(&transaction, shard, change).map_err(write_error)?;
            }
        }
        transaction.commit().map_err(write_error)
    }

    /// Reads the entries of a shard in the order of their keys.
    ///
    /// # Errors
    /// [`JournalError::Read`]: the file cannot be read or is damaged.
    pub(crate) fn load(&self, shard: u32) -> Result<Vec<Entry>, JournalError> {
        let read = || {
            let mut statement = self.connection.prepare_cached(LOAD)?;
            let rows = statement.query_map([shard], |row| {
                let expires: Option<i64> = row.get(2)?;
                Ok(Entry {
                    key: row.get(0)?,
                    value: row.get(1)?,
                    expires_at_ms: expires.map(i64::cast_unsigned),
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error: rusqlite::Error| JournalError::Read(error.to_string()))
    }

    /// Puts every commit so far on the disk. Only the log need be synced: SQLite itself syncs log
    /// and file, in this order, whenever it moves the one into the other.
    ///
    /// # Errors
    /// [`JournalError::Sync`]: what was committed since the last sync may not survive a power cut.
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        let failed = |error: std::io::Error| JournalError::Sync(error.to_string());
        let log = match self.log.take() {
            Some(log) => log,
            // The first commit created it, and it stays as long as the connection.
            None => OpenOptions::new().write(true).open(&self.log_path).map_err(failed)?,
        };
        self.log.insert(log).sync_data().map_err(failed)
    }

    /// Moves the log into the file and closes both.
    ///
    /// # Errors
    /// [`JournalError::Sync`]: what was committed since the last sync may not survive a power cut.
    pub(crate) fn close(self) -> Result<(), JournalError> {
        self.connection.close().map_err(|(_, error)| JournalError::Sync(error.to_string()))
    }

    /// Lets tests look into the file and break it.
    #[cfg(test)]
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// Creates the directory; every new one is synced into its parent, or the file would go with it.
fn create(dir: &Path) -> Result<(), JournalError> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|path| !path.exists()).collect();
    fs::create_dir_all(dir).map_err(|error| JournalError::Directory {
        path: dir.to_owned(),
        cause: error.to_string(),
    })?;
    for parent in missing.into_iter().filter_map(Path::parent) {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        // Not every system can open a directory; those that cannot need no sync of it.
        let _unsupported = File::open(parent).and_then(|parent| parent.sync_all());
    }
    Ok(())
}

/// Refuses a file that another program or a newer version wrote, before anything is changed.
fn recognise(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let failed = |error| open_error(path, &error);
    let foreign = |cause: String| JournalError::Foreign { path: path.to_owned(), cause };
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let application = number("application_id").map_err(failed)?;
    let version = number("user_version").map_err(failed)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    match (application, version) {
        (APPLICATION_ID, VERSION) => Ok(()),
        (APPLICATION_ID, _) => Err(foreign(format!(
            "it has layout {version}, and this server knows layout {VERSION} only"
        ))),
        (0, 0) if tables == 0 => Ok(()),
        _ => Err(foreign("another program made this SQLite database".to_owned())),
    }
}

fn configure(connection: &Connection, fsync: Fsync) -> rusqlite::Result<()> {
    let synchronous = match fsync {
        // Syncs the log at every commit.
        Fsync::Always => "FULL",
        // Syncs around checkpoints, which keeps the file whole; the writer thread does the rest.
        Fsync::EverySec => "NORMAL",
        Fsync::No => "OFF",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Gives the disk back after a burst made the log large.
    connection.pragma_update(None, "journal_size_limit", 64 << 20)
}

/// Creates the tables of a new file and moves the entries of an old one to their shards, as a
/// whole: a server killed meanwhile leaves the file as it was.
fn settle(connection: &mut Connection, placement: Placement) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS entry {ENTRIES};
         CREATE TABLE IF NOT EXISTS meta (shards INTEGER NOT NULL, placement INTEGER NOT NULL);
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {VERSION};"
    ))?;
    let wanted = (placement.shards as i64, placement.fingerprint());
    let stored = transaction
        .prepare("SELECT shards, placement FROM meta")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .next()
        .transpose()?;
    if stored != Some(wanted) {
        move_entries(&transaction, placement)?;
        transaction.execute("DELETE FROM meta", [])?;
        transaction.execute("INSERT INTO meta VALUES (?1, ?2)", params![wanted.0, wanted.1])?;
    }
    transaction.commit()
}

/// Copies every entry into a new table: to update keys while reading them would meet some twice.
fn move_entries(transaction: &Transaction<'_>, placement: Placement) -> rusqlite::Result<()> {
    transaction.execute_batch(&format!("CREATE TABLE moved {ENTRIES}"))?;
    {
        let mut entries = transaction.prepare("SELECT shard, key FROM entry")?;
        let mut copy = transaction.prepare(
            "INSERT INTO moved SELECT ?3, key, value, expires_at_ms
             FROM entry WHERE shard = ?1 AND key = ?2",
        )?;
        let mut rows = entries.query([])?;
        while let Some(row) = rows.next()? {
            let (shard, key): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let target = (placement.shard_of)(&key, placement.shards) as i64;
            copy.execute(params![shard, key, target])?;
        }
    }
    transaction.execute_batch("DROP TABLE entry; ALTER TABLE moved RENAME TO entry;")
}

fn make(transaction: &Transaction<'_>, shard: u32, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Put { key, value, expires_at_ms } => {
            // SQLite's integers are signed; the cast keeps every bit and `load` casts back.
            let expires = expires_at_ms.map(u64::cast_signed);
            transaction.prepare_cached(PUT)?.execute(params![shard, key, value, expires])?;
        }
        Change::Delete { key } => {
            transaction.prepare_cached(DELETE)?.execute(params![shard, key])?;
        }
        Change::Clear => {
            transaction.prepare_cached(CLEAR)?.execute([shard])?;
        }
    }
    Ok(())
}

fn write_error(error: rusqlite::Error) -> JournalError {
    JournalError::Write(error.to_string())
}

fn open_error(path: &Path, error: &rusqlite::Error) -> JournalError {
    let (path, cause) = (path.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            JournalError::Foreign { path, cause: "it is no SQLite database".to_owned() }
        }
        Some(ErrorCode::DatabaseCorrupt) => JournalError::Damaged { path, cause },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => JournalError::InUse { path },
        _ => JournalError::Open { path, cause },
    }
}
