//! The ring with what stands beside it against a plain model: four queues, one after the other.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::overflow::Overflow;
use super::queue::Mailbox;
use super::side::Taken;

#[derive(Clone, Copy, Debug)]
enum Step {
    Put,
    Urgent,
    Notice(u64),
    Due(u64),
    Remove(u64),
    Replace(u64),
    Next,
    Redelivered,
    Replayed,
    ReplayedFirst,
    Clear,
    DropOldest,
    Take,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Put),
        1 => Just(Step::Urgent),
        3 => (1_u64..4).prop_map(Step::Notice),
        1 => (1_u64..4).prop_map(Step::Due),
        1 => (1_u64..4).prop_map(Step::Remove),
        1 => (1_u64..4).prop_map(Step::Replace),
        1 => Just(Step::Next),
        1 => Just(Step::Redelivered),
        1 => Just(Step::Replayed),
        1 => Just(Step::ReplayedFirst),
        1 => Just(Step::Clear),
        1 => Just(Step::DropOldest),
        6 => Just(Step::Take),
    ]
}

/// What stands at a place of the model, with its rank among those that come first.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Next,
    Redelivered,
    Replayed,
    Urgent,
    Ordinary,
    Notice(u64),
}

#[derive(Default)]
struct Model {
    first: VecDeque<(Kind, usize)>,
    due: VecDeque<(Kind, usize)>,
    urgent: VecDeque<usize>,
    /// Ordinary messages and notices, as they came.
    rest: VecDeque<(Kind, usize)>,
}

impl Model {
    fn put_first(&mut self, kind: Kind, number: usize) {
        let place = match kind {
            Kind::Next | Kind::Redelivered => {
                self.first.iter().take_while(|(kind, _)| *kind == Kind::Next).count()
            }
            _ => self.first.len(),
        };
        self.first.insert(place, (kind, number));
    }

    fn put_replayed_first(&mut self, numbers: [usize; 2]) {
        let place = self.first.iter().take_while(|(kind, _)| *kind != Kind::Replayed).count();
        for number in numbers.into_iter().rev() {
            self.first.insert(place, (Kind::Replayed, number));
        }
    }

    fn take(&mut self) -> Option<(Kind, usize)> {
        let first = self.first.pop_front();
        let urgent = || self.urgent.pop_front().map(|number| (Kind::Urgent, number));
        first.or_else(|| self.due.pop_front()).or_else(urgent).or_else(|| self.rest.pop_front())
    }

    fn remove(&mut self, wanted: u64) -> Vec<usize> {
        let is_wanted = |kind: &Kind| *kind == Kind::Notice(wanted);
        let all = self.due.iter().chain(&self.rest);
        let removed = all.filter(|(kind, _)| is_wanted(kind)).map(|(_, number)| *number).collect();
        self.due.retain(|(kind, _)| !is_wanted(kind));
        self.rest.retain(|(kind, _)| !is_wanted(kind));
        removed
    }

    fn replace(&mut self, wanted: u64, number: usize) -> Result<usize, usize> {
        let mut all = self.due.iter_mut().chain(&mut self.rest);
        let place = all.find(|(kind, _)| *kind == Kind::Notice(wanted)).ok_or(number)?;
        Ok(std::mem::replace(&mut place.1, number))
    }

    fn clear(&mut self) -> Vec<usize> {
        let replayed = self.first.iter().filter(|(kind, _)| *kind == Kind::Replayed);
        let replayed = replayed.map(|(_, number)| *number).collect();
        self.first.retain(|(kind, _)| *kind != Kind::Replayed);
        replayed
    }

    fn drop_oldest(&mut self) -> Option<usize> {
        let oldest = self.rest.iter().position(|(kind, _)| *kind == Kind::Ordinary)?;
        self.rest.remove(oldest).map(|(_, number)| number)
    }

    fn has_next(&self) -> bool {
        self.first.front().is_some_and(|(kind, _)| *kind == Kind::Next)
    }

    fn len(&self) -> usize {
        self.first.len() + self.due.len() + self.urgent.len() + self.rest.len()
    }
}

fn expected(kind: Kind) -> Taken {
    match kind {
        Kind::Notice(tag) => Taken::Notice(tag),
        Kind::Redelivered => Taken::Redelivered(1),
        Kind::Next | Kind::Replayed | Kind::Urgent | Kind::Ordinary => Taken::Ordinary,
    }
}

/// Puts a message before all that have come, and says what it is.
fn put_first(mailbox: &Mailbox<usize>, step: Step, number: usize) -> Kind {
    match step {
        Step::Next => {
            mailbox.put_next(number);
            Kind::Next
        }
        Step::Redelivered => {
            mailbox.put_redelivered(number, 1);
            Kind::Redelivered
        }
        _ => {
            mailbox.put_replayed([number]);
            Kind::Replayed
        }
    }
}

proptest! {
    #[test]
    fn what_stands_beside_the_ring_is_taken_at_its_place(
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let mailbox = Mailbox::new(usize::MAX, Overflow::Wait);
        let mut model = Model::default();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Put => {
                    mailbox.put(number);
                    model.rest.push_back((Kind::Ordinary, number));
                }
                Step::Urgent => {
                    mailbox.put_urgent(number);
                    model.urgent.push_back(number);
                }
                Step::Notice(tag) => {
                    mailbox.put_notice(tag, number);
                    model.rest.push_back((Kind::Notice(tag), number));
                }
                Step::Due(tag) => {
                    mailbox.put_due(tag, number);
                    model.due.push_back((Kind::Notice(tag), number));
                }
                Step::Replace(tag) => {
                    let replaced = mailbox.replace_notice(tag, number);
                    prop_assert_eq!(replaced, model.replace(tag, number));
                }
                Step::Remove(tag) => {
                    prop_assert_eq!(mailbox.remove_notices(tag), model.remove(tag));
                }
                Step::Next | Step::Redelivered | Step::Replayed => {
                    model.put_first(put_first(&mailbox, step, number), number);
                }
                Step::ReplayedFirst => {
                    let both = [number, number + 1_000];
                    mailbox.put_replayed_first(both);
                    model.put_replayed_first(both);
                }
                Step::Clear => prop_assert_eq!(mailbox.drain_replayed(), model.clear()),
                Step::DropOldest => {
                    prop_assert_eq!(mailbox.take_oldest(), model.drop_oldest());
                }
                Step::Take => {
                    mailbox.begin_poll(u32::MAX);
                    let next = model.take();
                    let taken = match mailbox.has_side() {
                        true => mailbox.take_beside(),
                        false => mailbox.take(),
                    };
                    prop_assert_eq!(taken, next.map(|(_, number)| number));
                    if let Some((kind, _)) = next {
                        prop_assert_eq!(mailbox.taken(), expected(kind));
                    }
                }
            }
            prop_assert_eq!(mailbox.len(), model.len());
            prop_assert_eq!(mailbox.is_empty(), model.len() == 0);
            prop_assert_eq!(mailbox.has_next(), model.has_next());
        }
        // What is left comes out at the end in the same order.
        while let Some((_, number)) = model.take() {
            prop_assert_eq!(mailbox.drain_one(), Some(number));
        }
        prop_assert_eq!(mailbox.drain_one(), None);
    }
}
