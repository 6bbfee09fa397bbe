//! Bytes that a file has taken over: they are written, whatever becomes of the file.

use std::io;

use futures::channel::oneshot;

use super::done;
use crate::event_loop::current;
use crate::offload::Offload;

/// How the writing went, once it is over.
pub(crate) type Written = oneshot::Receiver<io::Result<()>>;

/// Sees the job through, also where it still waits for room in the line of the pool, and where the
/// file is dropped.
pub(crate) fn go_on(job: Offload<io::Result<()>>) -> Written {
    let (tell, written) = oneshot::channel();
    if let Some(core) = current::get() {
        let unfinished = Unfinished(Some(tell));
        core.spawn(Box::pin(async move {
            let mut unfinished = unfinished;
            let outcome = done(job.await);
            if let Some(Err(Err(error))) = unfinished.0.take().map(|tell| tell.send(outcome)) {
                tracing::warn!(
                    target: "greenroom::fs", %error,
                    "bytes of a file that was dropped were not written",
                );
            }
        }));
    }
    written
}

/// The loop may end first.
struct Unfinished(Option<oneshot::Sender<io::Result<()>>>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.0.is_some() {
            tracing::warn!(
                target: "greenroom::fs",
                "the loop ended before bytes of a file were written; flush it before the end",
            );
        }
    }
}
