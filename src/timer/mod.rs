//! Timers as data: which deadlines are there, which comes first, which are due.
//!
//! The promise:
//!
//! * **W1** a timer never fires early; equal deadlines fire in the order in which they were armed,
//!   among those of the wheel and among those of the list
//!
//! More than W1 says: everything that one call of `Wheel::expire` hands out is in the order
//! (deadline in nanoseconds, arming), although the wheel itself only tells ticks of 2^20 ns
//! (about 1 ms) apart. What is due in the list at that moment, the limits of asks, comes behind it.
//! What is absent: a clock, a waker, a thread. Time is an argument, in
//! nanoseconds since the loop's origin, so a simulation owns it completely.
//!
//! ```text
//!   front      the tick that the hand is in: a heap, exact to the nanosecond
//!   level 0    64 slots of 1 tick        the rest of the hand's    67 ms
//!   level 1    64 slots of 64 ticks                                4.3 s
//!   level 2    …                                                   4.6 min
//!   level 3                                                        4.9 h
//!   level 4                                                        13 days
//!   level 5                                                        2.3 years
//!   overflow   one list                  later than that, up to `u64::MAX`
//! ```
//!
//! A timer goes to the level of the highest digit, base 64, in which its tick differs from the
//! hand's. When the hand enters a slot, what the slot holds moves down, once a level at most; and
//! every timer of a level is due before every timer of the level above.
//!
//! | what | cost |
//! | --- | --- |
//! | insert | constant; logarithmic for a deadline in the hand's own tick or in the past |
//! | cancel | constant (amortised in the hand's tick); frees the entry at once |
//! | `next_deadline` | a look at each level, whatever the number of timers |
//! | expire | what is due, sorted, plus the moves between levels |
//! | memory | 48 bytes a timer that carries a waker; slots are used again |
//!
//! | file | what it is |
//! | --- | --- |
//! | `wheel` | the timers, the hand, and every operation |
//! | `fifo` | a list for timers that all have the same delay, which nearly always are cancelled |
//! | `timers` | both in one |
//! | `level` | where a deadline belongs; 64 slots and the bitmap that finds the first in use |

mod fifo;
mod level;
mod timers;
mod wheel;
#[cfg(test)]
mod tests;

pub(crate) use timers::{TimerKey, Timers};
