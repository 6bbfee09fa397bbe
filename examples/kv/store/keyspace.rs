//! The operations on keys of any type, and on all keys of the shard.

use std::num::NonZeroU64;

use redis_protocol::bytes::Bytes;

use crate::command::{Deadline, ExpireCondition, Scan};
use crate::glob;
use crate::route;
use crate::store::Store;
use crate::store::value::Record;
use crate::wire::Reply;

/// `TTL` of a key that is not there.
const NO_KEY: i64 = -2;
/// `TTL` of a key that does not end.
const NO_EXPIRY: i64 = -1;

impl Store {
    /// Deletes the key; false if it was not there, or had ended.
    pub(super) fn delete_live(&mut self, key: &Bytes, now: u64) -> bool {
        self.live(key, now).is_some() && self.delete(key).is_some()
    }

    pub(super) fn expire(
        &mut self,
        key: &Bytes,
        deadline: Deadline,
        condition: Option<ExpireCondition>,
        now: u64,
    ) -> Result<Reply, Reply> {
        let moment = Self::moment(deadline, now)?;
        let Some(slot) = self.live(key, now) else {
            return Ok(Reply::flag(false));
        };
        let old = self.keys.at(slot).expires_at;
        // One that is long past is as good as the first moment of all.
        let new = NonZeroU64::new(moment.max(1).unsigned_abs()).unwrap_or(NonZeroU64::MIN);
        let takes_place = match condition {
            None => true,
            Some(ExpireCondition::Endless) => old.is_none(),
            Some(ExpireCondition::Ending) => old.is_some(),
            Some(ExpireCondition::Later) => old.is_some_and(|old| new > old),
            Some(ExpireCondition::Earlier) => old.is_none_or(|old| new < old),
            Some(ExpireCondition::EndingAndEarlier) => old.is_some_and(|old| new < old),
        };
        if !takes_place {
            return Ok(Reply::flag(false));
        }
        if new.get() <= now {
            self.delete(key);
        } else {
            self.keys.at_mut(slot).expires_at = Some(new);
            self.expiry.change(key, old, Some(new));
            self.mark(key);
        }
        Ok(Reply::flag(true))
    }

    pub(super) fn time_to_live(&mut self, key: &Bytes, seconds: bool, now: u64) -> Reply {
        let Some(slot) = self.live(key, now) else {
            return Reply::Integer(NO_KEY);
        };
        let Some(at) = self.keys.at(slot).expires_at else {
            return Reply::Integer(NO_EXPIRY);
        };
        let ms = at.get() - now;
        // Rounded to the nearest second, as Redis does.
        let left = if seconds { ms.saturating_add(500) / 1000 } else { ms };
        Reply::Integer(i64::try_from(left).unwrap_or(i64::MAX))
    }

    pub(super) fn persist(&mut self, key: &Bytes, now: u64) -> Reply {
        let Some(slot) = self.live(key, now) else {
            return Reply::flag(false);
        };
        let old = self.keys.at_mut(slot).expires_at.take();
        if old.is_some() {
            self.expiry.change(key, old, None);
            self.mark(key);
        }
        Reply::flag(old.is_some())
    }

    pub(super) fn kind(&mut self, key: &Bytes, now: u64) -> Reply {
        let slot = self.live(key, now);
        Reply::Simple(slot.map_or("none", |slot| self.keys.at(slot).value.kind()))
    }

    pub(super) fn clear(&mut self) -> Reply {
        self.keys.clear();
        self.expiry.clear();
        if self.options.journalled {
            self.changes.clear();
        }
        Reply::OK
    }

    pub(super) fn keys_matching(&self, pattern: &[u8], now: u64) -> Reply {
        let wanted =
            |key: &Bytes, record: &Record| !record.is_expired(now) && glob::matches(pattern, key);
        let keys = self.keys.iter().filter(|(key, record)| wanted(key, record));
        Reply::Array(keys.map(|(key, _)| Reply::Bulk(key.clone())).collect())
    }

    /// Visits keys in the order of their hashes, from the cursor on. The new cursor is the hash
    /// of the first key not visited; past the last key of this shard it is the first hash of the
    /// next shard, and past the last shard 0. Keys of equal hashes are visited together, so a
    /// key that is there from the first call to the last is returned.
    pub(super) fn scan(&self, scan: &Scan, now: u64) -> Reply {
        let wanted = |key: &Bytes, record: &Record| {
            let kind = scan.kind.as_ref();
            !record.is_expired(now)
                && kind.is_none_or(|kind| kind == record.value.kind())
                && scan.pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, key))
        };
        let mut found = Vec::new();
        let mut last = None;
        let mut next = route::first_hash(self.options.shard + 1, self.options.shards);
        for (visited, (hash, key, record)) in self.keys.iter_from(scan.cursor).enumerate() {
            if visited >= scan.count && last != Some(hash) {
                next = Some(hash);
                break;
            }
            last = Some(hash);
            if wanted(key, record) {
                found.push(Reply::Bulk(key.clone()));
            }
        }
        let cursor = Reply::text(next.unwrap_or(0).to_string());
        Reply::Array(vec![cursor, Reply::Array(found)])
    }
}
