//! Names: an actor under a name, found again with its protocol checked.
//!
//! A registry belongs to a [`System`](crate::System); two systems in one process do not see each
//! other's names. A name belongs to one actor at a time, survives its restarts, and is free before
//! anybody hears of the actor's end.

mod table;

pub(crate) use table::Registry;
pub use table::{LookupError, RegisterError};
