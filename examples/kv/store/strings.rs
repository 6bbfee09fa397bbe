//! The operations on strings.

use std::num::NonZeroU64;

use redis_protocol::bytes::{Bytes, BytesMut};

use crate::command::{SetCondition, SetExpiry, SetOptions};
use crate::errors;
use crate::store::Store;
use crate::store::value::Value;
use crate::wire::Reply;
use crate::wire::decoder::BULK_BYTES_MAX;
use crate::wire::number::parse_i64;

type Outcome = Result<Reply, Reply>;

fn bulk_or_null(value: Option<&mut Bytes>) -> Reply {
    value.map_or(Reply::Null, |bytes| Reply::Bulk(bytes.clone()))
}

impl Store {
    pub(super) fn get(&mut self, key: &Bytes, now: u64) -> Outcome {
        Ok(bulk_or_null(self.typed(key, now)?))
    }

    pub(super) fn set(&mut self, key: &Bytes, options: SetOptions, now: u64) -> Outcome {
        let SetOptions { value, expiry, condition, get } = options;
        let moment = match expiry {
            SetExpiry::New(deadline) => Some(Self::moment(deadline, now)?),
            SetExpiry::Discard | SetExpiry::Keep => None,
        };
        let old = if get { Some(self.get(key, now)?) } else { None };
        let slot = self.live(key, now);
        let refused = match condition {
            Some(SetCondition::IfMissing) => slot.is_some(),
            Some(SetCondition::IfPresent) => slot.is_none(),
            None => false,
        };
        if refused {
            return Ok(old.unwrap_or(Reply::Null));
        }
        let kept = match expiry {
            SetExpiry::Keep => slot.and_then(|slot| self.keys.at(slot).expires_at),
            SetExpiry::Discard | SetExpiry::New(_) => None,
        };
        let expires_at = moment.and_then(|ms| NonZeroU64::new(ms.max(1).unsigned_abs()));
        if expires_at.is_some_and(|at| at.get() <= now) {
            // It would end before anybody could see it.
            self.delete(key);
        } else {
            self.put(key, Value::String(value), expires_at.or(kept));
        }
        Ok(old.unwrap_or(Reply::OK))
    }

    pub(super) fn set_new(&mut self, key: &Bytes, value: Bytes, now: u64) -> Reply {
        let missing = self.live(key, now).is_none();
        if missing {
            self.put(key, Value::String(value), None);
        }
        Reply::flag(missing)
    }

    pub(super) fn get_set(&mut self, key: &Bytes, value: Bytes, now: u64) -> Outcome {
        let old = self.get(key, now)?;
        self.put(key, Value::String(value), None);
        Ok(old)
    }

    pub(super) fn get_delete(&mut self, key: &Bytes, now: u64) -> Outcome {
        let old = self.get(key, now)?;
        self.delete(key);
        Ok(old)
    }

    pub(super) fn add(&mut self, key: &Bytes, by: i64, now: u64) -> Outcome {
        let number = match self.typed::<Bytes>(key, now)? {
            Some(text) => parse_i64(text).ok_or_else(errors::not_an_integer)?,
            None => 0,
        };
        let sum = number.checked_add(by).ok_or_else(errors::overflow)?;
        *self.typed_or_new::<Bytes>(key, now)? = Bytes::from(sum.to_string());
        self.mark(key);
        Ok(Reply::Integer(sum))
    }

    pub(super) fn append(&mut self, key: &Bytes, tail: Bytes, now: u64) -> Outcome {
        let text = self.typed_or_new::<Bytes>(key, now)?;
        let length = text.len() + tail.len();
        if length > BULK_BYTES_MAX {
            return Err(errors::string_too_long());
        }
        *text = match std::mem::take(text) {
            old if old.is_empty() => tail,
            // Grows in place, unless a reply still shares the bytes.
            old => {
                let mut joined = old.try_into_mut().unwrap_or_else(|old| BytesMut::from(&old[..]));
                joined.extend_from_slice(&tail);
                joined.freeze()
            }
        };
        self.mark(key);
        Ok(Reply::count(length))
    }

    pub(super) fn string_length(&mut self, key: &Bytes, now: u64) -> Outcome {
        Ok(Reply::count(self.typed::<Bytes>(key, now)?.map_or(0, |text| text.len())))
    }

    /// A key of another type counts as missing, as in Redis.
    pub(super) fn get_many(&mut self, keys: &[Bytes], now: u64) -> Reply {
        Reply::Array(keys.iter().map(|key| self.get(key, now).unwrap_or(Reply::Null)).collect())
    }

    pub(super) fn set_many(&mut self, pairs: Vec<(Bytes, Bytes)>) -> Reply {
        for (key, value) in pairs {
            self.put(&key, Value::String(value), None);
        }
        Reply::OK
    }

    pub(super) fn set_many_new(&mut self, pairs: Vec<(Bytes, Bytes)>, now: u64) -> Reply {
        let free = pairs.iter().all(|(key, _)| self.live(key, now).is_none());
        if free {
            self.set_many(pairs);
        }
        Reply::flag(free)
    }
}
