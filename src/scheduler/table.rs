//! The table of tasks and the queue of those that are ready.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;

use crate::base::context::Slot;
use crate::base::invariant::invariant;
use crate::base::key::{Key, LoopId};
use crate::base::slots::Slots;

/// What a task runs.
pub(crate) type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

/// What stands beside a task's future and is found by the task's key: an actor's cell, or what is
/// known of a task.
pub(crate) trait Attachment: Any {
    /// The part that is the same type for every attachment of a kind.
    fn control(&self) -> &dyn Any;

    /// Who it is and which message it handles, for reports to people.
    fn doing(&self) -> (String, &'static str);

    /// How many messages wait for it.
    fn waiting(&self) -> usize;

    /// It has started a task, which may have been given anything.
    fn spawned(&self) {}

    /// Where the task keeps the values that it sees.
    fn context(&self) -> &Slot;
}

struct TaskSlot {
    /// Outside while the task runs.
    future: Option<LocalFuture>,
    queued: bool,
    attachment: Option<Rc<dyn Attachment>>,
}

/// What is left of a task that was taken out of the table; dropping it is the taker's business.
pub(crate) struct Remains {
    pub(crate) future: Option<LocalFuture>,
    pub(crate) attachment: Option<Rc<dyn Attachment>>,
}

/// All tasks of one loop, and the first-in first-out queue of those that are ready.
pub(crate) struct Scheduler {
    home: LoopId,
    tasks: RefCell<Tasks>,
    running: Cell<Option<Key>>,
}

struct Tasks {
    slots: Slots<TaskSlot>,
    ready: VecDeque<Key>,
}

impl Scheduler {
    pub(crate) const fn new(home: LoopId) -> Self {
        Self {
            home,
            tasks: RefCell::new(Tasks { slots: Slots::new(), ready: VecDeque::new() }),
            running: Cell::new(None),
        }
    }

    /// Adds a task, ready to run. The root task of a loop has no future here.
    pub(crate) fn insert(&self, future: Option<LocalFuture>) -> Key {
        self.insert_attached(future, None)
    }

    /// The same with something beside it.
    pub(crate) fn insert_attached(
        &self,
        future: Option<LocalFuture>,
        attachment: Option<Rc<dyn Attachment>>,
    ) -> Key {
        let slot = TaskSlot { future, queued: true, attachment };
        let mut tasks = self.tasks.borrow_mut();
        let key = Key::new(self.home, tasks.slots.insert(slot));
        tasks.ready.push_back(key);
        key
    }

    /// Adds a task that runs already, inside the one that runs now.
    pub(crate) fn insert_running(&self, attachment: Rc<dyn Attachment>) -> Key {
        let slot = TaskSlot { future: None, queued: false, attachment: Some(attachment) };
        Key::new(self.home, self.tasks.borrow_mut().slots.insert(slot))
    }

    /// Gives the task what it is to run; `false` when it is gone.
    pub(crate) fn set_future(&self, key: Key, future: LocalFuture) -> Result<(), LocalFuture> {
        self.put_back(key, future)
    }

    pub(crate) fn attach(&self, key: Key, attachment: Rc<dyn Attachment>) {
        if let Some(slot) = self.tasks.borrow_mut().slots.get_mut(key.slot()) {
            slot.attachment = Some(attachment);
        }
    }

    #[inline]
    pub(crate) fn attachment(&self, key: Key) -> Option<Rc<dyn Attachment>> {
        self.tasks.borrow().slots.get(key.slot())?.attachment.clone()
    }

    /// Whether something stands beside the task.
    #[inline]
    pub(crate) fn is_attached(&self, key: Key) -> bool {
        let tasks = self.tasks.borrow();
        tasks.slots.get(key.slot()).is_some_and(|slot| slot.attachment.is_some())
    }

    /// Makes a task ready; once is as good as twice.
    #[inline]
    pub(crate) fn wake(&self, key: Key) {
        let Tasks { slots, ready } = &mut *self.tasks.borrow_mut();
        let Some(slot) = slots.get_mut(key.slot()) else { return };
        if !slot.queued {
            slot.queued = true;
            ready.push_back(key);
        }
    }

    #[inline]
    pub(crate) fn ready_len(&self) -> usize {
        self.tasks.borrow().ready.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.tasks.borrow().slots.len()
    }

    /// The next ready task, marked as running. Keys of tasks that ended meanwhile are passed over.
    #[inline]
    pub(crate) fn next(&self) -> Option<(Key, Option<LocalFuture>)> {
        let Tasks { slots, ready } = &mut *self.tasks.borrow_mut();
        loop {
            let key = ready.pop_front()?;
            let Some(slot) = slots.get_mut(key.slot()) else { continue };
            invariant!(T1, slot.queued, "task {key:?} was in the ready queue twice");
            slot.queued = false;
            self.running.set(Some(key));
            return Some((key, slot.future.take()));
        }
    }

    /// Brings the ready task at this place to the front of the queue, in exchange for the first.
    pub(crate) fn bring_forward(&self, pick: usize) {
        let ready = &mut self.tasks.borrow_mut().ready;
        if pick < ready.len() {
            ready.swap(0, pick);
        }
    }

    /// Ends the running of a task whose poll said `Pending`.
    ///
    /// # Errors
    /// The future, when the task was removed while it ran: it must be dropped and never polled.
    #[inline(always)]
    pub(crate) fn put_back(&self, key: Key, future: LocalFuture) -> Result<(), LocalFuture> {
        match self.tasks.borrow_mut().slots.get_mut(key.slot()) {
            Some(slot) => {
                slot.future = Some(future);
                Ok(())
            }
            None => Err(future),
        }
    }

    #[inline]
    pub(crate) fn set_running(&self, key: Option<Key>) {
        self.running.set(key);
    }

    pub(crate) const fn running(&self) -> Option<Key> {
        self.running.get()
    }

    pub(crate) fn contains(&self, key: Key) -> bool {
        self.tasks.borrow().slots.get(key.slot()).is_some()
    }

    /// Takes a task out of the table; its key finds nothing from now on.
    pub(crate) fn remove(&self, key: Key) -> Option<Remains> {
        let slot = self.tasks.borrow_mut().slots.remove(key.slot())?;
        Some(Remains { future: slot.future, attachment: slot.attachment })
    }

    /// Calls `f` with the key of each task that has an attachment, in the order of the table.
    pub(crate) fn attached(&self, f: impl FnMut(Key)) {
        let keys: Vec<Key> = {
            let tasks = self.tasks.borrow();
            let attached = tasks.slots.keys().filter(|slot| {
                tasks.slots.get(*slot).is_some_and(|slot| slot.attachment.is_some())
            });
            attached.map(|slot| Key::new(self.home, slot)).collect()
        };
        keys.into_iter().for_each(f);
    }

    /// Adds a task that waits to be woken.
    pub(crate) fn insert_idle(&self, future: LocalFuture) -> Key {
        let slot = TaskSlot { future: Some(future), queued: false, attachment: None };
        Key::new(self.home, self.tasks.borrow_mut().slots.insert(slot))
    }

    /// Some task that is still there, for emptying the table at the loop's end.
    pub(crate) fn any(&self) -> Option<Key> {
        self.tasks.borrow().slots.keys().next().map(|slot| Key::new(self.home, slot))
    }
}
