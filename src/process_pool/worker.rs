//! `Worker`: the far side; it reads jobs from its standard input and writes what they give.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;

use super::frame::{self, GREETING, HEADER, Kind};
use super::job::Job;
use crate::base::panics::catch;

/// The first argument of a program that is started as a worker.
pub(crate) const MARKER: &str = "greenroom-worker";
/// The status of a process that panicked.
const PANICKED: i32 = 101;

/// The worker's side of a pool: the jobs that it knows.
///
/// ```standalone_crate
/// use greenroom::process_pool::{Job, ProcessPool, Worker};
/// struct Double;
/// impl Job for Double {
///     const NAME: &'static str = "double";
///     type Input = u32;
///     type Output = u32;
///     fn run(number: u32) -> u32 { number * 2 }
/// }
/// fn main() {
///     let worker: Worker = Worker::new().job::<Double>();
///     worker.serve_if_worker(); // returns in the process that you started
///     greenroom::run(async |_system| {
///         assert_eq!(ProcessPool::new().run::<Double>(21).await, Ok(42));
///     });
/// }
/// ```
#[derive(Default)]
#[must_use = "a worker does nothing until it serves"]
pub struct Worker {
    jobs: BTreeMap<&'static str, fn(&[u8]) -> Answer>,
}

/// What a job came to: the frame that says so, and whether the worker may go on.
struct Answer {
    frame: Vec<u8>,
    goes_on: bool,
}

impl Worker {
    /// One that knows no job yet.
    ///
    /// ```
    /// use greenroom::process_pool::Worker;
    /// Worker::new().serve_if_worker(); // this is none: nothing happens
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a job.
    ///
    /// # Panics
    /// When there is one of this name.
    ///
    /// ```should_panic
    /// use greenroom::process_pool::{Job, Worker};
    /// struct Echo;
    /// impl Job for Echo {
    ///     const NAME: &'static str = "echo";
    ///     type Input = String;
    ///     type Output = String;
    ///     fn run(text: String) -> String { text }
    /// }
    /// let _ = Worker::new().job::<Echo>().job::<Echo>(); // which of them would run?
    /// ```
    pub fn job<J: Job>(mut self) -> Self {
        let before = self.jobs.insert(J::NAME, answer::<J>);
        assert!(before.is_none(), "two jobs are called `{}`; names must differ", J::NAME);
        self
    }

    /// Serves, when this process was started as a worker, and ends it; otherwise does nothing. For
    /// the first line of `main`.
    ///
    /// ```
    /// use greenroom::process_pool::Worker;
    /// Worker::new().serve_if_worker(); // this is none: nothing happens
    /// ```
    pub fn serve_if_worker(self) {
        if is_worker() {
            self.serve();
        }
    }

    /// Serves until the pool lets go of it, and ends the process. For the `main` of a program that
    /// is nothing but a [worker](super::PoolOptions::program).
    ///
    /// ```
    /// # use greenroom::process_pool::Worker;
    /// # fn is_a_worker() -> bool { false }
    /// if is_a_worker() {
    ///     Worker::new().serve(); // it never returns
    /// }
    /// ```
    pub fn serve(self) -> ! {
        let status = match self.serve_all() {
            Ok(status) => status,
            // Nobody is left to be told.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Err(error) => {
                let _ = writeln!(io::stderr(), "worker {}: {error}", std::process::id());
                1
            }
        };
        std::process::exit(status)
    }

    fn serve_all(&self) -> io::Result<i32> {
        let (mut from, mut to) = channel()?;
        to.write_all(&frame::reply(Kind::Greeting, GREETING))?;
        while let Some(body) = read(&mut from)? {
            let answer = self.answer(&body);
            to.write_all(&answer.frame)?;
            if !answer.goes_on {
                return Ok(PANICKED);
            }
        }
        Ok(0)
    }

    fn answer(&self, body: &[u8]) -> Answer {
        match frame::parse_request(body) {
            Err(error) => unknown(&format!("does not understand the request: {error}")),
            Ok((name, input)) => match self.jobs.get(name) {
                None => unknown("has no such job"),
                Some(run) => run(input),
            },
        }
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("jobs", &self.jobs.keys()).finish()
    }
}

/// Whether this process was started as a worker.
pub(crate) fn is_worker() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == MARKER)
}

/// Runs one job.
fn answer<J: Job>(input: &[u8]) -> Answer {
    let input = match frame::value::<J::Input>(input) {
        Ok(input) => input,
        Err(error) => return unknown(&format!("takes another input for it: {error}")),
    };
    // The output is sent and dropped under the guard too: that is code of the job's types.
    match catch(|| frame::output(&J::run(input))) {
        Ok(Ok(frame)) => Answer { frame, goes_on: true },
        Ok(Err(error)) => {
            Answer { frame: frame::reply(Kind::Unsent, error.as_bytes()), goes_on: true }
        }
        // What it left behind is nothing to work on with.
        Err(text) => {
            Answer { frame: frame::reply(Kind::Panicked, text.as_bytes()), goes_on: false }
        }
    }
}

fn unknown(reason: &str) -> Answer {
    Answer { frame: frame::reply(Kind::Unknown, reason.as_bytes()), goes_on: true }
}

/// The way to the pool, taken from the standard input and output, so that what a job prints or
/// reads does not get between.
fn channel() -> io::Result<(File, File)> {
    #[cfg(target_os = "linux")]
    {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        // Started as `/proc/self/exe`, it would be called `exe` in lists of processes.
        rustix::thread::set_name(c"greenroom-pool")?;
    }
    let from = io::stdin().as_fd().try_clone_to_owned()?;
    let to = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok((File::from(from), File::from(to)))
}

/// The next request; `None` when the pool is gone.
fn read(from: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER];
    match from.read_exact(&mut header) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut body = vec![0; frame::request_length(header)];
    from.read_exact(&mut body)?;
    Ok(Some(body))
}

/// Runs a job right here, as its worker would.
pub(crate) fn run_here<J: Job>(request: &[u8]) -> Vec<u8> {
    let answer = match frame::parse_request(&request[HEADER..]) {
        Ok((_, input)) => answer::<J>(input),
        Err(error) => unknown(&error),
    };
    answer.frame
}
