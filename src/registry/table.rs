//! The table behind the names.

use std::any::{TypeId, type_name};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::actor::control;
use crate::actor::release::ReleaseKey;
use crate::actor::{ActorId, Addr, Protocol};
use crate::event_loop::current;

/// Names with a fixed hasher, so that two runs of a program do the same.
type Names = DashMap<Arc<str>, Registered, BuildHasherDefault<DefaultHasher>>;

/// The names of one system, found by its loop among the loop's own state. It can be shared, so that
/// several loops may have one.
#[derive(Clone, Default, Debug)]
pub(crate) struct Registry {
    names: Arc<Names>,
}

#[derive(Clone, Copy, Debug)]
struct Registered {
    actor: ActorId,
    protocol: TypeId,
    protocol_name: &'static str,
    /// Frees the name at the owner's end.
    release: ReleaseKey,
}

impl Registry {
    pub(crate) fn register<P: Protocol>(
        &self,
        name: &str,
        addr: Addr<P>,
    ) -> Result<(), RegisterError> {
        let name: Arc<str> = Arc::from(name);
        let actor = addr.id();
        let (names, freed) = (Arc::clone(&self.names), Arc::clone(&name));
        let free = move || {
            // Somebody else may have it by now.
            names.remove_if(&freed, |_, registered| registered.actor == actor);
        };
        let Some(release) = control::with(actor.0, |control| control.releases.add(free)) else {
            return Err(RegisterError::Ended { name, actor });
        };
        let owner = match self.names.entry(Arc::clone(&name)) {
            Entry::Occupied(entry) => entry.get().actor,
            Entry::Vacant(entry) => {
                let (protocol, protocol_name) = (TypeId::of::<P>(), type_name::<P>());
                entry.insert(Registered { actor, protocol, protocol_name, release });
                return Ok(());
            }
        };
        control::with(actor.0, |control| control.releases.remove(release));
        Err(RegisterError::Taken { name, owner })
    }

    /// Frees a name, if this actor has it.
    pub(crate) fn unregister(&self, name: &str, owner: ActorId) -> bool {
        let removed = self.names.remove_if(name, |_, registered| registered.actor == owner);
        let Some((_, registered)) = removed else { return false };
        control::with(owner.0, |control| control.releases.remove(registered.release));
        true
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
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// Nobody has the name.
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
