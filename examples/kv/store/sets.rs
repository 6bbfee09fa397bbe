//! The operations on sets.

use redis_protocol::bytes::Bytes;

use crate::store::Store;
use crate::store::random::Random;
use crate::store::value::Set;
use crate::wire::Reply;

type Outcome = Result<Reply, Reply>;

impl Store {
    pub(super) fn set_add(&mut self, key: &Bytes, members: Vec<Bytes>, now: u64) -> Outcome {
        let set = self.typed_or_new::<Set>(key, now)?;
        let added = members.iter().filter(|member| set.insert(member, ()).is_none()).count();
        if added > 0 {
            self.mark(key);
        }
        Ok(Reply::count(added))
    }

    pub(super) fn set_remove(&mut self, key: &Bytes, members: &[Bytes], now: u64) -> Outcome {
        let removed = self.take_from(key, now, |set: &mut Set| {
            members.iter().filter(|member| set.remove(member).is_some()).count()
        })?;
        let removed = removed.unwrap_or(0);
        if removed > 0 {
            self.mark(key);
        }
        Ok(Reply::count(removed))
    }

    pub(super) fn set_members(&mut self, key: &Bytes, now: u64) -> Outcome {
        let Some(set) = self.typed::<Set>(key, now)? else {
            return Ok(Reply::Array(vec![]));
        };
        Ok(Reply::Array(set.iter().map(|(member, ())| Reply::Bulk(member.clone())).collect()))
    }

    pub(super) fn set_contains(&mut self, key: &Bytes, member: &Bytes, now: u64) -> Outcome {
        let set = self.typed::<Set>(key, now)?;
        Ok(Reply::flag(set.is_some_and(|set| set.contains(member))))
    }

    pub(super) fn set_count(&mut self, key: &Bytes, now: u64) -> Outcome {
        Ok(Reply::count(self.typed::<Set>(key, now)?.map_or(0, |set| set.len())))
    }

    pub(super) fn set_pop(&mut self, key: &Bytes, count: Option<usize>, now: u64) -> Outcome {
        let mut random = Random::new(self.random.next());
        let popped = self.take_from(key, now, |set: &mut Set| {
            let count = count.unwrap_or(1).min(set.len());
            (0..count).filter_map(|_| pop_one(set, &mut random)).collect::<Vec<_>>()
        })?;
        if popped.as_ref().is_some_and(|members| !members.is_empty()) {
            self.mark(key);
        }
        let mut popped = popped.unwrap_or_default();
        Ok(match count {
            Some(_) => Reply::Array(popped),
            None => popped.pop().unwrap_or(Reply::Null),
        })
    }
}

/// Pops the member that follows a random place in the order of hashes. Not every member is
/// equally likely: one after a wide gap is likelier. That is as random as Redis promises.
fn pop_one(set: &mut Set, random: &mut Random) -> Option<Reply> {
    let place = random.next();
    let member = set.iter_from(place).chain(set.iter_from(0)).next()?.1.clone();
    set.remove(&member);
    Some(Reply::Bulk(member))
}
