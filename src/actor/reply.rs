//! `Reply<R>`: the port through which an ask is answered, once, from anywhere.
//!
//! On its own loop a reply is a key into a table of slots: no allocation and no reference count.
//! An ask from another thread brings a channel instead. Whichever it is, dropping it unanswered is
//! an answer too.
//!
//! * **A3** every ask ends: with a reply, with an error that says what is certain, or at its limit;
//!   one without a limit waits while an actor that lives keeps its message or its reply port
//! * **A4** a reply reaches the ask that it is for, or is a dead letter, and never another ask

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use futures::channel::oneshot;

use super::dead_letter;
use super::error::ActorLabel;
use super::exit::ExitReason;
use super::orphan::{self, Orphan};
use crate::base::invariant::invariant;
use crate::base::key::Key;
use crate::base::slots::Slots;
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::event_loop::waker::Listener;
use crate::scheduler::crossing::Home;
use crate::scheduler::remote::{self, Post};

/// Where the answer to a question goes.
///
/// It is a value: keep it, pass it to another actor, move it to another thread (when `R: Send`).
/// [`send`](Self::send) answers; dropping it tells the asker at once that there will be no answer,
/// and whether that is because the actor crashed, stopped, or let it fall.
///
/// ```
/// use greenroom::prelude::*;
///
/// enum Msg { Get(Reply<u64>) }
/// impl Protocol for Msg {}
/// async fn answers(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop { match cx.recv().await { Msg::Get(reply) => reply.send(7) } }
/// }
///
/// greenroom::run(async |_system| {
///     let addr = greenroom::actor::spawn("answers", answers);
///     assert_eq!(addr.ask_with(Msg::Get).await.unwrap(), 7);
/// });
/// ```
#[must_use = "dropping a reply port tells the asker that there is no answer"]
pub struct Reply<R: 'static> {
    way: Way<R>,
}

enum Way<R: 'static> {
    /// Nobody asked: the message was told.
    Nobody,
    /// A slot in the table of the asker's loop.
    Slot(Home<R>),
    /// An asker on another loop, or on a thread without one.
    Shared(oneshot::Sender<Result<R, Loss>>),
}

/// Why an ask gets no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Lost {
    /// The port was dropped by an actor that lives on, or by other code.
    Dropped,
    /// The actor ended while it handled the message or kept its reply port.
    Ended(ExitReason),
    /// The actor ended with the message still in its mailbox.
    NeverHandled(ExitReason),
    /// The mailbox was full and its policy dropped the message.
    Overflow,
    /// The actor that was asked waits, over these, for the asker itself.
    Cycle(Arc<[ActorLabel]>),
    /// It never got into a mailbox; only an ask from another thread learns it this way.
    NotSent,
}

/// Why an ask gets no answer, and whose doing it is: often the actor that was asked, but a port may
/// have been passed on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Loss {
    /// `None` when the port was dropped by code that is no actor's.
    pub(crate) by: Option<ActorLabel>,
    pub(crate) why: Lost,
}

impl From<Lost> for Loss {
    fn from(why: Lost) -> Self {
        Self { by: None, why }
    }
}

impl<R: 'static> Reply<R> {
    /// A port that leads nowhere: for a message that is told, and for a copy of one that was asked.
    ///
    /// ```
    /// use greenroom::actor::Reply;
    /// let reply = Reply::<u32>::nobody();
    /// assert!(reply.is_closed());
    /// reply.send(7);
    /// ```
    pub const fn nobody() -> Self {
        Self { way: Way::Nobody }
    }

    pub(crate) const fn shared(sender: oneshot::Sender<Result<R, Loss>>) -> Self {
        Self { way: Way::Shared(sender) }
    }

    /// Answers. An asker who no longer waits makes the answer a dead letter; nothing else happens.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// enum Msg { Double(u64, Reply<u64>) }
    /// impl Protocol for Msg {}
    /// greenroom::run(async |_system| {
    ///     let later = async |cx: &mut Cx<Msg>| {
    ///         let Msg::Double(n, reply) = cx.recv().await;
    ///         // From a task, while the actor goes on.
    ///         greenroom::task::spawn(async move { reply.send(2 * n) }).await.map_err(Fault::from)
    ///     };
    ///     let addr = greenroom::actor::spawn("later", later);
    ///     assert_eq!(addr.ask_with(|reply| Msg::Double(4, reply)).await.unwrap(), 8);
    /// });
    /// ```
    #[inline]
    pub fn send(self, value: R) {
        if !matches!(self.way, Way::Nobody) {
            self.send_on(value);
        }
    }

    fn send_on(mut self, value: R) {
        match std::mem::replace(&mut self.way, Way::Nobody) {
            Way::Nobody => {}
            Way::Slot(home) => {
                if let Some(core) = current::get()
                    && core.id() == home.key().home()
                {
                    deliver(&core, home.key(), value);
                    return;
                }
                // A loop that has ended has no askers.
                let _ = home.send_always(value, |key, value| {
                    if let Some(core) = current::get() {
                        deliver(&core, key, value);
                    }
                });
            }
            Way::Shared(sender) => {
                // Failing, it gives the value back: nobody waits any more.
                if let Err(late) = sender.send(Ok(value)) {
                    dead_letter::late_reply(late);
                }
            }
        }
    }

    /// Whether nobody waits for the answer: the message was told, or the asker has given up. An
    /// expensive answer need not be worked out then. `false` may be out of date on another thread
    /// than the asker's.
    ///
    /// ```
    /// # use greenroom::prelude::*; struct Get; protocol! { enum Msg { Get(Get) -> u8 } }
    /// greenroom::run(async |_system| {
    ///     let addr = greenroom::actor::spawn("seven", async |cx: &mut Cx<Msg>| {
    ///         let Msg::Get(_, told) = cx.recv().await;
    ///         let Msg::Get(_, asked) = cx.recv().await;
    ///         assert!(told.is_closed() && !asked.is_closed());
    ///         asked.send(7);
    ///         Ok::<(), Fault>(())
    ///     });
    ///     addr.tell(Get).await.unwrap();
    ///     assert_eq!(addr.ask(Get).await.unwrap(), 7);
    /// });
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.way {
            Way::Nobody => true,
            Way::Slot(home) => current::get().is_some_and(|core| {
                core.id() == home.key().home() && !table::<R>(&core).contains(home.key())
            }),
            Way::Shared(sender) => sender.is_canceled(),
        }
    }
}

#[inline]
fn deliver<R: 'static>(core: &Core, key: Key, value: R) {
    if let Err(late) = table::<R>(core).answer(core, key, value) {
        dead_letter::late_reply(late);
    }
}

impl<R: 'static> Drop for Reply<R> {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.way, Way::Nobody) {
            self.orphan();
        }
    }
}

impl<R: 'static> Reply<R> {
    #[cold]
    fn orphan(&mut self) {
        match std::mem::replace(&mut self.way, Way::Nobody) {
            Way::Nobody => {}
            Way::Slot(home) => abandon::<R>(home.key()),
            Way::Shared(sender) => orphan::add(Orphan::new(move |loss| {
                let _ = sender.send(Err(loss));
            })),
        }
    }
}

/// Why it was dropped is known on this loop, even if the asker is on another.
fn abandon<R: 'static>(key: Key) {
    let lose = move |loss| {
        if let Some(core) = current::get() {
            table::<R>(&core).lose(&core, key, loss);
        }
    };
    orphan::add(Orphan::new(move |loss| {
        if current::with(|core| core.id() == key.home()) == Some(true) {
            lose(loss);
        } else if let Some(remote) = remote::find(key.home()) {
            // A loop that has ended has no askers.
            let _ = remote.post_always(Post::Run(Box::new(move || lose(loss))));
        }
    }));
}

impl<R: 'static> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match &self.way {
            Way::Nobody => "nobody".to_owned(),
            Way::Slot(home) => format!("slot {:?}", home.key()),
            Way::Shared(_) => "another thread".to_owned(),
        };
        f.debug_tuple("Reply").field(&way).finish()
    }
}

/// The slots of one reply type on one loop; they are used again, so asking allocates nothing.
pub(crate) struct ReplyTable<R> {
    slots: RefCell<Slots<Slot<R>>>,
}

/// Small, because it is moved in and out for every ask; losing is rare and may cost an allocation.
enum Slot<R> {
    Waiting(Listener),
    Answered(Result<R, Box<Loss>>),
}

impl<R> Default for ReplyTable<R> {
    fn default() -> Self {
        Self { slots: RefCell::new(Slots::new()) }
    }
}

/// The table for `R` on this loop.
#[inline]
pub(crate) fn table<R: 'static>(core: &Core) -> Rc<ReplyTable<R>> {
    core.locals.get()
}

impl<R: 'static> ReplyTable<R> {
    /// Opens a slot for an asker; the reply port leads to it.
    #[inline]
    pub(crate) fn open(&self, core: &Core, asker: &Waker) -> (Key, Reply<R>) {
        let waiting = Slot::Waiting(Listener::new(asker));
        let slot = self.slots.borrow_mut().insert(waiting);
        let home = Home::new(Key::new(core.id(), slot), core.id());
        (home.key(), Reply { way: Way::Slot(home) })
    }

    /// Whether somebody waits at this slot for a reply that has not come.
    pub(crate) fn is_waiting(&self, key: Key) -> bool {
        matches!(self.slots.borrow().get(key.slot()), Some(Slot::Waiting(_)))
    }

    fn contains(&self, key: Key) -> bool {
        self.slots.borrow().get(key.slot()).is_some()
    }

    /// Answers, and wakes the asker; the value comes back when nobody waits.
    #[inline]
    fn answer(&self, core: &Core, key: Key, value: R) -> Result<(), R> {
        match self.fill(key, Ok(value)) {
            Ok(asker) => {
                asker.wake(core);
                Ok(())
            }
            Err(outcome) => outcome.map_or(Ok(()), Err),
        }
    }

    /// Tells the asker why there will be no answer. One that gave up has taken its slot with it.
    pub(crate) fn lose(&self, core: &Core, key: Key, loss: Loss) {
        if let Ok(asker) = self.fill(key, Err(Box::new(loss))) {
            asker.wake(core);
        }
    }

    #[inline]
    fn fill(
        &self,
        key: Key,
        outcome: Result<R, Box<Loss>>,
    ) -> Result<Listener, Result<R, Box<Loss>>> {
        let mut slots = self.slots.borrow_mut();
        match slots.get_mut(key.slot()) {
            None => Err(outcome),
            Some(slot) => match std::mem::replace(slot, Slot::Answered(outcome)) {
                Slot::Waiting(asker) => Ok(asker),
                Slot::Answered(before) => {
                    invariant!(A3, false, "an ask was answered twice");
                    Err(before)
                }
            },
        }
    }

    /// What came, which closes the slot; or nothing yet, and `waker` is called when it does.
    #[inline]
    pub(crate) fn poll(&self, key: Key, waker: &Waker) -> Poll<Result<R, Loss>> {
        let mut slots = self.slots.borrow_mut();
        match slots.get(key.slot()) {
            Some(Slot::Waiting(asker)) if asker.is(waker) => return Poll::Pending,
            Some(Slot::Waiting(_)) => {
                drop(slots);
                self.replace_asker(key, waker);
                return Poll::Pending;
            }
            Some(Slot::Answered(_)) | None => {}
        }
        let slot = slots.remove(key.slot());
        drop(slots);
        Poll::Ready(match slot {
            Some(Slot::Answered(outcome)) => outcome.map_err(|loss| *loss),
            Some(Slot::Waiting(_)) | None => Err(Lost::Dropped.into()),
        })
    }

    /// Wakers of others are cloned and dropped with nothing borrowed: they may run code.
    #[cold]
    fn replace_asker(&self, key: Key, waker: &Waker) {
        let mut asker = Listener::new(waker);
        if let Some(Slot::Waiting(before)) = self.slots.borrow_mut().get_mut(key.slot()) {
            std::mem::swap(before, &mut asker);
        }
        drop(asker);
    }

    /// Closes a slot whose asker has given up. An answer that is in it already reaches nobody.
    pub(crate) fn close(&self, key: Key) {
        let slot = self.slots.borrow_mut().remove(key.slot());
        if let Some(Slot::Answered(Ok(late))) = slot {
            dead_letter::late_reply(late);
        }
    }
}
