//! A bounded queue with an urgent lane, a policy for when it is full, and a line of senders who
//! wait.
//!
//! It knows neither tasks nor actors, runs no user code, and allocates nothing until the first
//! message. Senders on other threads never touch it: they go through the loop's inbox.
//!
//! ```text
//!                       ┌────────── one ring ──────────┐
//!   take ◀──  first … │ urgent … │ ordinary …        │ ◀── put (ordinary), at most `capacity`
//!                       └──────────┴─────────▲─────────┘
//!             beside the ring, only when used: notices, each at its place among the ordinary
//!                                  ▲ put_urgent        line: senders who wait for room, in order
//! ```
//!
//! What comes *first* is what the actor itself asked for: a message to be handled next, those that
//! it had put aside, one that was in the hand of a crashed incarnation, and behind these its timers
//! that were due at once.
//!
//! # Promises
//! * **M1** messages of one sender are taken in the order in which they were put
//! * **M2** urgent messages overtake ordinary ones, never the reverse
//! * **M3** ordinary messages that were admitted never exceed the capacity

pub(crate) mod line;
pub(crate) mod overflow;
pub(crate) mod queue;
pub(crate) mod side;

#[cfg(test)]
mod side_tests;
#[cfg(test)]
mod tests;
