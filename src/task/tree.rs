//! Which task waits for which, as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::all::{TaskId, TaskInfo, all};

/// Deeper than this, lines are indented no further.
const INDENT_MAX: usize = 32;

/// The tasks of this loop that have not ended, one a line; under each, indented, those whose handle
/// it awaits. A circle of tasks, none of which will ever end, is told as one.
///
/// It sees what is awaited by a [`JoinHandle`](super::JoinHandle), also inside `join!`, a limit or a
/// group; asks between actors are in [`System::waits`](crate::System::waits).
///
/// ```
/// use greenroom::task;
/// greenroom::test::run(async |test| {
///     let fetch = task::builder().name("fetch").spawn(std::future::pending::<()>());
///     task::builder().name("crawl").spawn(async { fetch.await.unwrap() }).detach();
///     test.settle().await;
///     let tree = task::tree();
///     let lines: Vec<&str> = tree.lines().collect();
///     assert!(lines[0].starts_with("task `crawl` of "));
///     assert!(lines[1].starts_with("  task `fetch` of "));
/// });
/// ```
#[must_use]
pub fn tree() -> String {
    render(&all())
}

fn render(tasks: &[TaskInfo]) -> String {
    let known: BTreeMap<TaskId, &TaskInfo> = tasks.iter().map(|task| (task.id, task)).collect();
    let mut awaited: BTreeMap<TaskId, Vec<&TaskInfo>> = BTreeMap::new();
    for task in tasks {
        if let Some(by) = task.awaited_by {
            awaited.entry(by).or_default().push(task);
        }
    }
    let mut tree = Tree { awaited, seen: BTreeSet::new(), text: String::new() };
    for task in tasks {
        match task.awaited_by {
            None => tree.add(task, ""),
            Some(by) if !known.contains_key(&by) => tree.add(task, " (awaited by an actor)"),
            Some(_) => {}
        }
    }
    // Whoever is not seen by now is awaited in a circle, or by one that is.
    for task in tasks {
        let (mut at, mut passed) = (task, BTreeSet::new());
        while !tree.seen.contains(&task.id) {
            if !passed.insert(at.id) {
                tree.add(at, " (awaits itself, over those below)");
            } else if let Some(by) = at.awaited_by.and_then(|by| known.get(&by)) {
                at = by;
            }
        }
    }
    tree.text
}

struct Tree<'a> {
    awaited: BTreeMap<TaskId, Vec<&'a TaskInfo>>,
    seen: BTreeSet<TaskId>,
    text: String,
}

impl<'a> Tree<'a> {
    /// A task with nobody above it, and all below it.
    fn add(&mut self, top: &'a TaskInfo, remark: &str) {
        let mut open = vec![(0, top)];
        while let Some((depth, task)) = open.pop() {
            if !self.seen.insert(task.id) {
                continue;
            }
            let remark = if depth == 0 { remark } else { "" };
            let indent = "  ".repeat(depth.min(INDENT_MAX));
            // Writing to a `String` cannot fail.
            let _ = writeln!(self.text, "{indent}{task}{remark}");
            let below = self.awaited.get(&task.id).into_iter().flatten().rev();
            open.extend(below.map(|task| (depth + 1, *task)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::key::Key;

    /// Task `a` is number 1, and so on; `by` is the number of whoever awaits it, 0 for nobody.
    fn text(tasks: &[(&str, u64)]) -> String {
        let id = |number: u64| TaskId(Key::from_bits(number));
        let numbered = (1..).zip(tasks);
        let infos: Vec<TaskInfo> = numbered
            .map(|(number, (name, by))| TaskInfo {
                id: id(number),
                name: Some((*name).into()),
                location: None,
                awaited_by: (*by != 0).then(|| id(*by)),
                cancelling: 0,
            })
            .collect();
        render(&infos).replace("task ", "").replace('`', "")
    }

    #[test]
    fn who_is_awaited_stands_below_in_the_order_of_the_list() {
        assert_eq!(text(&[]), "");
        assert_eq!(text(&[("a", 0), ("b", 0)]), "a\nb\n");
        let tree = text(&[("a", 3), ("b", 3), ("c", 0), ("d", 1), ("e", 0)]);
        assert_eq!(tree, "c\n  a\n    d\n  b\ne\n");
    }

    #[test]
    fn an_actor_above_is_named_as_one() {
        assert_eq!(text(&[("a", 99), ("b", 1)]), "a (awaited by an actor)\n  b\n");
    }

    #[test]
    fn circles_are_told_and_end() {
        let circle = " (awaits itself, over those below)";
        assert_eq!(text(&[("a", 1)]), format!("a{circle}\n"));
        assert_eq!(text(&[("a", 2), ("b", 1)]), format!("a{circle}\n  b\n"));
        // Something hangs on a circle, and stands before it in the list.
        let tree = text(&[("hangs", 2), ("b", 3), ("c", 2), ("free", 0)]);
        assert_eq!(tree, format!("free\nb{circle}\n  hangs\n  c\n"));
    }

    #[test]
    fn a_long_chain_neither_overflows_nor_drifts_away() {
        let chain: Vec<(&str, u64)> = (0..100_000).map(|by| ("t", by)).collect();
        let tree = text(&chain);
        assert_eq!(tree.lines().count(), chain.len());
        assert_eq!(tree.lines().last(), Some(format!("{}t", "  ".repeat(INDENT_MAX)).as_str()));
    }
}
