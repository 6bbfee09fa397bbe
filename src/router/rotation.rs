//! Whose turn it is, and the other ways to choose one of several; pure.

use crate::base::hash;

/// Those among whom is chosen, each once, and whose turn is next.
#[derive(Clone, Debug)]
pub(crate) struct Rotation<T> {
    members: Vec<T>,
    /// The place of the next; below the length, or 0.
    turn: usize,
}

impl<T: Copy + PartialEq> Rotation<T> {
    pub(crate) const fn new() -> Self {
        Self { members: Vec::new(), turn: 0 }
    }

    pub(crate) fn members(&self) -> &[T] {
        &self.members
    }

    /// Replaces all members. Those who stay keep their places and their turn, newcomers come last;
    /// where nobody stays, the first newcomer is next.
    pub(crate) fn set(&mut self, listed: impl IntoIterator<Item = T>) {
        let mut fresh: Vec<T> = Vec::new();
        for member in listed {
            if !fresh.contains(&member) {
                fresh.push(member);
            }
        }
        let old = std::mem::take(&mut self.members);
        let (served, to_come) = old.split_at(self.turn);
        let next = to_come.iter().chain(served).find(|member| fresh.contains(member));
        let stay = old.iter().filter(|member| fresh.contains(member));
        let join = fresh.iter().filter(|member| !old.contains(member));
        self.members = stay.chain(join).copied().collect();
        let place = next.and_then(|next| self.members.iter().position(|member| member == next));
        self.turn = place.unwrap_or(0);
    }

    /// Takes a member out; `false` when there is none like it. The others keep their turns.
    pub(crate) fn remove(&mut self, gone: T) -> bool {
        let Some(place) = self.members.iter().position(|member| *member == gone) else {
            return false;
        };
        self.members.remove(place);
        if place < self.turn {
            self.turn -= 1;
        } else if self.turn == self.members.len() {
            self.turn = 0;
        }
        true
    }

    /// The one whose turn it is.
    pub(crate) fn next(&mut self) -> Option<T> {
        let next = *self.members.get(self.turn)?;
        self.turn = (self.turn + 1) % self.members.len();
        Some(next)
    }

    /// The one with the smallest load; among equals the one whose turn comes first.
    pub(crate) fn least(&mut self, load: impl Fn(T) -> usize) -> Option<T> {
        let len = self.members.len();
        let from_turn = (self.turn..len).chain(0..self.turn);
        let place = from_turn.min_by_key(|place| load(self.members[*place]))?;
        self.turn = (place + 1) % len;
        Some(self.members[place])
    }

    /// The one who owns the keys of this hash, by labels that differ and stay.
    pub(crate) fn owner(&self, hash: u64, label: impl Fn(T) -> u64) -> Option<T> {
        let labels = self.members.iter().map(|member| label(*member));
        hash::owner(hash, labels).map(|place| self.members[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn take(rotation: &mut Rotation<char>, count: usize) -> String {
        (0..count).filter_map(|_| rotation.next()).collect()
    }

    #[test]
    fn a_change_of_members_neither_skips_nor_repeats() {
        // (members, how many are served, members then, who is served then)
        let table = [
            ("abc", 4, "abc", "bca"),
            ("abc", 2, "ac", "cac"),
            ("ab", 1, "a", "aaa"),
            ("abcd", 2, "ac", "cac"),
            ("abcd", 3, "ac", "aca"),
            ("ab", 3, "cd", "cdc"),
            ("abc", 1, "cab", "bca"),
            ("ab", 1, "zab", "bza"),
            ("ab", 2, "abc", "abc"),
            ("abc", 1, "", ""),
            ("", 0, "aab", "aba"),
        ];
        for (before, served, after, expected) in table {
            let mut rotation = Rotation::new();
            rotation.set(before.chars());
            take(&mut rotation, served);
            rotation.set(after.chars());
            assert_eq!(take(&mut rotation, 3), expected, "{before} {served} {after}");
        }
    }

    #[test]
    fn the_least_loaded_is_chosen_and_equals_take_turns() {
        let mut rotation = Rotation::new();
        rotation.set("abc".chars());
        let load = |member| match member {
            'a' => 2,
            'b' => 1,
            _ => 1,
        };
        let chosen: String = (0..4).filter_map(|_| rotation.least(load)).collect();
        assert_eq!(chosen, "bcbc");
        assert_eq!(Rotation::<char>::new().least(|_| 0), None);
    }

    proptest! {
        // Whoever stays is served once in each round, in the order of before.
        #[test]
        fn those_who_stay_keep_their_order(
            members in 1..12_u32,
            served in 0..30_usize,
            gone: Vec<u32>,
            newcomers in 0..4_u32,
        ) {
            let mut rotation = Rotation::new();
            rotation.set(0..members);
            for _ in 0..served {
                rotation.next();
            }
            let stay = |member: &u32| !gone.contains(member);
            let mut untouched = rotation.clone();
            let round = (0..members).filter_map(|_| untouched.next());
            let order: Vec<u32> = round.filter(stay).collect();

            let mut removed = rotation.clone();
            for member in &gone {
                removed.remove(*member);
            }
            let round: Vec<u32> = order.iter().filter_map(|_| removed.next()).collect();
            prop_assert_eq!(&round, &order);

            let listing = (0..members).filter(stay).chain(100..100 + newcomers);
            rotation.set(listing);
            let len = rotation.members().len();
            let round: Vec<u32> = (0..len).filter_map(|_| rotation.next()).collect();
            let old: Vec<u32> = round.iter().copied().filter(|member| *member < 100).collect();
            prop_assert_eq!(old, order);
            prop_assert_eq!(round.len(), len);
        }

        #[test]
        fn a_key_keeps_its_owner_while_the_owner_stays(
            keys: Vec<u64>, members in 1..12_u32, gone in 0..12_u32,
        ) {
            let (mut all, mut rest) = (Rotation::new(), Rotation::new());
            all.set(0..members);
            rest.set((0..members).filter(|member| *member != gone));
            for key in keys {
                let before = all.owner(key, u64::from);
                prop_assert!(before == Some(gone) || before == rest.owner(key, u64::from));
            }
        }
    }
}
