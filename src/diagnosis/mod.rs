//! Looking into a loop while it runs: who waits for whom.
//!
//! It costs what it always costs to await a task or to ask an actor, and nothing more until
//! somebody looks; it is there in release builds. Beside it stand
//! [`System::waits`](crate::system::System::waits), the open asks as values, and
//! [`task::all`](crate::task::all()), the tasks.
//!
//! To look from another thread, or from a signal, let the loop do it:
//!
//! ```
//! use greenroom::{EventLoop, diagnosis, task};
//!
//! let mut event_loop = EventLoop::new()?;
//! let handle = event_loop.handle();
//! let looks = std::thread::spawn(move || {
//!     let tree = handle.spawn(|| async { diagnosis::tree().to_string() }).unwrap();
//!     let tree = futures::executor::block_on(tree).unwrap();
//!     handle.stop();
//!     tree
//! });
//! event_loop.run(async {
//!     task::builder().name("waits").spawn(std::future::pending::<()>()).detach();
//! });
//! event_loop.run_until_stopped();
//! assert!(looks.join().unwrap().contains("task `waits`"));
//! # Ok::<(), std::io::Error>(())
//! ```

mod tree;

pub use tree::{AwaitTree, Awaits, Node};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::ActorLabel;
use crate::actor::control;
use crate::actor::{ActorId, wait};
use crate::base::key::Key;
use crate::event_loop::core::Core;
use crate::event_loop::current;
use crate::task;

/// Who waits for whom on this loop, at this moment: tasks whose handles are awaited, by hand or in
/// a group, a gather or under a limit, and actors that were asked. A wait that is given up is not
/// in it, but for a handle that was lent (`timeout(limit, &mut task)`): it counts until it is
/// polled by somebody else or dropped.
///
/// # Panics
/// When this thread runs no loop.
///
/// ```
/// use greenroom::{diagnosis, task};
/// greenroom::test::run(async |test| {
///     let inner = task::builder().name("inner").spawn(std::future::pending::<()>());
///     let outer = task::builder().name("outer").spawn(inner);
///     test.settle().await;
///     let text = diagnosis::tree().to_string();
///     let lines: Vec<&str> = text.lines().collect();
///     assert!(lines[0].starts_with("task `outer` of"), "{text}");
///     assert!(lines[1].starts_with("└─ task `inner` of"), "{text}");
///     drop(outer);
/// });
/// ```
#[must_use]
#[track_caller]
pub fn tree() -> AwaitTree {
    let core = current::expect("greenroom::diagnosis::tree");
    let mut seen = Seen::default();
    let tasks = task::all_on(&core);
    for task in &tasks {
        seen.node(task.id.0, || Node::Task(task.clone()));
    }
    for task in tasks {
        if let Some(waiter) = task.awaited_by {
            let (waiter, waits_for) = (seen.place(&core, waiter.0), seen.place(&core, task.id.0));
            seen.awaits.push(Awaits { waiter, waits_for, message: None });
        }
    }
    for ask in wait::all(&core) {
        let (waiter, waits_for) =
            (seen.place(&core, ask.asker.id.0), seen.place(&core, ask.asked.id.0));
        seen.awaits.push(Awaits { waiter, waits_for, message: Some(ask.message) });
    }
    AwaitTree::new(seen.nodes, seen.awaits)
}

#[derive(Default)]
struct Seen {
    nodes: Vec<Node>,
    places: BTreeMap<Key, usize>,
    awaits: Vec<Awaits>,
}

impl Seen {
    fn node(&mut self, key: Key, make: impl FnOnce() -> Node) -> usize {
        *self.places.entry(key).or_insert_with(|| {
            self.nodes.push(make());
            self.nodes.len() - 1
        })
    }

    /// Of one that was not seen as a task: an actor, or the loop's own future.
    fn place(&mut self, core: &Core, key: Key) -> usize {
        self.node(key, || {
            let actor = control::with_on(core, key, |actor| {
                let handling = actor.has_message().then(|| actor.handling());
                (Arc::clone(&actor.name), handling)
            });
            match actor {
                Some((name, handling)) => {
                    let actor = ActorLabel { id: ActorId(key), name: Some(name) };
                    Node::Actor { actor, handling }
                }
                None => Node::Main,
            }
        })
    }
}
