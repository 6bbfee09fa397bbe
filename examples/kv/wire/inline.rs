//! Inline requests: a line typed by hand, split as Redis splits it.
//!
//! Words are separated by white space. Double quotes understand `\n \r \t \b \a \xHH` and a
//! backslash before any other byte; single quotes understand only `\'`. A closing quote must be
//! followed by white space or the end of the line.

use crate::wire::args::Span;

/// The line ended within quotes, or a closing quote was followed by something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unbalanced;

/// Splits `line` into words, which are written to `words` and described by `spans`.
///
/// # Errors
///
/// [`Unbalanced`] when the quotes do not match.
pub(crate) fn split(
    line: &[u8],
    words: &mut Vec<u8>,
    spans: &mut Vec<Span>,
) -> Result<(), Unbalanced> {
    words.clear();
    spans.clear();
    let mut rest = line;
    loop {
        rest = skip_space(rest);
        if rest.is_empty() {
            return Ok(());
        }
        let start = words.len() as u32;
        rest = word(rest, words)?;
        spans.push(Span { start, end: words.len() as u32 });
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}

fn skip_space(line: &[u8]) -> &[u8] {
    let length = line.iter().take_while(|byte| is_space(**byte)).count();
    &line[length..]
}

fn word<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Unbalanced> {
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            _ if is_space(byte) => break,
            b'"' => return double_quoted(after, out),
            b'\'' => return single_quoted(after, out),
            _ => out.push(byte),
        }
        rest = after;
    }
    Ok(rest)
}

fn double_quoted<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Unbalanced> {
    loop {
        rest = match rest {
            [b'\\', b'x', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                out.push(hex(*high) << 4 | hex(*low));
                after
            }
            [b'\\', byte, after @ ..] => {
                out.push(unescape(*byte));
                after
            }
            [b'"', after @ ..] => return end_of_quotes(after),
            [byte, after @ ..] => {
                out.push(*byte);
                after
            }
            [] => return Err(Unbalanced),
        };
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Unbalanced> {
    loop {
        rest = match rest {
            [b'\\', b'\'', after @ ..] => {
                out.push(b'\'');
                after
            }
            [b'\'', after @ ..] => return end_of_quotes(after),
            [byte, after @ ..] => {
                out.push(*byte);
                after
            }
            [] => return Err(Unbalanced),
        };
    }
}

fn end_of_quotes(rest: &[u8]) -> Result<&[u8], Unbalanced> {
    match rest.first() {
        Some(byte) if !is_space(*byte) => Err(Unbalanced),
        _ => Ok(rest),
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use crate::wire::inline::{Unbalanced, split};

    fn words(line: &str) -> Result<Vec<String>, Unbalanced> {
        let (mut bytes, mut spans) = (Vec::new(), Vec::new());
        split(line.as_bytes(), &mut bytes, &mut spans)?;
        let word = |start: u32, end: u32| bytes[start as usize..end as usize].escape_ascii();
        Ok(spans.iter().map(|span| word(span.start, span.end).to_string()).collect())
    }

    #[test]
    fn a_line_is_split_as_redis_splits_it() {
        let rows: &[(&str, Result<&[&str], Unbalanced>)] = &[
            ("", Ok(&[])),
            ("   ", Ok(&[])),
            ("PING", Ok(&["PING"])),
            ("  set  a\tb ", Ok(&["set", "a", "b"])),
            (r#"set a "b c""#, Ok(&["set", "a", "b c"])),
            (r#"a "" ''"#, Ok(&["a", "", ""])),
            (r#""\x41\n\"\q""#, Ok(&["A\\n\\\"q"])),
            (r"'it\'s \n'", Ok(&[r"it\'s \\n"])),
            (r#"ab"c d""#, Ok(&["abc d"])),
            (r#""\xzz""#, Ok(&["xzz"])),
            (r#""open"#, Err(Unbalanced)),
            (r#""open\"#, Err(Unbalanced)),
            ("'open", Err(Unbalanced)),
            (r#""a"b"#, Err(Unbalanced)),
            ("'a'b", Err(Unbalanced)),
        ];
        for (line, expected) in rows {
            let expected = expected.map(|list| list.iter().map(|word| word.to_string()).collect());
            assert_eq!(words(line), expected, "{line:?}");
        }
    }
}
