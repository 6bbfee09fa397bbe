//! The reactor: which sockets are ready, and who waits for them.
//!
//! A source is registered once, edge-triggered, for as long as it lives. It starts as ready in both
//! directions, so an operation is tried before anything is waited for; only `WouldBlock` (or a
//! short read, which says the same) makes a direction wait for the next edge.
//!
//! # Promises
//! * **R1** no user code runs while events are dispatched: wakers are moved to a list
//! * **R2** only `WouldBlock` or a short read in a direction clears that direction

use std::io;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::base::invariant::invariant;
use crate::base::slots::{SlotKey, Slots};

pub(crate) mod readiness;
pub(crate) mod waiters;

use readiness::{Direction, Edge, Readiness};
use waiters::Waiters;

/// The token of the waker by which other threads end a sleep; no slot packs to it.
const UNPARK: mio::Token = mio::Token(usize::MAX);

/// Owns the poller and the table of registered sources.
pub(crate) struct Reactor {
    poll: mio::Poll,
    events: mio::Events,
    sources: Slots<Registered>,
}

struct Registered {
    readiness: Readiness,
    waiters: [Waiters; 2],
}

impl Reactor {
    pub(crate) fn new(events_max: usize) -> io::Result<Self> {
        Ok(Self {
            poll: mio::Poll::new()?,
            events: mio::Events::with_capacity(events_max),
            sources: Slots::new(),
        })
    }

    pub(crate) fn unparker(&self) -> io::Result<mio::Waker> {
        mio::Waker::new(self.poll.registry(), UNPARK)
    }

    pub(crate) fn register(&mut self, source: &mut dyn mio::event::Source) -> io::Result<SlotKey> {
        let waiters = [Waiters::default(), Waiters::default()];
        let key = self.sources.insert(Registered { readiness: Readiness::new(), waiters });
        let interest = mio::Interest::READABLE | mio::Interest::WRITABLE;
        match source.register(self.poll.registry(), token(key), interest) {
            Ok(()) => Ok(key),
            Err(error) => {
                self.sources.remove(key);
                Err(error)
            }
        }
    }

    /// Takes a source out. The wakers of those who still waited come back, to be dropped by the
    /// caller when nothing is borrowed.
    pub(crate) fn deregister(
        &mut self,
        source: &mut dyn mio::event::Source,
        key: SlotKey,
    ) -> Vec<Waker> {
        // It fails only when the descriptor is gone already, and then there is nothing to undo.
        let _ = source.deregister(self.poll.registry());
        self.forget(key)
    }

    /// Frees the slot of a source that was closed elsewhere.
    pub(crate) fn forget(&mut self, key: SlotKey) -> Vec<Waker> {
        let mut waiting = Vec::new();
        for mut waiters in self.sources.remove(key).into_iter().flat_map(|old| old.waiters) {
            waiters.drain_into(&mut waiting);
        }
        waiting
    }

    /// Whether an operation is worth trying; if not, `waker` is called at the next edge. The waker
    /// that stood there before comes back, to be dropped when nothing is borrowed.
    pub(crate) fn poll_ready(
        &mut self,
        key: SlotKey,
        direction: Direction,
        waker: &Waker,
    ) -> (Poll<()>, Option<Waker>) {
        let Some(registered) = self.sources.get_mut(key) else { return (Poll::Ready(()), None) };
        if registered.readiness.is_ready(direction) {
            return (Poll::Ready(()), None);
        }
        (Poll::Pending, registered.waiters[direction as usize].set(waker))
    }

    /// Adds one of several waiters of a direction; `ticket` takes it out again.
    pub(crate) fn join(&mut self, key: SlotKey, direction: Direction, ticket: u64, waker: Waker) {
        if let Some(registered) = self.sources.get_mut(key) {
            registered.waiters[direction as usize].join(ticket, waker);
        }
    }

    pub(crate) fn leave(
        &mut self,
        key: SlotKey,
        direction: Direction,
        ticket: u64,
    ) -> Option<Waker> {
        self.sources.get_mut(key)?.waiters[direction as usize].leave(ticket)
    }

    pub(crate) fn is_ready(&self, key: SlotKey, direction: Direction) -> bool {
        self.sources.get(key).is_none_or(|registered| registered.readiness.is_ready(direction))
    }

    /// An operation said `WouldBlock`.
    pub(crate) fn would_block(&mut self, key: SlotKey, direction: Direction) {
        if let Some(registered) = self.sources.get_mut(key) {
            registered.readiness.would_block(direction);
        }
    }

    /// A read came back with less than it was asked for: the buffer of the kernel is empty.
    pub(crate) fn short_read(&mut self, key: SlotKey) {
        if let Some(registered) = self.sources.get_mut(key) {
            registered.readiness.short_read();
        }
    }

    /// Waits for events, at most `timeout`, and collects the wakers of whoever waited for them.
    pub(crate) fn poll(
        &mut self,
        timeout: Option<Duration>,
        wakers: &mut Vec<Waker>,
    ) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            // A signal handler ran: the caller works out its timeout again and comes back.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            outcome => outcome?,
        }
        for event in &self.events {
            if event.token() == UNPARK {
                continue;
            }
            // A stale generation is an event for a source that was closed in this very batch.
            let Some(registered) = self.sources.get_mut(slot(event.token())) else { continue };
            let edge = Edge {
                readable: event.is_readable(),
                writable: event.is_writable(),
                read_closed: event.is_read_closed() || event.is_error(),
                write_closed: event.is_write_closed() || event.is_error(),
            };
            for direction in registered.readiness.on_edge(edge) {
                invariant!(
                    R2,
                    registered.readiness.is_ready(direction),
                    "an edge left {direction:?} unready"
                );
                registered.waiters[direction as usize].drain_into(wakers);
            }
        }
        Ok(())
    }
}

const SLOT_BITS: u32 = 28;

const fn token(key: SlotKey) -> mio::Token {
    mio::Token(((key.generation as usize) << SLOT_BITS) | key.slot as usize)
}

const fn slot(token: mio::Token) -> SlotKey {
    SlotKey {
        slot: (token.0 & ((1 << SLOT_BITS) - 1)) as u32,
        generation: (token.0 >> SLOT_BITS) as u32,
    }
}
