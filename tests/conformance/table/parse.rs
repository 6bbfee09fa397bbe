//! What a test file says of its tests: name, case, rules, and how many schedules each is run under.

/// A test as its source describes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Test {
    /// Where it stands, from `tests` on.
    pub(super) file: String,
    pub(super) name: String,
    /// The case in its name: `SUP-15` of `sup_15_…`.
    pub(super) case: Option<String>,
    /// The bold list with which its documentation begins.
    pub(super) rules: Vec<String>,
    /// Whether it is run under shuffled schedules too.
    pub(super) shuffled: bool,
}

/// All tests of one file, in its order. It relies on rustfmt's layout: an attribute, a `fn` and the
/// brace that closes it each begin a line.
pub(super) fn tests(file: &str, text: &str) -> Vec<Test> {
    let mut tests = Vec::new();
    let (mut docs, mut attributes) = (String::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let code = line.trim_start();
        if let Some(doc) = code.strip_prefix("///") {
            docs += doc;
        } else if code.starts_with("#[") || (!attributes.is_empty() && !attributes.ends_with(']')) {
            attributes += code;
        } else if !code.is_empty() && !code.starts_with("//") {
            // The item itself: what stood above belongs to it, be it a test or not.
            let (docs, attributes) = (std::mem::take(&mut docs), std::mem::take(&mut attributes));
            let Some(name) = function(code).filter(|_| attributes.contains("#[test]")) else {
                continue;
            };
            let end = format!("{}}}", &line[..line.len() - code.len()]);
            let is_open = !code.ends_with('}');
            let body: Vec<&str> = if is_open {
                lines.by_ref().take_while(|line| *line != end).collect()
            } else {
                Vec::new()
            };
            tests.push(Test {
                file: file.to_owned(),
                name: name.to_owned(),
                case: case_of(name),
                rules: rules_of(&docs),
                shuffled: body.iter().any(|line| calls_case(line)),
            });
        }
    }
    tests
}

fn function(code: &str) -> Option<&str> {
    let (head, name) = code.split_once("fn ")?;
    let modifiers = head.split_whitespace().all(|word| word == "async" || word.starts_with("pub"));
    name.split('(').next().filter(|_| modifiers)
}

/// `SUP-15` of `sup_15_anything`, of `sup_15b_anything`, which shows another part, and of `sup_15`.
fn case_of(name: &str) -> Option<String> {
    let mut words = name.split('_');
    let (area, number) = (words.next()?, words.next()?);
    let number = number.strip_suffix(|part: char| part.is_ascii_lowercase()).unwrap_or(number);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (area.len() <= 3 && is_number).then(|| format!("{}-{number}", area.to_uppercase()))
}

/// `R3.3` and `D1` of ` **R3.3, D1** Some text.`
fn rules_of(docs: &str) -> Vec<String> {
    let list = docs.trim_start().strip_prefix("**").and_then(|rest| rest.split_once("**"));
    let (list, _) = list.unwrap_or_default();
    list.split(',').map(|rule| rule.trim().to_owned()).filter(|rule| !rule.is_empty()).collect()
}

/// Whether the line calls `case(…)` of the harness, and not something whose name ends so.
fn calls_case(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices("case(").any(|(at, _)| {
        !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    })
}

#[test]
fn name_case_rules_and_schedules_are_read() {
    let text = [
        "/// **R3.3, R3.14, D1** Children start in list order,",
        "/// and stop in reverse. **Bold** words are no rules.",
        "#[test]",
        "fn sup_01_start_order() {",
        "    case(async |test| {",
        "    });",
        "}",
        "",
        "/// Not a test.",
        "fn helper() {",
        "    case(async |_| {});",
        "}",
        "",
        "/// **R4.1** In order only: the case is long.",
        "#[test]",
        "fn ask_13() {",
        "    in_order(async |_| lower_case(1).await); // no case(",
        "}",
    ];
    let expected = [
        test("sup_01_start_order", Some("SUP-01"), &["R3.3", "R3.14", "D1"], true),
        test("ask_13", Some("ASK-13"), &["R4.1"], false),
    ];
    assert_eq!(tests("a.rs", &text.join("\n")), expected);
}

#[test]
fn comments_and_attributes_stand_where_they_like() {
    let text = [
        "// K1: nothing comes of a timer that was cancelled.",
        "/// **R5.1** Text.",
        "// M1: order.",
        "#[test]",
        "#[expect(",
        "    clippy::too_many_lines,",
        "    reason = \"a table\",",
        ")]",
        "fn tim_02_cancel() {}",
        "mod inner {",
        "    #[should_panic]",
        "    #[test]",
        "    /// **R1.1,",
        "    /// R1.2** Under the attribute, in two lines.",
        "    pub(crate) fn in_a_module() {",
        "        if true {",
        "            case(async |_| {});",
        "        }",
        "    }",
        "",
        "    #[test]",
        "    fn undocumented_after_it() {",
        "        in_order(async |_| {});",
        "    }",
        "}",
    ];
    let expected = [
        test("tim_02_cancel", Some("TIM-02"), &["R5.1"], false),
        test("in_a_module", None, &["R1.1", "R1.2"], true),
        test("undocumented_after_it", None, &[], false),
    ];
    assert_eq!(tests("a.rs", &text.join("\n")), expected);
}

#[test]
fn an_area_and_a_number_name_a_case() {
    for (name, case) in [
        ("grp_01", Some("GRP-01")),
        ("in_01_await_graph", Some("IN-01")),
        ("sup_99_there_is_no_such_case", Some("SUP-99")),
        ("rtr_02b_another_part", Some("RTR-02")),
        ("sup_1_is_no_case_either", Some("SUP-1")),
        ("the_window_of_15_slides", None),
        ("in_flight_messages", None),
        ("after_15_crashes", None),
        ("cycles", None),
    ] {
        assert_eq!(case_of(name).as_deref(), case, "{name}");
    }
    assert!(rules_of("No rules. **R1.1** comes too late.").is_empty());
    assert_eq!(rules_of(" **R1.1, ** Text."), ["R1.1"]);
}

fn test(name: &str, case: Option<&str>, rules: &[&str], shuffled: bool) -> Test {
    Test {
        file: "a.rs".to_owned(),
        name: name.to_owned(),
        case: case.map(str::to_owned),
        rules: rules.iter().map(|&rule| rule.to_owned()).collect(),
        shuffled,
    }
}
