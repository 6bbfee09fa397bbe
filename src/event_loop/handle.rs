//! `LoopHandle`: what other threads may do to a loop.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::channel::oneshot;
use futures::future::FutureExt as _;

use super::context::{Back, here};
use super::current;
use crate::base::panics::catch;
use crate::scheduler::remote::{Post, Refused, Remote};

/// A loop as other threads see it: spawn on it, run something there, stop it.
///
/// It is `Clone`, `Send` and `Sync`, keeps no loop alive, and says so when the loop has ended.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use greenroom::EventLoop;
///
/// let mut event_loop = EventLoop::new()?;
/// let handle = event_loop.handle();
/// let other = std::thread::spawn(move || {
///     let answer = handle.spawn(|| async { 6 * 7 }).expect("the loop is open");
///     futures::executor::block_on(answer)
/// });
/// let answer = event_loop.run(async {
///     while !other.is_finished() {
///         greenroom::time::sleep(std::time::Duration::from_millis(1)).await;
///     }
///     other.join().expect("it does not panic")
/// });
/// assert_eq!(answer, Ok(42));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LoopHandle {
    remote: Arc<Remote>,
}

impl LoopHandle {
    pub(crate) const fn new(remote: Arc<Remote>) -> Self {
        Self { remote }
    }

    /// Runs `f` on the loop's thread, between two tasks, in the order of the posts of this thread.
    ///
    /// # Errors
    /// When the loop has ended or its inbox is full; `f` was dropped and never ran.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::new()?;
    /// let handle = event_loop.handle();
    /// std::thread::spawn(move || {
    ///     let stop = handle.clone();
    ///     handle.post(move || stop.stop()).expect("the loop is open");
    /// });
    /// event_loop.run_until_stopped();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn post(&self, f: impl FnOnce() + Send + 'static) -> Result<(), PostError> {
        self.remote.post(Post::Run(Box::new(f))).map_err(|(_, refused)| match refused {
            Refused::Closed => PostError::Closed,
            Refused::Full => PostError::Full,
        })
    }

    /// As [`post`](Self::post), and what it gives takes the post back, on whatever thread.
    ///
    /// # Errors
    /// When the loop has ended or its inbox is full; `f` was dropped and never ran.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::new()?;
    /// let handle = event_loop.handle();
    /// let thread = std::thread::spawn(move || {
    ///     let posted = handle.post_cancellable(|| panic!("it is never called")).unwrap();
    ///     posted.cancel()
    /// });
    /// assert!(thread.join().unwrap(), "the loop did not run yet");
    /// event_loop.turn();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn post_cancellable(
        &self,
        f: impl FnOnce() + Send + 'static,
    ) -> Result<RemotePosted, PostError> {
        let posted = RemotePosted { closure: Arc::new(Mutex::new(Some(Box::new(f)))) };
        let delivery = Delivery(posted.clone());
        self.post(move || delivery.run())?;
        Ok(posted)
    }

    /// Makes a future on the loop's thread and runs it there; what it gives comes back here.
    ///
    /// The future is made by `f` where it runs, so it need not be `Send`.
    ///
    /// # Errors
    /// When the loop has ended or its inbox is full; `f` was dropped and never ran.
    ///
    /// # Cancel safety
    /// Dropping the returned future leaves the task running and discards what it gives.
    ///
    /// ```
    /// use std::rc::Rc;
    /// let mut event_loop = greenroom::EventLoop::new()?;
    /// let handle = event_loop.handle();
    /// // An `Rc` may not go to another thread; one that is made there may stay there.
    /// let answer = handle.spawn(|| async { *Rc::new(42) }).expect("the loop is open");
    /// assert_eq!(event_loop.run(answer), Ok(42));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn spawn<F, Fut>(&self, f: F) -> Result<RemoteTask<Fut::Output>, PostError>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future + 'static,
        Fut::Output: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.post(move || {
            let Some(core) = current::get() else { return };
            core.spawn(Box::pin(async move {
                // Made inside the guard too: making a future may panic as well as running it.
                let guarded = std::panic::AssertUnwindSafe(async move { f().await }).catch_unwind();
                let mut guarded = std::pin::pin!(guarded);
                // What it sets is its own.
                let mut values = crate::base::context::Context::default();
                let guarded = std::future::poll_fn(|cx| {
                    let _back = Back::after(values.clone());
                    let polled = guarded.as_mut().poll(cx);
                    values = here();
                    polled
                });
                let outcome = match guarded.await {
                    Ok(output) => Ok(output),
                    // Thrown again under the guard that turns a payload into text.
                    Err(payload) => Err(RemoteTaskError::Panicked(
                        catch(|| std::panic::resume_unwind(payload))
                            .map_or_else(|text| text, |()| Arc::from("a panic")),
                    )),
                };
                // Nobody waits any more when this fails.
                let _ = sender.send(outcome);
            }));
        })?;
        Ok(RemoteTask { receiver })
    }

    /// Makes [`EventLoop::run_until_stopped`](super::EventLoop::run_until_stopped) return. What is
    /// ready at that moment still runs; what that makes ready in its turn is for the next start. A
    /// loop that has ended is stopped already. It does not end
    /// [`EventLoop::run`](super::EventLoop::run): said during one, it is kept for the next
    /// `run_until_stopped`.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::new()?;
    /// event_loop.handle().stop();
    /// event_loop.run_until_stopped(); // returns at once
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn stop(&self) {
        // On its own thread it takes effect in this turn.
        let here = current::with(|core| {
            let here = core.id() == self.remote.id();
            if here {
                core.stopping.set(true);
            }
            here
        });
        if here != Some(true) {
            let _ = self.remote.post_always(Post::Stop);
        }
    }
}

impl std::fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoopHandle").field("loop", &self.remote.id().0).finish()
    }
}

type RemoteClosure = Box<dyn FnOnce() + Send>;

/// A closure that was posted by [`LoopHandle::post_cancellable`]. It may go to any thread; dropping
/// it changes nothing.
///
/// ```
/// use greenroom::event_loop::RemotePosted;
/// let mut event_loop = greenroom::EventLoop::new()?;
/// let posted: RemotePosted = event_loop.handle().post_cancellable(|| ()).unwrap();
/// event_loop.turn();
/// assert!(!posted.cancel(), "it was called");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct RemotePosted {
    closure: Arc<Mutex<Option<RemoteClosure>>>,
}

impl RemotePosted {
    /// Drops the closure here, and it is never called. `false` when it was called or cancelled
    /// before, or is being called now, or its loop has ended.
    ///
    /// ```
    /// let mut event_loop = greenroom::EventLoop::new()?;
    /// let posted = event_loop.handle().post_cancellable(|| panic!("never called")).unwrap();
    /// assert!(posted.cancel() && !posted.cancel());
    /// event_loop.turn();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn cancel(&self) -> bool {
        self.take().is_some()
    }

    /// Takes the closure out, to be called or dropped when nothing is locked.
    fn take(&self) -> Option<RemoteClosure> {
        self.closure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The loop's side of it. Dropped without having run, it drops the closure, whoever else holds it.
struct Delivery(RemotePosted);

impl Delivery {
    fn run(self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

impl std::fmt::Debug for RemotePosted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemotePosted").finish_non_exhaustive()
    }
}

/// Why a loop did not take a post; what was posted is gone and never ran.
///
/// ```
/// use greenroom::event_loop::PostError;
/// let event_loop = greenroom::EventLoop::new()?;
/// let handle = event_loop.handle();
/// drop(event_loop);
/// assert_eq!(handle.post(|| ()), Err(PostError::Closed));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// The loop has ended.
    #[error("the event loop has ended; it takes no more posts")]
    Closed,
    /// Too many posts are waiting for the loop.
    #[error("the event loop's inbox is full; raise `posts_max` or post less at once")]
    Full,
}

/// What a task that was spawned from another thread will give; `Send` when that is.
///
/// ```
/// use greenroom::event_loop::RemoteTask;
/// let mut event_loop = greenroom::EventLoop::new()?;
/// let task: RemoteTask<u8> = event_loop.handle().spawn(|| async { 42 }).expect("the loop is open");
/// assert_eq!(event_loop.run(task), Ok(42));
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a future does nothing unless it is awaited; dropping it leaves the task running"]
#[derive(Debug)]
pub struct RemoteTask<T> {
    receiver: oneshot::Receiver<Result<T, RemoteTaskError>>,
}

impl<T> Future for RemoteTask<T> {
    type Output = Result<T, RemoteTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.receiver.poll_unpin(cx).map(|got| got.unwrap_or(Err(RemoteTaskError::Cancelled)))
    }
}

/// Why a task that was spawned from another thread gave nothing.
///
/// ```
/// use greenroom::event_loop::RemoteTaskError;
/// let event_loop = greenroom::EventLoop::new()?;
/// let task = event_loop.handle().spawn(|| async { 42 }).expect("the loop is open");
/// drop(event_loop);
/// assert_eq!(futures::executor::block_on(task), Err(RemoteTaskError::Cancelled));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteTaskError {
    /// The loop ended before the task did.
    #[error("the task was cancelled: its event loop ended")]
    Cancelled,
    /// The task, or the closure that was to make it, panicked, with this text.
    #[error("the task panicked: {0}")]
    Panicked(Arc<str>),
}
