//! `Line`: which jobs wait, how many workers there are, and when there is to be another; pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::backoff::Backoff;

/// How often in a row workers may fail to start before those who wait are told so.
pub(crate) const FAILURES_MAX: u32 = 5;

/// The jobs that wait, in the order in which they came, and the places of the workers.
pub(crate) struct Line<J> {
    waiting: BTreeMap<u64, J>,
    next: u64,
    waiting_max: usize,
    places_max: usize,
    /// Places that there are.
    places: usize,
    /// Those of them whose worker is yet to greet.
    starting: usize,
    /// Starts that failed in a row.
    failures: u32,
    closed: bool,
}

/// Why a job is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    Closed,
    Full,
}

/// What becomes of a place whose worker is gone.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Next<J> {
    /// There is nothing to do for another one.
    Leave,
    /// Another one, after so many nanoseconds.
    Again(u64),
    /// No worker starts: these are to be told.
    GiveUp(Vec<J>),
}

impl<J> Line<J> {
    pub(crate) const fn new(waiting_max: usize, places_max: usize) -> Self {
        Self {
            waiting: BTreeMap::new(),
            next: 0,
            waiting_max,
            places_max,
            places: 0,
            starting: 0,
            failures: 0,
            closed: false,
        }
    }

    /// Takes a job in; the ticket takes it out again.
    pub(crate) fn push(&mut self, job: J) -> Result<u64, Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        if self.waiting.len() >= self.waiting_max {
            return Err(Refusal::Full);
        }
        self.next += 1;
        self.waiting.insert(self.next, job);
        Ok(self.next)
    }

    /// Takes a job out that was given up.
    pub(crate) fn withdraw(&mut self, ticket: u64) -> Option<J> {
        self.waiting.remove(&ticket)
    }

    /// The job that waits longest, with its ticket, for a worker that is idle.
    pub(crate) fn take(&mut self) -> Option<(u64, J)> {
        self.waiting.pop_first()
    }

    /// Gives a job back to its place: the worker that took it was gone already.
    pub(crate) fn put_back(&mut self, ticket: u64, job: J) {
        self.waiting.insert(ticket, job);
    }

    /// Whether there is to be a place more, for a job that found nobody idle; if so, it counts.
    pub(crate) const fn opens_place(&mut self, waiting: usize) -> bool {
        let opens = self.places < self.places_max && self.starting < waiting;
        if opens {
            self.places += 1;
            self.starting += 1;
        }
        opens
    }

    /// A worker has greeted.
    pub(crate) const fn started(&mut self) {
        self.starting -= 1;
    }

    /// A worker has done a job: workers do start.
    pub(crate) const fn served(&mut self) {
        self.failures = 0;
    }

    /// A worker is gone, after it had `started` or before; `random` is in `0.0..1.0`. The place
    /// counts as starting again, whatever comes of it.
    pub(crate) fn ended(&mut self, started: bool, failed: bool, random: f64) -> Next<J> {
        if started {
            self.starting += 1;
        }
        if failed {
            self.failures += 1;
        }
        if self.waiting.is_empty() || self.closed {
            return Next::Leave;
        }
        if !failed {
            return Next::Again(0);
        }
        if self.failures < FAILURES_MAX {
            return Next::Again(backoff().delay(self.failures - 1, random));
        }
        if self.places > self.starting {
            // Others are there and will come to the jobs.
            return Next::Leave;
        }
        self.failures = 0;
        Next::GiveUp(std::mem::take(&mut self.waiting).into_values().collect())
    }

    /// A place is gone that was starting, or whose worker had `started`.
    pub(crate) const fn closes_place(&mut self, started: bool) {
        self.places -= 1;
        if !started {
            self.starting -= 1;
        }
    }

    /// No job is taken any more; those that wait are to be told.
    pub(crate) fn close(&mut self) -> Vec<J> {
        self.closed = true;
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) const fn places(&self) -> usize {
        self.places
    }
}

/// Between one failed start and the next.
fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(10), Duration::from_secs(5))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn push(line: &mut Line<u32>, job: u32) -> (u64, bool) {
        let ticket = line.push(job).unwrap();
        (ticket, line.opens_place(line.waiting()))
    }

    #[test]
    fn places_open_as_jobs_find_nobody_idle_up_to_the_limit() {
        let mut line = Line::new(10, 2);
        assert!(push(&mut line, 1).1 && push(&mut line, 2).1);
        assert!(!push(&mut line, 3).1, "there are as many as may be");
        line.started();
        assert_eq!((line.take(), line.places()), (Some((1, 1)), 2));
        assert_eq!(line.ended(true, false, 0.0), Next::Again(0), "2 and 3 wait");
        line.closes_place(false);
        assert!(line.opens_place(line.waiting()), "one is starting, and two wait");
        line.started();
        line.started();
        assert_eq!((line.take(), line.take(), line.take()), (Some((2, 2)), Some((3, 3)), None));
        assert_eq!(line.ended(true, false, 0.0), Next::Leave);
        line.closes_place(false);
        assert_eq!(line.places(), 1);
        // One that starts for a job is enough for it.
        let mut line = Line::new(10, 2);
        assert!(push(&mut line, 1).1);
        assert!(!line.opens_place(line.waiting()));
    }

    #[test]
    fn starts_that_fail_are_tried_later_and_later_and_then_given_up() {
        let mut line = Line::new(10, 1);
        push(&mut line, 1);
        let mut delays = Vec::new();
        let given_up = loop {
            match line.ended(false, true, 0.0) {
                Next::Again(delay) => delays.push(delay / 1_000_000),
                end => break end,
            }
        };
        assert_eq!(delays, [10, 20, 40, 80]);
        assert_eq!(given_up, Next::GiveUp(vec![1]));
        line.closes_place(false);
        assert!(push(&mut line, 2).1, "the next job is another try");
        assert_eq!(line.ended(false, true, 0.0), Next::Again(10_000_000));
        line.started();
        assert_eq!(
            line.ended(true, false, 0.0),
            Next::Again(0),
            "one that had greeted is replaced at once"
        );
    }

    #[test]
    fn a_worker_that_greets_and_ends_before_its_first_job_did_not_start() {
        let mut line = Line::new(10, 1);
        push(&mut line, 1);
        for delay in [10, 20, 40, 80] {
            line.started();
            assert_eq!(line.ended(true, true, 0.0), Next::Again(delay * 1_000_000));
        }
        line.started();
        line.served();
        assert_eq!(line.ended(true, true, 0.0), Next::Again(10_000_000), "one did");
    }

    #[test]
    fn nothing_is_given_up_while_others_serve() {
        let mut line = Line::new(10, 2);
        push(&mut line, 1);
        push(&mut line, 2);
        line.started();
        line.take();
        for _ in 1..FAILURES_MAX {
            assert!(matches!(line.ended(false, true, 0.0), Next::Again(_)));
        }
        assert_eq!(line.ended(false, true, 0.0), Next::Leave);
        assert_eq!(line.waiting(), 1);
    }

    #[test]
    fn a_full_line_and_a_closed_one_refuse() {
        let mut line = Line::new(1, 1);
        let (ticket, _) = push(&mut line, 1);
        assert_eq!(line.push(2), Err(Refusal::Full));
        assert_eq!(line.withdraw(ticket), Some(1));
        assert_eq!(line.withdraw(ticket), None);
        push(&mut line, 3);
        assert_eq!(line.close(), [3]);
        assert!(line.is_closed());
        assert_eq!(line.push(4), Err(Refusal::Closed));
        assert_eq!(line.ended(false, true, 0.0), Next::Leave);
    }

    proptest! {
        #[test]
        fn jobs_leave_in_the_order_in_which_they_came(
            steps in proptest::collection::vec(0..4, 0..60),
        ) {
            let (mut line, mut model) = (Line::new(8, 1), VecDeque::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    0 => match line.push(number) {
                        Ok(ticket) => model.push_back((ticket, number)),
                        Err(refusal) => {
                            prop_assert_eq!((refusal, model.len()), (Refusal::Full, 8));
                        }
                    },
                    1 => prop_assert_eq!(line.take(), model.pop_front()),
                    2 => {
                        if let Some((ticket, job)) = line.take() {
                            line.put_back(ticket, job);
                        }
                    }
                    _ => {
                        let middle = model.len() / 2;
                        if let Some((ticket, job)) = model.remove(middle) {
                            prop_assert_eq!(line.withdraw(ticket), Some(job));
                        }
                    }
                }
                prop_assert_eq!(line.waiting(), model.len());
            }
        }
    }
}
