//! One value a type: state that belongs to a loop but that the loop itself need not know.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::hash::{Hash as _, Hasher};
use std::rc::Rc;

/// Shared values found by their type, made by `Default` when first asked for.
///
/// It is an open table, at most half full: a `TypeId` is a good hash already and a constant, so
/// finding a value is one comparison in nearly every case.
#[derive(Default)]
pub(crate) struct TypeMap {
    table: RefCell<Vec<Entry>>,
}

type Entry = Option<(TypeId, Rc<dyn Any>)>;

/// How large the first table is; a power of two, as every table's size.
const SIZE_MIN: usize = 32;

impl TypeMap {
    #[inline]
    pub(crate) fn get<T: Default + 'static>(&self) -> Rc<T> {
        let value = match self.find(TypeId::of::<T>()) {
            Some(value) => value,
            None => self.add::<T>(),
        };
        value.downcast().expect("an entry is filed under its own type")
    }

    #[inline]
    fn find(&self, id: TypeId) -> Option<Rc<dyn Any>> {
        let table = self.table.borrow();
        let mut place = hash(id);
        loop {
            // In a table without entries there is no place at all.
            let (filed, value) = table.get(place & table.len().wrapping_sub(1))?.as_ref()?;
            if *filed == id {
                return Some(Rc::clone(value));
            }
            place += 1;
        }
    }

    #[cold]
    fn add<T: Default + 'static>(&self) -> Rc<dyn Any> {
        // `T::default` is code of this crate, but it must not run under the borrow either.
        let value: Rc<dyn Any> = Rc::new(T::default());
        let mut table = self.table.borrow_mut();
        let used = table.iter().flatten().count();
        if used * 2 >= table.len() {
            let size = SIZE_MIN.max(table.len() * 2);
            let before = std::mem::replace(&mut *table, vec![None; size]);
            for entry in before.into_iter().flatten() {
                file(&mut table, entry);
            }
        }
        file(&mut table, (TypeId::of::<T>(), Rc::clone(&value)));
        value
    }
}

/// Puts an entry into the first free place at or behind that of its hash.
fn file(table: &mut [Entry], entry: (TypeId, Rc<dyn Any>)) {
    let mut place = hash(entry.0);
    while table[place % table.len()].is_some() {
        place += 1;
    }
    let size = table.len();
    table[place % size] = Some(entry);
}

#[inline]
fn hash(id: TypeId) -> usize {
    let mut hasher = PassThrough(0);
    id.hash(&mut hasher);
    // Half of it, so that looking on behind the last place cannot overflow.
    (hasher.finish() >> 1) as usize
}

impl std::fmt::Debug for TypeMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TypeMap")
            .field("len", &self.table.borrow().iter().flatten().count())
            .finish()
    }
}

/// Takes the last eight bytes of a `TypeId` as they are.
struct PassThrough(u64);

impl Hasher for PassThrough {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = u64::from_ne_bytes(word);
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[derive(Default)]
    struct Numbered<const N: usize>(Cell<usize>);

    macro_rules! with_each {
        ($map:ident, $do:ident: $($n:literal)*) => { $($do(&*$map.get::<Numbered<$n>>(), $n);)* };
    }

    #[test]
    fn each_type_has_one_value_also_after_the_table_grew() {
        fn write<const N: usize>(value: &Numbered<N>, number: usize) {
            assert_eq!(value.0.replace(number), 0, "it was new");
        }
        fn check<const N: usize>(value: &Numbered<N>, number: usize) {
            assert_eq!(value.0.get(), number);
        }
        let map = TypeMap::default();
        with_each!(map, write: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24);
        with_each!(map, check: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24);
        assert_eq!(map.table.borrow().len(), 64);
    }
}
