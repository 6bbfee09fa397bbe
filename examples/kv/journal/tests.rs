//! The journal from outside: order, groups, failures, foreign files, and death by SIGKILL.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

use crate::journal::database::Database;
use crate::journal::writer::{GROUP, Job, Writer};
use crate::journal::{Change, Entry, Fsync, Journal, JournalError, JournalThread, QUEUE};

const SHARDS: usize = 4;
const MODES: [Fsync; 3] = [Fsync::Always, Fsync::EverySec, Fsync::No];

/// A directory of its own for each test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("kv-journal-{}-{number}", process::id()));
        // Left behind by an earlier process of the same number.
        let _missing = fs::remove_dir_all(&dir);
        Self(dir)
    }

    fn open(&self, fsync: Fsync) -> (Journal, JournalThread) {
        Journal::open(&self.0, fsync, SHARDS, shard_of).unwrap()
    }

    fn refused(&self) -> JournalError {
        Journal::open(&self.0, Fsync::No, SHARDS, shard_of).map(drop).unwrap_err()
    }

    fn file(&self) -> PathBuf {
        self.0.join("kv.sqlite")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}

fn shard_of(key: &[u8], shards: usize) -> usize {
    key.iter().fold(7, |hash: usize, byte| hash.wrapping_mul(31) ^ usize::from(*byte)) % shards
}

fn put(key: &str, value: &str) -> Change {
    Change::Put { key: key.into(), value: value.into(), expires_at_ms: None }
}

fn delete(key: &str) -> Change {
    Change::Delete { key: key.into() }
}

fn write(journal: &Journal, shard: u32, changes: Vec<Change>) -> Result<(), JournalError> {
    let (tell, told) = mpsc::channel();
    journal.write(shard, changes, Box::new(move |result| tell.send(result).unwrap())).unwrap();
    told.recv().unwrap()
}

fn entries(journal: &Journal, shard: u32) -> Vec<Entry> {
    let (tell, told) = mpsc::channel();
    journal.load(shard, Box::new(move |result| tell.send(result).unwrap())).unwrap();
    told.recv().unwrap().unwrap()
}

/// The entries of a shard as `key=value` words.
fn load(journal: &Journal, shard: u32) -> String {
    let words = entries(journal, shard).into_iter().map(|entry| {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        format!("{}={}", text(entry.key), text(entry.value))
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn changes_apply_in_order_to_their_shard_alone_and_outlive_the_journal() {
    let table: [(Vec<Change>, &str); 7] = [
        (vec![], ""),
        (vec![put("b", "1"), put("a", "2")], "a=2 b=1"),
        (vec![put("a", "1"), put("a", "2")], "a=2"),
        (vec![put("a", "1"), delete("a")], ""),
        (vec![delete("a"), put("a", "1")], "a=1"),
        (vec![put("a", "1"), put("b", "1"), Change::Clear, put("c", "1")], "c=1"),
        (vec![put("", ""), delete("missing")], "="),
    ];
    for mode in MODES {
        for (changes, expected) in table.clone() {
            let scratch = Scratch::new();
            let (journal, thread) = scratch.open(mode);
            write(&journal, 1, vec![put("other", "stays")]).unwrap();
            write(&journal, 0, changes).unwrap();
            assert_eq!(load(&journal, 0), expected, "{mode:?}");
            thread.close().unwrap();

            let (journal, thread) = scratch.open(mode);
            assert_eq!(load(&journal, 0), expected, "{mode:?} after reopening");
            assert_eq!(load(&journal, 1), "other=stays", "{mode:?}");
            assert_eq!(load(&journal, 99), "", "{mode:?}");
            thread.close().unwrap();
        }
    }
}

#[test]
fn keys_values_and_expiry_come_back_bit_for_bit() {
    let scratch = Scratch::new();
    let (journal, _thread) = scratch.open(Fsync::No);
    let all_bytes: Vec<u8> = (0..=255).collect();
    let times = [None, Some(0), Some(1_764_000_000_000), Some(u64::MAX)];
    for (number, expires_at_ms) in times.into_iter().enumerate() {
        let mut key = vec![number as u8];
        key.extend(&all_bytes);
        let value = all_bytes.repeat(1_000 * number);
        let change = Change::Put { key: key.clone(), value: value.clone(), expires_at_ms };
        write(&journal, 0, vec![change]).unwrap();
        let entry = Entry { key, value, expires_at_ms };
        assert_eq!(entries(&journal, 0).pop(), Some(entry));
    }
}

#[test]
fn writes_and_loads_are_done_in_the_order_of_their_calls() {
    let scratch = Scratch::new();
    let (journal, _thread) = scratch.open(Fsync::EverySec);
    let (tell, told) = mpsc::channel();
    for round in 0..1_000_usize {
        let value = round.to_string();
        let tell_write = tell.clone();
        let done = Box::new(move |_| tell_write.send((round, "written".to_owned())).unwrap());
        journal.write(0, vec![put("key", &value)], done).unwrap();
        let tell_load = tell.clone();
        let done = Box::new(move |result: Result<Vec<Entry>, _>| {
            let value = String::from_utf8(result.unwrap().remove(0).value).unwrap();
            tell_load.send((round, value)).unwrap();
        });
        journal.load(0, done).unwrap();
    }
    for round in 0..1_000 {
        assert_eq!(told.recv().unwrap(), (round, "written".to_owned()));
        assert_eq!(told.recv().unwrap(), (round, round.to_string()));
    }
}

/// A writer without a thread, whose queue is filled before it takes a step.
fn writer(scratch: &Scratch) -> (async_channel::Sender<Job>, Writer) {
    let (queue, jobs) = async_channel::unbounded();
    let database = Database::open(&scratch.0, Fsync::No, SHARDS, shard_of).unwrap();
    (queue, Writer::new(database, jobs))
}

type Told = mpsc::Receiver<(usize, Result<(), JournalError>)>;

fn queue_writes(queue: &async_channel::Sender<Job>, writes: Vec<Vec<Change>>) -> Told {
    let (tell, told) = mpsc::channel();
    for (number, changes) in writes.into_iter().enumerate() {
        let tell = tell.clone();
        let done = Box::new(move |result| tell.send((number, result)).unwrap());
        assert!(queue.try_send(Job::Write { shard: 0, changes, done }).is_ok());
    }
    told
}

#[test]
fn what_is_queued_is_committed_as_groups_of_up_to_1024_writes() {
    let scratch = Scratch::new();
    let (queue, mut writer) = writer(&scratch);
    let writes = (0..GROUP + 10).map(|n| vec![put(&format!("{n:05}"), "x")]).collect();
    let told = queue_writes(&queue, writes);
    let numbers = || told.try_iter().map(|(n, result)| result.map(|()| n).unwrap());
    assert!(writer.step());
    assert!(numbers().eq(0..GROUP));
    assert!(writer.step());
    assert!(numbers().eq(GROUP..GROUP + 10));
    assert!(!writer.step());
    assert_eq!(writer.database().load(0).unwrap().len(), GROUP + 10);
}

#[test]
fn a_full_disk_fails_its_whole_group_and_harms_nothing_else() {
    let scratch = Scratch::new();
    let (queue, mut writer) = writer(&scratch);
    let told = queue_writes(&queue, vec![vec![put("before", "1")]]);
    assert!(writer.step());
    assert_eq!(told.recv().unwrap(), (0, Ok(())));

    let limit = |pages: i64| {
        move |writer: &Writer| {
            let connection = writer.database().connection();
            let set = format!("PRAGMA max_page_count = {pages}");
            connection.query_row(&set, [], |_| Ok(())).unwrap();
        }
    };
    limit(20)(&writer);
    let large = "x".repeat(1 << 20);
    let told = queue_writes(&queue, vec![vec![put("small", "1")], vec![put("large", &large)]]);
    assert!(writer.step());
    for (_, result) in told.try_iter() {
        let text = result.unwrap_err().to_string();
        assert!(text.contains("could not write") && text.contains("full"), "{text}");
    }
    assert_eq!(writer.database().load(0).unwrap().len(), 1);

    limit(1 << 20)(&writer);
    let told = queue_writes(&queue, vec![vec![put("after", &large)]]);
    assert!(writer.step());
    assert_eq!(told.recv().unwrap(), (0, Ok(())));
    assert_eq!(writer.database().load(0).unwrap().len(), 2);
}

#[test]
fn after_a_failed_sync_every_write_is_refused_and_reading_goes_on() {
    let scratch = Scratch::new();
    let (queue, mut writer) = writer(&scratch);
    let told = queue_writes(&queue, vec![vec![put("a", "1")]]);
    assert!(writer.step());
    assert_eq!(told.recv().unwrap().1, Ok(()));
    let error = JournalError::Sync("the disk is gone".to_owned());
    writer.break_with(error.clone());
    let told = queue_writes(&queue, vec![vec![put("b", "1")]]);
    assert!(writer.step());
    assert_eq!(told.recv().unwrap().1, Err(error.clone()));
    assert_eq!(writer.database().load(0).unwrap().len(), 1);
    queue.close();
    assert_eq!(writer.run(), Err(error));
}

#[test]
fn a_full_queue_refuses_and_keeps_what_it_took() {
    let scratch = Scratch::new();
    let (journal, thread) = scratch.open(Fsync::No);
    // The thread stands in the first `done` until the queue is full.
    let (entered, wait_entered) = mpsc::channel();
    let (release, wait_release) = mpsc::channel::<()>();
    let hold = Box::new(move |_| {
        entered.send(()).unwrap();
        wait_release.recv().unwrap();
    });
    journal.write(0, vec![], hold).unwrap();
    wait_entered.recv().unwrap();
    for number in 0..QUEUE {
        journal.write(0, vec![put(&number.to_string(), "x")], Box::new(|r| r.unwrap())).unwrap();
    }
    let (tell, told) = mpsc::channel::<()>();
    let refused = journal.write(0, vec![Change::Clear], Box::new(move |_| drop(tell)));
    assert_eq!(refused, Err(JournalError::QueueFull));
    assert!(told.recv().is_err(), "the refused done is dropped");
    release.send(()).unwrap();

    thread.close().unwrap();
    assert_eq!(journal.load(0, Box::new(|_| ())), Err(JournalError::Closed));
    let (journal, _thread) = scratch.open(Fsync::No);
    assert_eq!(entries(&journal, 0).len(), QUEUE);
}

#[test]
fn each_mode_sets_what_sqlite_syncs_and_everysec_syncs_the_log() {
    for (mode, level) in MODES.into_iter().zip([2, 1, 0]) {
        let scratch = Scratch::new();
        let mut database = Database::open(&scratch.0, mode, SHARDS, shard_of).unwrap();
        let stored: i64 =
            database.connection().pragma_query_value(None, "synchronous", |r| r.get(0)).unwrap();
        assert_eq!(stored, level, "{mode:?}");
        database.apply([(0, &[put("a", "1")][..])].into_iter()).unwrap();
        database.sync().unwrap();
        database.sync().unwrap();
        database.close().unwrap();
    }
}

#[test]
fn another_shard_count_or_function_moves_every_entry_to_its_new_shard() {
    fn by_length(key: &[u8], shards: usize) -> usize {
        key.len() % shards
    }
    let scratch = Scratch::new();
    let keys: Vec<String> = (0..500).map(|n| format!("key{n}")).collect();
    let (journal, thread) = scratch.open(Fsync::No);
    for key in &keys {
        let shard = shard_of(key.as_bytes(), SHARDS) as u32;
        write(&journal, shard, vec![put(key, key)]).unwrap();
    }
    thread.close().unwrap();
    type ShardOf = fn(&[u8], usize) -> usize;
    let placements: [(usize, ShardOf); 6] = [
        (SHARDS, shard_of),
        (7, shard_of),
        (7, by_length),
        (1, shard_of),
        (256, shard_of),
        (4, shard_of),
    ];
    for (shards, place) in placements {
        let (journal, thread) = Journal::open(&scratch.0, Fsync::No, shards, place).unwrap();
        let mut seen = 0;
        for shard in 0..shards {
            for entry in entries(&journal, shard as u32) {
                assert_eq!(place(&entry.key, shards), shard);
                assert_eq!(entry.key, entry.value);
                seen += 1;
            }
        }
        assert_eq!(seen, keys.len(), "{shards} shards");
        thread.close().unwrap();
    }
}

#[test]
fn files_that_are_not_ours_are_refused_and_left_alone() {
    let sqlite = |script: &'static str| {
        move |path: &Path| {
            rusqlite::Connection::open(path).unwrap().execute_batch(script).unwrap();
        }
    };
    type Maker = Box<dyn Fn(&Path)>;
    let table: [(Maker, &str); 4] = [
        (Box::new(|path| fs::write(path, "words, ".repeat(500)).unwrap()), "it is no SQLite"),
        (Box::new(sqlite("CREATE TABLE t (x)")), "another program made"),
        (Box::new(sqlite("PRAGMA application_id = 5; VACUUM")), "another program made"),
        (
            Box::new(sqlite("PRAGMA application_id = 0x6b764752; PRAGMA user_version = 9; VACUUM")),
            "it has layout 9, and this server knows layout 1 only",
        ),
    ];
    for (make, cause) in table {
        let scratch = Scratch::new();
        fs::create_dir(&scratch.0).unwrap();
        make(&scratch.file());
        let before = fs::read(scratch.file()).unwrap();
        let text = scratch.refused().to_string();
        assert!(text.contains("kv.sqlite is not a journal of this server"), "{text}");
        assert!(text.contains(cause), "{text}");
        assert_eq!(fs::read(scratch.file()).unwrap(), before);
    }
}

#[test]
fn a_damaged_file_is_told_and_so_are_other_obstacles() {
    let scratch = Scratch::new();
    scratch.open(Fsync::No).1.close().unwrap();
    let mut bytes = fs::read(scratch.file()).unwrap();
    // The header stays; the first page's list of tables does not.
    bytes[100..4_096].fill(0xff);
    fs::write(scratch.file(), bytes).unwrap();
    assert!(matches!(scratch.refused(), JournalError::Damaged { .. }));

    let scratch = Scratch::new();
    fs::write(&scratch.0, "a file where the directory should be").unwrap();
    assert!(matches!(scratch.refused(), JournalError::Directory { .. }));
    fs::remove_file(&scratch.0).unwrap();

    let scratch = Scratch::new();
    fs::create_dir_all(scratch.file()).unwrap();
    assert!(matches!(scratch.refused(), JournalError::Open { .. }));
}

#[test]
fn a_second_server_cannot_open_the_same_directory() {
    let scratch = Scratch::new();
    let (_journal, thread) = scratch.open(Fsync::EverySec);
    assert_eq!(scratch.refused(), JournalError::InUse { path: scratch.file() });
    thread.close().unwrap();
    scratch.open(Fsync::EverySec);
}

/// Names the directory, and turns the test below into the process that is killed.
const CHILD_DIR: &str = "KV_JOURNAL_CHILD_DIR";
const CHILD_MODE: &str = "KV_JOURNAL_CHILD_MODE";

#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let mode: usize = std::env::var(CHILD_MODE).unwrap().parse().unwrap();
    let (journal, _thread) = Journal::open(dir.as_ref(), MODES[mode], SHARDS, shard_of).unwrap();
    for number in 0_u64.. {
        let key = format!("key{number}");
        let shard = shard_of(key.as_bytes(), SHARDS) as u32;
        let changes = vec![put(&key, &number.to_string()), put(&format!("{key}+"), "pair")];
        loop {
            let done = Box::new(move |result: Result<(), JournalError>| {
                result.unwrap();
                let mut out = std::io::stdout().lock();
                // The parent is gone when this fails; the child has nothing left to do.
                writeln!(out, "acked {number}.").and_then(|()| out.flush()).unwrap();
            });
            match journal.write(shard, changes.clone(), done) {
                Ok(()) => break,
                Err(JournalError::QueueFull) => std::thread::yield_now(),
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
#[cfg(unix)]
fn acknowledged_writes_survive_kill_9_in_every_mode() {
    let (_, module) = module_path!().split_once("::").unwrap();
    let test = format!("{module}::child_that_writes_until_it_is_killed");
    for (mode, kill_after) in [(0, 30), (0, 200), (1, 3_000), (1, 30_000), (2, 3_000)] {
        let scratch = Scratch::new();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test.as_str(), "--exact", "--nocapture"])
            .env(CHILD_DIR, &scratch.0)
            .env(CHILD_MODE, mode.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut acked = Vec::new();
        // After the kill the rest of the pipe is read too: it was acknowledged before the end.
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let number = line.split_once("acked ").and_then(|(_, rest)| rest.strip_suffix('.'));
            acked.extend(number.map(|number| number.parse::<u64>().unwrap()));
            if acked.len() == kill_after {
                child.kill().unwrap();
            }
        }
        assert!(!child.wait().unwrap().success());
        assert!(acked.len() >= kill_after, "the child ended after {} writes", acked.len());

        let (journal, thread) = scratch.open(MODES[mode]);
        let mut found = std::collections::BTreeMap::new();
        for shard in 0..SHARDS as u32 {
            found.extend(entries(&journal, shard).into_iter().map(|e| (e.key, e.value)));
        }
        for number in &acked {
            let value = found.get(format!("key{number}").as_bytes());
            assert_eq!(value, Some(&number.to_string().into_bytes()), "mode {mode}");
        }
        // Acknowledged or not, no write is there in part.
        assert_eq!(found.len() % 2, 0);
        thread.close().unwrap();
    }
}
