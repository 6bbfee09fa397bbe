//! Tasks and the order in which they run; the part of a loop that knows no clock and no socket.
//!
//! # A task's life
//!
//! ```text
//!              wake                    poll                 Pending, not woken
//!   Idle ───────────────▶ Queued ───────────────▶ Running ──────────────────────▶ Idle
//!    ▲                                               │ Pending, woken meanwhile
//!    │                                               ├──────────────────────────▶ Queued
//!    │                                               │ Ready or panicked
//!    └── insert: a new task is Queued                └──────────────────────────▶ gone
//! ```
//!
//! A task is its slot in [`Scheduler`]. While it runs, its future is outside the table, so user
//! code never runs while the table is borrowed. Removing the slot of a running task is allowed:
//! the future is then dropped by whoever is polling it, as soon as the poll returns.
//!
//! # Promises
//! * **T1** a task stands in the ready queue at most once
//! * **T2** a finished or cancelled future is never polled again
//! * **T4** a wake for a finished task finds nothing

pub(crate) mod crossing;
pub(crate) mod remote;
pub(crate) mod table;

#[cfg(test)]
mod tests;
