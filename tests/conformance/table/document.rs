//! `docs/CONFORMANCE.md`: the rules, the cases and the tests, as one page.

use std::fmt::Write as _;

use super::cases::EXCUSED;
use super::parse::Test;
use super::rules::{ELSEWHERE, PARTS, Part, REASONED};
use super::{cases, is_shown, known_rules, reason};
use crate::harness::SCHEDULES;

const INTRODUCTION: &str = include_str!("introduction.md");

pub(super) fn document(tests: &[Test]) -> String {
    let mut text = INTRODUCTION
        .replace("{schedules}", &thousands(SCHEDULES))
        .replace("{once more}", &thousands(SCHEDULES + 1));
    for part in &PARTS {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n## {}\n\n{}", part.title, part.introduction);
        text += &rules_of(part, tests);
        text += &cases_of(part, tests);
    }
    text + "\n## Counts\n\n" + &counts(tests)
}

fn rules_of(part: &Part, tests: &[Test]) -> String {
    let mut text = String::new();
    for section in part.sections() {
        let _ = writeln!(text, "\n### {}\n", section.title);
        text += "| rule | what is promised | shown by |\n| --- | --- | --- |\n";
        for rule in section.rules {
            let (prefix, shown) = (part.prefix, shown_by(tests, rule.id));
            let _ = writeln!(text, "| {prefix}{} | {} | {shown} |", rule.id, rule.promise);
        }
    }
    text
}

fn cases_of(part: &Part, tests: &[Test]) -> String {
    let mut text = format!("\n### Cases: {}\n\n", part.title.to_lowercase());
    text += "| case | shown by | schedules |\n| --- | --- | --- |\n";
    for (id, name) in part.cases {
        let shown: Vec<&Test> = of_case(tests, id).collect();
        let links = join(shown.iter().map(|test| link(test)), "<br>");
        let schedules = join(shown.iter().map(|test| schedules(test)), "<br>");
        let links = if shown.is_empty() { missing(reason(EXCUSED, id)) } else { links };
        let _ = writeln!(text, "| {id} {} | {links} | {schedules} |", name.replace('_', " "));
    }
    text
}

/// The cases that show a rule, then the tests that belong to no case, then why there is none.
fn shown_by(tests: &[Test], rule: &str) -> String {
    let naming = || tests.iter().filter(|test| test.names(rule));
    let is_shown = |id: &str| naming().any(|test| test.case.as_deref() == Some(id));
    let cases = cases().filter(|(id, _)| is_shown(id)).map(|(id, _)| (*id).to_owned());
    let others = naming().filter(|test| test.case.is_none()).map(link);
    let elsewhere = ELSEWHERE.iter().filter(|(of, ..)| *of == rule);
    let elsewhere = elsewhere.map(|(_, file, name)| format!("[`{name}`](../{file})"));
    let shown = join(cases.chain(others).chain(elsewhere), ", ");
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
    format!("[`{}`](../tests/{})", test.name, test.file)
}

fn schedules(test: &Test) -> String {
    if test.shuffled { thousands(SCHEDULES + 1) } else { "1".to_owned() }
}

fn counts(tests: &[Test]) -> String {
    let is_shown = |rule: &&str| is_shown(tests, rule);
    let (shown, silent): (Vec<&str>, Vec<&str>) = known_rules().into_iter().partition(is_shown);
    let reasoned = silent.iter().filter(|rule| reason(REASONED, rule).is_some()).count();
    let cased = cases().filter(|(id, _)| of_case(tests, id).next().is_some()).count();
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
        cases().count(),
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
    let tests = super::parse::tests("conformance/a.rs", &text.join("\n"));
    let other = "[`a_test_of_no_case`](../tests/conformance/a.rs)";
    assert_eq!(shown_by(&tests, "D6"), format!("SUP-01, SUP-02, {other}"));
    assert!(shown_by(&tests, "R2.12").starts_with("SUP-02. Not built"));
    assert!(shown_by(&tests, "R2.11").starts_with("Not built"));
    assert_eq!(shown_by(&tests, "R1.1"), "nothing yet");
    assert_eq!([0, 999, 1_001, 1_234_567].map(thousands), ["0", "999", "1,001", "1,234,567"]);
}
