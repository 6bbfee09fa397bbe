//! Flow: stages that ask for what they can handle, and get no more.
//!
//! ```text
//!              demand: 1,000, then 500 more …        demand
//!   producer ◀──────────────────────────── producer- ◀────── consumer
//!            ────────────────────────────▶ consumer  ──────▶
//!              batches of items                       batches
//! ```
//!
//! A consumer asks for so many items when it subscribes, and for more when it has handled some. A
//! producer sends what was asked for, and keeps for a while what was not. So the slowest stage sets
//! the pace of all, no mailbox fills, and at no time are more items on their way than the demands
//! say.
//!
//! | | from a stream or a closure | as a part of an actor of your own |
//! | --- | --- | --- |
//! | producer | [`from_stream`] | accepts [`Demand`], has an [`Outlet`] |
//! | producer-consumer | [`map`] | both |
//! | consumer | [`for_each`]; as a stream: [`subscribe`] | accepts [`Supply`], has an [`Inlet`] |
//!
//! # When to use it
//!
//! Where consumers are to decide how much comes, and there are several of them, or they come and
//! go: to share work out to whoever has time, to send the same to all at the pace of the slowest,
//! to keep what belongs together on one way, to outlive restarts on either side.
//!
//! For less, there is less. A bounded mailbox pushes back as well: where each message is for one
//! known actor, `tell` waits for room, and that is enough. To do something to each item of a
//! stream, some at a time, needs no stages either:
//! [`task::stream_from`](crate::task::stream_from()) does it with a task for each item,
//! `futures::StreamExt::buffered` over a stream of futures in one task.
//!
//! # What is certain
//!
//! No consumer is sent more than it asked for (F1). An item that was emitted is sent, waits in the
//! producer's buffer, or is counted as discarded (F2); what waits in the buffer of an incarnation
//! that ends is lost, and logged. No more than the maximum is outstanding at any time:
//!
//! * **F3** a consumer's demand stays within its maximum, and is renewed at the minimum
//!
//! Once sent, items are messages in the mailbox of the consumer: they survive its restart, and when
//! it ends for good they are dead letters. So is what a consumer says to a producer that is just
//! ending. Stages of one flow live on one loop.

mod inlet;
mod ledger;
mod message;
mod options;
mod outlet;
mod stage;
mod stream;

#[cfg(test)]
mod tests;

pub use inlet::{Batches, Inlet};
pub use ledger::Keep;
pub use message::{Demand, SubscriptionId, Supply};
pub use options::{Cancel, SubscribeOptions};
pub use outlet::Outlet;
pub use stage::{Stage, for_each, from_stream, map};
pub use stream::{Items, ProducerEnded, subscribe};
