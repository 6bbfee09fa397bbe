//! `docs/CONFORMANCE.md`: the rules, the cases and the tests, as one page.

use std::fmt::Write as _;

use super::cases::{CASES, EXCUSED};
use super::parse::Test;
use super::rules::{REASONED, sections};
use super::{known_rules, reason};
use crate::harness::SCHEDULES;

const INTRODUCTION: &str = include_str!("introduction.md");

pub(super) fn document(tests: &[Test]) -> String {
    let mut text = INTRODUCTION
        .replace("{schedules}", &thousands(SCHEDULES))
        .replace("{once more}", &thousands(SCHEDULES + 1));
    text += "\n## Rules\n";
    for section in sections() {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "\n### {}\n", section.title);
        text += "| rule | what is promised | shown by |\n| --- | --- | --- |\n";
        for rule in section.rules {
            let shown = shown_by(tests, rule.id);
            let _ = writeln!(text, "| {} | {} | {shown} |", rule.id, rule.promise);
        }
    }
    text += "\n## Cases\n\n| case | shown by | schedules |\n| --- | --- | --- |\n";
    for (id, name) in CASES {
        let shown: Vec<&Test> = of_case(tests, id).collect();
        let links = join(shown.iter().map(|test| link(test)), "<br>");
        let schedules = join(shown.iter().map(|test| schedules(test)), "<br>");
        let links = if shown.is_empty() { missing(reason(EXCUSED, id)) } else { links };
        let _ = writeln!(text, "| {id} {} | {links} | {schedules} |", name.replace('_', " "));
    }
    text + "\n## Counts\n\n" + &counts(tests)
}

/// The cases that show a rule, then the tests that belong to no case, then why there is none.
fn shown_by(tests: &[Test], rule: &str) -> String {
    let naming = || tests.iter().filter(|test| test.names(rule));
    let is_shown = |id: &str| naming().any(|test| test.case.as_deref() == Some(id));
    let cases = CASES.iter().filter(|(id, _)| is_shown(id)).map(|(id, _)| (*id).to_owned());
    let others = naming().filter(|test| test.case.is_none()).map(link);
    let shown = join(cases.chain(others), ", ");
    match (shown.as_str(), reason(REASONED, rule)) {
        ("", reason) => missing(reason),
        (shown, None) => shown.to_owned(),
        (shown, Some(reason)) => format!("{shown}. {reason}"),
    }
}

fn missing(reason: Option<&str>) -> String {
    reason.unwrap_or("nothing yet").to_owned()
}

fn of_case<'a>(tests: &'a [Test], id: &'a str) -> impl Iterator<Item = &'a Test> {
    tests.iter().filter(move |test| test.case.as_deref() == Some(id))
}

fn link(test: &Test) -> String {
    format!("[`{}`](../tests/conformance/{})", test.name, test.file)
}

fn schedules(test: &Test) -> String {
    if test.shuffled { thousands(SCHEDULES + 1) } else { "1".to_owned() }
}

fn counts(tests: &[Test]) -> String {
    let is_shown = |rule: &&str| tests.iter().any(|test| test.names(rule));
    let (shown, silent): (Vec<&str>, Vec<&str>) = known_rules().into_iter().partition(is_shown);
    let reasoned = silent.iter().filter(|rule| reason(REASONED, rule).is_some()).count();
    let cased = CASES.iter().filter(|(id, _)| of_case(tests, id).next().is_some()).count();
    let named = || tests.iter().filter(|test| test.case.is_some() || !test.rules.is_empty());
    let (all, shuffled) = (named().count(), named().filter(|test| test.shuffled).count());
    let runs = all as u64 + shuffled as u64 * SCHEDULES;
    format!(
        "| | |\n| --- | --- |\n\
         | rules | {}: {} shown by tests, {reasoned} with a reason instead |\n\
         | cases | {}: {cased} shown by tests, {} with a reason instead |\n\
         | tests | {all}, of which {shuffled} under {} schedules: {} runs |\n",
        shown.len() + silent.len(),
        shown.len(),
        CASES.len(),
        EXCUSED.len(),
        thousands(SCHEDULES + 1),
        thousands(runs),
    )
}

/// `1,001` of 1001.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}

fn join(texts: impl Iterator<Item = String>, between: &str) -> String {
    texts.collect::<Vec<_>>().join(between)
}

#[test]
fn a_row_names_cases_first_then_other_tests_then_the_reason() {
    let text = [
        "/// **D6**",
        "#[test]",
        "fn a_test_of_no_case() {",
        "}",
        "/// **R2.12, D6**",
        "#[test]",
        "fn sup_02_second() {",
        "}",
        "/// **D6**",
        "#[test]",
        "fn sup_01_first() {",
        "}",
    ];
    let tests = super::parse::tests("a.rs", &text.join("\n"));
    let other = "[`a_test_of_no_case`](../tests/conformance/a.rs)";
    assert_eq!(shown_by(&tests, "D6"), format!("SUP-01, SUP-02, {other}"));
    assert!(shown_by(&tests, "R2.12").starts_with("SUP-02. Not built"));
    assert!(shown_by(&tests, "R2.11").starts_with("Not built"));
    assert_eq!(shown_by(&tests, "R1.1"), "nothing yet");
    assert_eq!([0, 999, 1_001, 1_234_567].map(thousands), ["0", "999", "1,001", "1,234,567"]);
}
