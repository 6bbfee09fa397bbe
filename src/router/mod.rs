//! Routers and pools: many actors behind one address, and one of many by a key.
//!
//! | | who the routees are | how they are reached |
//! | --- | --- | --- |
//! | [`router()`] | those in [`Routees`], a list for others to change | one `Addr<P>`, a hop more |
//! | [`pool()`] | children of one factory under the pool's own supervisor | the same |
//! | [`Partitions`] | copies of one child under a supervisor | each by its keys, without a hop |
//!
//! Which routee gets a message says [`Routing`]: round robin, the least loaded, the owner of the
//! message's key, and some messages to all.
//!
//! The hop is a message more: the router's actor takes it from its mailbox and puts it into that of
//! the routee, unopened. So it has the address type of what it stands for, reply ports travel
//! along, and full mailboxes push back on the senders.

mod front;
mod partitions;
mod pass;
mod pool;
mod rotation;
mod routees;
mod routing;

pub use front::{IsRouter, Router, router};
pub use partitions::{PartitionSupervisor, Partitions, ResizeError};
pub use pool::{IsPool, Pool, pool};
pub use routees::Routees;
pub use routing::Routing;
