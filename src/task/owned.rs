//! A task that ends with whoever awaits it.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::join::{JoinError, JoinHandle};

/// A handle that aborts its task when it is dropped, so that nobody is left running.
pub(crate) struct Owned<T>(JoinHandle<T>);

impl<T> Owned<T> {
    pub(crate) const fn new(handle: JoinHandle<T>) -> Self {
        Self(handle)
    }
}

impl<T> Future for Owned<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // One that has ended has nothing left to drop.
        self.0.abort();
    }
}
