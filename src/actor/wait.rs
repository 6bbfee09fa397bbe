//! Who waits for whom, and asks that close a cycle.
//!
//! * **C1** an ask whose reply can come only from an actor that waits, over any number of asks, for
//!   the asker itself, fails in the turn in which the cycle closes, and names every actor on it
//!
//! An ask from inside an actor leaves an *edge* with the asker. An edge counts while the ask is
//! open and its message stands in the mailbox or is in the hand of the actor that was asked: a
//! reply port that was put aside, or passed on with [`forward`](super::Request::forward), may be
//! used by anybody, so it proves nothing; nor does one in whose handling a task was started. An
//! actor is *stuck* when it waits and, when it was last polled, did not wait for messages too. A
//! cycle of edges between stuck actors does not end by itself.
//!
//! What cannot be seen: a reply port inside a message or a channel that a handler sent on before it
//! asks back, and an ask that was begun and is not awaited any more. Whoever does that, and asks
//! back in the same handler, may be told of a cycle where there is none.
//!
//! Edges are looked at only when an ask goes to an actor that waits for one itself. Asks that cross
//! loops leave none: such cycles end at the limits of their asks.

use std::cell::RefCell;
use std::sync::Arc;

use super::cell::Gate;
use super::control::{self, Bonds, Control};
use super::error::ActorLabel;
use super::id::ActorId;
use super::reply::{self, Lost};
use crate::base::key::Key;
use crate::event_loop::core::Core;

/// The asks of one actor that may still be open.
#[derive(Default)]
pub(crate) struct Waits {
    edges: RefCell<Vec<Edge>>,
}

/// One ask of an actor.
#[derive(Clone, Copy)]
struct Edge {
    target: Key,
    /// Where the reply comes.
    slot: Key,
    /// The message will be in the target's hand when it has begun so many.
    turn: u64,
    message: fn() -> &'static str,
    is_open: fn(&Core, Key) -> bool,
    fail: fn(&Core, Key, Lost),
}

impl Edge {
    /// Whether the reply must come from the target's own handling of the message.
    fn counts(&self, core: &Core) -> bool {
        (self.is_open)(core, self.slot)
            && control::with_on(core, self.target, |target| {
                let begun = target.begun();
                begun < self.turn || (begun == self.turn && target.holds_message())
            }) == Some(true)
    }
}

/// An ask of an actor that is open.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg { Ask(Addr<Msg>), Never(Reply<()>) }
/// impl Protocol for Msg {}
/// async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop {
///         match cx.recv().await {
///             Msg::Ask(whom) => { let _ = whom.ask_with(Msg::Never).await; }
///             Msg::Never(_kept) => std::future::pending().await,
///         }
///     }
/// }
/// greenroom::test::run(async |test| {
///     let (a, b) = (greenroom::actor::spawn("a", actor), greenroom::actor::spawn("b", actor));
///     a.tell(Msg::Ask(b)).await.unwrap();
///     test.settle().await;
///     let waits = test.waits();
///     assert_eq!((waits[0].asker.id, waits[0].asked.id), (a.id(), b.id()));
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Waiting {
    /// Who waits.
    pub asker: ActorLabel,
    /// For whom.
    pub asked: ActorLabel,
    /// The type of the message.
    pub message: &'static str,
}

/// Notes an ask that was just put into the mailbox of `asked`, by whoever runs now; if it closes a
/// cycle, it fails as soon as this poll is over.
#[inline]
pub(crate) fn note<R: 'static, G: Gate + ?Sized>(
    core: &Core,
    asked: &G,
    slot: Key,
    message: fn() -> &'static str,
) {
    // Nobody can ask a task that is no actor, so its asks close no cycle.
    let asker = core.scheduler.running().filter(|asker| core.scheduler.is_attached(*asker));
    let Some(asker) = asker else { return };
    let edge = Edge {
        target: asked.control().key,
        slot,
        turn: asked.control().begun() + asked.waiting() as u64,
        message,
        is_open: |core, slot| reply::table::<R>(core).is_waiting(slot),
        fail: |core, slot, lost| reply::table::<R>(core).lose(core, slot, lost.into()),
    };
    add(core, asker, asked.control(), edge);
}

fn add(core: &Core, asker: Key, asked: &Control, edge: Edge) {
    let noted = control::with_on(core, asker, |asker| {
        let mut edges = asker.bonds().waits.edges.borrow_mut();
        if edges.len() == edges.capacity() {
            edges.retain(|edge| (edge.is_open)(core, edge.slot));
        }
        edges.push(edge);
    });
    if noted.is_none() {
        return;
    }
    let waits = |bonds: &Bonds| !bonds.waits.edges.borrow().is_empty();
    if asked.made_bonds().is_some_and(waits) {
        // Whether the asker waits for messages too is known when its poll is over.
        core.defer(move |core| fail_if_cycle(core, asker, &edge));
    }
}

fn fail_if_cycle(core: &Core, asker: Key, closing: &Edge) {
    if !closing.counts(core) || !is_stuck(core, asker) {
        return;
    }
    if let Some(way) = way_back(core, closing.target, asker) {
        let cycle: Arc<[ActorLabel]> =
            std::iter::once(asker).chain(way).map(|key| label(core, key)).collect();
        (closing.fail)(core, closing.slot, Lost::Cycle(cycle));
    }
}

/// Over whom `from` waits for `to`, on a shortest way, `from` first and without `to`; `None` when
/// it does not. Each actor is looked at once.
fn way_back(core: &Core, from: Key, to: Key) -> Option<Vec<Key>> {
    if from == to {
        return Some(Vec::new());
    }
    // With the place of whoever waits for it.
    let mut reached = vec![(from, 0)];
    let mut at = 0;
    while let Some(&(actor, _)) = reached.get(at) {
        if is_stuck(core, actor) {
            for edge in edges_of(core, actor) {
                if !edge.counts(core) {
                    continue;
                }
                if edge.target == to {
                    return Some(way_to(&reached, at));
                }
                if reached.iter().all(|(known, _)| *known != edge.target) {
                    reached.push((edge.target, at));
                }
            }
        }
        at += 1;
    }
    None
}

fn way_to(reached: &[(Key, usize)], last: usize) -> Vec<Key> {
    let mut way = vec![reached[last].0];
    let mut at = last;
    while at > 0 {
        at = reached[at].1;
        way.push(reached[at].0);
    }
    way.reverse();
    way
}

fn edges_of(core: &Core, actor: Key) -> Vec<Edge> {
    let edges = control::with_on(core, actor, |actor| {
        actor.made_bonds().map(|bonds| bonds.waits.edges.borrow().clone())
    });
    edges.flatten().unwrap_or_default()
}

fn is_stuck(core: &Core, actor: Key) -> bool {
    control::with_on(core, actor, |actor| !actor.listening.is_receptive()) == Some(true)
}

fn label(core: &Core, key: Key) -> ActorLabel {
    let name = control::with_on(core, key, |actor| Arc::clone(&actor.name));
    ActorLabel { id: ActorId(key), name }
}

/// The open asks of all actors of this loop.
pub(crate) fn all(core: &Core) -> Vec<Waiting> {
    let mut all = Vec::new();
    core.scheduler.attached(|key| {
        for edge in edges_of(core, key) {
            if (edge.is_open)(core, edge.slot) {
                let (asker, asked) = (label(core, key), label(core, edge.target));
                all.push(Waiting { asker, asked, message: (edge.message)() });
            }
        }
    });
    all
}

/// An incarnation is over; its asks were dropped with it.
pub(crate) fn forget(control: &Control) {
    if let Some(bonds) = control.made_bonds() {
        bonds.waits.edges.borrow_mut().clear();
    }
}
