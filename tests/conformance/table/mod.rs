//! The conformance table: which rule is shown by which case and test; `docs/CONFORMANCE.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

mod cases;
mod document;
mod parse;
mod rules;

use cases::{AREAS, EXCUSED, WITHOUT_RULE};
use parse::Test;
use rules::{ELSEWHERE, PARTS, REASONED};

const DOCUMENT: &str = "docs/CONFORMANCE.md";

#[test]
fn the_conformance_table_is_current() {
    let path = root().join(DOCUMENT);
    let text = document::document(&tests());
    if std::env::var_os("GREENROOM_WRITE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    // A page that is not there differs like any other.
    let current = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    let differs = text.lines().zip(current.lines()).position(|(new, old)| new != old);
    let line = differs.unwrap_or_else(|| text.lines().count().min(current.lines().count())) + 1;
    assert!(
        text == current,
        "{DOCUMENT} is not what the tests say, from line {line} on. To write it anew: \
         GREENROOM_WRITE=1 cargo test --test conformance table"
    );
}

#[test]
fn every_case_has_a_test_or_an_excuse() {
    let tests = tests();
    let is_shown = |id: &str| tests.iter().any(|test| test.case.as_deref() == Some(id));
    let known = cases().filter_map(|(id, _)| match (is_shown(id), reason(EXCUSED, id)) {
        (false, None) => Some(format!("{id} has no test and no excuse")),
        (true, Some(_)) => Some(format!("{id} has a test: take it off EXCUSED")),
        _ => None,
    });
    let unknown = EXCUSED.iter().filter(|(id, _)| !is_case(id));
    finish(known.chain(unknown.map(|(id, _)| format!("EXCUSED names {id}, which is no case"))));
}

#[test]
fn every_rule_has_a_test_or_a_reason() {
    let tests = tests();
    let silent = known_rules()
        .into_iter()
        .filter(|rule| !is_shown(&tests, rule) && reason(REASONED, rule).is_none());
    let unknown = REASONED.iter().filter(|(rule, _)| !known_rules().contains(rule));
    let unknown = unknown.map(|(rule, _)| format!("REASONED names {rule}, which is no rule"));
    finish(silent.map(|rule| format!("{rule} has no test and no reason")).chain(unknown));
}

#[test]
fn tests_name_only_what_exists() {
    let rules = known_rules();
    let mut faults = Vec::new();
    for test in tests() {
        let unknown = test.rules.iter().filter(|rule| !rules.contains(&rule.as_str()));
        faults.extend(unknown.map(|rule| format!("{test} names {rule}, which is no rule")));
        if let Some(case) = test.case.as_ref().filter(|case| !is_case(case)) {
            faults.push(format!("{test} belongs to {case}, which is no case"));
        }
    }
    for (rule, file, name) in ELSEWHERE {
        if !fs::read_to_string(root().join(file)).unwrap().contains(&format!("fn {name}(")) {
            faults.push(format!("{rule} is shown by {name} in {file}, which is not there"));
        }
        if !rules.contains(rule) {
            faults.push(format!("{file}: {name} shows {rule}, which is no rule"));
        }
    }
    finish(faults.into_iter());
}

#[test]
fn every_test_of_a_case_names_its_rules() {
    let silent = tests().into_iter().filter(|test| test.case.is_some() && test.rules.is_empty());
    let silent = silent.filter(|test| reason(WITHOUT_RULE, &test.name).is_none());
    finish(silent.map(|test| format!("{test} does not begin with rules: `/// **R3.3** Text`")));
}

#[test]
fn names_of_tests_are_unique() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let named = tests().into_iter().filter(|test| test.case.is_some() || !test.rules.is_empty());
    let twice = named.filter_map(|test| {
        let said = test.to_string();
        let before = seen.insert(test.name, test.file)?;
        Some(format!("{said} has the name of a test in {before}"))
    });
    finish(twice);
}

#[test]
fn all_cases_and_rules_are_listed_once() {
    for (areas, count) in AREAS {
        let listed = cases().filter(|(id, _)| areas.iter().any(|area| id.starts_with(area)));
        assert_eq!(listed.count(), *count, "{areas:?}");
    }
    assert_eq!(cases().count(), AREAS.iter().map(|(_, count)| count).sum(), "of no area");
    let mut ids: Vec<&str> = cases().map(|(id, _)| *id).chain(known_rules()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "listed twice");
}

impl Test {
    fn names(&self, rule: &str) -> bool {
        self.rules.iter().any(|named| named == rule)
    }
}

impl std::fmt::Display for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tests/{}: {}", self.file, self.name)
    }
}

fn known_rules() -> Vec<&'static str> {
    let sections = PARTS.iter().flat_map(|part| part.sections());
    sections.flat_map(|section| section.rules).map(|rule| rule.id).collect()
}

fn cases() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    PARTS.iter().flat_map(|part| part.cases)
}

fn is_shown(tests: &[Test], rule: &str) -> bool {
    tests.iter().any(|test| test.names(rule)) || ELSEWHERE.iter().any(|(of, ..)| *of == rule)
}

fn is_case(id: &str) -> bool {
    cases().any(|(case, _)| *case == id)
}

fn reason(reasons: &'static [(&str, &str)], id: &str) -> Option<&'static str> {
    reasons.iter().find(|(of, _)| *of == id).map(|(_, reason)| *reason)
}

/// Prints all findings at once.
fn finish(faults: impl Iterator<Item = String>) {
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// All tests of the two binaries, by name.
fn tests() -> Vec<Test> {
    let folder = root().join("tests");
    let mut tests = Vec::new();
    for binary in ["conformance", "asyncio"] {
        read(&folder, &folder.join(binary), &mut tests);
    }
    tests.sort_by(|a, b| (&a.name, &a.file).cmp(&(&b.name, &b.file)));
    tests
}

fn read(root: &Path, folder: &Path, tests: &mut Vec<Test>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            read(root, &entry, tests);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let file = entry.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            tests.extend(parse::tests(&file, &fs::read_to_string(&entry).unwrap()));
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
