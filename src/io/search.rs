//! Looking for the first of several separators in bytes that arrive piece by piece.

use memchr::memmem;

/// Where a search stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// A separator stands at `start` and ends before `end`.
    At { start: usize, end: usize },
    /// None begins in the first `clear` bytes; look again from there when there are more.
    Not { clear: usize },
    /// More than the limit, `length` bytes, come before it or before where it may begin yet.
    TooLong { length: usize, complete: bool },
}

/// Separators, and how much may come before one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    separators: &'a [&'a [u8]],
    limit: usize,
    longest: usize,
}

impl<'a> Search<'a> {
    /// `None` when there is no separator, or an empty one.
    pub(crate) fn new(separators: &'a [&'a [u8]], limit: usize) -> Option<Self> {
        let longest = separators.iter().map(|separator| separator.len()).max()?;
        let some = separators.iter().all(|separator| !separator.is_empty());
        some.then_some(Self { separators, limit, longest })
    }

    /// How many bytes must be in sight for every answer to be possible.
    pub(crate) const fn bound(&self) -> usize {
        let least = self.limit.saturating_add(self.longest);
        let usual = self.limit.saturating_mul(2);
        if least > usual { least } else { usual }
    }

    /// Looks through `bytes` from `clear`, which an earlier look gave. The one that ends first is
    /// found; of two that end together, the shorter.
    pub(crate) fn look(&self, bytes: &[u8], clear: usize) -> Found {
        let rest = &bytes[clear..];
        let ends = self.separators.iter().filter_map(|separator| {
            let start = clear + find(rest, separator)?;
            Some((start + separator.len(), separator.len()))
        });
        if let Some((end, length)) = ends.min() {
            let start = end - length;
            return if start > self.limit {
                Found::TooLong { length: start, complete: true }
            } else {
                Found::At { start, end }
            };
        }
        // The last bytes may be the beginning of the longest one.
        let clear = clear.max((bytes.len() + 1).saturating_sub(self.longest));
        if clear > self.limit {
            return Found::TooLong { length: clear, complete: false };
        }
        Found::Not { clear }
    }
}

fn find(bytes: &[u8], separator: &[u8]) -> Option<usize> {
    match separator {
        [byte] => memchr::memchr(*byte, bytes),
        _ => memmem::find(bytes, separator),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn look(bytes: &str, separators: &[&str], limit: usize) -> Found {
        let separators: Vec<_> = separators.iter().map(|text| text.as_bytes()).collect();
        Search::new(&separators, limit).expect("no separator is empty").look(bytes.as_bytes(), 0)
    }

    #[test]
    fn the_first_end_wins_and_the_limit_counts_what_comes_before() {
        let at = |start, end| Found::At { start, end };
        let long = |length, complete| Found::TooLong { length, complete };
        let table: [(&str, &[&str], usize, Found); 14] = [
            ("line 1\nline 2\r", &["\r", "\n"], 64, at(6, 7)),
            ("ABCDEFG", &["DEF", "BCDE"], 64, at(1, 5)),
            ("ABCDEF", &["DE", "CDE"], 64, at(3, 5)),
            ("", &["\n"], 64, Found::Not { clear: 0 }),
            ("abc", &["\n"], 64, Found::Not { clear: 3 }),
            ("abc\r", &["\r\n"], 64, Found::Not { clear: 3 }),
            ("\r", &["\r\n\r\n"], 64, Found::Not { clear: 0 }),
            ("1234567\n", &["\n"], 7, at(7, 8)),
            ("1234567", &["\n"], 7, Found::Not { clear: 7 }),
            ("12345678\n", &["\n"], 7, long(8, true)),
            ("12345678", &["\n"], 7, long(8, false)),
            ("some dataAA", &["AAA"], 3, long(9, false)),
            ("some dataAAA", &["AAA"], 3, long(9, true)),
            ("123AA", &["AAA"], 3, Found::Not { clear: 3 }),
        ];
        for (bytes, separators, limit, expected) in table {
            assert_eq!(look(bytes, separators, limit), expected, "{bytes:?} {separators:?}");
        }
        assert!(Search::new(&[], 7).is_none() && Search::new(&[b"\n", b""], 7).is_none());
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            bytes in "[ab]{0,30}", separators in prop::collection::vec("[ab]{1,4}", 1..4),
            limit in 1..20_usize,
        ) {
            let parts: Vec<_> = separators.iter().map(|text| text.as_bytes()).collect();
            let search = Search::new(&parts, limit).expect("no separator is empty");
            let mut clear = 0;
            let bytes = bytes.as_bytes();
            let mut seen = None;
            for sight in 0..=bytes.len() {
                match search.look(&bytes[..sight], clear) {
                    Found::Not { clear: next } => clear = next,
                    found => {
                        // All it needs for the decision fits into the bound.
                        prop_assert!(sight <= search.bound());
                        seen = Some(found);
                        break;
                    }
                }
            }
            // The same by counting ends from the left.
            let first = (0..=bytes.len()).find_map(|end| {
                let ends = parts.iter().filter(|part| bytes[..end].ends_with(part));
                ends.map(|part| (end - part.len(), end)).max()
            });
            match (seen, first) {
                (Some(Found::At { start, end }), Some(expected)) => {
                    prop_assert_eq!((start, end), expected);
                    prop_assert!(start <= limit);
                }
                (Some(Found::TooLong { length, complete }), first) => {
                    prop_assert!(length > limit);
                    prop_assert!(first.is_none_or(|(start, _)| start >= length));
                    if complete {
                        prop_assert_eq!(first.map(|(start, _)| start), Some(length));
                    }
                }
                (None, None) => {}
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
