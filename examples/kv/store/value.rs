//! What a key may hold.

use std::collections::VecDeque;
use std::num::NonZeroU64;

use redis_protocol::bytes::Bytes;

use crate::store::table::Table;

pub(crate) type List = VecDeque<Bytes>;
pub(crate) type Set = Table<()>;
pub(crate) type Hash = Table<Bytes>;

/// The value of a key. Collections in the store are never empty: an empty one is no key.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    String(Bytes),
    List(List),
    Set(Set),
    Hash(Hash),
}

impl Value {
    /// The name that `TYPE` gives.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Hash(_) => "hash",
        }
    }
}

/// A value and when it ends.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) value: Value,
    /// Milliseconds since 1970; from that moment on the key does not exist.
    pub(crate) expires_at: Option<NonZeroU64>,
}

impl Record {
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at.is_some_and(|at| at.get() <= now_ms)
    }
}

/// The types of value, so that an operation can ask for the one it works on.
pub(crate) trait Kind: Sized {
    /// The value, if it is of this type.
    fn of(value: &mut Value) -> Option<&mut Self>;
    /// A new value of this type.
    fn empty() -> Value;
    /// Whether a key with this value must go.
    fn is_void(&self) -> bool;
}

macro_rules! kind {
    ($type:ty, $variant:ident, $void:expr) => {
        impl Kind for $type {
            fn of(value: &mut Value) -> Option<&mut Self> {
                if let Value::$variant(inner) = value { Some(inner) } else { None }
            }

            fn empty() -> Value {
                Value::$variant(<$type>::default())
            }

            fn is_void(&self) -> bool {
                let void: fn(&Self) -> bool = $void;
                void(self)
            }
        }
    };
}

kind!(Bytes, String, |_| false);
kind!(List, List, VecDeque::is_empty);
kind!(Set, Set, Table::is_empty);
kind!(Hash, Hash, Table::is_empty);
