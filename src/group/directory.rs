//! `Directory`: any number of entries under a key, each with an owner and a value.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::changes::{Changes, Monitored};
use super::error::MemberError;
use super::ledger::Ledger;
use crate::actor::ActorId;

/// One entry of a [`Directory`].
///
/// ```
/// use greenroom::group::Entry;
/// let entry = Entry { key: "kitchen".into(), member: 7, value: "smoke" };
/// assert_eq!(&*entry.key, "kitchen");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry<T, V> {
    /// Under which key it stands.
    pub key: Arc<str>,
    /// Its owner.
    pub member: T,
    /// What the owner put there.
    pub value: V,
}

/// Entries under keys, any number under each: an owner and a value of its choice.
///
/// `T` is what is known of an owner: an [`Addr`](crate::actor::Addr), a
/// [`Recipient`](crate::actor::Recipient), an [`ActorId`]. Its entries are taken out when it ends
/// for good. It is a handle: made by [`System::directory`](crate::System::directory), cheap to
/// clone, and it keeps nobody alive.
///
/// ```
/// use greenroom::prelude::*;
/// greenroom::test::run(async |test| {
///     let sensors = test.directory::<Recipient<u32>, &'static str>("sensors");
///     let [a, b] = ["a", "b"].map(|name| test.probe::<u32>(name));
///     sensors.register("kitchen", a.recipient(), "heat").unwrap();
///     sensors.register("kitchen", b.recipient(), "smoke").unwrap();
///     let reached = sensors.dispatch("kitchen", |sensor, kind| {
///         if *kind == "smoke" { sensor.try_tell(1).unwrap(); }
///     });
///     assert_eq!(reached, 2);
///     assert_eq!(b.recv().await, 1);
///     assert!(a.is_empty());
/// });
/// ```
pub struct Directory<T, V> {
    ledger: Rc<Ledger<Arc<str>, Entry<T, V>>>,
}

impl<T, V> Directory<T, V>
where
    T: Clone + Into<ActorId> + 'static,
    V: Clone + 'static,
{
    pub(crate) const fn new(ledger: Rc<Ledger<Arc<str>, Entry<T, V>>>) -> Self {
        Self { ledger }
    }

    /// Adds an entry, behind those that are there.
    ///
    /// # Errors
    /// When its owner has ended, or lives on another loop.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let directory = test.directory("rooms");
    ///     let guest = test.probe::<u32>("guest").addr();
    ///     directory.register("lobby", guest, "ann").unwrap();
    ///     directory.register("lobby", guest, "bob").unwrap();
    ///     assert_eq!(directory.entries("lobby").len(), 2);
    ///     guest.kill();
    ///     guest.ended().await;
    ///     assert!(directory.register("lobby", guest, "ann").is_err());
    /// });
    /// ```
    pub fn register(&self, key: &str, member: T, value: V) -> Result<(), MemberError> {
        let key: Arc<str> = Arc::from(key);
        let actor = member.clone().into();
        let entry = Entry { key: Arc::clone(&key), member, value };
        self.ledger.join(&key, actor, entry)
    }

    /// Takes all entries of this owner under this key out, nobody else's, and says how many they
    /// were.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let directory = test.directory("rooms");
    ///     let [a, b] = ["a", "b"].map(|name| test.probe::<u32>(name).addr());
    ///     for member in [a, a, b] { directory.register("lobby", member, ()).unwrap(); }
    ///     assert_eq!(directory.unregister("lobby", a), 2);
    ///     assert_eq!(directory.unregister("lobby", a), 0);
    ///     assert_eq!(directory.len(), 1);
    /// });
    /// ```
    pub fn unregister(&self, key: &str, owner: impl Into<ActorId>) -> usize {
        self.ledger.leave_all(&Arc::from(key), owner.into())
    }

    /// Calls `f` with each entry of a key, in the order in which they were registered, and says
    /// how many they were. One that is taken out meanwhile is passed over.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let directory = test.directory("rooms");
    ///     let guest = test.probe::<&str>("guest");
    ///     directory.register("lobby", guest.recipient(), ()).unwrap();
    ///     let reached = directory.dispatch("lobby", |guest, ()| guest.try_tell("fire").unwrap());
    ///     assert_eq!((reached, guest.recv().await), (1, "fire"));
    ///     assert_eq!(directory.dispatch("attic", |_, ()| unreachable!()), 0);
    /// });
    /// ```
    pub fn dispatch(&self, key: &str, mut f: impl FnMut(&T, &V)) -> usize {
        let round = self.ledger.round(Arc::from(key));
        let mut reached = 0;
        for (number, member) in round.iter() {
            if round.stands(number) {
                f(&member.entry.member, &member.entry.value);
                reached += 1;
            }
        }
        reached
    }

    /// The entries of a key, in the order in which they were registered.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let directory = test.directory("rooms");
    ///     let guest = test.probe::<u32>("guest").addr();
    ///     directory.register("lobby", guest, "ann").unwrap();
    ///     assert_eq!(directory.entries("lobby")[0].value, "ann");
    /// });
    /// ```
    #[must_use]
    pub fn entries(&self, key: &str) -> Vec<Entry<T, V>> {
        let round = self.ledger.round(Arc::from(key));
        round.iter().map(|(_, member)| member.entry.clone()).collect()
    }

    /// The keys that have entries, in their own order.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let directory = test.directory("rooms");
    ///     let guest = test.probe::<u32>("guest").addr();
    ///     for key in ["lobby", "attic"] { directory.register(key, guest, ()).unwrap(); }
    ///     let keys = directory.keys();
    ///     assert_eq!(keys.iter().map(|key| &**key).collect::<Vec<_>>(), ["attic", "lobby"]);
    /// });
    /// ```
    #[must_use]
    pub fn keys(&self) -> Vec<Arc<str>> {
        self.ledger.keys()
    }

    /// How many entries there are under all keys.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let directory = test.directory("rooms");
    ///     let guest = test.probe::<u32>("guest").addr();
    ///     for key in ["lobby", "attic"] { directory.register(key, guest, ()).unwrap(); }
    ///     assert_eq!(directory.len(), 2);
    /// });
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.ledger.len()
    }

    /// Whether there is no entry.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| {
    ///     assert!(system.directory::<ActorId, ()>("none").is_empty());
    /// });
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries, and from now on every one that comes or goes: no gap, no repeat. Drop the
    /// changes to hear no more.
    ///
    /// ```
    /// use greenroom::group::{Change, Entry};
    /// greenroom::test::run(async |test| {
    ///     let directory = test.directory("rooms");
    ///     let (_, mut changes) = directory.monitor();
    ///     let guest = test.probe::<u32>("guest").addr();
    ///     directory.register("lobby", guest, "ann").unwrap();
    ///     let entry = Entry { key: "lobby".into(), member: guest, value: "ann" };
    ///     assert_eq!(changes.next().await, Change::Joined(entry.clone()));
    ///     guest.kill();
    ///     assert_eq!(changes.next().await, Change::Left(entry));
    /// });
    /// ```
    #[must_use = "dropped, the changes tell nothing"]
    pub fn monitor(&self) -> Monitored<Entry<T, V>> {
        Changes::watch(&self.ledger)
    }
}

impl<T, V> Clone for Directory<T, V> {
    fn clone(&self) -> Self {
        Self { ledger: Rc::clone(&self.ledger) }
    }
}

impl<T, V> fmt::Debug for Directory<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Directory").field(self.ledger.name()).finish()
    }
}
