//! Files: the traits against a model, giving up half-way, errors that name the path, atomic writes.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use futures::future::FutureExt as _;
use futures::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _, SeekFrom};
use greenroom::fs::{self, File};
use greenroom::offload::{OffloadOptions, configure, offload};
use proptest::prelude::*;

use crate::support::{finishes, hold_thread, ms, real, simulated};

/// A directory of one's own, for one test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("greenroom-fs-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("there is a place for files");
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("file")
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("it is there").map(Result::unwrap);
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn content(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("it is there")
}

#[derive(Clone, Debug)]
enum Step {
    Read(usize),
    /// A read that is polled once and given up.
    GiveUp(usize),
    Write(Vec<u8>),
    Seek(SeekFrom),
    SetLen(u64),
    Flush,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..20_usize).prop_map(Step::Read),
        (1..20_usize).prop_map(Step::GiveUp),
        proptest::collection::vec(any::<u8>(), 1..20).prop_map(Step::Write),
        (0..40_u64).prop_map(|to| Step::Seek(SeekFrom::Start(to))),
        (-20..20_i64).prop_map(|by| Step::Seek(SeekFrom::Current(by))),
        (-30..10_i64).prop_map(|by| Step::Seek(SeekFrom::End(by))),
        (0..40_u64).prop_map(Step::SetLen),
        Just(Step::Flush),
    ];
    proptest::collection::vec(step, 1..40)
}

/// The same on a cursor over a vector, which is how a file ought to behave.
async fn follow(file: &mut File, model: &mut io::Cursor<Vec<u8>>, step: Step) {
    match step {
        Step::Read(length) => {
            let mut buffer = vec![0; length];
            let read = file.read(&mut buffer).await.expect("it can be read");
            compare(&buffer, read, model);
        }
        Step::GiveUp(length) => {
            let mut buffer = vec![0; length];
            if let Some(read) = file.read(&mut buffer).now_or_never() {
                compare(&buffer, read.expect("it can be read"), model);
            }
        }
        Step::Write(bytes) => {
            file.write_all(&bytes).await.expect("it can be written");
            io::Write::write_all(model, &bytes).expect("a vector can");
        }
        Step::Seek(to) => {
            let expected = io::Seek::seek(model, to).map_err(|error| error.kind());
            assert_eq!(file.seek(to).await.map_err(|error| error.kind()), expected);
        }
        Step::SetLen(length) => {
            file.set_len(length).await.expect("it can be");
            model.get_mut().resize(length as usize, 0);
        }
        Step::Flush => file.flush().await.expect("it can be written"),
    }
}

/// A read may give less than was asked for, but nothing only at the end.
fn compare(buffer: &[u8], read: usize, model: &mut io::Cursor<Vec<u8>>) {
    let mut expected = vec![0; read];
    io::Read::read_exact(model, &mut expected).expect("the file is no longer than the model");
    assert_eq!(&buffer[..read], expected);
    let at_end = model.position() >= model.get_ref().len() as u64;
    assert!(read > 0 || buffer.is_empty() || at_end);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_file_is_a_cursor_over_bytes(steps in steps(), on_threads: bool) {
        let scratch = Scratch::new("model");
        let mut event_loop = if on_threads { real() } else { simulated() };
        event_loop.run(async {
            let mut file = File::create(scratch.file()).await.expect("it can be made");
            let mut model = io::Cursor::new(Vec::new());
            for step in steps {
                follow(&mut file, &mut model, step).await;
            }
            file.sync_all().await.expect("it can be written");
            assert_eq!(&content(&scratch.file()), model.get_ref());
        });
    }
}

#[test]
fn a_read_that_is_given_up_loses_nothing() {
    finishes(|| {
        let scratch = Scratch::new("given-up");
        std::fs::write(scratch.file(), "0123456789").unwrap();
        real().run(async {
            configure(OffloadOptions::default().threads_max(1));
            let mut file = File::open(scratch.file()).await.expect("it is there");
            let (release, held) = std::sync::mpsc::channel::<()>();
            let busy = greenroom::task::spawn(offload(move || held.recv()));
            greenroom::task::yield_now().await;
            let mut buffer = [0; 4];
            for _ in 0..10 {
                assert!(file.read(&mut buffer).now_or_never().is_none(), "it waits for a thread");
            }
            drop(release);
            busy.await.expect("it is not aborted").expect("it does not panic").unwrap_err();
            let mut two = [0; 2];
            file.read_exact(&mut two).await.expect("it can be read");
            assert_eq!(&two, b"01");
            file.read_exact(&mut buffer).await.expect("it can be read");
            assert_eq!(&buffer, b"2345");
            // One that was begun elsewhere is not given here.
            drop(file.read(&mut two).now_or_never());
            file.seek(SeekFrom::End(-1)).await.expect("there is an end");
            let mut rest = String::new();
            file.read_to_string(&mut rest).await.expect("it can be read");
            assert_eq!(rest, "9");
        });
    });
}

#[test]
fn an_error_of_bytes_taken_over_is_told_once() {
    finishes(|| {
        let scratch = Scratch::new("late-error");
        std::fs::write(scratch.file(), "kept").unwrap();
        real().run(async {
            let mut file = File::open(scratch.file()).await.expect("it is there");
            for _ in 0..50 {
                let written = file.write_all(b"no").await;
                let flushed = file.flush().await;
                assert!(written.is_err() != flushed.is_err(), "it is told once: read only");
            }
            assert!(file.sync_all().await.is_ok(), "nothing is left to tell");
        });
        simulated().run(async {
            let mut file = File::open(scratch.file()).await.expect("it is there");
            assert!(file.write_all(b"no").await.is_err(), "there it is written at once");
        });
        assert_eq!(content(&scratch.file()), b"kept");
    });
}

#[test]
fn bytes_of_a_dropped_file_are_written_though_the_pool_is_busy() {
    finishes(|| {
        let scratch = Scratch::new("dropped");
        real().run(async {
            configure(OffloadOptions::default().threads_max(1));
            let mut file = File::create(scratch.file()).await.expect("it can be made");
            let busy = greenroom::task::spawn(offload(|| hold_thread(ms(50))));
            greenroom::task::yield_now().await;
            file.write_all(b"late").await.expect("they are taken over");
            drop(file);
            busy.await.expect("it is not aborted").expect("it does not panic");
            while content(&scratch.file()) != b"late" {
                greenroom::time::sleep(ms(1)).await;
            }
        });
    });
}

#[test]
fn appended_bytes_go_to_the_end_as_it_is_then() {
    finishes(|| {
        let scratch = Scratch::new("append");
        real().run(async {
            let mut one = File::append(scratch.file()).await.expect("it can be made");
            let mut two = File::append(scratch.file()).await.expect("it is there");
            for (file, text) in [(&mut one, "a"), (&mut two, "b")] {
                file.write_all(text.as_bytes()).await.expect("they are taken over");
                file.flush().await.expect("they are written");
            }
            one.write_all(b"c").await.expect("they are taken over");
            one.flush().await.expect("they are written");
            assert_eq!(content(&scratch.file()), b"abc");
        });
    });
}

#[test]
fn errors_name_the_path_and_keep_their_kind() {
    finishes(|| {
        let scratch = Scratch::new("errors");
        let missing = scratch.0.join("no/such");
        let nowhere = fs::read(&missing).now_or_never().expect("there is no loop to wait on");
        assert!(nowhere.unwrap_err().to_string().contains("no Greenroom loop"));
        real().run(async {
            let errors = [
                fs::read(&missing).await.map(drop),
                fs::write(&missing, "").await,
                fs::write_atomic(&missing, "").await,
                fs::remove_file(&missing).await,
                fs::read_dir(&missing).await.map(drop),
                fs::metadata(&missing).await.map(drop),
                fs::rename(&missing, scratch.file()).await,
                File::open(&missing).await.map(drop),
            ];
            for error in errors.map(Result::unwrap_err) {
                assert_eq!(error.kind(), ErrorKind::NotFound);
                assert!(error.to_string().contains("no/such`"), "{error}");
            }
            std::fs::write(scratch.file(), [0xff]).unwrap();
            let text = fs::read_to_string(scratch.file()).await.unwrap_err();
            assert_eq!(text.kind(), ErrorKind::InvalidData);
            let within = fs::create_dir_all(scratch.file().join("deeper")).await.unwrap_err();
            assert_eq!(within.kind(), ErrorKind::NotADirectory);
        });
    });
}

#[cfg(unix)]
#[test]
fn an_atomic_write_keeps_the_mode_follows_links_and_leaves_nothing_beside() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    finishes(|| {
        let scratch = Scratch::new("atomic");
        let (path, link) = (scratch.file(), scratch.0.join("link"));
        real().run(async {
            fs::write_atomic(&path, "old").await.expect("it can be made");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            symlink(&path, &link).unwrap();
            fs::write_atomic(&link, "new").await.expect("it can be replaced");
            assert_eq!(content(&path), b"new");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
            assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());

            let directory = scratch.0.join("directory");
            std::fs::create_dir(&directory).unwrap();
            assert!(fs::write_atomic(&directory, "x").await.is_err());
            let mut names = scratch.names();
            names.sort();
            assert_eq!(names, ["directory", "file", "link"]);
        });
    });
}

/// What somebody else writes is seen by whoever goes back to it.
#[test]
fn a_seek_forgets_what_was_read() {
    let scratch = Scratch::new("seek");
    let path = scratch.file();
    std::fs::write(&path, b"before").unwrap();
    real().run(async {
        let mut file = File::open(&path).await.unwrap();
        let mut some = [0; 3];
        file.read_exact(&mut some).await.unwrap();
        std::fs::write(&path, b"behind").unwrap();
        file.seek(SeekFrom::Start(0)).await.unwrap();
        let mut all = String::new();
        file.read_to_string(&mut all).await.unwrap();
        assert_eq!((&some, all.as_str()), (b"bef", "behind"));
    });
}

#[test]
fn places_that_no_file_has_are_refused() {
    let scratch = Scratch::new("places");
    real().run(async {
        let mut file = File::create(scratch.file()).await.unwrap();
        for place in [u64::MAX, 1 << 63] {
            let error = file.seek(SeekFrom::Start(place)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        file.seek(SeekFrom::Start(i64::MAX as u64)).await.unwrap();
        let error = file.write_all(b"xx").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    });
}

/// Jobs that wait for room in the line of the pool go on without their file.
#[test]
fn a_write_that_waits_for_the_pool_keeps_nobody_from_it() {
    let scratch = Scratch::new("line");
    finishes(move || {
        real().run(async {
            configure(OffloadOptions::default().threads_max(1).queue_max(1));
            let mut file = File::create(scratch.file()).await.unwrap();
            let hold = || greenroom::task::spawn(offload(|| hold_thread(ms(50))));
            let held = [hold(), hold()];
            greenroom::task::yield_now().await;
            file.write_all(b"bytes").await.unwrap();
            fs::metadata(scratch.file()).await.unwrap();
            file.flush().await.unwrap();
            assert_eq!(content(&scratch.file()), b"bytes");
            greenroom::task::join_all(held).await.unwrap();
        });
    });
}

/// A new content is nobody's to read who could not read the old.
#[cfg(unix)]
#[test]
fn an_atomic_write_keeps_the_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new("mode");
    let path = scratch.file();
    real().run(async {
        for mode in [0o600, 0o640, 0o400] {
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, b"old").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            fs::write_atomic(&path, "new").await.unwrap();
            let after = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!((after & 0o777, content(&path)), (mode, b"new".to_vec()));
        }
    });
}
