//! The ground: pieces that know nothing of tasks, sockets or actors, each usable alone.
//!
//! | file | what it is |
//! | --- | --- |
//! | `backoff` | delays that grow from failure to failure |
//! | `clock` | the one place that reads the machine's clock |
//! | `context` | values that a chain of tasks sees |
//! | `hash` | a hash without a random seed, and who of several owns a key |
//! | `invariant` | named promises, checked where they are kept |
//! | `key` | 64-bit keys: loop, slot, generation |
//! | `panics` | running user code so that a panic is a value |
//! | `rng` | the seeded generator behind jitter and shuffles |
//! | `slots` | tables whose stale keys find nothing |
//! | `type_map` | one value a type, for state that belongs to a loop |
//! | `waiters` | who waits for one thing to change |

pub(crate) mod backoff;
pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod hash;
pub(crate) mod invariant;
pub(crate) mod key;
pub(crate) mod panics;
pub(crate) mod rng;
pub(crate) mod slots;
pub(crate) mod type_map;
pub(crate) mod waiters;
