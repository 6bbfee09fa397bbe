//! Who stands under which key, as often as it came and in the order of coming; pure.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::actor::ActorId;

/// One entry under a key.
#[derive(Debug)]
pub(crate) struct Member<E> {
    pub(crate) actor: ActorId,
    pub(crate) entry: E,
}

/// All who stand under one key, by the number of their coming. It is shared with whoever goes
/// through it just now, and copied when it changes meanwhile.
pub(crate) type Members<E> = Rc<BTreeMap<u64, Rc<Member<E>>>>;

/// The entries of a table, by key and by actor. A key without entries is not there.
#[derive(Debug)]
pub(crate) struct Table<K, E> {
    by_key: BTreeMap<K, Members<E>>,
    by_actor: BTreeMap<ActorId, BTreeSet<(K, u64)>>,
    next: u64,
    /// How often anything changed.
    changes: u64,
}

impl<K: Ord + Clone, E> Table<K, E> {
    pub(crate) const fn new() -> Self {
        Self { by_key: BTreeMap::new(), by_actor: BTreeMap::new(), next: 0, changes: 0 }
    }

    /// Adds an entry behind all others of its key.
    pub(crate) fn add(&mut self, key: &K, actor: ActorId, entry: E) -> Rc<Member<E>> {
        let number = self.next;
        self.next += 1;
        self.changes += 1;
        let member = Rc::new(Member { actor, entry });
        let members = self.by_key.entry(key.clone()).or_default();
        Rc::make_mut(members).insert(number, Rc::clone(&member));
        self.by_actor.entry(actor).or_default().insert((key.clone(), number));
        member
    }

    /// Takes the youngest entry of an actor under a key out.
    pub(crate) fn take_one(&mut self, key: &K, actor: ActorId) -> Option<Rc<Member<E>>> {
        let number = self.numbers(key, actor).last()?;
        self.take(key, actor, number)
    }

    /// Takes all entries of an actor under a key out, oldest first.
    pub(crate) fn take_key(&mut self, key: &K, actor: ActorId) -> Vec<Rc<Member<E>>> {
        let numbers: Vec<u64> = self.numbers(key, actor).collect();
        numbers.into_iter().filter_map(|number| self.take(key, actor, number)).collect()
    }

    /// Takes all entries of an actor out, oldest first.
    pub(crate) fn take_actor(&mut self, actor: ActorId) -> Vec<Rc<Member<E>>> {
        let held = self.by_actor.remove(&actor).unwrap_or_default();
        let mut held: Vec<(K, u64)> = held.into_iter().collect();
        held.sort_by_key(|(_, number)| *number);
        held.into_iter().filter_map(|(key, number)| self.take(&key, actor, number)).collect()
    }

    fn take(&mut self, key: &K, actor: ActorId, number: u64) -> Option<Rc<Member<E>>> {
        let members = self.by_key.get_mut(key)?;
        let member = Rc::make_mut(members).remove(&number)?;
        if members.is_empty() {
            self.by_key.remove(key);
        }
        if let Some(held) = self.by_actor.get_mut(&actor) {
            held.remove(&(key.clone(), number));
            if held.is_empty() {
                self.by_actor.remove(&actor);
            }
        }
        self.changes += 1;
        Some(member)
    }

    fn numbers(
        &self,
        key: &K,
        actor: ActorId,
    ) -> impl DoubleEndedIterator<Item = u64> + use<'_, K, E> {
        let range = (key.clone(), 0)..=(key.clone(), u64::MAX);
        let held = self.by_actor.get(&actor).map(|held| held.range(range));
        held.into_iter().flatten().map(|(_, number)| *number)
    }

    /// Who stands under a key, in the order of coming.
    pub(crate) fn members(&self, key: &K) -> Members<E> {
        self.by_key.get(key).cloned().unwrap_or_default()
    }

    /// All entries under all keys, in the order of coming.
    pub(crate) fn all(&self) -> Vec<Rc<Member<E>>> {
        let all: BTreeMap<u64, &Rc<Member<E>>> = self
            .by_key
            .values()
            .flat_map(|members| members.iter().map(|(number, member)| (*number, member)))
            .collect();
        all.into_values().cloned().collect()
    }

    /// Whether an actor stands under a key.
    pub(crate) fn has(&self, key: &K, actor: ActorId) -> bool {
        self.numbers(key, actor).next().is_some()
    }

    /// Whether an actor has any entry.
    pub(crate) fn holds(&self, actor: ActorId) -> bool {
        self.by_actor.contains_key(&actor)
    }

    /// Whether this very entry is still there.
    pub(crate) fn contains(&self, key: &K, number: u64) -> bool {
        self.by_key.get(key).is_some_and(|members| members.contains_key(&number))
    }

    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.by_key.keys()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.values().map(|members| members.len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::key::Key;
    use proptest::prelude::*;

    type Row = (u8, ActorId, usize);

    fn taken(members: impl IntoIterator<Item = Rc<Member<usize>>>) -> Vec<usize> {
        members.into_iter().map(|member| member.entry).collect()
    }

    fn entries<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<usize> {
        rows.into_iter().map(|row| row.2).collect()
    }

    /// Takes rows out of the model, and gives their entries.
    fn remove(model: &mut Vec<Row>, which: impl Fn(&Row) -> bool) -> Vec<usize> {
        entries(&model.extract_if(.., |row| which(row)).collect::<Vec<_>>())
    }

    fn actors() -> [ActorId; 3] {
        [0, 1, 2].map(|bits| ActorId(Key::from_bits(bits)))
    }

    /// Whether the table says of every key and actor what a plain list says.
    fn compare(table: &Table<u8, usize>, model: &[Row]) -> Result<(), TestCaseError> {
        prop_assert_eq!(taken(table.all()), entries(model));
        prop_assert_eq!((table.len(), table.is_empty()), (model.len(), model.is_empty()));
        for key in 0..3 {
            let here: Vec<Row> = model.iter().filter(|row| row.0 == key).copied().collect();
            prop_assert_eq!(taken(table.members(&key).values().cloned()), entries(&here));
            prop_assert_eq!(table.keys().any(|k| *k == key), !here.is_empty());
            for actor in actors() {
                prop_assert_eq!(table.has(&key, actor), here.iter().any(|row| row.1 == actor));
                prop_assert_eq!(table.holds(actor), model.iter().any(|row| row.1 == actor));
            }
        }
        Ok(())
    }

    proptest! {
        /// Compared with a plain list of keys, actors and entries.
        #[test]
        fn it_behaves_like_a_list(
            steps in prop::collection::vec((0_u8..6, 0_u8..3, 0_usize..3), 1..200),
        ) {
            let (mut table, mut model) = (Table::new(), Vec::new());
            for (entry, (step, key, actor)) in steps.into_iter().enumerate() {
                let actor = actors()[actor];
                let own = |row: &Row| (row.0, row.1) == (key, actor);
                let (kept, changes) = (table.members(&key), table.changes());
                let seen = kept.len();
                let (gone, expected) = match step {
                    0..=2 => {
                        table.add(&key, actor, entry);
                        model.push((key, actor, entry));
                        (vec![], vec![])
                    }
                    3 => {
                        let youngest = entries(model.iter().rfind(|row| own(row)));
                        let is_it = |row: &Row| Some(&row.2) == youngest.first();
                        (taken(table.take_one(&key, actor)), remove(&mut model, is_it))
                    }
                    4 => (taken(table.take_key(&key, actor)), remove(&mut model, own)),
                    _ => {
                        let is_it = |row: &Row| row.1 == actor;
                        (taken(table.take_actor(actor)), remove(&mut model, is_it))
                    }
                };
                prop_assert_eq!(&gone, &expected);
                prop_assert_eq!(table.changes() != changes, step <= 2 || !gone.is_empty());
                prop_assert_eq!(kept.len(), seen, "whoever goes through it sees no change");
                for (number, member) in &*kept {
                    let is_gone = gone.contains(&member.entry);
                    prop_assert_eq!(table.contains(&key, *number), !is_gone);
                }
                compare(&table, &model)?;
            }
        }
    }
}
