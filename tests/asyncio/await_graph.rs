//! Who waits for whom.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;

use greenroom::actor::Fault;
use greenroom::diagnosis::{self, Node};
use greenroom::task::{self, JoinHandle};
use greenroom::time;

use crate::harness::{case, secs};

fn waits(name: &'static str) -> JoinHandle<()> {
    task::builder().name(name).spawn(pending())
}

/// Who waits for whom, by their names.
fn edges() -> Vec<String> {
    let tree = diagnosis::tree();
    let name = |place: usize| match &tree.nodes()[place] {
        Node::Task(task) => task.name.as_deref().unwrap_or("?").to_owned(),
        Node::Main => "main".to_owned(),
        other => other.to_string(),
    };
    let mut edges: Vec<String> = tree
        .awaits()
        .iter()
        .map(|awaits| format!("{} -> {}", name(awaits.waiter), name(awaits.waits_for)))
        .collect();
    edges.sort();
    edges
}

/// **I1** The edges of a group, a gather, a shield and a limit; each is gone when the wait is given
/// up.
#[test]
fn in_01_edges_of_tasks_come_and_go() {
    case(async |test| {
        let group = task::builder().name("group").spawn(async {
            let outcome = task::group(async |group| {
                group
                    .spawn_as(task::builder().name("in the group"), pending::<Result<(), Fault>>());
                Ok::<_, Fault>(())
            });
            outcome.await.is_ok()
        });
        let gathered = task::join_all([waits("one"), waits("two")]);
        let gather = task::builder().name("gather").spawn(gathered);
        let shielded = task::builder().name("shielded").spawn(pending::<()>());
        let shield = task::builder().name("shield").spawn(shielded);
        let limited = time::timeout(secs(1), waits("limited"));
        let limit = task::builder().name("limit").spawn(async { limited.await.is_err() });
        test.settle().await;
        let expected = [
            "gather -> one",
            "gather -> two",
            "group -> in the group",
            "limit -> limited",
            "shield -> shielded",
        ];
        assert_eq!(edges(), expected);

        test.advance(secs(1)).await;
        assert_eq!(limit.await, Ok(true));
        for waiter in [gather.cancel(), shield.cancel(), group.cancel()] {
            assert!(waiter);
        }
        test.settle().await;
        assert!(edges().is_empty(), "{:?}", edges());
        let shielded = task::all().iter().any(|task| task.name.as_deref() == Some("shielded"));
        assert!(shielded, "it goes on");
    });
}

/// **I1** A chain is a tree, whoever is waited for twice is shown once, and a circle is named.
#[test]
fn in_01_the_tree_and_a_cycle() {
    case(async |test| {
        let inner = waits("inner");
        let middle = task::builder().name("middle").spawn(inner);
        let outer = task::builder().name("outer").spawn(middle);
        test.settle().await;
        let text = diagnosis::tree().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("task `outer` of tests/asyncio/await_graph.rs:"), "{text}");
        assert!(lines[1].starts_with("└─ task `middle` of"), "{text}");
        assert!(lines[2].starts_with("   └─ task `inner` of"), "{text}");
        assert_eq!(lines.len(), 3, "{text}");
        drop(outer);

        let (one, two) = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(None)));
        let awaits = |other: &Rc<RefCell<Option<JoinHandle<()>>>>| {
            let other = Rc::clone(other);
            async move {
                let task = other.borrow_mut().take();
                let _ = task.expect("the other one").await;
            }
        };
        let first = task::builder().name("first").spawn(awaits(&two));
        let second = task::builder().name("second").spawn(awaits(&one));
        *one.borrow_mut() = Some(first);
        *two.borrow_mut() = Some(second);
        test.settle().await;
        let tree = diagnosis::tree();
        assert_eq!(tree.cycles().len(), 1);
        let text = tree.to_string();
        let cycle = text.lines().find(|line| line.starts_with("cycle: ")).expect("it is named");
        assert_eq!(
            cycle.matches("task `first`").count() + cycle.matches("task `second`").count(),
            3
        );
    });
}
