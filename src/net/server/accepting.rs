//! Accepting while there is room, and what all of a server's tasks share.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Poll;

use futures::future::{Either, select};

use super::connection::Connection;
use super::options::ServerOptions;
use super::roll::Roll;
use super::socket::{Listener, Socket};
use crate::base::panics::catch;
use crate::base::waiters::Waiters;
use crate::task::{self, JoinHandle};

/// An address of a listener, and of its connections.
type Address<L> = <<L as Listener>::Socket as Socket>::Addr;

/// Where a server listens, and the task that accepts there.
type Listening<S> = (<S as Socket>::Addr, JoinHandle<()>);

/// Starts the handler of a connection.
type Start<S> = Box<dyn Fn(Connection<S>) -> JoinHandle<()>>;

pub(crate) struct Shared<S: Socket> {
    pub(crate) roll: Rc<Roll<S>>,
    listening: RefCell<BTreeMap<u64, Listening<S>>>,
    next: Cell<u64>,
    pub(crate) closed: Cell<bool>,
    /// Why it closed by itself.
    pub(crate) failure: RefCell<Option<io::Error>>,
    /// Whether it was said that a connection refuses an option.
    refused: Cell<bool>,
    /// Who waits for it to be closed.
    pub(crate) changed: Waiters,
    start: Start<S>,
}

impl<S: Socket> Shared<S> {
    pub(crate) fn new(options: ServerOptions, start: Start<S>) -> Rc<Self> {
        Rc::new(Self {
            roll: Roll::new(options),
            listening: RefCell::default(),
            next: Cell::new(0),
            closed: Cell::new(false),
            failure: RefCell::new(None),
            refused: Cell::new(false),
            changed: Waiters::default(),
            start,
        })
    }

    pub(crate) fn addresses(&self) -> Vec<S::Addr> {
        // Cloned under the borrow: an address is plain data.
        self.listening.borrow().values().map(|(address, _)| address.clone()).collect()
    }

    /// Accepts from one more listener; one whose address nobody knows fails at once.
    #[track_caller]
    pub(crate) fn listen<L: Listener<Socket = S>>(self: &Rc<Self>, listener: L) {
        let address = match listener.local_addr() {
            Ok(address) => address,
            Err(error) => return self.lost(None, error),
        };
        let id = self.next.get();
        self.next.set(id + 1);
        let (shared, local) = (Rc::clone(self), address.clone());
        let tidy = if self.roll.options.keep_file { None } else { listener.tidy() };
        let gone = Gone { shared: Rc::downgrade(self), id };
        let task = task::spawn(async move {
            let _gone = gone;
            let accepting = accept_all(&shared, listener, local, tidy);
            let error = match caught(accepting).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error,
                Err(panic) => io::Error::other(format!("accepting panicked: {panic}")),
            };
            shared.lost(Some(id), error);
        });
        self.listening.borrow_mut().insert(id, (address, task));
    }

    pub(crate) fn close(&self) {
        self.closed.set(true);
        // Dropping the tasks drops the listeners, and with them their ports.
        for (_, task) in self.listening.take().into_values() {
            task.abort();
        }
        self.changed.wake_all();
    }

    /// A listener broke.
    fn lost(&self, id: Option<u64>, error: io::Error) {
        tracing::error!(target: "greenroom::net", %error, "a server has lost its listener");
        let entry = id.and_then(|id| self.listening.borrow_mut().remove(&id));
        drop(entry);
        self.failed(error);
    }

    /// With the last listener, the server is closed. The first error is the cause.
    fn failed(&self, error: io::Error) {
        let later = match &mut *self.failure.borrow_mut() {
            Some(_) => Some(error),
            first => {
                *first = Some(error);
                None
            }
        };
        drop(later);
        if self.listening.borrow().is_empty() {
            self.close();
        }
    }
}

/// The loop may drop the task that accepts.
struct Gone<S: Socket> {
    shared: Weak<Shared<S>>,
    id: u64,
}

impl<S: Socket> Drop for Gone<S> {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        // Closed or lost, it is off the list already.
        let entry = shared.listening.borrow_mut().remove(&self.id);
        if entry.is_some() {
            shared.failed(io::Error::other("the event loop of the server has ended"));
        }
    }
}

/// Accepts until the server is closed.
async fn accept_all<L: Listener>(
    shared: &Shared<L::Socket>,
    listener: L,
    local: Address<L>,
    // Parameters are dropped from the last to the first, and so this just before the listener.
    _tidy: Option<Box<dyn Any>>,
) -> io::Result<()> {
    let mut closing = pin!(shared.changed.until(|| shared.closed.get().then_some(())));
    loop {
        let accepting = pin!(accept_one(shared, &listener));
        match select(closing.as_mut(), accepting).await {
            Either::Left(_) => return Ok(()),
            Either::Right((Ok((socket, peer)), _)) => {
                // If the socket is gone, its handler will see that; what the kernel refuses is
                // said.
                if let Err(error) = socket.set_options(shared.roll.options.socket)
                    && !shared.refused.replace(true)
                {
                    tracing::warn!(
                        target: "greenroom::net", %error,
                        "a connection does not take all options of its server; said once",
                    );
                }
                let line = shared.roll.add(local.clone(), peer, socket);
                let number = line.id;
                let task = (shared.start)(Connection { line });
                shared.roll.handled_by(number, task);
            }
            Either::Right((Err(error), _)) => return Err(error),
        }
    }
}

/// Accepts a connection once there is room for it; until then it waits in the kernel's queue.
async fn accept_one<L: Listener>(
    shared: &Shared<L::Socket>,
    listener: &L,
) -> io::Result<(L::Socket, Address<L>)> {
    let roll = &shared.roll;
    loop {
        roll.fewer.until(|| (!roll.is_full()).then_some(())).await;
        let mut accept = pin!(listener.accept());
        let accepted = poll_fn(|cx| {
            // Another listener of the server may have been quicker.
            if roll.is_full() { Poll::Ready(None) } else { accept.as_mut().poll(cx).map(Some) }
        });
        if let Some(accepted) = accepted.await {
            return accepted;
        }
    }
}

/// A panic of `future` as its text.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Arc<str>> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch(|| future.as_mut().poll(cx)) {
        Ok(polled) => polled.map(Ok),
        Err(text) => Poll::Ready(Err(text)),
    })
    .await
}
