//! Writing a process all of its input while reading all of its output, within a limit.

use std::io;
use std::sync::Arc;

use futures::future::try_join3;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::error::ProcessError;
use super::exit::Exit;
use super::pipe::{PipeReader, PipeWriter};

/// The ends that we hold.
pub(crate) struct Pipes {
    pub(crate) stdin: Option<PipeWriter>,
    pub(crate) stdout: Option<PipeReader>,
    pub(crate) stderr: Option<PipeReader>,
}

impl Pipes {
    /// What it writes to both of its outputs, up to their ends.
    pub(crate) async fn exchange(
        self,
        exit: &Exit,
        input: &[u8],
        limit: usize,
    ) -> Result<(Vec<u8>, Vec<u8>), ProcessError> {
        let written = async {
            let failed = |source| pipe_failed(exit, source);
            let Some(mut stdin) = self.stdin else { return Ok(()) };
            match stdin.write_all(input).await {
                // It need not read all that it is given.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written.map_err(failed),
            }
            // Dropping the pipe is the end of its input.
        };
        let (stdout, stderr) = (all(self.stdout, exit, limit), all(self.stderr, exit, limit));
        let ((), stdout, stderr) = try_join3(written, stdout, stderr).await?;
        Ok((stdout, stderr))
    }
}

async fn all(pipe: Option<PipeReader>, exit: &Exit, limit: usize) -> Result<Vec<u8>, ProcessError> {
    let mut bytes = Vec::new();
    let Some(pipe) = pipe else { return Ok(bytes) };
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = pipe.take(one_more).read_to_end(&mut bytes).await;
    read.map_err(|source| pipe_failed(exit, source))?;
    if bytes.len() > limit {
        let (program, id) = (Arc::clone(exit.program()), exit.id());
        return Err(ProcessError::OutputTooLong { program, id, limit });
    }
    Ok(bytes)
}

fn pipe_failed(exit: &Exit, source: io::Error) -> ProcessError {
    ProcessError::Pipe { program: Arc::clone(exit.program()), id: exit.id(), source }
}
