//! The orders in which a queue gives its items out; pure.

use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};

/// Items, and which of them is next.
pub(crate) trait Store<T> {
    /// Adds an item. It may run the item's own `Ord`; if that panics, nothing was added.
    fn insert(&mut self, item: T);

    /// Takes the next item; runs no code of the item's.
    fn pop(&mut self) -> Option<T>;

    fn len(&self) -> usize;
}

/// First in, first out.
impl<T> Store<T> for VecDeque<T> {
    fn insert(&mut self, item: T) {
        self.push_back(item);
    }

    fn pop(&mut self) -> Option<T> {
        self.pop_front()
    }

    fn len(&self) -> usize {
        Self::len(self)
    }
}

/// Last in, first out.
impl<T> Store<T> for Vec<T> {
    fn insert(&mut self, item: T) {
        self.push(item);
    }

    fn pop(&mut self) -> Option<T> {
        Self::pop(self)
    }

    fn len(&self) -> usize {
        Self::len(self)
    }
}

/// The smallest first, equal ones in the order in which they came. A tree and not a heap: it
/// compares before it changes anything, and not at all when the first is taken.
pub(crate) struct Ranked<T> {
    items: BTreeSet<Rank<T>>,
    seq: u64,
}

struct Rank<T> {
    item: T,
    seq: u64,
}

impl<T: Ord> Ranked<T> {
    pub(crate) const fn new() -> Self {
        Self { items: BTreeSet::new(), seq: 0 }
    }
}

impl<T: Ord> Store<T> for Ranked<T> {
    fn insert(&mut self, item: T) {
        self.seq += 1;
        self.items.insert(Rank { item, seq: self.seq });
    }

    fn pop(&mut self) -> Option<T> {
        self.items.pop_first().map(|rank| rank.item)
    }

    fn len(&self) -> usize {
        self.items.len()
    }
}

impl<T: Ord> Ord for Rank<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.item.cmp(&other.item).then(self.seq.cmp(&other.seq))
    }
}

impl<T: Ord> PartialOrd for Rank<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Rank<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord> Eq for Rank<T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_order_is_what_it_says(
            steps in prop::collection::vec(prop::option::of(0_u8..8), 1..99),
        ) {
            let mut stores: [Box<dyn Store<(u8, usize)>>; 3] =
                [Box::new(VecDeque::new()), Box::new(Vec::new()), Box::new(ByFirst(Ranked::new()))];
            let mut model: Vec<(u8, usize)> = Vec::new();
            let mut models = [model.clone(), model.clone(), model.split_off(0)];
            for (number, step) in steps.into_iter().enumerate() {
                for (which, (store, model)) in stores.iter_mut().zip(&mut models).enumerate() {
                    match step {
                        Some(value) => {
                            store.insert((value, number));
                            model.push((value, number));
                        }
                        None => {
                            let next = match which {
                                0 => (0..model.len()).next(),
                                1 => (0..model.len()).next_back(),
                                _ => (0..model.len()).min_by_key(|at| model[*at].0),
                            };
                            prop_assert_eq!(store.pop(), next.map(|at| model.remove(at)));
                        }
                    }
                    prop_assert_eq!(store.len(), model.len());
                }
            }
        }
    }

    /// Compares by the first field only, so that the order of equal items shows.
    struct ByFirst(Ranked<First>);
    struct First((u8, usize));
    impl Ord for First {
        fn cmp(&self, other: &Self) -> Ordering {
            self.0.0.cmp(&other.0.0)
        }
    }
    impl PartialOrd for First {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl PartialEq for First {
        fn eq(&self, other: &Self) -> bool {
            self.cmp(other) == Ordering::Equal
        }
    }
    impl Eq for First {}
    impl Store<(u8, usize)> for ByFirst {
        fn insert(&mut self, item: (u8, usize)) {
            self.0.insert(First(item));
        }
        fn pop(&mut self) -> Option<(u8, usize)> {
            self.0.pop().map(|first| first.0)
        }
        fn len(&self) -> usize {
            self.0.len()
        }
    }
}
