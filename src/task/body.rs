//! `Body`: a future inside a task that can be asked to end without the task being cancelled.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::request::Scope;

pin_project! {
    /// What a group or a deadline runs in its own task, and may end early.
    pub(crate) struct Body<F> {
        #[pin]
        future: Option<F>,
        scope: Scope,
        // It was asked to end.
        asked: bool,
        // How many requests there were around it when it began.
        before: u32,
    }
}

/// How a body ended.
pub(crate) enum Ended<T> {
    Done(T),
    /// It was asked to end and let that happen.
    Early,
    /// The task around it was asked to cancel; that is to be passed on.
    Cancelled,
}

impl<F: Future> Body<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future: Some(future), scope: Scope::default(), asked: false, before: 0 }
    }

    /// Polls it, having asked it to end if it is to. It is not to be polled after it has ended.
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        ends: bool,
    ) -> Poll<Ended<F::Output>> {
        let mut this = self.project();
        if this.scope.enter(cx.waker()) {
            (*this.asked, *this.before) = (false, this.scope.around());
        }
        if ends && !*this.asked {
            *this.asked = true;
            this.scope.request();
        }
        if !this.scope.take() {
            let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
            if let Poll::Ready(output) = this.scope.within(|| future.poll(cx)) {
                this.future.set(None);
                if *this.asked {
                    this.scope.take_back();
                }
                return Poll::Ready(Ended::Done(output));
            }
            if !this.scope.take() {
                return Poll::Pending;
            }
        }
        this.future.set(None);
        if !*this.asked {
            return Poll::Ready(Ended::Cancelled);
        }
        this.scope.take_back();
        let others = this.scope.around() > *this.before;
        Poll::Ready(if others { Ended::Cancelled } else { Ended::Early })
    }

    /// The scope goes on after the body, for whatever is to be waited for.
    pub(crate) fn scope(self: Pin<&mut Self>) -> &mut Scope {
        self.project().scope
    }
}
