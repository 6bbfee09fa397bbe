//! `docs/ASYNCIO.md` names everything that asyncio has, says of everything what it is here, and
//! names nothing that is not there.

use std::collections::BTreeSet;
use std::fs;

use super::{Faults, root, sources};

const TABLE: &str = "docs/ASYNCIO.md";
/// One name a line, by section; those of asyncio 3.14 that are documented or in its `__all__`.
const NAMES: &str = "docs/asyncio-names.txt";
/// What the table calls and others have: the language, the standard library, `futures`.
const FOREIGN: &[&str] = &[
    "AsyncFn",
    "Err",
    "Ok",
    "Some",
    "cancellation",
    "channel",
    "f",
    "is_canceled",
    "now_or_never",
    "null",
    "piped",
    "to_string",
];

#[test]
fn the_table_of_asyncio_has_every_name_and_no_empty_cell() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (table, names) = (read(TABLE), read(NAMES));
    let names: BTreeSet<&str> = names.lines().filter(|line| !line.starts_with('#')).collect();
    let mut faults = Faults::default();
    let mut told = BTreeSet::new();
    for (number, line) in table.lines().enumerate().filter(|(_, line)| line.starts_with('|')) {
        let cells = cells(line);
        if cells.len() != 2 || cells.iter().any(String::is_empty) {
            faults.add(TABLE, number + 1, format!("{} cells, or an empty one", cells.len()));
            continue;
        }
        for name in in_backticks(&cells[0]) {
            if !names.contains(name) {
                faults.add(TABLE, number + 1, format!("{name} is not in {NAMES}"));
            }
            if !told.insert(name.to_owned()) {
                faults.add(TABLE, number + 1, format!("{name} has a row already"));
            }
        }
    }
    for name in names.iter().filter(|name| !told.contains(**name)) {
        faults.add(TABLE, 0, format!("{name} has no row"));
    }
    faults.finish();
}

/// The blocks of code are compiled; what is named in a row is looked for here.
#[test]
fn the_table_of_asyncio_calls_only_what_exists() {
    let table = fs::read_to_string(root().join(TABLE)).unwrap();
    let sources = sources();
    let functions: BTreeSet<&str> = sources
        .iter()
        .flat_map(|file| file.text.split("fn ").skip(1))
        .filter_map(|rest| rest.split(|c: char| !is_of_word(c)).next())
        .collect();
    let mut faults = Faults::default();
    for (number, line) in table.lines().enumerate().filter(|(_, line)| line.starts_with('|')) {
        let here = cells(line).pop().unwrap_or_default();
        for name in in_backticks(&here).flat_map(called) {
            if !functions.contains(name) && !FOREIGN.contains(&name) {
                faults.add(TABLE, number + 1, format!("there is no function {name}"));
            }
        }
    }
    faults.finish();
}

/// The words that stand before an opening parenthesis.
fn called(code: &str) -> impl Iterator<Item = &str> {
    let before = code.match_indices('(').map(|(at, _)| &code[..at]);
    before
        .map(|head| head.rsplit(|c: char| !is_of_word(c)).next().unwrap_or_default())
        .filter(|word| !word.is_empty())
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What stands between the bars of a row; `\|` is a bar within a cell.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim().replace(r"\|", "\u{1}");
    let inner = row.strip_prefix('|').and_then(|row| row.strip_suffix('|')).unwrap_or_default();
    inner.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

fn in_backticks(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn rows_are_read_as_they_are_shown() {
    assert_eq!(cells(r"| `a`, `b` | `\|x\| x` |"), ["`a`, `b`", "`|x| x`"]);
    assert_eq!(cells("| `a` |  |"), ["`a`", ""]);
    assert_eq!(cells("| `a` |").len(), 1);
    assert_eq!(in_backticks("`a`, `b.c`").collect::<Vec<_>>(), ["a", "b.c"]);
    assert_eq!(called("a::b(|x| c.d_e(x)).f").collect::<Vec<_>>(), ["b", "d_e"]);
}
