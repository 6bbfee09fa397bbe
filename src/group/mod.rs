//! Several actors under one name: groups, directories and topics.
//!
//! All belong to a [`System`](crate::System), which is asked for a handle by name; a table in
//! [`registry`](crate::registry) says which of names, groups, directories and topics is for what.
//! They are one mechanism, a list of members that each leave at the latest when they end, in three
//! shapes:
//!
//! | | [`Group`] | [`Directory`] | [`Topic`] |
//! | --- | --- | --- | --- |
//! | what a member puts there | itself | a value under a key | where to send to |
//! | the same actor twice | counts twice | an entry more | counts once |
//! | it leaves | once for each join | all its entries of a key | altogether |
//! | what others do | look at the members | go through a key's entries | publish to all |
//! | hearing of changes | by `monitor` and `listings` | by `monitor` | not |
//!
//! A restart is no end: what an actor holds, it holds over its incarnations, as it does its
//! address. All are typed. A name that is used with another type is another group, directory or
//! topic, so agree on the types as on the names.
//!
//! # Promises
//! * **G1** an actor that ends is a member of nothing before anybody hears of its end
//! * **G2** a monitor tells every change after its snapshot, once and in order
//! * **G3** a topic sends nobody anything after it has unsubscribed

mod changes;
mod directory;
mod error;
mod handle;
mod ledger;
mod listings;
mod table;
mod topic;

pub use changes::{Change, Changes, Monitored};
pub use directory::{Directory, Entry};
pub use error::MemberError;
pub use handle::Group;
pub(crate) use ledger::Scope;
pub use listings::Listings;
pub(crate) use topic::Subscriber;
pub use topic::Topic;
