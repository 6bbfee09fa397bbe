//! `Group`: a name that any number of actors share.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::changes::{Changes, Monitored};
use super::error::MemberError;
use super::ledger::Ledger;
use super::listings::Listings;
use crate::actor::ActorId;

/// Actors under a common name, to be found by whoever needs any or all of them.
///
/// `T` is what is known of a member: an [`Addr`](crate::actor::Addr), a
/// [`Recipient`](crate::actor::Recipient), an [`ActorId`]. Members leave by themselves, or when
/// they end for good; a restart is not an end. Groups of one name but different `T` are different
/// groups. It is a handle: made by [`System::group`](crate::System::group), cheap to clone, and it
/// keeps no member alive.
///
/// ```
/// use greenroom::prelude::*;
/// enum Job { Run(u32, Reply<u32>) }
/// impl Protocol for Job {}
/// async fn worker(cx: &mut Cx<Job>) -> Result<(), Fault> {
///     loop { let Job::Run(n, reply) = cx.recv().await; reply.send(n + 1); }
/// }
///
/// greenroom::run(async |system| {
///     let workers = system.group::<Addr<Job>>("workers");
///     for name in ["a", "b"] {
///         workers.join(system.spawn(child(name, worker)).await?)?;
///     }
///     for worker in workers.members() {
///         assert_eq!(worker.ask_with(|reply| Job::Run(1, reply)).await?, 2);
///     }
///     system.root().terminate_child("a").await?;
///     assert_eq!(workers.len(), 1);
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
pub struct Group<T> {
    ledger: Rc<Ledger<(), T>>,
}

impl<T: Clone + Into<ActorId> + 'static> Group<T> {
    pub(crate) const fn new(ledger: Rc<Ledger<(), T>>) -> Self {
        Self { ledger }
    }

    /// Its name.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| assert_eq!(system.group::<ActorId>("all").name(), "all"));
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        self.ledger.name()
    }

    /// Makes an actor a member. One that joins twice is a member twice, and must leave twice.
    ///
    /// # Errors
    /// When it has ended, or lives on another loop.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let (group, probe) = (test.group("all"), test.probe::<u32>("probe").addr());
    ///     group.join(probe).unwrap();
    ///     group.join(probe).unwrap();
    ///     assert_eq!(group.members(), [probe, probe]);
    ///     group.leave(probe).unwrap();
    ///     assert_eq!(group.members(), [probe]);
    /// });
    /// ```
    pub fn join(&self, member: T) -> Result<(), MemberError> {
        let actor = member.clone().into();
        self.ledger.join(&(), actor, member)
    }

    /// Takes a member out, once.
    ///
    /// # Errors
    /// When it is no member.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let (group, probe) = (test.group("all"), test.probe::<u32>("probe").addr());
    ///     group.join(probe).unwrap();
    ///     assert_eq!(group.leave(probe), Ok(()));
    ///     assert!(group.leave(probe).is_err());
    /// });
    /// ```
    pub fn leave(&self, member: impl Into<ActorId>) -> Result<(), MemberError> {
        let actor = member.into();
        if self.ledger.leave_once(&(), actor) {
            return Ok(());
        }
        Err(MemberError::NotJoined { name: Arc::clone(self.ledger.name()), actor })
    }

    /// The members in the order in which they joined, each as often as it did.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let group = test.group("all");
    ///     let [a, b] = ["a", "b"].map(|name| test.probe::<u32>(name).addr());
    ///     for member in [b, a, b] { group.join(member).unwrap(); }
    ///     assert_eq!(group.members(), [b, a, b]);
    /// });
    /// ```
    #[must_use]
    pub fn members(&self) -> Vec<T> {
        let round = self.ledger.round(());
        round.iter().map(|(_, member)| member.entry.clone()).collect()
    }

    /// How many members there are; one that joined twice counts twice.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| assert_eq!(system.group::<ActorId>("none").len(), 0));
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.ledger.len()
    }

    /// Whether there is no member.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| assert!(system.group::<ActorId>("none").is_empty()));
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The members, and from now on every join and leave: no gap, no repeat. Drop the changes to
    /// hear no more; what was not read goes with them.
    ///
    /// An actor with handlers brings them into its own mailbox by a task:
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::group::{Change, Group};
    ///
    /// type Members = Group<ActorId>;
    /// struct Size;
    /// protocol! { enum Meter { Change(Change<ActorId>), Size(Size) -> usize } }
    ///
    /// struct Watcher { group: Members, size: usize }
    /// impl Actor for Watcher {
    ///     type Protocol = Meter;
    ///     type Error = Fault;
    ///     async fn started(&mut self, cx: &mut Cx<Meter>) -> Result<(), Fault> {
    ///         let (members, mut changes) = self.group.monitor();
    ///         self.size = members.len();
    ///         let me = cx.addr();
    ///         cx.spawn(async move { while me.tell(changes.next().await).await.is_ok() {} });
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Change<ActorId>> for Watcher {
    ///     async fn handle(&mut self, change: Change<ActorId>, _: &mut Cx<Meter>) -> Result<(), Fault> {
    ///         match change { Change::Joined(_) => self.size += 1, Change::Left(_) => self.size -= 1 }
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Size> for Watcher {
    ///     async fn handle(&mut self, _: Size, _: &mut Cx<Meter>) -> Result<usize, Fault> { Ok(self.size) }
    /// }
    ///
    /// greenroom::test::run(async |test| {
    ///     let group: Members = test.group("all");
    ///     group.join(test.probe::<u32>("a").addr().id()).unwrap();
    ///     let watched = group.clone();
    ///     let watcher = child("watcher", move || Watcher { group: watched.clone(), size: 0 });
    ///     let watcher = test.spawn(watcher).await.unwrap();
    ///     group.join(test.probe::<u32>("b").addr().id()).unwrap();
    ///     test.settle().await;
    ///     assert_eq!(watcher.ask(Size).await.unwrap(), 2);
    /// });
    /// ```
    #[must_use = "dropped, the changes tell nothing"]
    pub fn monitor(&self) -> Monitored<T> {
        Changes::watch(&self.ledger)
    }

    /// The list of members, each once: the present one first, and then one at each change of it.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let group = test.group("all");
    ///     let probe = test.probe::<u32>("probe").addr();
    ///     for _ in 0..2 { group.join(probe).unwrap(); }
    ///     assert_eq!(group.listings().next().await, [probe]);
    /// });
    /// ```
    #[must_use = "dropped, the listings tell nothing"]
    pub fn listings(&self) -> Listings<T> {
        Listings::new(self.monitor())
    }
}

impl<T> Clone for Group<T> {
    fn clone(&self) -> Self {
        Self { ledger: Rc::clone(&self.ledger) }
    }
}

impl<T> fmt::Debug for Group<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Group").field(self.ledger.name()).finish()
    }
}
