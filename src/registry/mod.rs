//! Names: an actor under a name, found again with its protocol checked.
//!
//! Several actors under one name are a matter of [`group`](crate::group); this table says which of
//! all these is for what.
//!
//! All names belong to a [`System`](crate::System); two systems in one process do not see each
//! other's. What an actor holds, it holds over its restarts, and it is free before anybody hears of
//! the actor's end. What is looked up is typed: a name leads to an actor with the protocol that was
//! asked for, or says what it found.
//!
//! | I want | use | leads to | the same actor twice |
//! | --- | --- | --- | --- |
//! | the one actor of a role | a name: [`register`], [`lookup`], [`registered`] | one | error |
//! | whoever has the role when I send | [`Named`], by [`named`] | one a send | |
//! | one per key, started when needed | [`lookup_or_start`] | one | the same |
//! | all who do the same work | a [`group`] | any number | counts twice |
//! | to hear who comes and goes | [`monitor`], [`listings`] of a group | changes, lists | |
//! | entries with values under keys | a [`directory`] | any number a key | an entry more |
//! | to tell everybody who wants to know | a [`topic`] | each subscriber | counts once |
//! | to be alone with a name for a while | [`lock`] | a guard | waits for itself |
//!
//! [`register`]: crate::System::register
//! [`lookup`]: crate::System::lookup
//! [`registered`]: crate::supervisor::Child::registered
//! [`named`]: crate::System::named
//! [`lookup_or_start`]: crate::System::lookup_or_start
//! [`group`]: crate::System::group
//! [`monitor`]: crate::group::Group::monitor
//! [`listings`]: crate::group::Group::listings
//! [`directory`]: crate::System::directory
//! [`topic`]: crate::System::topic
//! [`lock`]: crate::System::lock
//!
//! # Promises
//! * **N1** a name has one owner at a time, and is free before anybody hears of the owner's end

mod error;
mod lock;
mod named;
mod table;

pub use error::{LookupError, NamedError, RegisterError, Unresolved};
pub(crate) use lock::Locks;
pub use lock::{Lock, LockGuard};
pub use named::{Named, NamedAsk};
pub(crate) use table::Registry;
