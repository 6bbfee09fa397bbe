//! `Source`: a socket of the machine tied to the loop that first uses it.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use super::core::Core;
use super::current;
use crate::base::key::Key;
use crate::reactor::readiness::Direction;
use crate::scheduler::remote::{self, Post};

/// An mio source and its place in a loop's reactor.
///
/// It takes its place at the first operation, on the loop that runs it, and stays there. Used on
/// another loop it says so; what happens is never undefined.
pub(crate) struct Source<S: mio::event::Source> {
    /// Borrowed for one system call at a time, never across user code.
    io: RefCell<S>,
    place: Cell<Option<Key>>,
    tickets: Cell<u64>,
}

impl<S: mio::event::Source> Source<S> {
    pub(crate) const fn new(io: S) -> Self {
        Self { io: RefCell::new(io), place: Cell::new(None), tickets: Cell::new(0) }
    }

    /// Takes its place on the current loop now, to hear at once whether it can.
    pub(crate) fn take_place(&self) -> io::Result<()> {
        self.with_place(|_, _| Ok(()))
    }

    /// Calls something on the socket that does not wait: an option, an address.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&S) -> R) -> R {
        f(&self.io.borrow())
    }

    /// Tries `operation` and, while it would block, waits for the next edge. For callers with
    /// `&mut self`: the last one that waits in a direction is the only one.
    pub(crate) fn poll_io<R>(
        &self,
        direction: Direction,
        cx: &Context<'_>,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        if !spend(cx) {
            return Poll::Pending;
        }
        loop {
            ready!(self.poll_ready(direction, cx.waker()))?;
            if let Some(done) = self.attempt(direction, &mut operation) {
                return Poll::Ready(done);
            }
        }
    }

    /// The same for callers with `&self`: any number of them may wait at once.
    ///
    /// # Cancel safety
    /// Dropped while it waits it has done nothing.
    pub(crate) async fn io<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        std::future::poll_fn(|cx| if spend(cx) { Poll::Ready(()) } else { Poll::Pending }).await;
        loop {
            self.ready(direction).await?;
            if let Some(done) = self.attempt(direction, &mut operation) {
                return done;
            }
        }
    }

    /// Waits until an operation in `direction` is worth trying.
    pub(crate) const fn ready(&self, direction: Direction) -> Ready<'_, S> {
        Ready { source: self, direction, ticket: None }
    }

    /// A read came back with less than it was asked for.
    pub(crate) fn short_read(&self) {
        if let Some(key) = self.place.get() {
            with_reactor(key, |core| {
                core.driver.reactor().map(|reactor| reactor.borrow_mut().short_read(key.slot()))
            });
        }
    }

    fn attempt<R>(
        &self,
        direction: Direction,
        operation: &mut impl FnMut(&S) -> io::Result<R>,
    ) -> Option<io::Result<R>> {
        loop {
            let outcome = operation(&self.io.borrow());
            match outcome {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.clear(direction);
                    return None;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return Some(done),
            }
        }
    }

    /// Waits for the next edge: the last operation said that there is nothing.
    fn clear(&self, direction: Direction) {
        if let Some(key) = self.place.get() {
            with_reactor(key, |core| {
                let reactor = core.driver.reactor()?;
                reactor.borrow_mut().would_block(key.slot(), direction);
                Ok(())
            });
        }
    }

    fn poll_ready(&self, direction: Direction, waker: &Waker) -> Poll<io::Result<()>> {
        let asked = self.with_place(|core, key| {
            Ok(core.driver.reactor()?.borrow_mut().poll_ready(key.slot(), direction, waker))
        });
        match asked {
            // The waker that stood there before is dropped here, with nothing borrowed.
            Ok((readiness, _displaced)) => readiness.map(Ok),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Runs `f` with the loop and the place there; takes the place if there is none yet.
    fn with_place<R>(&self, f: impl FnOnce(&Core, Key) -> io::Result<R>) -> io::Result<R> {
        current::with(|core| {
            let key = match self.place.get() {
                Some(key) if key.home() == core.id() => key,
                Some(_) => return Err(wrong_loop()),
                None => {
                    let mut reactor = core.driver.reactor()?.borrow_mut();
                    let key = Key::new(core.id(), reactor.register(&mut *self.io.borrow_mut())?);
                    self.place.set(Some(key));
                    key
                }
            };
            f(core, key)
        })
        .unwrap_or_else(|| Err(no_loop()))
    }
}

impl<S: mio::event::Source> Drop for Source<S> {
    fn drop(&mut self) {
        let Some(key) = self.place.get() else { return };
        let waiting = with_reactor(key, |core| {
            let mut reactor = core.driver.reactor()?.borrow_mut();
            Ok(reactor.deregister(self.io.get_mut(), key.slot()))
        });
        if waiting.is_none()
            && let Some(remote) = remote::find(key.home())
        {
            // Dropped elsewhere: closing the descriptor ends its events, and the loop frees the
            // slot.
            let _ = remote.post(Post::Run(Box::new(move || {
                let waiting = current::with(|core| {
                    core.driver.reactor().map(|reactor| reactor.borrow_mut().forget(key.slot()))
                });
                drop(waiting);
            })));
        }
    }
}

impl<S: mio::event::Source + std::fmt::Debug> std::fmt::Debug for Source<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Source").field(&self.io.borrow()).finish()
    }
}

/// The reactor of `key`'s loop if that is the current one.
fn with_reactor<R>(key: Key, f: impl FnOnce(&Core) -> io::Result<R>) -> Option<R> {
    current::with(|core| (core.id() == key.home()).then(|| f(core).ok()).flatten()).flatten()
}

/// Takes one operation from the task's budget, or arranges for it to come back later.
fn spend(cx: &Context<'_>) -> bool {
    let may = current::with(Core::spend).unwrap_or(true);
    if !may {
        cx.waker().wake_by_ref();
    }
    may
}

fn wrong_loop() -> io::Error {
    io::Error::other(
        "it is registered with another event loop; a socket, a pipe or a stream of signals stays \
         on the loop that first used it",
    )
}

fn no_loop() -> io::Error {
    io::Error::other(
        "no Greenroom loop runs on this thread; do it inside `greenroom::run` or `EventLoop::run`",
    )
}

/// Waits for one direction of a source, beside any number of others.
#[must_use = "a future does nothing unless it is awaited"]
pub(crate) struct Ready<'a, S: mio::event::Source> {
    source: &'a Source<S>,
    direction: Direction,
    ticket: Option<u64>,
}

impl<S: mio::event::Source> Ready<'_, S> {
    fn leave(&mut self) {
        if let (Some(ticket), Some(key)) = (self.ticket.take(), self.source.place.get()) {
            let left = with_reactor(key, |core| {
                let mut reactor = core.driver.reactor()?.borrow_mut();
                Ok(reactor.leave(key.slot(), self.direction, ticket))
            });
            drop(left);
        }
    }
}

impl<S: mio::event::Source> Future for Ready<'_, S> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.leave();
        let (source, direction) = (self.source, self.direction);
        let ticket = source.tickets.get() + 1;
        let waker = cx.waker().clone();
        let joined = source.with_place(|core, key| {
            let mut reactor = core.driver.reactor()?.borrow_mut();
            if reactor.is_ready(key.slot(), direction) {
                return Ok(Some(waker));
            }
            reactor.join(key.slot(), direction, ticket, waker);
            Ok(None)
        });
        match joined {
            // The waker was not needed; it is dropped here, with nothing borrowed.
            Ok(Some(_unused)) => Poll::Ready(Ok(())),
            Ok(None) => {
                source.tickets.set(ticket);
                self.ticket = Some(ticket);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl<S: mio::event::Source> Drop for Ready<'_, S> {
    fn drop(&mut self) {
        self.leave();
    }
}
