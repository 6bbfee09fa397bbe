//! What the workers of these tests can do: work, wait, and end in every way there is.

use std::path::PathBuf;
use std::time::Duration;

use greenroom::process_pool::{Job, PoolError, PoolOptions, ProcessPool, Worker};
use serde::{Deserialize, Serialize};

/// Holds the worker's thread, as a job may.
#[expect(clippy::disallowed_methods, reason = "a worker has no loop to hold")]
pub(crate) fn hold(long: Duration) {
    std::thread::sleep(long);
}

pub(crate) fn worker() -> Worker {
    Worker::new()
        .job::<Who>()
        .job::<Square>()
        .job::<Bytes>()
        .job::<Die>()
        .job::<Note>()
        .job::<Meet>()
        .job::<Chatter>()
        .job::<Nested>()
        .job::<Fussy>()
}

macro_rules! job {
    ($name:ident($input:pat => $Input:ty) -> $Output:ty $body:block) => {
        pub(crate) struct $name;
        impl Job for $name {
            const NAME: &'static str = stringify!($name);
            type Input = $Input;
            type Output = $Output;
            fn run($input: $Input) -> $Output $body
        }
    };
}

job!(Who(() => ()) -> u32 { std::process::id() });

job!(Square(number => u64) -> u64 { number * number });

job!(Bytes(bytes => Vec<u8>) -> Vec<u8> { bytes.iter().rev().copied().collect() });

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Way {
    Panic(String),
    Exit(i32),
    Abort,
    Never,
}

job!(Die(way => Way) -> () {
    match way {
        Way::Panic(text) => panic!("{text}"),
        Way::Exit(status) => std::process::exit(status),
        Way::Abort => std::process::abort(),
        Way::Never => hold(Duration::from_secs(1_000)),
    }
});

// Adds a line to a file and takes its time before that.
job!(Note((path, line, long) => (PathBuf, String, Duration)) -> () {
    use std::io::Write as _;
    hold(long);
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
});

// Makes one file and waits for another: two of these can only run at the same time.
job!(Meet((mine, other) => (PathBuf, PathBuf)) -> () {
    std::fs::write(mine, "").unwrap();
    while !other.exists() {
        hold(Duration::from_millis(1));
    }
});

// Prints and reads where the frames go.
job!(Chatter(() => ()) -> String {
    println!("this must not get between");
    let read = std::io::read_to_string(std::io::stdin());
    format!("{:?}", read.unwrap())
});

// Wants a pool inside a worker.
job!(Nested(() => ()) -> String {
    greenroom::run(async |_system| {
        let pool = ProcessPool::with(PoolOptions::default().workers(1));
        match pool.run::<Square>(2).await {
            Err(PoolError::NoWorker { reason, .. }) => reason.to_string(),
            other => format!("{other:?}"),
        }
    })
});

/// Like [`Square`] by name, but with another input.
pub(crate) struct OtherSquare;
impl Job for OtherSquare {
    const NAME: &'static str = "Square";
    type Input = (u64, String);
    type Output = u64;
    fn run((number, _): (u64, String)) -> u64 {
        number
    }
}

/// A job that no worker has.
pub(crate) struct Missing;
impl Job for Missing {
    const NAME: &'static str = "Missing";
    type Input = ();
    type Output = ();
    fn run((): ()) {}
}

/// Its output cannot be sent.
pub(crate) struct Unsendable;
impl Serialize for Unsendable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not this"))
    }
}
impl<'de> Deserialize<'de> for Unsendable {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}
job!(Fussy(() => ()) -> Unsendable { Unsendable });
