//! `AwaitTree`: who waits for whom, as values and as text.

use std::fmt;

use crate::actor::ActorLabel;
use crate::task::TaskInfo;

/// Somebody who waits, or is waited for.
///
/// ```
/// use greenroom::diagnosis::{self, Node};
/// greenroom::test::run(async |_test| {
///     let task = greenroom::task::spawn(std::future::pending::<()>());
///     let tree = diagnosis::tree();
///     assert!(tree.nodes().iter().any(|node| matches!(node, Node::Task(info) if Some(info.id) == task.id())));
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Node {
    /// A task.
    Task(TaskInfo),
    /// An actor.
    Actor {
        /// Who it is.
        actor: ActorLabel,
        /// The type of the message in its hand.
        handling: Option<&'static str>,
    },
    /// The future that the loop was given to run, or one of Greenroom's own tasks.
    Main,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(task) => task.fmt(f),
            Self::Actor { actor, handling: None } => actor.fmt(f),
            Self::Actor { actor, handling: Some(message) } => {
                write!(f, "{actor}, handling `{message}`")
            }
            Self::Main => f.write_str("main"),
        }
    }
}

/// One who waits for another, both by their places in [`AwaitTree::nodes`].
///
/// ```
/// use greenroom::{diagnosis, task};
/// greenroom::test::run(async |test| {
///     let inner = task::spawn(std::future::pending::<()>());
///     let outer = task::spawn(inner);
///     test.settle().await;
///     let tree = diagnosis::tree();
///     let [awaits] = tree.awaits() else { panic!("{tree}") };
///     assert_ne!(awaits.waiter, awaits.waits_for);
///     drop(outer);
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Awaits {
    /// Who waits.
    pub waiter: usize,
    /// For whom.
    pub waits_for: usize,
    /// The type of the message, for an ask; `None` for a task that is awaited.
    pub message: Option<&'static str>,
}

/// Who waits for whom; made by [`tree`](super::tree()). Its text is a tree: below each line stand
/// those that it waits for. Whoever waits for himself, over others, is named as a cycle.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg { Work, Get(Reply<u32>) }
/// impl Protocol for Msg {}
/// greenroom::test::run(async |test| {
///     let store = greenroom::actor::spawn("store", async |cx: &mut Cx<Msg>| {
///         let Msg::Get(_reply) = cx.recv().await else { return Ok(()) };
///         std::future::pending::<Result<(), Fault>>().await
///     });
///     let worker = greenroom::actor::spawn("worker", async move |cx: &mut Cx<Msg>| {
///         cx.recv().await;
///         store.ask_with(Msg::Get).no_timeout().await.map(drop)
///     });
///     worker.tell(Msg::Work).await.unwrap();
///     test.settle().await;
///     let text = greenroom::diagnosis::tree().to_string();
///     assert!(text.starts_with("actor `worker`") && text.contains("└─ actor `store`"), "{text}");
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AwaitTree {
    nodes: Vec<Node>,
    awaits: Vec<Awaits>,
}

impl AwaitTree {
    pub(crate) const fn new(nodes: Vec<Node>, awaits: Vec<Awaits>) -> Self {
        Self { nodes, awaits }
    }

    /// All tasks, and those actors that wait for somebody or are waited for.
    ///
    /// ```
    /// greenroom::test::run(async |_test| {
    ///     assert!(greenroom::diagnosis::tree().nodes().is_empty());
    /// });
    /// ```
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Who waits for whom.
    ///
    /// ```
    /// greenroom::test::run(async |_test| {
    ///     assert!(greenroom::diagnosis::tree().awaits().is_empty());
    /// });
    /// ```
    #[must_use]
    pub fn awaits(&self) -> &[Awaits] {
        &self.awaits
    }

    /// Those who wait for themselves over others, as places in [`nodes`](Self::nodes): of cycles
    /// that are knotted together at least one, and none twice.
    ///
    /// ```
    /// greenroom::test::run(async |_test| {
    ///     assert!(greenroom::diagnosis::tree().cycles().is_empty());
    /// });
    /// ```
    #[must_use]
    pub fn cycles(&self) -> Vec<Vec<usize>> {
        let mut cycles = Vec::new();
        // 0: not seen, 1: on the way, 2: done.
        let mut state = vec![0_u8; self.nodes.len()];
        for start in 0..self.nodes.len() {
            self.look_for_cycles(start, &mut state, &mut cycles);
        }
        cycles
    }

    /// A depth-first walk without recursion: a way back to somebody on the way is a cycle.
    fn look_for_cycles(&self, start: usize, state: &mut [u8], cycles: &mut Vec<Vec<usize>>) {
        if state[start] != 0 {
            return;
        }
        state[start] = 1;
        let mut way = vec![(start, self.waits_of(start))];
        while let Some((node, left)) = way.last_mut() {
            let Some(next) = left.pop() else {
                state[*node] = 2;
                way.pop();
                continue;
            };
            match state[next.waits_for] {
                0 => {
                    state[next.waits_for] = 1;
                    way.push((next.waits_for, self.waits_of(next.waits_for)));
                }
                1 => {
                    let from = way.iter().position(|(node, _)| *node == next.waits_for);
                    let cycle = way.iter().skip(from.unwrap_or(0)).map(|(node, _)| *node);
                    let cycle: Vec<usize> = cycle.collect();
                    if !cycles.contains(&cycle) {
                        cycles.push(cycle);
                    }
                }
                _ => {}
            }
        }
    }

    fn waits_of(&self, node: usize) -> Vec<Awaits> {
        let mut waits: Vec<Awaits> =
            self.awaits.iter().filter(|awaits| awaits.waiter == node).copied().collect();
        // The last is taken first.
        waits.reverse();
        waits
    }
}

impl fmt::Display for AwaitTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = vec![false; self.nodes.len()];
        let is_awaited = |node: usize| self.awaits.iter().any(|awaits| awaits.waits_for == node);
        let roots: Vec<usize> = (0..self.nodes.len()).filter(|node| !is_awaited(*node)).collect();
        for root in roots {
            self.write_below(f, root, &mut shown)?;
        }
        let cycles = self.cycles();
        for cycle in &cycles {
            let first = cycle.first().copied().unwrap_or(0);
            if !shown[first] {
                self.write_below(f, first, &mut shown)?;
            }
        }
        for cycle in cycles {
            f.write_str("cycle: ")?;
            for node in &cycle {
                write!(f, "{} -> ", self.nodes[*node])?;
            }
            writeln!(f, "{}", self.nodes[cycle[0]])?;
        }
        Ok(())
    }
}

impl AwaitTree {
    /// A node and those that it waits for, each shown whole once.
    fn write_below(
        &self,
        f: &mut fmt::Formatter<'_>,
        root: usize,
        shown: &mut [bool],
    ) -> fmt::Result {
        writeln!(f, "{}", self.nodes[root])?;
        shown[root] = true;
        // What is still to be written: the node, what leads to it, whether it is the last.
        let mut open = vec![(self.waits_of(root), String::new())];
        while let Some((waits, indent)) = open.last_mut() {
            let Some(awaits) = waits.pop() else {
                open.pop();
                continue;
            };
            let last = waits.is_empty();
            let (branch, more) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let again = std::mem::replace(&mut shown[awaits.waits_for], true);
            write!(f, "{indent}{branch}{}", self.nodes[awaits.waits_for])?;
            if let Some(message) = awaits.message {
                write!(f, " ← `{message}`")?;
            }
            writeln!(f, "{}", if again { " (see above)" } else { "" })?;
            if !again {
                let indent = format!("{indent}{more}");
                open.push((self.waits_of(awaits.waits_for), indent));
            }
        }
        Ok(())
    }
}
