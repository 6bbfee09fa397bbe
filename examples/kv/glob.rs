//! Redis' patterns: `*`, `?`, `[a-z]`, `[^a]`, and a backslash before a byte taken as it is.
//!
//! One star is remembered at a time: when the rest does not match, the last star takes one byte
//! more. An earlier star never has to, so a hostile pattern costs at most pattern × text steps.

/// Whether the whole of `text` matches `pattern`.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            star = Some((at, seen));
            continue;
        }
        let step = match (pattern.get(at), text.get(seen)) {
            (None, None) => return true,
            (Some(_), Some(byte)) => one(&pattern[at..], *byte),
            _ => None,
        };
        match (step, &mut star) {
            (Some(length), _) => {
                at += length;
                seen += 1;
            }
            (None, Some((after, taken))) if *taken < text.len() => {
                *taken += 1;
                (at, seen) = (*after, *taken);
            }
            _ => return false,
        }
    }
}

/// Matches one byte against the front of `pattern`, which is not a star. The answer is the
/// length of what stood for the byte.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', class @ ..] => {
            let (found, length) = in_class(class, byte);
            found.then_some(length + 1)
        }
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

/// Whether `byte` is in the class, and how long the class is with its bracket. A class that is
/// not closed reaches to the end of the pattern, as in Redis.
fn in_class(class: &[u8], byte: u8) -> (bool, usize) {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match &class[at.min(class.len())..] {
            [] => break,
            [b']', ..] => {
                at += 1;
                break;
            }
            [b'\\', literal, ..] => {
                found |= *literal == byte;
                at += 2;
            }
            [low, b'-', high, ..] => {
                found |= (*low.min(high)..=*low.max(high)).contains(&byte);
                at += 3;
            }
            [literal, ..] => {
                found |= *literal == byte;
                at += 1;
            }
        }
    }
    (found != negated, at)
}

#[cfg(test)]
mod tests {
    use crate::glob::matches;

    #[test]
    fn patterns_match_as_in_redis() {
        let rows = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "abc", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c*", "abcd", true),
            ("a**d", "abcd", true),
            ("*ab", "aab", true),
            ("*aab", "aaaab", true),
            ("a*b", "ac", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("?", "", false),
            ("h[ae]llo", "hello", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("h[a-c]llo", "hdllo", false),
            ("[", "[", false),
            ("[a", "a", true),
            ("[\\]]", "]", true),
            ("[]", "a", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a\\", true),
            ("user:*:name", "user:17:name", true),
        ];
        for (pattern, text, expected) in rows {
            let found = matches(pattern.as_bytes(), text.as_bytes());
            assert_eq!(found, expected, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_ends_soon() {
        let pattern = "a*".repeat(50) + "b";
        assert!(!matches(pattern.as_bytes(), &[b'a'; 5000]));
    }
}
