//! The table behind the names.

use std::any::{TypeId, type_name};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use super::error::{LookupError, RegisterError};
use crate::actor::control;
use crate::actor::release::ReleaseKey;
use crate::actor::{ActorId, Addr, Protocol};
use crate::base::invariant::invariant;
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
            // Its own and nobody else's, whatever happened to the name since.
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
                owner: found.actor,
            });
        }
        let core = current::get().filter(|core| core.id() == found.actor.0.home());
        let addr = core.map(|core| Addr::new(found.actor.0, &core)).ok_or_else(not_found)?;
        invariant!(N1, addr.is_alive(), "{addr:?} has the name {name} and has ended");
        Ok(addr)
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test;

    #[test]
    fn names_that_come_and_go_leave_nothing_with_an_actor_that_lives_long() {
        test::run(async |test| {
            let registry = Registry::default();
            let [one, two] = ["one", "two"].map(|name| test.probe::<u32>(name).addr());
            let held = || [one, two].map(|addr| control::with(addr.key(), |c| c.releases.len()));
            let before = held();
            registry.register("taken", two).unwrap();
            for n in 0..1_000 {
                registry.register(&n.to_string(), one).unwrap();
                registry.register("taken", one).unwrap_err();
                assert!(registry.unregister(&n.to_string(), one.id()));
            }
            assert!(registry.unregister("taken", two.id()));
            assert_eq!((held(), registry.len()), (before, 0));
        });
    }
}
