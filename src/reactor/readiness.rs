//! What is known about one source's readiness: a pure state machine, one bit a direction.
//!
//! ```text
//!             edge from the kernel
//!   waiting ───────────────────────▶ ready        (a new source starts here)
//!      ▲                               │
//!      └── WouldBlock, or a short read ┘          (never once the direction is closed)
//! ```

/// A direction of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Read = 0,
    Write = 1,
}

/// One event, as the poller reports it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Edge {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    pub(crate) read_closed: bool,
    pub(crate) write_closed: bool,
}

/// Whether reading and writing are worth trying.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Readiness {
    ready: [bool; 2],
    /// The peer will send no more, or the socket failed: from then on reading never waits, and a
    /// short read says nothing about the end that is still to be read.
    closed: [bool; 2],
}

impl Readiness {
    pub(crate) const fn new() -> Self {
        Self { ready: [true; 2], closed: [false; 2] }
    }

    pub(crate) const fn is_ready(self, direction: Direction) -> bool {
        self.ready[direction as usize]
    }

    /// Takes in an event; the directions whose waiters are to be woken.
    pub(crate) fn on_edge(&mut self, edge: Edge) -> impl Iterator<Item = Direction> + use<> {
        let reading = edge.readable || edge.read_closed;
        let writing = edge.writable || edge.write_closed;
        self.ready[Direction::Read as usize] |= reading;
        self.ready[Direction::Write as usize] |= writing;
        self.closed[Direction::Read as usize] |= edge.read_closed;
        self.closed[Direction::Write as usize] |= edge.write_closed;
        let woken = [(Direction::Read, reading), (Direction::Write, writing)];
        woken.into_iter().filter_map(|(direction, wake)| wake.then_some(direction))
    }

    pub(crate) const fn would_block(&mut self, direction: Direction) {
        self.ready[direction as usize] = false;
    }

    /// After a short read the kernel has nothing more, so the next edge is certain to come. Only
    /// where the poller is edge-triggered by the kernel itself: elsewhere mio emulates it and wants
    /// to see `WouldBlock`.
    pub(crate) const fn short_read(&mut self) {
        let by_kernel =
            cfg!(any(target_os = "linux", target_os = "android", target_vendor = "apple"));
        if by_kernel && !self.closed[Direction::Read as usize] {
            self.ready[Direction::Read as usize] = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Read, Write};

    const QUIET: Edge =
        Edge { readable: false, writable: false, read_closed: false, write_closed: false };

    // R2: only `WouldBlock` or a short read in a direction clears that direction.
    #[test]
    fn every_step_from_every_state_changes_its_own_direction_only() {
        for bits in 0..16_u8 {
            let bit = |n: u8| bits & (1 << n) != 0;
            let before = Readiness { ready: [bit(0), bit(1)], closed: [bit(2), bit(3)] };
            for direction in [Read, Write] {
                let mut after = before;
                after.would_block(direction);
                assert!(!after.is_ready(direction));
                let other = if direction == Read { Write } else { Read };
                assert_eq!(after.is_ready(other), before.is_ready(other));
            }
            let mut after = before;
            after.short_read();
            assert_eq!(after.is_ready(Write), before.is_ready(Write));
            if before.closed[Read as usize] {
                assert_eq!(after, before, "the end of a stream is still to be read");
            }
            for edges in 0..16_u8 {
                let bit = |n: u8| edges & (1 << n) != 0;
                let edge = Edge {
                    readable: bit(0),
                    writable: bit(1),
                    read_closed: bit(2),
                    write_closed: bit(3),
                };
                let mut after = before;
                let woken: Vec<_> = after.on_edge(edge).collect();
                let reading = edge.readable || edge.read_closed;
                let writing = edge.writable || edge.write_closed;
                assert_eq!((woken.contains(&Read), woken.contains(&Write)), (reading, writing));
                assert_eq!(after.is_ready(Read), before.is_ready(Read) || reading);
                assert_eq!(after.is_ready(Write), before.is_ready(Write) || writing);
            }
        }
    }

    #[test]
    fn an_empty_event_wakes_nobody() {
        let mut readiness = Readiness::new();
        readiness.would_block(Read);
        assert_eq!(readiness.on_edge(QUIET).count(), 0);
        assert!(!readiness.is_ready(Read));
    }
}
