//! The rules of the semantics: what is promised, and why some are shown by no test.

/// One section after the other: `# title`, then a line for each rule, `id promise`.
const RULES: &str = include_str!("rules.txt");

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

pub(super) fn sections() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in RULES.lines().filter(|line| !line.is_empty()) {
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
