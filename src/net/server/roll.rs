//! Who is connected: how many, and who is told when one is gone.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use super::line::{Line, Standing};
use super::options::ServerOptions;
use super::socket::Socket;
use crate::base::invariant::invariant;
use crate::base::waiters::Waiters;
use crate::task::JoinHandle;

/// One connection: its line, and the task of its handler once it has one.
type Entry<S> = (Weak<Line<S>>, Option<JoinHandle<()>>);

pub(crate) struct Roll<S: Socket> {
    pub(crate) options: ServerOptions,
    entries: RefCell<BTreeMap<u64, Entry<S>>>,
    open: Cell<usize>,
    next: Cell<u64>,
    /// Who waits for one to be gone.
    pub(crate) fewer: Waiters,
}

impl<S: Socket> Roll<S> {
    pub(crate) fn new(options: ServerOptions) -> Rc<Self> {
        Rc::new(Self {
            options,
            entries: RefCell::default(),
            open: Cell::new(0),
            next: Cell::new(1),
            fewer: Waiters::default(),
        })
    }

    pub(crate) const fn open(&self) -> usize {
        self.open.get()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.options.max_connections.is_some_and(|max| self.open.get() >= max)
    }

    pub(crate) fn add(self: &Rc<Self>, local: S::Addr, peer: S::Addr, socket: S) -> Rc<Line<S>> {
        let id = self.next.get();
        self.next.set(id + 1);
        self.open.set(self.open.get() + 1);
        let max = self.options.max_connections.unwrap_or(usize::MAX);
        invariant!(B3, self.open.get() <= max, "{} connections, at most {max}", self.open.get());
        let limit = self.options.idle_timeout;
        let line = Line::new(id, (local, peer), socket, limit, Rc::downgrade(self));
        self.entries.borrow_mut().insert(id, (Rc::downgrade(&line), None));
        line
    }

    /// `task` handles the connection.
    pub(crate) fn handled_by(&self, id: u64, task: JoinHandle<()>) {
        if let Some((_, handler)) = self.entries.borrow_mut().get_mut(&id) {
            *handler = Some(task);
        }
    }

    pub(crate) fn remove(&self, id: u64) {
        let entry = self.entries.borrow_mut().remove(&id);
        drop(entry);
        self.open.set(self.open.get() - 1);
        self.fewer.wake_all();
    }

    /// Asks all to end.
    pub(crate) fn close_all(&self) {
        let lines: Vec<_> =
            self.entries.borrow().values().filter_map(|(line, _)| line.upgrade()).collect();
        for line in lines {
            line.close();
        }
    }

    /// Ends all, here and now; gives how many those were.
    pub(crate) fn abort_all(&self) -> usize {
        // What ends takes itself off the roll. One that cannot be ended here, as its loop does not
        // run, stays on it, and can be ended later.
        let ids: Vec<u64> = self.entries.borrow().keys().copied().collect();
        for id in &ids {
            let line = self.entries.borrow().get(id).and_then(|(line, _)| line.upgrade());
            if let Some(line) = line {
                line.end(Standing::Aborted);
            }
            let task = self.entries.borrow_mut().get_mut(id).and_then(|(_, task)| task.take());
            if let Some(task) = task {
                task.abort();
                if !task.is_finished()
                    && let Some((_, place)) = self.entries.borrow_mut().get_mut(id)
                {
                    *place = Some(task);
                }
            }
        }
        ids.len()
    }
}
