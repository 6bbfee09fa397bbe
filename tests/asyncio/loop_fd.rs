//! `AsyncFd`: what asyncio's `add_reader` and `add_writer` are for.

use std::cell::Cell;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use futures::FutureExt as _;
use greenroom::net::AsyncFd;
use greenroom::task;

use crate::harness::{Log, ms};
use crate::support::{finishes, real, settle, simulated};

fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().expect("a pair of sockets")
}

/// A reader is told again and again, as long as there is something; and no more once it is dropped.
#[test]
fn a_reader_hears_of_everything_that_comes() {
    finishes(|| {
        real().run(async {
            let (here, mut there) = pair();
            let here = AsyncFd::new(here).expect("it can be waited for");
            let log = Log::new();
            let in_task = log.clone();
            let reader = task::spawn(async move {
                let mut buffer = [0; 2];
                while let Ok(read) = here.read_with(|mut io| io.read(&mut buffer)).await {
                    in_task.add(String::from_utf8_lossy(&buffer[..read]));
                    if read == 0 {
                        break;
                    }
                }
            });
            settle().await;
            assert!(log.take().is_empty());
            for text in ["abcd", "e"] {
                there.write_all(text.as_bytes()).expect("there is room");
                greenroom::time::sleep(ms(2)).await;
            }
            drop(there);
            reader.await.expect("no panic");
            assert_eq!(log.take(), ["ab", "cd", "e", ""]);
        });
    });
}

/// A writer waits while the kernel has no room, beside readers of the same descriptor.
#[test]
fn a_writer_waits_for_room_and_a_reader_beside_it() {
    finishes(|| {
        real().run(async {
            let (here, mut there) = pair();
            let here = Rc::new(AsyncFd::new(here).expect("it can be waited for"));
            let block = [7; 65_536];
            while here.try_write_with(|mut io| io.write(&block)).is_ok() {}
            let full = here.try_write_with(|mut io| io.write(&block)).expect_err("it is full");
            assert_eq!(full.kind(), ErrorKind::WouldBlock);
            let written = Rc::new(Cell::new(false));
            let (writes, notes) = (here.clone(), written.clone());
            let writer = task::spawn(async move {
                let done = writes.write_with(|mut io| io.write(&[1])).await;
                notes.set(true);
                done.expect("it writes")
            });
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    let here = here.clone();
                    task::spawn(async move {
                        here.read_with(|mut io| io.read(&mut [0; 1])).await.expect("it reads")
                    })
                })
                .collect();
            settle().await;
            assert!(!written.get());
            there.write_all(b"xy").expect("there is room");
            for reader in readers {
                assert_eq!(reader.await, Ok(1));
            }
            assert!(!written.get(), "there is still no room");
            there.set_nonblocking(true).expect("an option");
            let mut sink = vec![0; 1 << 20];
            while there.read(&mut sink).is_ok_and(|read| read > 0) {}
            assert_eq!(writer.await, Ok(1));
        });
    });
}

/// `readable` says "try", once a try has said that there is nothing; dropped half-way it changes
/// nothing.
#[test]
fn readable_waits_after_a_try_that_found_nothing() {
    finishes(|| {
        real().run(async {
            let (here, mut there) = pair();
            let here = AsyncFd::new(here).expect("it can be waited for");
            let read = || here.try_read_with(|mut io| io.read(&mut [0; 4]));
            assert!(here.readable().now_or_never().is_some(), "nobody has tried yet");
            assert_eq!(read().map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
            let mut gives_up = Box::pin(here.readable());
            let mut waits = Box::pin(here.readable());
            assert!(futures::poll!(gives_up.as_mut()).is_pending());
            assert!(futures::poll!(waits.as_mut()).is_pending());
            drop(gives_up);
            there.write_all(b"ab").expect("there is room");
            waits.await.expect("there is something");
            assert_eq!(read().ok(), Some(2));
            here.writable().await.expect("there is room");
        });
    });
}

/// What cannot be waited for is refused where it is made, by a text that says what to do instead.
#[test]
fn descriptors_that_cannot_be_waited_for_are_refused_in_words() {
    real().run(async {
        for path in ["Cargo.toml", "src"] {
            let file = std::fs::File::open(path).expect("it is there");
            let error = AsyncFd::new(file).expect_err("it is always ready");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(error.to_string().contains("always ready"), "{error}");
        }
        let (here, _there) = pair();
        let here = Rc::new(here);
        let first = AsyncFd::new(here.clone()).expect("it can be waited for");
        let error = AsyncFd::new(here.clone()).expect_err("it is there already");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(error.to_string().contains("on this event loop already"), "{error}");
        drop(first);
        let again = AsyncFd::new(here.clone()).expect("it was taken off");
        assert!(Rc::ptr_eq(&again.into_inner(), &here));
        assert!(AsyncFd::new(here).is_ok());
    });
}

/// Where no loop runs, or one without sockets, or another one, it says so.
#[test]
fn it_stays_on_its_loop() {
    let (here, there) = pair();
    assert!(AsyncFd::new(here).expect_err("no loop").to_string().contains("no Greenroom loop"));
    let error = simulated().run(async { AsyncFd::new(there).map(drop) });
    assert_eq!(error.expect_err("no sockets").kind(), ErrorKind::Unsupported);

    let mut home = real();
    let (here, _there) = pair();
    let here = home.run(async { AsyncFd::new(here).expect("it can be waited for") });
    let error = real().run(here.readable()).expect_err("another loop");
    assert!(error.to_string().contains("another event loop"), "{error}");
    assert!(home.run(here.writable()).is_ok());
    let error = futures::executor::block_on(here.readable()).expect_err("no loop");
    assert!(error.to_string().contains("no Greenroom loop"), "{error}");
}
