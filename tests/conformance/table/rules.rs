//! The rules of the semantics: what is promised, and why some are shown by no test.

use super::cases::{OF_ACTORS, OF_THE_LOOP};

/// One half of the page.
pub(super) struct Part {
    pub(super) title: &'static str,
    /// What stands before the number of a rule: the loop's are asyncio's, and some of Greenroom's
    /// own promises have the same names.
    pub(super) prefix: &'static str,
    pub(super) introduction: &'static str,
    /// One section after the other: `# title`, then a line for each rule, `id promise`.
    rules: &'static str,
    pub(super) cases: &'static [(&'static str, &'static str)],
}

pub(super) const PARTS: [Part; 2] = [
    Part {
        title: "Actors",
        prefix: "",
        introduction: "",
        rules: include_str!("rules.txt"),
        cases: OF_ACTORS,
    },
    Part {
        title: "The loop and its tasks",
        prefix: "asyncio ",
        introduction: include_str!("loop_introduction.md"),
        rules: include_str!("loop_rules.txt"),
        cases: OF_THE_LOOP,
    },
];

/// Rules that tests of other binaries show, or unit tests: rule, file, test.
pub(super) const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("L6", "src/timer/tests.rs", "a_deadline_at_the_end_of_time_neither_wraps_nor_fires_early"),
    ("L6", "tests/it/time.rs", "an_endless_sleep_is_pending_and_harmless"),
    (
        "L12",
        "tests/it/net/limits.rs",
        "out_of_descriptors_accept_waits_without_spinning_and_goes_on",
    ),
    ("L12", "tests/it/net/limits.rs", "out_of_descriptors_a_server_waits_and_says_so_once"),
];

/// Rules that are not built, or not built in full, or that no test can show.
pub(super) const REASONED: &[(&str, &str)] = &[
    (
        "R1.10",
        "By the compiler: an actor can monitor only if its protocol can hold the news \
         (`P: Accepts<Down>`), and a watch or a link that is trapped brings a message of it.",
    ),
    (
        "R2.11",
        "Not built: actors here are started by a supervisor and end by its rules. \
         `System::lookup_or_start` starts one for a name; nothing collects it.",
    ),
    ("R2.12", "Not built: an idle actor keeps its memory, a few hundred bytes and its mailbox."),
];

pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) rules: Vec<Rule>,
}

pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) promise: &'static str,
}

impl Part {
    pub(super) fn sections(&self) -> Vec<Section> {
        let mut sections: Vec<Section> = Vec::new();
        for line in self.rules.lines().filter(|line| !line.is_empty()) {
            if let Some(title) = line.strip_prefix("# ") {
                sections.push(Section { title, rules: Vec::new() });
            } else {
                let (id, promise) = line.split_once(' ').expect("a rule is an id and a promise");
                let section = sections.last_mut().expect("a title comes first");
                section.rules.push(Rule { id, promise });
            }
        }
        sections
    }
}
