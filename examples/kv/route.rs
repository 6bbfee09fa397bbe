//! Which shard a key belongs to, and how a command on many keys is split and put together.
//!
//! A shard owns a range of the 64-bit hashes of keys, not every n-th one. So all keys of all
//! shards have one order, a `SCAN` cursor is simply a hash, and the journal can give a shard its
//! entries by a range, whatever the number of shards was when they were written.
//!
//! The hash is fixed, so somebody who means harm can make keys that collide. Like the rest of
//! this example, which asks for no password, it is meant for clients that one trusts.

use redis_protocol::bytes::Bytes;

use crate::command::{KeyCommand, Scan, Spread};
use crate::wire::Reply;

/// What one shard is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ShardCommand {
    Key(KeyCommand),
    Part(Spread),
    Scan(Scan),
}

/// The hash of a key. The journal holds these numbers: they must never change.
pub(crate) fn hash(key: &[u8]) -> u64 {
    const KEYS: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93, 0xa076_1d64_78bd_642f];
    let mut state = KEYS[0] ^ (key.len() as u64).wrapping_mul(KEYS[1]);
    let (words, rest) = key.as_chunks::<8>();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), KEYS[1]);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    state = fold(state ^ u64::from_le_bytes(last), KEYS[2]);
    fold(state ^ KEYS[0], KEYS[1])
}

/// Both halves of the product: every bit of the factors reaches every bit of the result.
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The shard, of `shards`, that owns `key`.
pub(crate) fn shard_of(key: &[u8], shards: usize) -> usize {
    shard_of_hash(hash(key), shards)
}

/// The shard, of `shards`, that owns keys of this hash. For `SCAN`: that of the cursor.
pub(crate) fn shard_of_hash(hash: u64, shards: usize) -> usize {
    ((u128::from(hash) * shards as u128) >> 64) as usize
}

/// The least hash that `shard`, of `shards`, owns; `None` past the last shard.
pub(crate) fn first_hash(shard: usize, shards: usize) -> Option<u64> {
    let first = ((shard as u128) << 64).div_ceil(shards as u128);
    u64::try_from(first).ok()
}

/// A command in parts, each for one shard, and how to make one reply of theirs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// At most one for each shard, in the order of the shards.
    pub(crate) parts: Vec<(usize, Spread)>,
    pub(crate) merge: Merge,
}

/// How the replies of the parts become one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Merge {
    /// All were `OK`.
    Ok,
    /// Integers are added up.
    Sum,
    /// Arrays are joined, in whatever order.
    Join,
    /// Arrays are interleaved: element `i` of the reply is the next one of part `order[i]`.
    Interleave { order: Vec<usize> },
    /// There is one part, and its reply is the reply.
    Only,
}

/// The keys of a command belong to several shards, but it must be done as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CrossShard;

impl CrossShard {
    pub(crate) fn reply(self) -> Reply {
        Reply::error("CROSSSLOT Keys in request don't hash to the same slot")
    }
}

impl Spread {
    /// Splits the command over `shards` shards.
    ///
    /// # Errors
    ///
    /// [`CrossShard`] for `MSETNX` on keys of several shards.
    pub(crate) fn split(self, shards: usize) -> Result<Split, CrossShard> {
        let every = |part: Self, merge| Split {
            parts: (0..shards).map(|shard| (shard, part.clone())).collect(),
            merge,
        };
        Ok(match self {
            Self::GetMany(keys) => {
                let (parts, order) = group(keys, shards, |key| key);
                Split { parts: wrap(parts, Self::GetMany), merge: Merge::Interleave { order } }
            }
            Self::SetMany(pairs) => {
                let (parts, _) = group(pairs, shards, |(key, _)| key);
                Split { parts: wrap(parts, Self::SetMany), merge: Merge::Ok }
            }
            Self::SetManyNew(pairs) => {
                let (parts, _) = group(pairs, shards, |(key, _)| key);
                if parts.len() > 1 {
                    return Err(CrossShard);
                }
                Split { parts: wrap(parts, Self::SetManyNew), merge: Merge::Only }
            }
            Self::Delete(keys) => {
                let (parts, _) = group(keys, shards, |key| key);
                Split { parts: wrap(parts, Self::Delete), merge: Merge::Sum }
            }
            Self::Exists(keys) => {
                let (parts, _) = group(keys, shards, |key| key);
                Split { parts: wrap(parts, Self::Exists), merge: Merge::Sum }
            }
            Self::Keys(_) => every(self, Merge::Join),
            Self::Size => every(self, Merge::Sum),
            Self::Clear => every(self, Merge::Ok),
        })
    }
}

/// Groups items by the shard of their key, keeping their order. The second list says, for each
/// item in the original order, which group it went to.
fn group<T>(
    items: Vec<T>,
    shards: usize,
    key: impl Fn(&T) -> &Bytes,
) -> (Vec<(usize, Vec<T>)>, Vec<usize>) {
    let owners: Vec<usize> = items.iter().map(|item| shard_of(key(item), shards)).collect();
    let mut involved = owners.clone();
    involved.sort_unstable();
    involved.dedup();
    let mut groups: Vec<_> = involved.iter().map(|shard| (*shard, Vec::new())).collect();
    let mut order = Vec::with_capacity(items.len());
    for (item, owner) in items.into_iter().zip(owners) {
        let at = involved.binary_search(&owner).expect("every owner is in the list");
        groups[at].1.push(item);
        order.push(at);
    }
    (groups, order)
}

fn wrap<T>(groups: Vec<(usize, T)>, part: impl Fn(T) -> Spread) -> Vec<(usize, Spread)> {
    groups.into_iter().map(|(shard, items)| (shard, part(items))).collect()
}

impl Merge {
    /// Makes one reply of the parts' replies, which come in the order of the parts. If one of
    /// them is an error, it is the reply.
    pub(crate) fn merge(self, replies: Vec<Reply>) -> Reply {
        if let Some(error) = replies.iter().find(|reply| reply.is_error()) {
            return error.clone();
        }
        match self {
            Self::Ok => Reply::OK,
            Self::Sum => Reply::Integer(replies.iter().map(integer).sum()),
            Self::Join => Reply::Array(replies.into_iter().flat_map(elements).collect()),
            Self::Interleave { order } => {
                let mut parts: Vec<_> =
                    replies.into_iter().map(|reply| elements(reply).into_iter()).collect();
                let next = |part: usize| parts.get_mut(part).and_then(Iterator::next);
                Reply::Array(order.into_iter().map(next).map(or_null).collect())
            }
            Self::Only => or_null(replies.into_iter().next()),
        }
    }
}

fn or_null(reply: Option<Reply>) -> Reply {
    reply.unwrap_or(Reply::Null)
}

fn integer(reply: &Reply) -> i64 {
    if let Reply::Integer(value) = reply { *value } else { 0 }
}

fn elements(reply: Reply) -> Vec<Reply> {
    if let Reply::Array(items) = reply { items } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redis_protocol::bytes::Bytes;

    use crate::command::Spread;
    use crate::route::{first_hash, hash, shard_of, shard_of_hash};
    use crate::wire::Reply;

    #[test]
    fn the_hash_is_the_one_that_journals_were_written_with() {
        assert_eq!(hash(b""), 0x1911_b4d4_cff7_3cfb);
        assert_eq!(hash(b"key"), 0xd85a_82e2_31d3_5124);
        assert_eq!(hash(b"user:1234567890"), 0x60ce_00ab_00b3_ffbd);
    }

    #[test]
    fn keys_are_spread_evenly() {
        let mut counts = [0; 7];
        for number in 0..7000 {
            counts[shard_of(format!("key:{number}").as_bytes(), 7)] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn replies_of_the_parts_are_put_together() {
        let keys: Vec<Bytes> = (0..20).map(|n| Bytes::from(format!("k{n}"))).collect();
        let split = Spread::GetMany(keys.clone()).split(4).expect("it can be split");
        assert!(split.parts.len() > 1);
        let echo = |part: &Spread| match part {
            Spread::GetMany(keys) => {
                Reply::Array(keys.iter().map(|key| Reply::Bulk(key.clone())).collect())
            }
            other => panic!("{other:?} is no part of MGET"),
        };
        let replies = split.parts.iter().map(|(_, part)| echo(part)).collect();
        let expected = Reply::Array(keys.into_iter().map(Reply::Bulk).collect());
        assert_eq!(split.merge.merge(replies), expected);

        let split = Spread::Size.split(3).expect("it can be split");
        assert_eq!(split.parts.len(), 3);
        let replies = vec![Reply::Integer(1), Reply::Integer(2), Reply::Integer(3)];
        assert_eq!(split.merge.merge(replies), Reply::Integer(6));

        let split = Spread::Clear.split(2).expect("it can be split");
        let crashed = Reply::error("CRASHED");
        assert_eq!(split.merge.merge(vec![Reply::OK, crashed.clone()]), crashed);
    }

    #[test]
    fn all_or_nothing_needs_a_single_shard() {
        let pair = |key: String| (Bytes::from(key), Bytes::new());
        let many = Spread::SetManyNew((0..20).map(|n| pair(format!("k{n}"))).collect());
        assert!(many.clone().split(4).is_err());
        assert!(many.split(1).is_ok());
    }

    proptest! {
        #[test]
        fn a_shard_owns_the_range_between_two_first_hashes(hash: u64, shards in 1..200_usize) {
            let shard = shard_of_hash(hash, shards);
            prop_assert!(shard < shards);
            prop_assert!(first_hash(shard, shards).expect("it is a shard") <= hash);
            prop_assert!(first_hash(shard + 1, shards).is_none_or(|next| hash < next));
        }
    }
}
