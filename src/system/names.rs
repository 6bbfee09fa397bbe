//! What a system keeps under names, beside single actors: groups, directories, topics and locks.

use std::sync::Arc;

use super::System;
use crate::actor::{ActorId, Addr, Incarnate, Protocol};
use crate::group::{Directory, Entry, Group, Scope, Subscriber, Topic};
use crate::registry::{Lock, Locks, LookupError, Named};
use crate::supervisor::{Child, StartError, Supervisor};
use crate::task;

/// Held while an actor is looked up or else started; not those of [`System::lock`].
#[derive(Default)]
struct Starts(std::rc::Rc<Locks>);

impl System {
    /// Whoever has this name, looked up anew at each send.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Hello }
    /// impl Protocol for Msg {}
    /// greenroom::run(async |system| {
    ///     let printer = system.named::<Msg>("printer");
    ///     assert!(printer.tell(Msg::Hello).await.unwrap_err().is_unresolved());
    /// });
    /// ```
    #[must_use]
    pub fn named<P: Protocol>(&self, name: &str) -> Named<P> {
        Named::new(&self.shared.registry, name)
    }

    /// The actor with this name, or else this child, which is started under `supervisor` and bears
    /// the name from then on, as with [`Child::registered`].
    ///
    /// Looking up and starting are one: of any number of callers at a time one starts the child,
    /// and the others wait for how it comes out. When it does not start, the next one tries. An
    /// actor that was given the name in another way is found also while it starts.
    ///
    /// # Errors
    /// When the child does not start; nothing of it is left then, and the name is free. When the
    /// name belongs to an actor with another protocol: [`StartError::AlreadyRegistered`].
    ///
    /// # Cancel safety
    /// Dropped while it waits, the child may start all the same.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Get(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
    /// }
    ///
    /// greenroom::run(async |system| {
    ///     let rooms = Supervisor::dynamic(100).start(system).await?;
    ///     let room = || system.lookup_or_start("room/7", rooms, child("room", actor));
    ///     let (first, second) = futures::join!(room(), room());
    ///     assert_eq!(first?, second?);
    ///     assert_eq!(rooms.count().await.active, 1);
    ///     Ok::<(), Fault>(())
    /// }).unwrap();
    /// ```
    pub async fn lookup_or_start<P, Kind, I>(
        &self,
        name: &str,
        supervisor: Supervisor,
        child: Child<P, Kind, I>,
    ) -> Result<Addr<P>, StartError>
    where
        P: Protocol,
        Kind: 'static,
        I: Incarnate<P, Kind>,
    {
        let guard = self.shared.kept.get::<Starts>().0.lock(name).await;
        match self.lookup(name) {
            Ok(addr) => Ok(addr),
            Err(LookupError::OtherProtocol { owner, .. }) => {
                let (name, registered) = (child.name(), Arc::from(name));
                Err(StartError::AlreadyRegistered { name, registered, owner })
            }
            Err(LookupError::NotFound { .. }) => {
                let cancelled = StartError::SupervisorStopping { name: child.name() };
                let child = child.registered(name);
                // A task of its own: should this caller go away, the next one still waits.
                let start = task::spawn(async move {
                    let _guard = guard;
                    supervisor.add(child).await
                });
                start.await.unwrap_or(Err(cancelled))
            }
        }
    }

    /// The group of this name, whose members are known as `T`; it need not have any.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| {
    ///     let group = system.group::<ActorId>("all");
    ///     group.join(system.root().id()).unwrap();
    ///     assert_eq!(system.group::<ActorId>("all").members(), [system.root().id()]);
    /// });
    /// ```
    #[must_use]
    pub fn group<T: Clone + Into<ActorId> + 'static>(&self, name: &str) -> Group<T> {
        Group::new(self.shared.kept.get::<Scope<(), T>>().open(name))
    }

    /// The names of the groups that have members known as `T`, in their own order.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| {
    ///     let group = system.group::<ActorId>("all");
    ///     assert!(system.groups::<ActorId>().is_empty());
    ///     group.join(system.root().id()).unwrap();
    ///     assert_eq!(&*system.groups::<ActorId>()[0], "all");
    /// });
    /// ```
    #[must_use]
    pub fn groups<T: Clone + Into<ActorId> + 'static>(&self) -> Vec<Arc<str>> {
        self.shared.kept.get::<Scope<(), T>>().names()
    }

    /// The directory of this name, whose owners are known as `T` and put values `V` there; it need
    /// not have entries.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| {
    ///     let directory = system.directory::<ActorId, u32>("ports");
    ///     directory.register("root", system.root().id(), 80).unwrap();
    ///     assert_eq!(directory.dispatch("root", |_, port| assert_eq!(*port, 80)), 1);
    /// });
    /// ```
    #[must_use]
    pub fn directory<T, V>(&self, name: &str) -> Directory<T, V>
    where
        T: Clone + Into<ActorId> + 'static,
        V: Clone + 'static,
    {
        Directory::new(self.shared.kept.get::<Scope<Arc<str>, Entry<T, V>>>().open(name))
    }

    /// The topic of this name, on which messages `M` are published; it need not have subscribers.
    ///
    /// ```
    /// greenroom::run(async |system| {
    ///     assert_eq!(system.topic::<&str>("news").publish("rain"), 0);
    /// });
    /// ```
    #[must_use]
    pub fn topic<M: Clone + 'static>(&self, name: &str) -> Topic<M> {
        Topic::new(self.shared.kept.get::<Scope<(), Subscriber<M>>>().open(name))
    }

    /// Waits until nobody else in the system has a lock of this name; see
    /// [`LockGuard`](crate::registry::LockGuard).
    ///
    /// Who waits gets it in the order in which they first waited. It is unlocked when its guard is
    /// dropped, however the holder ends. Who holds it and locks it again waits for itself.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the place in the line is given up, and nobody else waits longer.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::run(async |system| {
    ///     let guard = system.lock("schema").await;
    ///     let waits = greenroom::time::timeout(std::time::Duration::ZERO, system.lock("schema"));
    ///     assert!(waits.await.is_err());
    ///     drop(guard);
    ///     system.lock("schema").await;
    /// });
    /// ```
    pub fn lock(&self, name: &str) -> Lock {
        self.shared.kept.get::<Locks>().lock(name)
    }
}
