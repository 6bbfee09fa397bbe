//! Publish and subscribe: who listens to which channel.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use greenroom::prelude::*;
use redis_protocol::bytes::Bytes;

use crate::connection::Push;
use crate::server::Shared;

pub(crate) struct Subscribe {
    pub(crate) channel: Bytes,
    pub(crate) client: Addr<Push>,
}

pub(crate) struct Unsubscribe {
    pub(crate) channel: Bytes,
    pub(crate) client: ActorId,
}

pub(crate) struct Publish {
    pub(crate) channel: Bytes,
    pub(crate) message: Bytes,
}

protocol! {
    /// What the channels understand.
    pub(crate) enum PubSubProtocol {
        Subscribe(Subscribe) -> (),
        Unsubscribe(Unsubscribe) -> (),
        Publish(Publish) -> usize,
        Down(Down),
    }
}

/// All channels that somebody listens to.
pub(crate) struct PubSub {
    shared: Rc<Shared>,
    channels: HashMap<Bytes, BTreeMap<ActorId, Addr<Push>>>,
    clients: BTreeMap<ActorId, BTreeSet<Bytes>>,
}

impl PubSub {
    pub(crate) const NAME: &str = "pubsub";

    pub(crate) fn new(shared: &Rc<Shared>) -> Self {
        Self { shared: Rc::clone(shared), channels: HashMap::default(), clients: BTreeMap::new() }
    }

    fn leave(&mut self, channel: &Bytes, client: ActorId) {
        if let Some(listeners) = self.channels.get_mut(channel) {
            listeners.remove(&client);
            if listeners.is_empty() {
                self.channels.remove(channel);
            }
        }
    }
}

impl Actor for PubSub {
    type Protocol = PubSubProtocol;
    type Error = Fault;

    async fn started(&mut self, cx: &mut Cx<PubSubProtocol>) -> Result<(), Fault> {
        // After a restart the name is ours already: the address is the same.
        let _ = self.shared.system.register(Self::NAME, cx.addr());
        Ok(())
    }
}

impl Handler<Subscribe> for PubSub {
    async fn handle(&mut self, new: Subscribe, cx: &mut Cx<PubSubProtocol>) -> Result<(), Fault> {
        let client = new.client.id();
        let channels = self.clients.entry(client).or_insert_with(|| {
            cx.monitor(client);
            BTreeSet::new()
        });
        channels.insert(new.channel.clone());
        self.channels.entry(new.channel).or_default().insert(client, new.client);
        Ok(())
    }
}

impl Handler<Unsubscribe> for PubSub {
    async fn handle(&mut self, old: Unsubscribe, _: &mut Cx<PubSubProtocol>) -> Result<(), Fault> {
        self.leave(&old.channel, old.client);
        if let Some(channels) = self.clients.get_mut(&old.client) {
            channels.remove(&old.channel);
        }
        Ok(())
    }
}

impl Handler<Publish> for PubSub {
    async fn handle(&mut self, new: Publish, _: &mut Cx<PubSubProtocol>) -> Result<usize, Fault> {
        let Some(listeners) = self.channels.get(&new.channel) else { return Ok(0) };
        let mut reached = 0;
        for client in listeners.values() {
            let push = Push { channel: new.channel.clone(), message: new.message.clone() };
            match client.try_tell(push) {
                Ok(()) => reached += 1,
                Err(error) if error.is_closed() => {}
                Err(error) => {
                    // A client that does not read must not hold the others up, nor fill memory.
                    tracing::warn!(%error, "a subscriber is too slow and is disconnected");
                    client.kill();
                }
            }
        }
        Ok(reached)
    }
}

impl Handler<Down> for PubSub {
    async fn handle(&mut self, down: Down, _: &mut Cx<PubSubProtocol>) -> Result<(), Fault> {
        for channel in self.clients.remove(&down.actor).unwrap_or_default() {
            self.leave(&channel, down.actor);
        }
        Ok(())
    }
}
