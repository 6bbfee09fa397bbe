//! The table behind the names.

use std::any::{TypeId, type_name};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::actor::control;
use crate::actor::{ActorId, Addr, Protocol};
use crate::event_loop::current;

/// Names with a fixed hasher, so that two runs of a program do the same.
type Names = DashMap<Arc<str>, Registered, BuildHasherDefault<DefaultHasher>>;

/// The names of one system. It is shared, so that several loops may have one.
#[derive(Clone, Default, Debug)]
pub(crate) struct Registry {
    names: Arc<Names>,
}

#[derive(Clone, Copy, Debug)]
struct Registered {
    actor: ActorId,
    protocol: TypeId,
    protocol_name: &'static str,
}

impl Registry {
    pub(crate) fn register<P: Protocol>(
        &self,
        name: &str,
        addr: Addr<P>,
    ) -> Result<(), RegisterError> {
        let name: Arc<str> = Arc::from(name);
        let actor = addr.id();
        let (protocol, protocol_name) = (TypeId::of::<P>(), type_name::<P>());
        match self.names.entry(Arc::clone(&name)) {
            Entry::Occupied(entry) => {
                let owner = entry.get().actor;
                return Err(RegisterError::Taken { name, owner });
            }
            Entry::Vacant(entry) => {
                entry.insert(Registered { actor, protocol, protocol_name });
            }
        }
        let (names, freed) = (Arc::clone(&self.names), Arc::clone(&name));
        let free = move || {
            names.remove_if(&freed, |_, registered| registered.actor == actor);
        };
        let watched = control::with(actor.0, |control| control.at_end(free));
        if watched.is_none() {
            self.names.remove_if(&name, |_, registered| registered.actor == actor);
            return Err(RegisterError::Ended { name, actor });
        }
        Ok(())
    }

    /// Frees a name, if this actor has it.
    pub(crate) fn unregister(&self, name: &str, owner: ActorId) -> bool {
        self.names.remove_if(name, |_, registered| registered.actor == owner).is_some()
    }

    pub(crate) fn lookup<P: Protocol>(&self, name: &str) -> Result<Addr<P>, LookupError> {
        let not_found = || LookupError::NotFound { name: Arc::from(name) };
        let found = *self.names.get(name).ok_or_else(not_found)?;
        if found.protocol != TypeId::of::<P>() {
            return Err(LookupError::OtherProtocol {
                name: Arc::from(name),
                wanted: type_name::<P>(),
                found: found.protocol_name,
            });
        }
        let core = current::get().filter(|core| core.id() == found.actor.0.home());
        core.map(|core| Addr::new(found.actor.0, &core)).ok_or_else(not_found)
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

/// A name was not given; nothing changed.
///
/// ```
/// use greenroom::registry::RegisterError;
/// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {}
/// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// greenroom::run(async |system| {
///     let (a, b) = (system.spawn(child("a", idle)).await?, system.spawn(child("b", idle)).await?);
///     system.register("printer", a)?;
///     match system.register("printer", b) {
///         Err(RegisterError::Taken { owner, .. }) => assert_eq!(owner, a.id()),
///         other => panic!("the name is taken: {other:?}"),
///     }
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Another actor has the name, or this one already.
    #[error("the name `{name}` belongs to actor {owner}")]
    Taken {
        /// The name.
        name: Arc<str>,
        /// Who has it.
        owner: ActorId,
    },
    /// The actor has ended, or lives on another loop.
    #[error("the name `{name}` was not given to actor {actor}, which has ended")]
    Ended {
        /// The name.
        name: Arc<str>,
        /// For whom it was.
        actor: ActorId,
    },
}

/// A name led to no address.
///
/// ```
/// use greenroom::registry::LookupError;
/// # use greenroom::prelude::*; enum Msg {} impl Protocol for Msg {} enum Other {} impl Protocol for Other {}
/// # async fn idle(cx: &mut Cx<Msg>) -> Result<(), Fault> { match cx.recv().await {} }
/// greenroom::run(async |system| {
///     let nobody = system.lookup::<Msg>("printer");
///     assert!(matches!(nobody, Err(LookupError::NotFound { .. })));
///     system.register("printer", system.spawn(child("idle", idle)).await?)?;
///     let other = system.lookup::<Other>("printer");
///     assert!(matches!(other, Err(LookupError::OtherProtocol { .. })));
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// Nobody on this loop has the name.
    #[error("no actor has the name `{name}`")]
    NotFound {
        /// The name.
        name: Arc<str>,
    },
    /// Whoever has the name understands another protocol.
    #[error("the actor `{name}` understands `{found}`, not `{wanted}`")]
    OtherProtocol {
        /// The name.
        name: Arc<str>,
        /// The protocol that was asked for.
        wanted: &'static str,
        /// The protocol that it understands.
        found: &'static str,
    },
}
