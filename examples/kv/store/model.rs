//! The store against a model that is too simple to be wrong, and a journal replayed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use redis_protocol::bytes::Bytes;

use crate::store::Store;
use crate::store::changes::Effect;
use crate::store::tests::{NOW, ask, store};
use crate::wire::Reply;

#[derive(Debug, Clone)]
enum Model {
    Text(String),
    List(Vec<String>),
    Set(BTreeSet<String>),
    Hash(BTreeMap<String, String>),
}

#[derive(Debug, Clone)]
struct Step {
    verb: &'static str,
    key: u8,
    operand: u8,
    more: u8,
}

const VERBS: &[&str] = &[
    "set",
    "get",
    "append",
    "incrby",
    "del",
    "lpush",
    "rpush",
    "lpop",
    "rpop",
    "lrange",
    "llen",
    "sadd",
    "srem",
    "smembers",
    "sismember",
    "hset",
    "hdel",
    "hget",
    "hgetall",
    "hlen",
    "type",
];

impl Step {
    fn line(&self) -> String {
        let Self { verb, key, operand, more } = self;
        match *verb {
            "get" | "del" | "lpop" | "rpop" | "llen" | "smembers" | "hgetall" | "hlen" | "type" => {
                format!("{verb} {key}")
            }
            "hset" | "lrange" | "lpush" => format!("{verb} {key} {operand} {more}"),
            _ => format!("{verb} {key} {operand}"),
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (prop::sample::select(VERBS), 0..4_u8, 0..5_u8, 0..5_u8);
    let step = step.prop_map(|(verb, key, operand, more)| Step { verb, key, operand, more });
    prop::collection::vec(step, 0..200)
}

const WRONG: &str = "WRONGTYPE";

/// What the step does to the model, and what it prints; `None` is a null.
fn step(keys: &mut BTreeMap<u8, Model>, step: &Step) -> Option<String> {
    let (word, more) = (step.operand.to_string(), step.more.to_string());
    let entry = keys.get_mut(&step.key);
    let family = match step.verb {
        "set" | "del" | "type" => "any",
        "get" | "append" | "incrby" => "string",
        verb if verb.starts_with('s') => "set",
        verb if verb.starts_with('h') => "hash",
        _ => "list",
    };
    let kind = match &entry {
        None => "none",
        Some(Model::Text(_)) => "string",
        Some(Model::List(_)) => "list",
        Some(Model::Set(_)) => "set",
        Some(Model::Hash(_)) => "hash",
    };
    if family != "any" && kind != "none" && kind != family {
        return Some(WRONG.to_string());
    }
    match step.verb {
        "type" => return Some(kind.to_string()),
        "del" => return Some(usize::from(keys.remove(&step.key).is_some()).to_string()),
        "set" => {
            keys.insert(step.key, Model::Text(word));
            return Some("OK".to_string());
        }
        _ => {}
    }
    let writes = matches!(step.verb, "append" | "incrby" | "lpush" | "rpush" | "sadd" | "hset");
    if entry.is_none() && !writes {
        return match step.verb {
            "get" | "lpop" | "rpop" | "hget" => None,
            "lrange" | "smembers" | "hgetall" => Some(String::new()),
            _ => Some("0".to_string()),
        };
    }
    let value = keys.entry(step.key).or_insert_with(|| match family {
        "string" => Model::Text(String::new()),
        "list" => Model::List(vec![]),
        "set" => Model::Set(BTreeSet::new()),
        _ => Model::Hash(BTreeMap::new()),
    });
    let (printed, empty) = match value {
        Model::Text(text) => (text_step(text, step.verb, &word), false),
        Model::List(list) => {
            (list_step(list, step.verb, (step.operand, step.more)), list.is_empty())
        }
        Model::Set(set) => (set_step(set, step.verb, word), set.is_empty()),
        Model::Hash(hash) => (hash_step(hash, step.verb, word, more), hash.is_empty()),
    };
    if empty {
        keys.remove(&step.key);
    }
    printed
}

fn text_step(text: &mut String, verb: &str, word: &str) -> Option<String> {
    match verb {
        "append" => {
            text.push_str(word);
            return Some(text.len().to_string());
        }
        "incrby" => {
            let old = if text.is_empty() { "0" } else { &text[..] };
            let leading_zero = old.len() > 1 && old.starts_with('0');
            match old.parse::<i64>() {
                Ok(number) if !leading_zero => {
                    let Some(sum) = number.checked_add(word.parse().expect("a digit")) else {
                        return Some("ERR increment or decrement would overflow".to_string());
                    };
                    *text = sum.to_string();
                }
                _ => return Some("ERR value is not an integer or out of range".to_string()),
            }
        }
        _ => {}
    }
    Some(text.clone())
}

fn list_step(list: &mut Vec<String>, verb: &str, (first, second): (u8, u8)) -> Option<String> {
    match verb {
        "lpush" => {
            list.insert(0, first.to_string());
            list.insert(0, second.to_string());
        }
        "rpush" => list.push(first.to_string()),
        "lpop" => return Some(list.remove(0)),
        "rpop" => return list.pop(),
        "lrange" => {
            let within = |at: &usize| (usize::from(first)..=usize::from(second)).contains(at);
            let found: Vec<_> = (0..list.len()).filter(within).map(|at| list[at].clone()).collect();
            return Some(found.join(","));
        }
        _ => {}
    }
    Some(list.len().to_string())
}

fn set_step(set: &mut BTreeSet<String>, verb: &str, word: String) -> Option<String> {
    Some(match verb {
        "sadd" => usize::from(set.insert(word)).to_string(),
        "srem" => usize::from(set.remove(&word)).to_string(),
        "sismember" => usize::from(set.contains(&word)).to_string(),
        _ => set.iter().cloned().collect::<Vec<_>>().join(","),
    })
}

fn hash_step(
    hash: &mut BTreeMap<String, String>,
    verb: &str,
    field: String,
    value: String,
) -> Option<String> {
    Some(match verb {
        "hset" => usize::from(hash.insert(field, value).is_none()).to_string(),
        "hdel" => usize::from(hash.remove(&field).is_some()).to_string(),
        "hget" => return hash.get(&field).cloned(),
        "hlen" => hash.len().to_string(),
        _ => {
            let mut pairs: Vec<_> = hash.iter().map(|(f, v)| format!("{f}={v}")).collect();
            pairs.sort();
            pairs.join(",")
        }
    })
}

/// A reply in the words of the model.
fn printed(verb: &str, reply: Reply) -> Option<String> {
    let text = |reply: Reply| match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => panic!("{other:?} in an array"),
    };
    match reply {
        Reply::Null => None,
        Reply::Simple(text) => Some(text.to_string()),
        Reply::Error(text) if text.starts_with(WRONG) => Some(WRONG.to_string()),
        Reply::Error(text) => Some(text.into_owned()),
        Reply::Integer(value) => Some(value.to_string()),
        Reply::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(text).collect();
            if verb == "hgetall" {
                items = items.chunks(2).map(|pair| pair.join("=")).collect();
            }
            if verb != "lrange" {
                items.sort();
            }
            Some(items.join(","))
        }
        other => Some(text(other)),
    }
}

/// A journal as simple as can be.
#[derive(Default)]
struct Journal(BTreeMap<Bytes, (Vec<u8>, Option<u64>)>);

impl Journal {
    fn write(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Clear => self.0.clear(),
                Effect::Put { key, value, expires_at_ms } => {
                    self.0.insert(key, (value, expires_at_ms));
                }
                Effect::Delete { key } => {
                    self.0.remove(&key);
                }
            }
        }
    }

    fn replay(&self, now: u64) -> Store {
        let mut fresh = store();
        for (key, (value, expires_at)) in self.0.clone() {
            fresh.restore(key, value, expires_at, now).expect("the store wrote it");
        }
        fresh
    }
}

/// All that can be seen of a store.
fn contents(store: &mut Store, now: u64) -> Vec<Option<String>> {
    let reads = ["type", "pttl", "get", "lrange", "smembers", "hgetall"];
    let line = |verb: &str, key: u8| match verb {
        "lrange" => format!("lrange {key} 0 -1"),
        _ => format!("{verb} {key}"),
    };
    let mut seen = Vec::new();
    for key in 0..4 {
        for verb in reads {
            seen.push(printed(verb, ask(store, &line(verb, key), now)));
        }
    }
    seen
}

proptest! {
    #[test]
    fn the_store_does_what_the_model_does(steps in steps()) {
        let (mut store, mut model) = (store(), BTreeMap::new());
        for (at, each) in steps.iter().enumerate() {
            let reply = printed(each.verb, ask(&mut store, &each.line(), NOW));
            prop_assert_eq!(reply, step(&mut model, each), "step {}: {}", at, each.line());
        }
        prop_assert_eq!(store.size().0, model.len());
    }

    #[test]
    fn a_replayed_journal_gives_the_same_store(
        steps in steps(),
        marks in prop::collection::vec((0..8_u8, 0..30_u64), 200),
    ) {
        let (mut store, mut journal, mut now) = (store(), Journal::default(), NOW);
        for (each, (mark, ms)) in steps.iter().zip(marks) {
            now += ms;
            ask(&mut store, &each.line(), now);
            match mark {
                0 => drop(ask(&mut store, &format!("pexpire {} {}", each.key, ms * 3), now)),
                1 => drop(store.expire_some(now, 1)),
                2 if ms == 7 => drop(ask(&mut store, "flushall", now)),
                3 => journal.write(store.take_effects()),
                _ => {}
            }
        }
        journal.write(store.take_effects());
        let mut replayed = journal.replay(now);
        prop_assert_eq!(contents(&mut replayed, now), contents(&mut store, now));
    }
}
