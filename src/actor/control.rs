//! `Control`: the part of an actor's cell that is the same type for every actor.

use std::any::type_name;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use super::error::ActorLabel;
use super::exit::ExitReason;
use super::family::Family;
use super::id::ActorId;
use super::lifecycle::{self, Lifecycle};
use super::link::{self, Links};
use super::listen::Listening;
use super::monitor::Monitors;
use super::parent::{ChildEvent, Parent, Verdict};
use super::recovery::Recovery;
use super::release::Releases;
use super::wait::Waits;
use crate::base::context::Slot;
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::scheduler::remote::{self, Post};

/// Life-cycle state of one actor: what others may ask of it and how it answers.
pub(crate) struct Control {
    pub(crate) key: Key,
    pub(crate) name: Arc<str>,
    pub(crate) parent: Option<Rc<dyn Parent>>,
    pub(crate) monitors: Monitors,
    /// Names and memberships, which others can have when it has ended.
    pub(crate) releases: Releases,
    incarnation: Cell<u32>,
    started: Cell<bool>,
    declined: Cell<bool>,
    /// Why it does not start.
    refusal: Cell<Option<Arc<str>>>,
    /// What the error that ends it asks for, unless that is the usual.
    recovery: Cell<Option<Box<Recovery>>>,
    stop_asked: Cell<bool>,
    /// The stop request was taken: the actor is on its way out.
    stopping: Cell<bool>,
    /// The stop request was taken where the actor waited for a message: it ends there.
    ends_here: Cell<bool>,
    killed: Cell<bool>,
    /// Its hooks run.
    winding_up: Cell<bool>,
    ended: Cell<bool>,
    pub(crate) listening: Listening,
    /// How many messages were begun, over all incarnations.
    handled: Cell<u64>,
    /// How many left the mailbox otherwise.
    skipped: Cell<u64>,
    /// The message whose reply port may be in other hands: that in whose handling it was passed on,
    /// or a task was started.
    passed: Cell<u64>,
    /// A message is in its hand.
    in_hand: Cell<bool>,
    /// The type of the message in its hand, or of the last one, as the function that names it.
    handling: Cell<Option<fn() -> &'static str>>,
    /// Tasks that end with the incarnation.
    tasks: RefCell<Vec<Key>>,
    stop_reason: RefCell<ExitReason>,
    /// No incarnation is alive: the actor waits for its parent's verdict.
    between: Cell<bool>,
    verdict: Cell<Option<Verdict>>,
    /// It takes no messages until it is resumed.
    suspended: Cell<bool>,
    /// Whether there is something to see to before the next message; see `has_errands`.
    errands: Cell<bool>,
    bonds: OnceCell<Box<Bonds>>,
}

/// What ties an actor to others; most have none of it, so it is made when first asked for.
#[derive(Default)]
pub(crate) struct Bonds {
    pub(crate) links: Links,
    pub(crate) waits: Waits,
    pub(crate) family: Family,
    /// The values that it sees, over all incarnations.
    pub(crate) context: Slot,
}

impl Control {
    pub(crate) fn new(key: Key, name: Arc<str>, parent: Option<Rc<dyn Parent>>) -> Self {
        Self {
            key,
            name,
            parent,
            monitors: Monitors::default(),
            releases: Releases::default(),
            incarnation: Cell::new(0),
            started: Cell::new(false),
            declined: Cell::new(false),
            refusal: Cell::new(None),
            recovery: Cell::new(None),
            stop_asked: Cell::new(false),
            stopping: Cell::new(false),
            ends_here: Cell::new(false),
            killed: Cell::new(false),
            winding_up: Cell::new(false),
            ended: Cell::new(false),
            listening: Listening::default(),
            handled: Cell::new(0),
            skipped: Cell::new(0),
            passed: Cell::new(0),
            in_hand: Cell::new(false),
            handling: Cell::new(None),
            tasks: RefCell::new(Vec::new()),
            stop_reason: RefCell::new(ExitReason::Normal),
            between: Cell::new(false),
            verdict: Cell::new(None),
            suspended: Cell::new(false),
            errands: Cell::new(true),
            bonds: OnceCell::new(),
        }
    }

    pub(crate) const fn id(&self) -> ActorId {
        ActorId(self.key)
    }

    /// Who it is, for people.
    pub(crate) fn label(&self) -> ActorLabel {
        ActorLabel { id: self.id(), name: Some(Arc::clone(&self.name)) }
    }

    pub(crate) fn bonds(&self) -> &Bonds {
        self.bonds.get_or_init(Box::default)
    }

    /// The same, unless there never were any.
    pub(crate) fn made_bonds(&self) -> Option<&Bonds> {
        self.bonds.get().map(|bonds| &**bonds)
    }

    /// Whether supervisors belong to it.
    pub(crate) fn has_family(&self) -> bool {
        self.made_bonds().is_some_and(|bonds| !bonds.family.is_empty())
    }

    pub(crate) const fn incarnation(&self) -> u32 {
        self.incarnation.get()
    }

    // --- starting and ending an incarnation ---

    /// Nothing is left of an incarnation for the next one, but an exit that it did not act on; a
    /// stop or a kill that comes in between finds nobody.
    pub(crate) fn end_incarnation(&self) {
        self.between.set(true);
        self.started.set(false);
        self.declined.set(false);
        self.refusal.set(None);
        self.recovery.set(None);
        self.stop_asked.set(false);
        self.stopping.set(false);
        self.ends_here.set(false);
        self.killed.set(false);
        self.winding_up.set(false);
        self.in_hand.set(false);
        self.listening.stop();
        self.note_errands();
    }

    pub(crate) fn next_incarnation(&self) {
        self.incarnation.set(self.incarnation.get() + 1);
        self.end_between();
        self.verdict.set(None);
        if let Some(reason) = self.made_bonds().and_then(|bonds| bonds.links.pending_exit()) {
            link::exit(self, reason);
        }
    }

    /// From now on a stop or a kill finds somebody.
    pub(crate) fn end_between(&self) {
        self.between.set(false);
    }

    #[inline]
    pub(crate) fn mark_started(&self) {
        if !self.started.get() {
            self.start();
        }
    }

    /// Whether there is something to see to before the next message: a start to tell of, a stop, a
    /// pause.
    #[inline]
    pub(crate) const fn has_errands(&self) -> bool {
        self.errands.get()
    }

    /// To be called whenever one of these changes, which is rare; asking is not.
    fn note_errands(&self) {
        let stop = self.stop_asked.get() || self.stopping.get();
        self.errands.set(!self.started.get() || stop || self.suspended.get());
    }

    #[cold]
    fn start(&self) {
        self.started.set(true);
        self.note_errands();
        tracing::debug!(
            target: "greenroom::actor", actor = %self.name, id = %self.id(),
            incarnation = self.incarnation(), "started",
        );
        lifecycle::tell(self, || Lifecycle::Started);
        self.tell_parent(ChildEvent::Started);
    }

    pub(crate) const fn has_started(&self) -> bool {
        self.started.get()
    }

    /// Only a start can be declined.
    pub(crate) fn decline(&self) {
        self.declined.set(!self.started.get());
    }

    /// Only a start can be refused.
    pub(crate) fn refuse(&self, why: Arc<str>) {
        self.refusal.set((!self.started.get()).then_some(why));
    }

    pub(crate) fn take_refusal(&self) -> Option<Arc<str>> {
        self.refusal.take()
    }

    /// Whether it declined or refused to start.
    pub(crate) fn turns_down(&self) -> bool {
        let refusal = self.refusal.take();
        let refused = refusal.is_some();
        self.refusal.set(refusal);
        refused || self.declined.get()
    }

    pub(crate) fn set_recovery(&self, recovery: Recovery) {
        self.recovery.set((recovery != Recovery::Supervise).then(|| Box::new(recovery)));
    }

    /// What was asked for, if the incarnation did end with its error and by nothing that came
    /// after.
    pub(crate) fn take_recovery(&self, reason: &ExitReason) -> Recovery {
        let asked = self.recovery.take().map_or(Recovery::Supervise, |asked| *asked);
        if matches!(reason, ExitReason::Error(_)) { asked } else { Recovery::Supervise }
    }

    pub(crate) const fn has_declined(&self) -> bool {
        self.declined.get()
    }

    pub(crate) fn tell_parent(&self, event: ChildEvent) {
        if let Some(parent) = &self.parent {
            parent.child_event(self, event);
        }
    }

    pub(crate) const fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Marks the final end; `true` the first time.
    pub(crate) fn end(&self) -> bool {
        !self.ended.replace(true)
    }

    pub(crate) fn set_verdict(&self, verdict: Verdict) {
        self.verdict.set(Some(verdict));
        self.wake();
    }

    pub(crate) const fn verdict(&self) -> Option<Verdict> {
        self.verdict.get()
    }

    // --- stop and kill ---

    pub(crate) fn ask_to_stop(&self, reason: ExitReason) {
        self.accepts_stop(reason);
    }

    /// The same; whether the incarnation will end for this reason, unless it crashes first.
    pub(crate) fn accepts_stop(&self, reason: ExitReason) -> bool {
        if self.between.get() {
            return false;
        }
        let first = !self.stop_asked.replace(true);
        if first {
            *self.stop_reason.borrow_mut() = reason;
            self.note_errands();
        }
        self.notify();
        first
    }

    /// Whether the actor is to stop, taking the request if there is one.
    #[inline]
    pub(crate) fn take_stop(&self) -> bool {
        if self.stop_asked.get() && !self.stopping.replace(true) {
            self.begin_stopping();
        }
        self.stopping.get()
    }

    #[cold]
    fn begin_stopping(&self) {
        self.note_errands();
        if let Some(bonds) = self.made_bonds() {
            bonds.links.acted();
        }
    }

    pub(crate) const fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    pub(crate) fn take_stop_reason(&self) -> ExitReason {
        self.stop_reason.replace(ExitReason::Normal)
    }

    pub(crate) fn end_here(&self) {
        self.ends_here.set(true);
    }

    /// Whether it is to end where it waits; asked again, it is not.
    pub(crate) fn take_end_here(&self) -> bool {
        self.ends_here.take()
    }

    pub(crate) fn kill(&self) {
        if self.between.get() {
            return;
        }
        self.killed.set(true);
        self.wake();
    }

    /// The last message of the incarnation is over, and its hooks run.
    pub(crate) fn begin_winding_up(&self) {
        self.winding_up.set(true);
        // A message that the last handler waited for in vain ends no hook.
        self.ends_here.set(false);
    }

    pub(crate) const fn is_winding_up(&self) -> bool {
        self.winding_up.get()
    }

    pub(crate) fn clear_kill(&self) {
        self.killed.set(false);
    }

    #[inline]
    pub(crate) const fn is_killed(&self) -> bool {
        self.killed.get()
    }

    // --- suspend and resume ---

    pub(crate) fn suspend(&self) {
        self.suspended.set(true);
        self.note_errands();
    }

    pub(crate) fn resume(&self) {
        self.suspended.set(false);
        self.note_errands();
        self.notify();
    }

    pub(crate) const fn is_suspended(&self) -> bool {
        self.suspended.get()
    }

    // --- waiting for messages ---

    /// The actor waits for a message with this waker.
    #[inline]
    pub(crate) fn listen(&self, with: &Waker) {
        self.listening.listen(self.key, with);
    }

    /// Wakes the actor if it waits for a message.
    #[inline]
    pub(crate) fn notify(&self) {
        self.listening.notify(self.key);
    }

    fn wake(&self) {
        current::with(|core| core.scheduler.wake(self.key));
    }

    // --- what it is doing ---

    /// A message of this type is in the actor's hand.
    #[inline]
    pub(crate) fn begin_message<M>(&self) {
        self.handled.set(self.handled.get() + 1);
        self.in_hand.set(true);
        self.handling.set(Some(type_name::<M>));
    }

    #[inline]
    pub(crate) fn end_message(&self) {
        self.in_hand.set(false);
    }

    /// So many messages left the mailbox, and nobody handles them.
    pub(crate) fn skip(&self, count: usize) {
        self.skipped.set(self.skipped.get() + count as u64);
    }

    /// How many messages were taken from the mailbox in all.
    pub(crate) const fn begun(&self) -> u64 {
        self.handled.get() + self.skipped.get()
    }

    /// Its reply ports may be in other hands from now on.
    pub(crate) fn note_passed(&self) {
        self.passed.set(self.handled.get());
    }

    /// Whether the message in hand, and its reply port with it, is the actor's alone, as far as can
    /// be seen.
    pub(crate) const fn holds_message(&self) -> bool {
        self.in_hand.get() && self.passed.get() != self.handled.get()
    }

    /// Whether a message is in the actor's hand.
    pub(crate) const fn has_message(&self) -> bool {
        self.in_hand.get()
    }

    pub(crate) fn own_task(&self, task: Key, is_alive: impl Fn(Key) -> bool) {
        let mut tasks = self.tasks.borrow_mut();
        if tasks.len() == tasks.capacity() {
            tasks.retain(|task| is_alive(*task));
        }
        tasks.push(task);
    }

    pub(crate) fn take_tasks(&self) -> Vec<Key> {
        std::mem::take(&mut self.tasks.borrow_mut())
    }

    pub(crate) const fn handled(&self) -> u64 {
        self.handled.get()
    }

    #[inline]
    pub(crate) fn begin_handling<M>(&self) {
        self.handling.set(Some(type_name::<M>));
    }

    pub(crate) fn handling(&self) -> &'static str {
        self.handling.get().map_or("nothing", |name| name())
    }
}

/// Calls `f` with the actor's control, if it lives on the current loop. `f` runs no user code.
pub(crate) fn with<T>(key: Key, f: impl FnOnce(&Control) -> T) -> Option<T> {
    let core = current::get()?;
    with_on(&core, key, f)
}

pub(crate) fn with_on<T>(core: &Core, key: Key, f: impl FnOnce(&Control) -> T) -> Option<T> {
    if core.id() != key.home() {
        return None;
    }
    let attachment = core.scheduler.attachment(key)?;
    let control = attachment.control().downcast_ref::<Control>()?;
    (!control.has_ended()).then(|| f(control))
}

/// Whatever actor runs now passes a reply port on.
pub(crate) fn note_passed() {
    let Some(core) = current::get() else { return };
    if let Some(running) = core.scheduler.running() {
        with_on(&core, running, Control::note_passed);
    }
}

/// The same wherever the actor lives: on another loop `f` runs there, later.
pub(crate) fn reach(key: Key, f: impl FnOnce(&Control) + Send + 'static) {
    if current::with(|core| core.id() == key.home()) == Some(true) {
        with(key, f);
    } else if let Some(remote) = remote::find(key.home()) {
        // A loop that has ended has no actors to reach.
        let _ = remote.post_always(Post::Run(Box::new(move || {
            with(key, f);
        })));
    }
}
