//! `Listings`: a group seen as a list of actors that is given anew whenever it changes.

use std::fmt;

use super::changes::{Change, Changes, Monitored};
use crate::actor::ActorId;

/// The lists of a group's members, each actor once, in the order in which they came: first the
/// present one, be it empty, and then one at each change. Given by
/// [`Group::listings`](super::Group::listings).
///
/// It is the [changes](Changes) of the group, added up; a join of one who is a member already is no
/// change of the list.
///
/// ```
/// greenroom::test::run(async |test| {
///     let group = test.group("printers");
///     let mut listings = group.listings();
///     assert_eq!(listings.next().await, []);
///     let [a, b] = ["a", "b"].map(|name| test.probe::<u32>(name).addr());
///     group.join(a).unwrap();
///     group.join(b).unwrap();
///     assert_eq!(listings.next().await, [a]);
///     assert_eq!(listings.next().await, [a, b]);
///     a.kill();
///     assert_eq!(listings.next().await, [b]);
/// });
/// ```
pub struct Listings<T> {
    changes: Changes<T>,
    listed: Vec<Listed<T>>,
    /// The present list was not given yet.
    first: bool,
}

struct Listed<T> {
    actor: ActorId,
    member: T,
    /// As often as it joined.
    times: usize,
}

impl<T: Clone + Into<ActorId> + 'static> Listings<T> {
    pub(crate) fn new((members, changes): Monitored<T>) -> Self {
        let mut listings = Self { changes, listed: Vec::new(), first: true };
        for member in members {
            listings.add_up(Change::Joined(member));
        }
        listings
    }

    /// The next list, waiting until there is one.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no list is lost.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let (group, probe) = (test.group("all"), test.probe::<u32>("probe").addr());
    ///     let mut listings = group.listings();
    ///     assert_eq!(listings.next().await, []);
    ///     group.join(probe).unwrap();
    ///     assert_eq!(listings.next().await, [probe]);
    /// });
    /// ```
    pub async fn next(&mut self) -> Vec<T> {
        if !std::mem::take(&mut self.first) {
            while {
                let change = self.changes.next().await;
                !self.add_up(change)
            } {}
        }
        self.list()
    }

    /// A list that is due already.
    ///
    /// ```
    /// greenroom::test::run(async |test| {
    ///     let mut listings = test.group::<greenroom::actor::ActorId>("all").listings();
    ///     assert_eq!(listings.try_next(), Some(vec![]));
    ///     assert_eq!(listings.try_next(), None);
    /// });
    /// ```
    pub fn try_next(&mut self) -> Option<Vec<T>> {
        if !std::mem::take(&mut self.first) {
            while {
                let change = self.changes.try_next()?;
                !self.add_up(change)
            } {}
        }
        Some(self.list())
    }

    /// Takes a change in; `true` when the list is another one.
    fn add_up(&mut self, change: Change<T>) -> bool {
        match change {
            Change::Joined(member) => {
                let actor = member.clone().into();
                if let Some(index) = self.place(actor) {
                    self.listed[index].times += 1;
                    return false;
                }
                self.listed.push(Listed { actor, member, times: 1 });
                true
            }
            Change::Left(member) => {
                let Some(index) = self.place(member.into()) else { return false };
                self.listed[index].times -= 1;
                if self.listed[index].times > 0 {
                    return false;
                }
                self.listed.remove(index);
                true
            }
        }
    }

    fn place(&self, actor: ActorId) -> Option<usize> {
        self.listed.iter().position(|listed| listed.actor == actor)
    }

    fn list(&self) -> Vec<T> {
        self.listed.iter().map(|listed| listed.member.clone()).collect()
    }
}

impl<T> fmt::Debug for Listings<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listings").field("listed", &self.listed.len()).finish_non_exhaustive()
    }
}
