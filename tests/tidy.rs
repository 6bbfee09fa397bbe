//! The architecture as a test: which module may import which, how long a file and a function may
//! be, what may be called where, and that drawings, named promises and examples are not orphans.
//!
//! Every rule prints all its findings with `path:line`, so one run shows everything to fix.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

#[path = "tidy/asyncio.rs"]
mod asyncio;
#[path = "tidy/rules.rs"]
mod rules;

use rules::{BANNED, IMPURE, LAYERS, NOT_ASSERTED, PURE};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;
const MAP_LINES_MAX: usize = 200;
/// What an example in documentation is marked with when it runs.
const RUN: [&str; 4] = ["", "rust", "should_panic", "standalone_crate"];

#[test]
fn imports_follow_the_layers() {
    let mut faults = Faults::default();
    for (position, (module, allowed)) in LAYERS.iter().enumerate() {
        for dependency in *allowed {
            let above = LAYERS[..position].iter().any(|(name, _)| name == dependency);
            if !above {
                faults.add("tests/tidy.rs", 0, format!("{module} names {dependency} from below"));
            }
        }
    }
    for file in sources() {
        let Some(module) = file.module() else { continue };
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            faults.add(&file.path, 1, format!("module {module} is missing from LAYERS"));
            continue;
        };
        for (number, target) in file.crate_paths() {
            let known = LAYERS.iter().any(|(name, _)| *name == target);
            if known && target != module && !allowed.contains(&target.as_str()) {
                faults.add(&file.path, number, format!("{module} may not import {target}"));
            }
        }
    }
    faults.finish();
}

#[test]
fn files_and_functions_stay_short() {
    let mut faults = Faults::default();
    for file in everything() {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            faults.add(&file.path, lines, format!("{lines} lines, at most {FILE_LINES_MAX}"));
        }
        let (mut open, mut fenced): (Option<(usize, &str)>, bool) = (None, false);
        for (number, line) in file.text.lines().enumerate() {
            let columns = line.chars().count();
            // Code in documentation, addresses and the text of events are not wrapped by rustfmt.
            let code = line.trim_start();
            fenced ^= code.starts_with("/// ```") || code.starts_with("//! ```");
            let exempt = fenced || line.contains("://") || code.starts_with("tracing::");
            if columns > COLUMNS_MAX && !exempt {
                faults.add(&file.path, number + 1, format!("{columns} columns"));
            }
            let indent = &line[..line.len() - code.len()];
            match open {
                None if is_function_head(code) => open = Some((number, indent)),
                Some((start, at)) if at == indent && code.starts_with(['}', ')']) => {
                    let length = number - start + 1;
                    if code.starts_with('}') && length > FUNCTION_LINES_MAX {
                        faults.add(&file.path, start + 1, format!("function of {length} lines"));
                    }
                    if code.starts_with('}') || code.ends_with(';') {
                        open = None;
                    }
                }
                _ => {}
            }
        }
    }
    faults.finish();
}

#[test]
fn files_open_with_their_job_and_avoid_what_is_banned() {
    let mut faults = Faults::default();
    for path in PURE.iter().filter(|path| !root().join(path).exists()) {
        faults.add(path, 0, "listed in PURE but gone");
    }
    for file in sources() {
        if !file.text.starts_with("//! ") {
            faults.add(&file.path, 1, "first line must say in `//!` what this file is for");
        }
        for (number, line) in file.code_lines().filter(|_| PURE.contains(&file.path.as_str())) {
            for text in IMPURE.iter().filter(|text| line.contains(**text)) {
                faults.add(&file.path, number, format!("{text} in a pure file"));
            }
        }
        for (text, except, instead) in BANNED {
            if except.iter().any(|home| file.path.starts_with(home)) {
                continue;
            }
            for (number, line) in file.code_lines() {
                if line.contains(text) {
                    faults.add(&file.path, number, format!("{text} is banned: use {instead}"));
                }
            }
        }
    }
    faults.finish();
}

/// Dropping a future half-way is part of its contract, so the contract must say what then holds.
#[test]
fn public_async_functions_state_their_cancel_safety() {
    let mut faults = Faults::default();
    for file in sources() {
        let mut documented = false;
        for (number, line) in file.text.lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("///") {
                documented |= code.contains("# Cancel safety");
                continue;
            }
            let is_future = code.contains("async fn ") || code.contains("-> impl Future");
            if code.starts_with("pub ") && is_future && !documented {
                faults.add(&file.path, number + 1, "says nothing under `# Cancel safety`");
            }
            documented &= code.starts_with("#[");
        }
    }
    faults.finish();
}

/// What is public is met first in its documentation, where an example that runs is never outdated.
#[test]
fn public_items_have_examples() {
    let mut faults = Faults::default();
    for file in sources() {
        let (mut shown, mut fenced, mut exempt) = (false, false, false);
        let (mut exported, mut attribute) = (false, false);
        for (number, line) in file.text.lines().enumerate() {
            let code = line.trim_start();
            if let Some(fence) = code.strip_prefix("/// ```") {
                // `text` is no code, and `no_run` and `ignore` do not run.
                shown |= !fenced && RUN.contains(&fence);
                fenced = !fenced;
            }
            if code.starts_with("///") {
                continue;
            }
            // Attributes may stand between an item and its documentation, on several lines.
            if attribute || code.starts_with("#[") {
                exempt |= code.contains("doc(hidden)") || code.contains("cfg(test)");
                exported |= code.contains("macro_export");
                attribute = !code.ends_with(']');
                continue;
            }
            let is_macro = exported && code.starts_with("macro_rules! ");
            if (is_macro || is_public_item(code)) && !shown && !exempt {
                let item = code.trim_end_matches(" {");
                faults.add(&file.path, number + 1, format!("no example that runs: {item}"));
            }
            (shown, fenced, exempt, exported) = (false, false, false, false);
        }
    }
    faults.finish();
}

/// `* **T1** a task is …` in a module's docs promises; `invariant!(T1, …)` keeps the promise in
/// code; `// T1:` above a test shows it kept. All three or none, but for those in `NOT_ASSERTED`.
#[test]
fn named_invariants_are_stated_asserted_and_tested() {
    let (stated, asserted, tested) = (stated(), asserted(), tested());
    let mut faults = Faults::default();
    for (name, (path, line)) in &stated {
        let excused = NOT_ASSERTED.iter().any(|(excused, _)| excused == name);
        if !asserted.contains(name) && !excused {
            faults.add(path, *line, format!("{name} is stated but never asserted"));
        }
        if asserted.contains(name) && excused {
            faults.add(path, *line, format!("{name} is asserted: take it off NOT_ASSERTED"));
        }
        if !tested.contains(name) {
            faults.add(path, *line, format!("{name} is stated but no test names it"));
        }
    }
    let excused = NOT_ASSERTED.iter().map(|(name, _)| (*name).to_owned());
    for name in asserted.into_iter().chain(excused).filter(|name| !stated.contains_key(name)) {
        faults.add("src", 0, format!("{name} is asserted or excused but stated nowhere"));
    }
    faults.finish();
}

/// The names promised in the documentation of modules, and where.
fn stated() -> BTreeMap<String, (String, usize)> {
    let mut stated = BTreeMap::new();
    for file in sources() {
        for (number, line) in file.text.lines().enumerate() {
            if let Some(rest) = line.trim_start().strip_prefix("//! * **") {
                let name = rest.split("**").next().unwrap_or_default().to_owned();
                stated.insert(name, (file.path.clone(), number + 1));
            }
        }
    }
    stated
}

fn asserted() -> BTreeSet<String> {
    let mut asserted = BTreeSet::new();
    for file in sources().iter().filter(|file| file.path != "src/base/invariant.rs") {
        // The name may stand on the line after.
        let code: Vec<&str> = file.code_lines().map(|(_, line)| line).collect();
        asserted.extend(after(&code.join("\n"), "invariant!("));
    }
    asserted
}

fn tested() -> BTreeSet<String> {
    let mut tested = BTreeSet::new();
    for file in files_under("tests").into_iter().chain(sources()) {
        for line in file.text.lines() {
            let comment = line.trim_start().strip_prefix("// ");
            if let Some((names, _)) = comment.and_then(|comment| comment.split_once(':')) {
                tested.extend(names.split(", ").map(str::to_owned));
            }
        }
    }
    tested
}

#[test]
fn documents_and_examples_are_not_orphans() {
    let mut faults = Faults::default();
    let map = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    if map.lines().count() > MAP_LINES_MAX {
        faults.add("docs/ARCHITECTURE.md", MAP_LINES_MAX, "too long to be read by everyone");
    }
    for (module, _) in LAYERS {
        if !map.contains(&format!("`{module}`")) {
            faults.add("docs/ARCHITECTURE.md", 0, format!("does not mention `{module}`"));
        }
    }
    for document in ["README.md", "docs/ARCHITECTURE.md", "docs/DESIGN.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for (number, line) in text.lines().enumerate() {
            for quoted in line.split('`').skip(1).step_by(2) {
                let is_path = ["src/", "tests/", "examples/", "docs/", "benches/"]
                    .iter()
                    .any(|folder| quoted.starts_with(folder));
                if is_path && !root().join(quoted).exists() {
                    faults.add(document, number + 1, format!("{quoted} is gone"));
                }
            }
        }
    }
    let runner = fs::read_to_string(root().join("tests/examples.rs")).unwrap_or_default();
    for example in files_under("examples") {
        // An example is a file, or a folder with a `main.rs`.
        let name = example.path.split('/').nth(1).unwrap_or_default().trim_end_matches(".rs");
        if !runner.contains(&format!("\"{name}\"")) {
            faults.add(&example.path, 1, "no test in tests/examples.rs runs this example");
        }
    }
    faults.finish();
}

struct File {
    path: String,
    text: String,
}

impl File {
    /// The top-level module this file belongs to; `None` for `lib.rs` and `prelude.rs`.
    fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        inside.split_once('/').map(|(module, _)| module)
    }

    /// Numbered lines with comments cut off, up to the file's unit tests.
    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = self.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = code.lines().enumerate();
        lines.map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
    }

    /// Modules named after `crate::`, alone or inside `crate::{a, b::{c}}`, with line numbers.
    fn crate_paths(&self) -> Vec<(usize, String)> {
        let code: Vec<&str> = self.code_lines().map(|(_, line)| line).collect();
        let code = code.join("\n");
        let mut found = Vec::new();
        for (offset, _) in code.match_indices("crate::") {
            let number = code[..offset].matches('\n').count() + 1;
            let mut depth = 0;
            let mut member = String::new();
            for c in code[offset + "crate::".len()..].chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => found.push((number, first_word(&member))),
                    _ => {}
                }
                match c {
                    '{' | ',' if depth == 1 => member.clear(),
                    _ => member.push(c),
                }
                if depth <= 0 && !(c.is_alphanumeric() || c == '_') {
                    break;
                }
            }
            found.push((number, first_word(&member)));
        }
        found
    }
}

#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, path: &str, line: usize, what: impl std::fmt::Display) {
        self.0.push(format!("{path}:{line}: {what}"));
    }

    fn finish(self) {
        assert!(self.0.is_empty(), "\n{}\n", self.0.join("\n"));
    }
}

/// A line that opens a function whose body does not close on the same line (rustfmt's layout).
fn is_function_head(code: &str) -> bool {
    let head = code.split("//").next().unwrap_or_default();
    head.split_whitespace().any(|word| word == "fn") && !code.ends_with([';', '}'])
}

/// A line that declares something for users of this crate; `unreachable_pub` of rustc sees to it
/// that what is `pub` is in their reach.
fn is_public_item(code: &str) -> bool {
    let Some(rest) = code.strip_prefix("pub ") else { return false };
    let mut words = rest.split(' ').skip_while(|word| ["const", "async", "unsafe"].contains(word));
    words.next().is_some_and(|word| ["fn", "struct", "enum", "trait", "type"].contains(&word))
}

/// The leading identifier of a piece of code.
fn first_word(code: &str) -> String {
    let is_part = |c: &char| c.is_alphanumeric() || *c == '_';
    code.trim_start().trim_start_matches('"').chars().take_while(is_part).collect()
}

/// The first word after each `opener` in a line.
fn after(line: &str, opener: &str) -> Vec<String> {
    line.split(opener).skip(1).map(first_word).filter(|name| !name.is_empty()).collect()
}

fn sources() -> Vec<File> {
    files_under("src")
}

fn everything() -> Vec<File> {
    ["src", "tests", "examples", "benches"].into_iter().flat_map(files_under).collect()
}

fn files_under(folder: &str) -> Vec<File> {
    let mut pending = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = pending.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                pending.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let path = entry.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                files.push(File { path, text: fs::read_to_string(&entry).unwrap() });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
