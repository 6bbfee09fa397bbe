//! One value a type: state that belongs to a loop but that the loop itself need not know.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

/// Shared values found by their type, made by `Default` when first asked for.
#[derive(Default)]
pub(crate) struct TypeMap {
    values: RefCell<HashMap<TypeId, Rc<dyn Any>, BuildHasherDefault<PassThrough>>>,
}

impl TypeMap {
    pub(crate) fn get<T: Default + 'static>(&self) -> Rc<T> {
        let found = self.values.borrow().get(&TypeId::of::<T>()).cloned();
        let value = match found {
            Some(value) => value,
            None => {
                // `T::default` is code of this crate, but it must not run under the borrow either.
                let value: Rc<dyn Any> = Rc::new(T::default());
                self.values.borrow_mut().insert(TypeId::of::<T>(), Rc::clone(&value));
                value
            }
        };
        value.downcast().expect("an entry is filed under its own type")
    }
}

impl std::fmt::Debug for TypeMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TypeMap").field("len", &self.values.borrow().len()).finish()
    }
}

/// A `TypeId` is a good hash already, so its last eight bytes are taken as they are.
#[derive(Default)]
struct PassThrough(u64);

impl Hasher for PassThrough {
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

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn each_type_has_one_value() {
        let map = TypeMap::default();
        map.get::<Cell<u8>>().set(3);
        map.get::<Cell<u16>>().set(4);
        assert_eq!((map.get::<Cell<u8>>().get(), map.get::<Cell<u16>>().get()), (3, 4));
    }
}
