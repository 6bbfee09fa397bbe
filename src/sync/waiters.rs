//! `Line<W>`: who waits for how many permits, served in the order of arrival; pure.
//!
//! * **Y1** nobody overtakes: who comes later is served later, also where its wish could be met
//! * **Y2** no permit is lost: it is free, promised to one who waits, or taken
//!
//! A promise is kept for whoever it was made to until it is [redeemed](Line::redeem) or its owner
//! [leaves](Line::leave); then it is said what was promised, and the caller passes it on.

use std::collections::VecDeque;

use crate::base::invariant::invariant;

/// A place in the line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Ticket(u64);

/// What is free, and who waits for it. `W` is whatever wakes one who waits.
#[derive(Debug)]
pub(crate) struct Line<W> {
    free: usize,
    next: u64,
    /// In the order of arrival; to the first `promised` of them it was promised what they want.
    entries: VecDeque<Entry<W>>,
    promised: usize,
}

#[derive(Debug)]
struct Entry<W> {
    ticket: Ticket,
    wants: usize,
    /// Gone once it was promised something.
    who: Option<W>,
}

/// How it stands with a ticket.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// What was promised is now taken.
    Taken,
    Waits,
    /// The line was dissolved.
    Gone,
}

/// What is left of somebody who left.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Left<W> {
    /// What had been promised and is nobody's now.
    pub(crate) promised: Option<usize>,
    pub(crate) who: Option<W>,
}

impl<W> Line<W> {
    pub(crate) const fn new(free: usize) -> Self {
        Self { free, next: 0, entries: VecDeque::new(), promised: 0 }
    }

    /// How many permits are neither promised nor taken.
    pub(crate) const fn free(&self) -> usize {
        self.free
    }

    /// How many wait and were promised nothing yet.
    pub(crate) fn waiting(&self) -> usize {
        self.entries.len() - self.promised
    }

    /// Takes permits for a newcomer; `false` when there are too few, or others wait.
    pub(crate) fn try_take(&mut self, wants: usize) -> bool {
        let may = self.waiting() == 0 && self.free >= wants;
        if may {
            self.free -= wants;
        }
        may
    }

    pub(crate) fn join(&mut self, wants: usize, who: W) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.entries.push_back(Entry { ticket, wants, who: Some(who) });
        ticket
    }

    /// Takes what was promised, if it was.
    pub(crate) fn redeem(&mut self, ticket: Ticket) -> Standing {
        match self.find(ticket) {
            None => Standing::Gone,
            Some(index) if index < self.promised => {
                self.remove(index);
                Standing::Taken
            }
            Some(_) => Standing::Waits,
        }
    }

    /// Says who is to be woken now; what was there before comes back.
    pub(crate) fn replace(&mut self, ticket: Ticket, who: W) -> Option<W> {
        match self.find(ticket) {
            Some(index) if index >= self.promised => self.entries[index].who.replace(who),
            _ => Some(who),
        }
    }

    pub(crate) fn leave(&mut self, ticket: Ticket) -> Left<W> {
        let Some(index) = self.find(ticket) else { return Left { promised: None, who: None } };
        let was_promised = index < self.promised;
        let entry = self.remove(index);
        let promised = was_promised.then(|| entry.as_ref().map_or(0, |entry| entry.wants));
        Left { promised, who: entry.and_then(|entry| entry.who) }
    }

    /// Adds free permits. [`serve`](Self::serve) is to follow until it gives nobody.
    pub(crate) fn give(&mut self, permits: usize) {
        self.free = self.free.saturating_add(permits);
    }

    /// Promises the first who waits what it wants, if there is enough.
    pub(crate) fn serve(&mut self) -> Option<W> {
        let wants = self.entries.get(self.promised)?.wants;
        if wants > self.free {
            return None;
        }
        self.free -= wants;
        self.call()
    }

    /// Tells the first who waits that it may go on, whatever is free.
    pub(crate) fn call(&mut self) -> Option<W> {
        let before = self.promised.checked_sub(1).and_then(|before| self.entries.get(before));
        let first = self.entries.get(self.promised)?;
        invariant!(
            Y1,
            before.is_none_or(|before| before.ticket < first.ticket),
            "{:?} is served after {:?}",
            first.ticket,
            before.map(|before| before.ticket)
        );
        self.promised += 1;
        self.entries[self.promised - 1].who.take()
    }

    /// The same for the first `most` of those who wait now.
    pub(crate) fn call_many(&mut self, most: usize) -> Vec<W> {
        let count = most.min(self.waiting());
        std::iter::from_fn(|| self.call()).take(count).collect()
    }

    /// Sends away those who were promised nothing.
    pub(crate) fn dissolve(&mut self) -> Vec<W> {
        self.entries.drain(self.promised..).filter_map(|entry| entry.who).collect()
    }

    /// Sends everybody away; what was free or promised is void.
    pub(crate) fn void(&mut self) -> Vec<W> {
        (self.free, self.promised) = (0, 0);
        self.dissolve()
    }

    fn find(&self, ticket: Ticket) -> Option<usize> {
        // Tickets ascend: they are handed out so and never reordered.
        self.entries.binary_search_by_key(&ticket, |entry| entry.ticket).ok()
    }

    fn remove(&mut self, index: usize) -> Option<Entry<W>> {
        self.promised -= usize::from(index < self.promised);
        self.entries.remove(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_small_wish_does_not_pass_a_large_one_and_leaving_makes_way() {
        let mut line = Line::new(2);
        assert!(line.try_take(1));
        let large = line.join(2, "large");
        assert!(!line.try_take(1), "one is free, and somebody waits");
        let small = line.join(1, "small");
        assert_eq!(line.serve(), None);
        assert_eq!(line.redeem(small), Standing::Waits);
        assert_eq!(line.leave(large), Left { promised: None, who: Some("large") });
        assert_eq!(line.serve(), Some("small"));
        assert!(!line.try_take(1), "it was promised");
        assert_eq!(line.redeem(small), Standing::Taken);
        assert_eq!(line.redeem(small), Standing::Gone);
    }

    #[test]
    fn what_was_promised_outlives_a_dissolved_line_and_not_a_void_one() {
        let mut line = Line::new(0);
        let tickets: Vec<_> = (0..3).map(|number| line.join(1, number)).collect();
        line.give(1);
        assert_eq!(line.serve(), Some(0));
        assert_eq!(line.dissolve(), [1, 2]);
        assert_eq!(line.redeem(tickets[1]), Standing::Gone);
        assert_eq!(line.redeem(tickets[0]), Standing::Taken);
        let promised = line.join(1, 3);
        line.give(2);
        assert_eq!(line.serve(), Some(3));
        assert!(line.void().is_empty());
        assert_eq!((line.redeem(promised), line.free()), (Standing::Gone, 0));
    }

    #[test]
    fn a_call_needs_no_permit() {
        let mut line = Line::new(0);
        let tickets: Vec<_> = (0..3).map(|number| line.join(1, number)).collect();
        assert_eq!(line.call_many(2), [0, 1]);
        assert_eq!(line.leave(tickets[0]), Left { promised: Some(1), who: None });
        assert_eq!(line.redeem(tickets[1]), Standing::Taken);
        assert_eq!(line.call_many(9), [2]);
        assert_eq!((line.call(), line.free()), (None, 0));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Come(usize),
        Redeem(prop::sample::Index),
        Leave(prop::sample::Index),
        Release(prop::sample::Index),
    }

    fn step() -> impl Strategy<Value = Step> {
        let index = any::<prop::sample::Index>;
        prop_oneof![
            3 => (0_usize..4).prop_map(Step::Come),
            2 => index().prop_map(Step::Redeem),
            1 => index().prop_map(Step::Leave),
            2 => index().prop_map(Step::Release),
        ]
    }

    proptest! {
        // Y1, Y2: any order of coming, taking, leaving and giving back, against a plain model.
        #[test]
        fn the_order_is_that_of_arrival_and_the_sum_stays(
            total in 0_usize..6,
            steps in prop::collection::vec(step(), 1..200),
        ) {
            let mut line = Line::new(total);
            // The model: everybody in the order of arrival with what they want, and what is held.
            let mut waiting: Vec<(Ticket, usize)> = Vec::new();
            let mut promised: Vec<(Ticket, usize)> = Vec::new();
            let mut held: Vec<usize> = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Come(wants) => {
                        let free = line.free();
                        if line.try_take(wants) {
                            prop_assert!(waiting.is_empty() && wants <= free);
                            held.push(wants);
                        } else {
                            prop_assert!(!waiting.is_empty() || wants > free);
                            waiting.push((line.join(wants, number), wants));
                        }
                    }
                    Step::Redeem(pick) if !promised.is_empty() => {
                        let (ticket, wants) = promised.remove(pick.index(promised.len()));
                        prop_assert_eq!(line.redeem(ticket), Standing::Taken);
                        held.push(wants);
                    }
                    Step::Leave(pick) if !promised.is_empty() || !waiting.is_empty() => {
                        let at = pick.index(promised.len() + waiting.len());
                        if at < promised.len() {
                            let (ticket, wants) = promised.remove(at);
                            prop_assert_eq!(line.leave(ticket).promised, Some(wants));
                            line.give(wants);
                        } else {
                            let (ticket, _) = waiting.remove(at - promised.len());
                            prop_assert_eq!(line.leave(ticket).promised, None);
                        }
                    }
                    Step::Release(pick) if !held.is_empty() => {
                        line.give(held.swap_remove(pick.index(held.len())));
                    }
                    _ => {}
                }
                while line.serve().is_some() {
                    promised.push(waiting.remove(0));
                }
                for (ticket, _) in &waiting {
                    prop_assert_eq!(line.redeem(*ticket), Standing::Waits);
                }
                let promises: usize = promised.iter().map(|(_, wants)| wants).sum();
                prop_assert_eq!(line.free() + promises + held.iter().sum::<usize>(), total);
                prop_assert!(waiting.first().is_none_or(|(_, wants)| *wants > line.free()));
                prop_assert_eq!(line.waiting(), waiting.len());
            }
        }
    }
}
