//! High and low water marks: when who writes is to wait, and for how long.
//!
//! ```text
//!              buffered > high
//!    flowing ───────────────────▶ held
//!       ▲                          │
//!       └──── buffered <= low ─────┘
//! ```

use super::limits::LimitError;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Marks {
    high: usize,
    low: usize,
    held: bool,
}

impl Marks {
    pub(crate) const fn new(high: usize, low: usize) -> Result<Self, LimitError> {
        if low > high {
            return Err(LimitError::LowAboveHigh { low, high });
        }
        Ok(Self { high, low, held: false })
    }

    /// So much is in the buffer now.
    pub(crate) const fn level(mut self, buffered: usize) -> Self {
        if buffered > self.high {
            self.held = true;
        } else if buffered <= self.low {
            self.held = false;
        }
        self
    }

    /// Other marks, from now on; between them nothing changes.
    pub(crate) const fn moved(self, high: usize, low: usize) -> Result<Self, LimitError> {
        match Self::new(high, low) {
            Ok(marks) => Ok(Self { held: self.held, ..marks }),
            Err(error) => Err(error),
        }
    }

    pub(crate) const fn is_held(self) -> bool {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn above_the_high_mark_it_is_held_until_at_or_below_the_low_one() {
        let mut marks = Marks::new(64, 16).expect("low is below high");
        let table = [(0, false), (64, false), (65, true), (64, true), (17, true), (16, false)];
        for (buffered, held) in table {
            marks = marks.level(buffered);
            assert_eq!(marks.is_held(), held, "at {buffered}");
        }
        marks = marks.level(65).moved(100, 50).expect("low is below high");
        assert!(marks.level(65).is_held() && !marks.level(50).is_held());
        assert_eq!(marks.moved(1, 2), Err(LimitError::LowAboveHigh { low: 2, high: 1 }));
        let mut zero = Marks::new(0, 0).expect("they are equal");
        for (buffered, held) in [(1, true), (0, false)] {
            zero = zero.level(buffered);
            assert_eq!(zero.is_held(), held, "at {buffered}");
        }
    }

    proptest! {
        #[test]
        fn it_is_held_only_if_the_high_mark_was_passed_since_the_low_one(
            high in 0..40_usize, low in 0..40_usize, levels: Vec<u8>,
        ) {
            let (high, low) = (high.max(low), high.min(low));
            let mut marks = Marks::new(high, low).expect("low is below high");
            let mut seen = Vec::new();
            for level in levels {
                seen.push(usize::from(level) % 50);
                marks = marks.level(seen[seen.len() - 1]);
                let last = seen.iter().rev().find(|level| **level > high || **level <= low);
                prop_assert_eq!(marks.is_held(), last.is_some_and(|level| *level > high));
            }
        }
    }
}
