//! The operations on hashes.

use redis_protocol::bytes::Bytes;

use crate::store::Store;
use crate::store::value::Hash;
use crate::wire::Reply;

type Outcome = Result<Reply, Reply>;

impl Store {
    pub(super) fn hash_set(
        &mut self,
        key: &Bytes,
        pairs: Vec<(Bytes, Bytes)>,
        now: u64,
    ) -> Outcome {
        let hash = self.typed_or_new::<Hash>(key, now)?;
        let mut added = 0;
        for (field, value) in pairs {
            added += usize::from(hash.insert(&field, value).is_none());
        }
        self.mark(key);
        Ok(Reply::count(added))
    }

    pub(super) fn hash_get(&mut self, key: &Bytes, field: &Bytes, now: u64) -> Outcome {
        let hash = self.typed::<Hash>(key, now)?;
        let value = hash.and_then(|hash| hash.get(field));
        Ok(value.map_or(Reply::Null, |value| Reply::Bulk(value.clone())))
    }

    pub(super) fn hash_delete(&mut self, key: &Bytes, fields: &[Bytes], now: u64) -> Outcome {
        let removed = self.take_from(key, now, |hash: &mut Hash| {
            fields.iter().filter(|field| hash.remove(field).is_some()).count()
        })?;
        let removed = removed.unwrap_or(0);
        if removed > 0 {
            self.mark(key);
        }
        Ok(Reply::count(removed))
    }

    pub(super) fn hash_all(&mut self, key: &Bytes, now: u64) -> Outcome {
        let Some(hash) = self.typed::<Hash>(key, now)? else {
            return Ok(Reply::Array(vec![]));
        };
        let pairs = hash.iter().flat_map(|(field, value)| [field.clone(), value.clone()]);
        Ok(Reply::Array(pairs.map(Reply::Bulk).collect()))
    }

    pub(super) fn hash_length(&mut self, key: &Bytes, now: u64) -> Outcome {
        Ok(Reply::count(self.typed::<Hash>(key, now)?.map_or(0, |hash| hash.len())))
    }
}
