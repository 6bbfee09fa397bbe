//! `JoinCell`: where a task leaves what it gives, and what is known of it meanwhile.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::join::JoinError;
use super::life::Life;
use crate::base::context::Slot;
use crate::base::panics::{catch, drop_quietly};
use crate::event_loop::current;
use crate::event_loop::panics::{self, PanicOrigin};
use crate::event_loop::shutdown::Leftover;
use crate::scheduler::table::Attachment;

/// What the task and its handle share.
pub(crate) struct JoinCell<T> {
    pub(crate) life: Life,
    outcome: Cell<Option<Result<T, JoinError>>>,
    waker: RefCell<Option<Waker>>,
    /// How to say what is wrong with a value that nobody reads.
    complaint: Cell<Option<Complaint<T>>>,
}

type Complaint<T> = fn(&T) -> Option<String>;

impl<T> std::fmt::Debug for JoinCell<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinCell")
            .field("finished", &self.life.is_finished())
            .finish_non_exhaustive()
    }
}

impl<T> JoinCell<T> {
    pub(crate) const fn new(life: Life) -> Self {
        Self {
            life,
            outcome: Cell::new(None),
            waker: RefCell::new(None),
            complaint: Cell::new(None),
        }
    }

    /// The outcome, once; or this waker is woken when it is there.
    pub(crate) fn take(&self, waker: &Waker) -> Poll<Result<T, JoinError>> {
        if let Some(outcome) = self.outcome.take() {
            return Poll::Ready(outcome);
        }
        self.wake(waker);
        Poll::Pending
    }

    pub(crate) fn wake(&self, waker: &Waker) {
        // Cloned before the borrow and dropped after it: a foreign waker may run code.
        let waker = waker.clone();
        let displaced = self.waker.replace(Some(waker));
        drop(displaced);
    }

    /// Shows the outcome without taking it. `f` may be code of the user's, so it is outside
    /// meanwhile.
    pub(crate) fn peek<R>(&self, f: impl FnOnce(Option<&Result<T, JoinError>>) -> R) -> R {
        let outcome = self.outcome.take();
        let result = f(outcome.as_ref());
        self.outcome.set(outcome);
        result
    }

    /// The task never begins.
    pub(crate) fn refuse(&self) {
        self.finish(Err(JoinError::Cancelled));
    }

    fn finish(&self, outcome: Result<T, JoinError>) {
        self.outcome.set(Some(outcome));
        self.life.finish();
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T, E: Display> JoinCell<Result<T, E>> {
    pub(crate) fn report_unread(&self) {
        self.complaint.set(Some(|value| value.as_ref().err().map(|error| format!("{error:#}"))));
    }
}

impl<T: 'static> Attachment for JoinCell<T> {
    fn control(&self) -> &dyn Any {
        &self.life
    }

    fn doing(&self) -> (String, &'static str) {
        (self.life.label(), "a future")
    }

    fn waiting(&self) -> usize {
        0
    }

    fn context(&self) -> &Slot {
        &self.life.context
    }
}

fn report_panic(task: &str, text: &str) {
    tracing::error!(
        target: "greenroom::task", task, panic = %text,
        "a task panicked and nobody awaited it",
    );
    panics::tell(PanicOrigin::Task, text);
}

/// An outcome that was taken and that nobody wants: a panic in it is reported all the same.
pub(crate) fn report_unread<T>(outcome: Result<T, JoinError>) {
    match outcome {
        Err(JoinError::Panicked(text)) => report_panic("task", &text),
        other => drop_quietly(other),
    }
}

/// What nobody read is reported, once, by whichever of task and handle is last.
impl<T> Drop for JoinCell<T> {
    fn drop(&mut self) {
        match self.outcome.take() {
            Some(Err(JoinError::Panicked(text))) => report_panic(&self.life.label(), &text),
            Some(Ok(value)) => {
                let complaint = self.complaint.get();
                let error = complaint.and_then(|complaint| catch(|| complaint(&value)).ok()?);
                if let Some(error) = error {
                    tracing::error!(
                        target: "greenroom::task", task = %self.life.label(), %error,
                        "a task failed and nobody awaited it",
                    );
                }
            }
            Some(Err(_)) | None => {}
        }
    }
}

/// Held by the task; dropped without an outcome it reports the task as cancelled. What is left is
/// for `settle` to say.
pub(crate) struct Report<U, T, S: FnOnce(Result<U, JoinError>) -> Result<T, JoinError>> {
    cell: Option<(Rc<JoinCell<T>>, S)>,
    given: std::marker::PhantomData<fn(U)>,
}

impl<U, T, S: FnOnce(Result<U, JoinError>) -> Result<T, JoinError>> Report<U, T, S> {
    pub(crate) const fn new(cell: Rc<JoinCell<T>>, settle: S) -> Self {
        Self { cell: Some((cell, settle)), given: std::marker::PhantomData }
    }

    pub(crate) fn cell(&self) -> Option<&JoinCell<T>> {
        self.cell.as_ref().map(|(cell, _)| &**cell)
    }

    /// `None` when the task was cancelled.
    pub(crate) fn finish(
        mut self,
        outcome: Option<Result<U, Box<dyn Any + Send>>>,
        in_drop: Option<Arc<str>>,
    ) {
        let outcome = match (outcome, in_drop) {
            (Some(Ok(value)), None) => Ok(value),
            (Some(Ok(value)), Some(text)) => {
                drop_quietly(value);
                Err(JoinError::Panicked(text))
            }
            // Thrown again under the guard that turns a payload into text and drops it safely.
            (Some(Err(payload)), _) => match catch(|| std::panic::resume_unwind(payload)) {
                Err(text) => Err(JoinError::Panicked(text)),
                Ok(()) => Err(JoinError::Cancelled),
            },
            (None, Some(text)) => Err(JoinError::Panicked(text)),
            (None, None) => Err(JoinError::Cancelled),
        };
        self.leave(outcome);
    }

    fn leave(&mut self, outcome: Result<U, JoinError>) {
        if let Some((cell, settle)) = self.cell.take() {
            cell.finish(settle(outcome));
        }
    }
}

impl<U, T, S: FnOnce(Result<U, JoinError>) -> Result<T, JoinError>> Drop for Report<U, T, S> {
    fn drop(&mut self) {
        if self.cell.is_some()
            && let Some(core) = current::get().filter(|core| core.is_closing())
        {
            core.locals.get::<Leftover>().note();
        }
        self.leave(Err(JoinError::Cancelled));
    }
}
