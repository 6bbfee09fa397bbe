//! What stands beside the ring of a mailbox: messages that come first, and notices; pure.
//!
//! A *notice* (the end of a watched actor, a timer that fired) takes its place behind the ordinary
//! messages that were there before it, but no bound applies to it, and it can be taken back by its
//! tag. Its place is a gap: how many ordinary messages are to be taken between the notice before it
//! and itself. So the ring need not know of it, and pays nothing while there is none.

use std::collections::VecDeque;

/// A message that comes before all others, urgent ones included.
#[derive(Debug)]
pub(crate) enum First<M> {
    /// What a handler asked to be handled next.
    Next(M),
    /// Put aside before, and brought back.
    Replayed(M),
    /// Was in the hand of an incarnation that crashed, so many times.
    Redelivered(M, u32),
}

/// Which kind of message was taken last.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Taken {
    #[default]
    Ordinary,
    Notice(u64),
    Redelivered(u32),
}

#[derive(Debug)]
struct Notice<M> {
    gap: usize,
    tag: u64,
    message: M,
}

/// The messages beside the ring of one mailbox.
#[derive(Debug)]
pub(crate) struct Side<M> {
    first: VecDeque<First<M>>,
    /// Notices that come behind those, and before all that others sent.
    due: VecDeque<(u64, M)>,
    notices: VecDeque<Notice<M>>,
    /// The sum of all gaps.
    gaps: usize,
    taken: Taken,
}

impl<M> Default for Side<M> {
    fn default() -> Self {
        let (first, due, notices) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Self { first, due, notices, gaps: 0, taken: Taken::Ordinary }
    }
}

impl<M> Side<M> {
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.due.len() + self.notices.len()
    }

    /// Whether the ring alone would do.
    pub(crate) fn is_idle(&self) -> bool {
        self.len() == 0 && self.taken == Taken::Ordinary
    }

    /// Whether a handler asked for something to be handled directly after it.
    pub(crate) fn has_next(&self) -> bool {
        matches!(self.first.front(), Some(First::Next(_)))
    }

    /// Puts a message that is to be handled directly after the present one, behind others of its
    /// kind.
    pub(crate) fn put_next(&mut self, message: M) {
        let place = self.first.iter().take_while(|first| matches!(first, First::Next(_))).count();
        self.first.insert(place, First::Next(message));
    }

    /// Puts a message before all that have come, and before others of its kind.
    pub(crate) fn put_redelivered(&mut self, message: M, attempts: u32) {
        let place = self.first.iter().take_while(|first| matches!(first, First::Next(_))).count();
        self.first.insert(place, First::Redelivered(message, attempts));
    }

    /// Brings messages back, in their order, before all that have come. Those of an earlier call
    /// that have not been handled yet stay before them.
    pub(crate) fn put_replayed(&mut self, messages: impl IntoIterator<Item = M>) {
        self.first.extend(messages.into_iter().map(First::Replayed));
    }

    /// The same, but before those of earlier calls.
    pub(crate) fn put_replayed_first(
        &mut self,
        messages: impl IntoIterator<Item = M, IntoIter: DoubleEndedIterator>,
    ) {
        let is_before =
            |first: &&First<M>| matches!(first, First::Next(_) | First::Redelivered(..));
        let place = self.first.iter().take_while(is_before).count();
        for message in messages.into_iter().rev() {
            self.first.insert(place, First::Replayed(message));
        }
    }

    /// Takes back what was brought back and not handled yet.
    pub(crate) fn drain_replayed(&mut self) -> Vec<M> {
        let mut kept = VecDeque::new();
        let mut replayed = Vec::new();
        for first in self.first.drain(..) {
            match first {
                First::Replayed(message) => replayed.push(message),
                First::Next(_) | First::Redelivered(..) => kept.push_back(first),
            }
        }
        self.first = kept;
        replayed
    }

    /// Takes back what a handler asked to be handled next.
    pub(crate) fn drain_next(&mut self) -> Vec<M> {
        let mut next = Vec::new();
        while self.has_next() {
            if let Some(First::Next(message)) = self.first.pop_front() {
                next.push(message);
            }
        }
        next
    }

    /// Puts a notice behind what comes first, and before all that others have sent and will send.
    pub(crate) fn put_due(&mut self, tag: u64, message: M) {
        self.due.push_back((tag, message));
    }

    /// Puts another message in the place of the notice with this tag, and gives the one that stood
    /// there; or gives the new one back when none stands there.
    pub(crate) fn replace_notice(&mut self, tag: u64, message: M) -> Result<M, M> {
        let due = self.due.iter_mut().map(|(tag, message)| (*tag, message));
        let notices = self.notices.iter_mut().map(|notice| (notice.tag, &mut notice.message));
        match due.chain(notices).find(|(other, _)| *other == tag) {
            Some((_, place)) => Ok(std::mem::replace(place, message)),
            None => Err(message),
        }
    }

    /// Puts a notice behind the `ordinary` messages that are in the ring now.
    pub(crate) fn put_notice(&mut self, tag: u64, message: M, ordinary: usize) {
        let gap = ordinary.saturating_sub(self.gaps);
        self.gaps += gap;
        self.notices.push_back(Notice { gap, tag, message });
    }

    /// Takes all notices with this tag back.
    pub(crate) fn remove_notices(&mut self, tag: u64) -> Vec<M> {
        let mut removed = Vec::new();
        let mut due = VecDeque::with_capacity(self.due.len());
        for (other, message) in self.due.drain(..) {
            if other == tag { removed.push(message) } else { due.push_back((other, message)) }
        }
        self.due = due;
        let mut kept: VecDeque<Notice<M>> = VecDeque::with_capacity(self.notices.len());
        let mut freed = 0;
        for mut notice in self.notices.drain(..) {
            if notice.tag == tag {
                // Whatever was to be taken before it is to be taken before the one behind it.
                freed += notice.gap;
                removed.push(notice.message);
            } else {
                notice.gap += freed;
                freed = 0;
                kept.push_back(notice);
            }
        }
        self.gaps -= freed;
        self.notices = kept;
        removed
    }

    /// Takes what comes before everything else.
    pub(crate) fn take_first(&mut self) -> Option<M> {
        let (message, taken) = match self.first.pop_front() {
            Some(First::Next(message) | First::Replayed(message)) => (message, Taken::Ordinary),
            Some(First::Redelivered(message, attempts)) => (message, Taken::Redelivered(attempts)),
            None => self.due.pop_front().map(|(tag, message)| (message, Taken::Notice(tag)))?,
        };
        self.taken = taken;
        Some(message)
    }

    /// Takes the first notice if it is its turn. The ring has no urgent messages.
    pub(crate) fn take_due(&mut self) -> Option<M> {
        if self.notices.front()?.gap > 0 {
            return None;
        }
        let notice = self.notices.pop_front()?;
        self.taken = Taken::Notice(notice.tag);
        Some(notice.message)
    }

    /// The oldest ordinary message left the ring.
    pub(crate) fn ordinary_left(&mut self) {
        if let Some(notice) = self.notices.iter_mut().find(|notice| notice.gap > 0) {
            notice.gap -= 1;
            self.gaps -= 1;
        }
    }

    /// Which kind of message was taken last; asked again, an ordinary one.
    pub(crate) fn finish(&mut self) -> Taken {
        std::mem::take(&mut self.taken)
    }

    pub(crate) const fn taken(&self) -> Taken {
        self.taken
    }
}
