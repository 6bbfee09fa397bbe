//! One worker as the pool sees it: starting it, giving it a job, noticing its end.

use std::os::unix::process::CommandExt as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::error::PoolError;
use super::frame::{self, HEADER, Reply};
use super::options::PoolOptions;
use super::worker::{MARKER, is_worker};
use crate::process::{Child, Command, ExitStatus, PipeReader, PipeWriter, Stdio};
use crate::time::timeout;

/// How long the end of a worker may take once its pipes say so, and the other way round.
const END_LIMIT: Duration = Duration::from_secs(1);

/// A worker that has greeted. It is killed when this is dropped.
pub(crate) struct Colleague {
    child: Child,
    to: PipeWriter,
    from: PipeReader,
}

/// Why there is no reply.
enum Lost {
    /// The pipe is closed.
    Gone,
    /// What came is no reply.
    Nonsense(Arc<str>),
}

impl Colleague {
    /// Starts one and waits for its greeting; the text says why there is none.
    pub(crate) async fn start(options: &PoolOptions) -> Result<Self, Arc<str>> {
        let mut child = command(options)?.spawn().map_err(|error| error.to_string())?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Arc::from("it has no pipes"));
        };
        let mut worker = Self { child, to, from };
        let greeting = timeout(options.start_limit, read(&mut worker.from, frame::GREETING.len()));
        let why = match greeting.await {
            Ok(Ok(Reply::Greeting)) => return Ok(worker),
            Ok(Ok(_) | Err(Lost::Nonsense(_))) => {
                "says something else than its greeting".to_owned()
            }
            Ok(Err(Lost::Gone)) => {
                let ended = worker.end().await.map(|status| status.to_string());
                format!("ended with {} before its greeting", ended.unwrap_or_default())
            }
            Err(elapsed) => format!("does not greet: {elapsed}"),
        };
        Err(Arc::from(format!(
            "process {} {why}; its `main` must call `Worker::serve_if_worker` first of all",
            worker.id()
        )))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub(crate) async fn ended(&self) {
        // What cannot be waited for is of no use either.
        let _ = self.child.wait().await;
    }

    /// Whether it is known to have ended.
    pub(crate) fn has_ended(&self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Has it do a job: what that gave, and whether it can do another.
    pub(crate) async fn ask(
        &mut self,
        job: &'static str,
        request: &[u8],
        max: usize,
    ) -> (Result<Vec<u8>, PoolError>, bool) {
        let (to, from) = (&mut self.to, &mut self.from);
        let (reply, ended) = {
            let mut talk = pin!(async {
                to.write_all(request).await.map_err(|_| Lost::Gone)?;
                read(from, max).await
            });
            let end = pin!(self.child.wait());
            match select(talk.as_mut(), end).await {
                Either::Left((reply, _)) => (reply, None),
                // It may have ended after its reply; what it wrote is in the pipe by now.
                Either::Right((status, _)) => {
                    let reply = timeout(END_LIMIT, talk).await.unwrap_or(Err(Lost::Gone));
                    (reply, status.ok())
                }
            }
        };
        let goes_on = ended.is_none() && matches!(reply, Ok(Reply::Done(_) | Reply::Unknown(_)));
        let worker = self.id();
        let outcome = match reply {
            Ok(Reply::Done(output)) => Ok(output),
            Ok(Reply::Panicked(text)) => Err(PoolError::Panicked { job, worker, text }),
            Ok(Reply::Unknown(reason)) => Err(PoolError::Unknown { job, worker, reason }),
            Ok(Reply::Unsent(reason)) => Err(PoolError::Output { job, worker, reason }),
            Ok(Reply::Greeting) => {
                let reason = Arc::from("the worker greeted a second time");
                Err(PoolError::Output { job, worker, reason })
            }
            Err(Lost::Nonsense(reason)) => Err(PoolError::Output { job, worker, reason }),
            Err(Lost::Gone) => {
                let status = match ended {
                    Some(status) => Some(status),
                    None => self.end().await,
                };
                Err(PoolError::Crashed { job, worker, status })
            }
        };
        (outcome, goes_on)
    }

    /// Lets it go: without more to read it ends by itself.
    pub(crate) async fn retire(mut self) {
        // The end of its input.
        let _ = self.to.close().await;
        self.end().await;
    }

    async fn end(&self) -> Option<ExitStatus> {
        timeout(END_LIMIT, self.child.wait()).await.ok()?.ok()
    }
}

fn command(options: &PoolOptions) -> Result<Command, Arc<str>> {
    if is_worker() {
        return Err(Arc::from(
            "this process is a worker itself, and a worker can have none; \
             `Worker::serve_if_worker` must come before anything else in `main`",
        ));
    }
    let command = match &options.program {
        Some((program, arguments)) => Command::new(program).arg(MARKER).args(arguments),
        None => this_program()?.arg(MARKER),
    };
    let mut command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    // Ctrl-C at the terminal is for us: we may want to wait for the jobs in hand.
    command.as_std_mut().process_group(0);
    Ok(command)
}

fn this_program() -> Result<Command, Arc<str>> {
    if cfg!(target_os = "linux") {
        // The very file that runs here, even if its place was given to a newer one.
        let mut command = Command::new("/proc/self/exe");
        command.as_std_mut().arg0(std::env::args_os().next().unwrap_or_default());
        return Ok(command);
    }
    let program = std::env::current_exe();
    program.map(Command::new).map_err(|error| Arc::from(format!("this program is gone: {error}")))
}

/// Reads a reply whose output has at most `max` bytes.
async fn read(from: &mut PipeReader, max: usize) -> Result<Reply, Lost> {
    let mut header = [0; HEADER];
    from.read_exact(&mut header).await.map_err(|_| Lost::Gone)?;
    let length =
        frame::reply_length(header, max).map_err(|reason| Lost::Nonsense(Arc::from(reason)))?;
    let mut body = vec![0; length];
    from.read_exact(&mut body).await.map_err(|_| Lost::Gone)?;
    let nonsense = || Lost::Nonsense(Arc::from("it is no reply that this version knows"));
    frame::parse_reply(body).ok_or_else(nonsense)
}
