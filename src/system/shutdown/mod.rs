//! A shutdown in phases: what is to be done before and after the actors stop, in order and in time.
//!
//! Tasks belong to phases. A phase begins when those before it are over; its tasks run at the same
//! time, and it is over when they have ended or its time is up. Without any task a shutdown is no
//! more than the tree stopping in reverse order of its start. The rules are those of Akka's
//! `CoordinatedShutdown`, with one deadline above all phases.

mod phases;
mod run;

pub(crate) use phases::Schedule;
pub use phases::{Phase, PhaseError, Phases};
pub use run::{Completion, CoordinatedShutdown, Registration, ShutdownError, ShutdownOutcome};
