//! A table of members with its name, its observers, and the ends of its members.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use super::changes::{Edge, Observers, Queue};
use super::error::MemberError;
use super::table::{Member, Members, Table};
use crate::actor::ActorId;
use crate::actor::control;
use crate::actor::release::ReleaseKey;

/// The members under one name: of a group, a directory or a topic. It lives while somebody has a
/// handle to it, watches it, or is a member.
///
/// Entries are made and cloned by users' code, so they are shared inside by `Rc`, and cloned and
/// dropped with nothing borrowed.
pub(crate) struct Ledger<K, E> {
    name: Arc<str>,
    table: RefCell<Table<K, E>>,
    /// What frees the entries of each member at its end.
    releases: RefCell<BTreeMap<ActorId, ReleaseKey>>,
    observers: Observers<E>,
    scope: Weak<Scope<K, E>>,
}

impl<K, E> Ledger<K, E> {
    pub(crate) const fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl<K: Ord + Clone + 'static, E: 'static> Ledger<K, E> {
    /// Adds an entry of an actor, which is taken out at its end at the latest.
    pub(crate) fn join(
        self: &Rc<Self>,
        key: &K,
        actor: ActorId,
        entry: E,
    ) -> Result<(), MemberError> {
        if !self.table.borrow().holds(actor) {
            let ledger = Rc::clone(self);
            let release = move || ledger.release(actor);
            let release = control::with(actor.0, |control| control.releases.add(release));
            let name = || Arc::clone(&self.name);
            let release = release.ok_or_else(|| MemberError::Ended { name: name(), actor })?;
            self.releases.borrow_mut().insert(actor, release);
        }
        let member = self.table.borrow_mut().add(key, actor, entry);
        self.observers.tell(Edge::Joined, &[member]);
        Ok(())
    }

    /// Takes one entry of an actor out; `false` when it has none here.
    pub(crate) fn leave_once(&self, key: &K, actor: ActorId) -> bool {
        let left = self.table.borrow_mut().take_one(key, actor);
        self.after_leave(actor, left.as_slice()) > 0
    }

    /// Takes all entries of an actor under a key out, and says how many there were.
    pub(crate) fn leave_all(&self, key: &K, actor: ActorId) -> usize {
        let left = self.table.borrow_mut().take_key(key, actor);
        self.after_leave(actor, &left)
    }

    fn after_leave(&self, actor: ActorId, left: &[Rc<Member<E>>]) -> usize {
        if !self.table.borrow().holds(actor)
            && let Some(release) = self.releases.borrow_mut().remove(&actor)
        {
            control::with(actor.0, |control| control.releases.remove(release));
        }
        self.observers.tell(Edge::Left, left);
        left.len()
    }

    /// The actor has ended.
    fn release(&self, actor: ActorId) {
        self.releases.borrow_mut().remove(&actor);
        let left = self.table.borrow_mut().take_actor(actor);
        self.observers.tell(Edge::Left, &left);
    }

    /// Who is there now, and from now on every change: nothing lies between the two.
    pub(crate) fn observe(&self) -> (Vec<Rc<Member<E>>>, Rc<Queue<E>>) {
        (self.table.borrow().all(), self.observers.add())
    }

    /// All who stand under a key, to be gone through while anything may happen.
    pub(crate) fn round(&self, key: K) -> Round<'_, K, E> {
        let table = self.table.borrow();
        let (members, seen) = (table.members(&key), table.changes());
        Round { ledger: self, key, members, seen }
    }

    pub(crate) fn has(&self, key: &K, actor: ActorId) -> bool {
        self.table.borrow().has(key, actor)
    }

    pub(crate) fn keys(&self) -> Vec<K> {
        self.table.borrow().keys().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.table.borrow().len()
    }
}

impl<K, E> Drop for Ledger<K, E> {
    fn drop(&mut self) {
        if let Some(scope) = self.scope.upgrade() {
            scope.0.borrow_mut().remove(&self.name);
        }
    }
}

impl<K, E> fmt::Debug for Ledger<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The members of one moment; code that runs in between may change the ledger.
pub(crate) struct Round<'a, K, E> {
    ledger: &'a Ledger<K, E>,
    key: K,
    members: Members<E>,
    seen: u64,
}

impl<K: Ord + Clone, E> Round<'_, K, E> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Member<E>)> {
        self.members.iter().map(|(number, member)| (*number, &**member))
    }

    /// Whether this entry is still there.
    pub(crate) fn stands(&self, number: u64) -> bool {
        let table = self.ledger.table.borrow();
        table.changes() == self.seen || table.contains(&self.key, number)
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }
}

/// The ledgers of one kind in one system, by name.
pub(crate) struct Scope<K, E>(RefCell<Ledgers<K, E>>);

type Ledgers<K, E> = BTreeMap<Arc<str>, Weak<Ledger<K, E>>>;

impl<K, E> Default for Scope<K, E> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<K: Ord + Clone, E> Scope<K, E> {
    /// The ledger of this name, made if there is none.
    pub(crate) fn open(self: &Rc<Self>, name: &str) -> Rc<Ledger<K, E>> {
        if let Some(ledger) = self.0.borrow().get(name).and_then(Weak::upgrade) {
            return ledger;
        }
        let name: Arc<str> = Arc::from(name);
        let ledger = Rc::new(Ledger {
            name: Arc::clone(&name),
            table: RefCell::new(Table::new()),
            releases: RefCell::default(),
            observers: Observers::default(),
            scope: Rc::downgrade(self),
        });
        self.0.borrow_mut().insert(name, Rc::downgrade(&ledger));
        ledger
    }

    /// The names of those that have members.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let ledgers = self.0.borrow();
        let live = ledgers.iter().filter(|(_, ledger)| {
            ledger.upgrade().is_some_and(|ledger| !ledger.table.borrow().is_empty())
        });
        live.map(|(name, _)| Arc::clone(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test;

    /// Nothing of a member stays behind: not in a ledger that lives long, and not with a member
    /// that lives long.
    #[test]
    fn a_ledger_vanishes_with_its_last_member_and_handle() {
        test::run(async |test| {
            let scope = Rc::new(Scope::<(), ()>::default());
            let probe = test.probe::<()>("member");
            let actor = probe.addr().id();
            for _ in 0..3 {
                scope.open("a").join(&(), actor, ()).unwrap();
            }
            assert_eq!((scope.names().len(), scope.open("a").len()), (1, 3));
            assert_eq!(scope.open("a").releases.borrow().len(), 1, "once an actor");
            assert!(scope.open("a").leave_once(&(), actor));
            assert_eq!(scope.open("a").leave_all(&(), actor), 2);
            assert!(!scope.open("a").leave_once(&(), actor));
            assert!(scope.0.borrow().is_empty());

            let kept = scope.open("a");
            kept.join(&(), actor, ()).unwrap();
            test.kill(actor);
            actor.ended().await;
            assert_eq!((kept.len(), kept.releases.borrow().len()), (0, 0));
            assert!(scope.names().is_empty());
        });
    }
}
