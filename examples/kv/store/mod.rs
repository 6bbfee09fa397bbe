//! One shard's keys: a pure structure, which knows no time but the one it is given, no actors and
//! no files.
//!
//! A command is applied as a whole and its reply returned. With a journal, the store also notes
//! which keys changed ([`Store::take_effects`]). A panic in the middle of a command may leave
//! the structure half changed: then it must be thrown away, and what it noted goes with it. The
//! journal therefore never sees half a command.
//!
//! A key that has ended is gone for every command at that very moment; its memory is freed when
//! it is next touched, or by [`Store::expire_some`].

pub(crate) mod changes;
pub(crate) mod encoding;
pub(crate) mod expiry;
pub(crate) mod hashes;
pub(crate) mod keyspace;
pub(crate) mod lists;
pub(crate) mod random;
pub(crate) mod sets;
pub(crate) mod strings;
pub(crate) mod table;
pub(crate) mod value;

use std::num::NonZeroU64;

use redis_protocol::bytes::Bytes;

use crate::command::{Deadline, KeyCommand, KeyOp, Spread};
use crate::errors;
use crate::route::ShardCommand;
use crate::store::changes::{Changes, Effect};
use crate::store::encoding::Malformed;
use crate::store::expiry::Expiry;
use crate::store::random::Random;
use crate::store::table::{Slot, Table};
use crate::store::value::{Kind, Record, Value};
use crate::wire::Reply;

/// Which store this is, and what is expected of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// From 0, below `shards`.
    pub(crate) shard: usize,
    pub(crate) shards: usize,
    /// Note changes for [`Store::take_effects`].
    pub(crate) journalled: bool,
    /// Decides which members `SPOP` takes.
    pub(crate) seed: u64,
}

/// The keys of one shard.
#[derive(Debug)]
pub(crate) struct Store {
    options: Options,
    keys: Table<Record>,
    expiry: Expiry,
    changes: Changes,
    random: Random,
}

impl Store {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            keys: Table::of_parts(u32::try_from(options.shards).unwrap_or(1)),
            expiry: Expiry::default(),
            changes: Changes::default(),
            random: Random::new(options.seed),
            options,
        }
    }

    /// Does what a client asked for. `now_ms` is the time since 1970 in milliseconds.
    ///
    /// # Panics
    ///
    /// On `DEBUG PANIC`, which is what that command is for.
    pub(crate) fn apply(&mut self, command: ShardCommand, now_ms: u64) -> Reply {
        match command {
            ShardCommand::Key(command) => self.apply_to_key(command, now_ms),
            ShardCommand::Part(part) => self.apply_part(part, now_ms),
            ShardCommand::Scan(scan) => self.scan(&scan, now_ms),
        }
    }

    /// Whether there is something to write to the journal.
    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// What must be written to the journal, in order, so that it says what the store says now.
    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        let changes = std::mem::take(&mut self.changes);
        let clear = changes.cleared.then_some(Effect::Clear);
        let puts = changes.keys.into_iter().map(|key| match self.keys.get(&key) {
            Some(record) => Effect::Put {
                value: encoding::encode(&record.value),
                expires_at_ms: record.expires_at.map(NonZeroU64::get),
                key,
            },
            None => Effect::Delete { key },
        });
        clear.into_iter().chain(puts).collect()
    }

    /// Takes an entry over from the journal. One that has ended meanwhile is not taken, and will
    /// be among the next effects as deleted.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if `value` is not what [`encoding::encode`] writes.
    pub(crate) fn restore(
        &mut self,
        key: Bytes,
        value: Vec<u8>,
        expires_at_ms: Option<u64>,
        now_ms: u64,
    ) -> Result<(), Malformed> {
        let expires_at = expires_at_ms.map(|at| NonZeroU64::new(at).unwrap_or(NonZeroU64::MIN));
        let record = Record { value: encoding::decode(value)?, expires_at };
        if record.is_expired(now_ms) {
            self.mark(&key);
        } else {
            self.expiry.change(&key, None, expires_at);
            self.keys.insert(&key, record);
        }
        Ok(())
    }

    /// How many keys there are, and how many of them have a time to live.
    #[cfg(test)]
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.keys.len(), self.expiry.len())
    }

    /// When the next key ends, in milliseconds since 1970.
    pub(crate) fn next_expiry(&self) -> Option<u64> {
        self.expiry.next()
    }

    /// Removes up to `limit` keys that have ended, and returns them.
    pub(crate) fn expire_some(&mut self, now_ms: u64, limit: usize) -> Vec<Bytes> {
        let mut removed = Vec::new();
        while removed.len() < limit
            && let Some(key) = self.expiry.due(now_ms)
        {
            self.delete(&key);
            removed.push(key);
        }
        removed
    }

    fn apply_to_key(&mut self, command: KeyCommand, now: u64) -> Reply {
        let KeyCommand { key, op } = command;
        let outcome = match op {
            KeyOp::Get => self.get(&key, now),
            KeyOp::Set(options) => self.set(&key, *options, now),
            KeyOp::SetNew(value) => Ok(self.set_new(&key, value, now)),
            KeyOp::GetSet(value) => self.get_set(&key, value, now),
            KeyOp::GetDelete => self.get_delete(&key, now),
            KeyOp::Add(by) => self.add(&key, by, now),
            KeyOp::Append(value) => self.append(&key, value, now),
            KeyOp::StringLength => self.string_length(&key, now),
            KeyOp::Delete => Ok(Reply::flag(self.delete_live(&key, now))),
            KeyOp::Exists => Ok(Reply::flag(self.live(&key, now).is_some())),
            KeyOp::Expire { deadline, condition } => self.expire(&key, deadline, condition, now),
            KeyOp::TimeToLive { seconds } => Ok(self.time_to_live(&key, seconds, now)),
            KeyOp::Persist => Ok(self.persist(&key, now)),
            KeyOp::Type => Ok(self.kind(&key, now)),
            KeyOp::Push { end, values } => self.push(&key, end, values, now),
            KeyOp::Pop { end, count } => self.pop(&key, end, count, now),
            KeyOp::ListLength => self.list_length(&key, now),
            KeyOp::ListRange { start, stop } => self.list_range(&key, start, stop, now),
            KeyOp::SetAdd(members) => self.set_add(&key, members, now),
            KeyOp::SetRemove(members) => self.set_remove(&key, &members, now),
            KeyOp::SetMembers => self.set_members(&key, now),
            KeyOp::SetContains(member) => self.set_contains(&key, &member, now),
            KeyOp::SetCount => self.set_count(&key, now),
            KeyOp::SetPop { count } => self.set_pop(&key, count, now),
            KeyOp::HashSet(pairs) => self.hash_set(&key, pairs, now),
            KeyOp::HashGet(field) => self.hash_get(&key, &field, now),
            KeyOp::HashDelete(fields) => self.hash_delete(&key, &fields, now),
            KeyOp::HashAll => self.hash_all(&key, now),
            KeyOp::HashLength => self.hash_length(&key, now),
            KeyOp::Panic => panic!("DEBUG PANIC {}", errors::shown(&key, 128)),
        };
        outcome.unwrap_or_else(|error| error)
    }

    fn apply_part(&mut self, part: Spread, now: u64) -> Reply {
        match part {
            Spread::GetMany(keys) => self.get_many(&keys, now),
            Spread::SetMany(pairs) => self.set_many(pairs),
            Spread::SetManyNew(pairs) => self.set_many_new(pairs, now),
            Spread::Delete(keys) => {
                Reply::count(keys.iter().filter(|key| self.delete_live(key, now)).count())
            }
            Spread::Exists(keys) => {
                Reply::count(keys.iter().filter(|key| self.live(key, now).is_some()).count())
            }
            Spread::Keys(pattern) => self.keys_matching(&pattern, now),
            Spread::Size => Reply::count(self.keys.len()),
            Spread::Clear => self.clear(),
        }
    }

    /// Where the key is, unless it has ended, in which case it is removed.
    fn live(&mut self, key: &Bytes, now: u64) -> Option<Slot> {
        let slot = self.keys.find(key)?;
        if self.keys.at(slot).is_expired(now) {
            self.delete(key);
            return None;
        }
        Some(slot)
    }

    /// The key's value of the wanted type, or an error if it is of another.
    fn typed<K: Kind>(&mut self, key: &Bytes, now: u64) -> Result<Option<&mut K>, Reply> {
        let Some(slot) = self.live(key, now) else {
            return Ok(None);
        };
        let value = &mut self.keys.at_mut(slot).value;
        K::of(value).map(Some).ok_or_else(errors::wrong_type)
    }

    /// The same for an operation that changes the value, which is made if there is none.
    fn typed_or_new<K: Kind>(&mut self, key: &Bytes, now: u64) -> Result<&mut K, Reply> {
        // An ended one is removed first.
        let _ = self.live(key, now);
        let make = || Record { value: K::empty(), expires_at: None };
        let record = self.keys.get_or_insert_with(key, make);
        K::of(&mut record.value).ok_or_else(errors::wrong_type)
    }

    /// Takes something out of a collection with `take`; a collection that is empty then goes.
    /// `None` if there is no such key.
    fn take_from<K: Kind, T>(
        &mut self,
        key: &Bytes,
        now: u64,
        take: impl FnOnce(&mut K) -> T,
    ) -> Result<Option<T>, Reply> {
        let Some(collection) = self.typed::<K>(key, now)? else {
            return Ok(None);
        };
        let taken = take(collection);
        if collection.is_void() {
            self.delete(key);
        }
        Ok(Some(taken))
    }

    /// Puts a value under the key, whatever was there.
    fn put(&mut self, key: &Bytes, value: Value, expires_at: Option<NonZeroU64>) {
        let old = self.keys.insert(key, Record { value, expires_at });
        self.expiry.change(key, old.and_then(|record| record.expires_at), expires_at);
        self.mark(key);
    }

    fn delete(&mut self, key: &Bytes) -> Option<Record> {
        let record = self.keys.remove(key)?;
        self.expiry.change(key, record.expires_at, None);
        self.mark(key);
        Some(record)
    }

    fn mark(&mut self, key: &Bytes) {
        if self.options.journalled {
            self.changes.mark(key);
        }
    }

    /// The moment that a deadline means, in milliseconds since 1970; not positive if long past.
    fn moment(deadline: Deadline, now: u64) -> Result<i64, Reply> {
        if !deadline.relative {
            return Ok(deadline.ms);
        }
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let moment = deadline.ms.checked_add(now);
        moment.ok_or_else(|| errors::invalid_expiry(deadline.command))
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
