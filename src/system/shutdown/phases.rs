//! The phases of a shutdown, and the order in which they run; pure.

use std::sync::Arc;
use std::time::Duration;

/// How long a phase may take if nothing else is said.
const DEFAULT_LIMIT: Duration = Duration::from_secs(5);

/// One phase of a shutdown: what it follows, and how long it may take.
///
/// ```
/// use std::time::Duration;
/// use greenroom::system::{Phase, Phases};
///
/// let flush = Phase::new("flush").after(Phases::TREE).timeout(Duration::from_secs(1));
/// assert_eq!(flush.name(), "flush");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "a phase does nothing until it is added to phases"]
pub struct Phase {
    name: Arc<str>,
    after: Vec<Arc<str>>,
    limit: Option<Duration>,
    recovers: bool,
    enabled: bool,
}

impl Phase {
    /// A phase that follows nothing, may take 5 s, and whose failure does not stop the rest.
    ///
    /// ```
    /// assert_eq!(greenroom::system::Phase::new("drain").name(), "drain");
    /// ```
    pub fn new(name: &str) -> Self {
        let (limit, name) = (Some(DEFAULT_LIMIT), Arc::from(name));
        Self { name, after: Vec::new(), limit, recovers: true, enabled: true }
    }

    /// Its name.
    ///
    /// ```
    /// assert_eq!(greenroom::system::Phase::new("drain").name(), "drain");
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// It begins when this other phase is over. May be said several times.
    ///
    /// ```
    /// use greenroom::system::{Phase, Phases};
    /// let drain = Phase::new("drain").after(Phases::UNBIND);
    /// assert!(Phases::default().with(drain).check().is_ok());
    /// ```
    pub fn after(mut self, phase: &str) -> Self {
        self.after.push(Arc::from(phase));
        self
    }

    /// How long its tasks may take; those that have not ended by then are dropped, and the next
    /// phase begins.
    ///
    /// ```
    /// use std::time::Duration;
    /// let brief = greenroom::system::Phase::new("brief").timeout(Duration::from_millis(100));
    /// # let _ = brief;
    /// ```
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Its tasks may take as long as they take, up to the deadline of the whole.
    ///
    /// ```
    /// let patient = greenroom::system::Phase::new("patient").no_timeout();
    /// # let _ = patient;
    /// ```
    pub const fn no_timeout(mut self) -> Self {
        self.limit = None;
        self
    }

    /// Whether the shutdown goes on when a task of it fails or is out of time; `true` by default.
    /// With `false` the phases after it are given up, and only the tree is still stopped.
    ///
    /// ```
    /// let vital = greenroom::system::Phase::new("save").recover(false);
    /// # let _ = vital;
    /// ```
    pub const fn recover(mut self, recovers: bool) -> Self {
        self.recovers = recovers;
        self
    }

    /// Whether it runs at all; a disabled phase is skipped, and those after it are not.
    ///
    /// ```
    /// let skipped = greenroom::system::Phase::new("report").enabled(false);
    /// # let _ = skipped;
    /// ```
    pub const fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    pub(crate) const fn limit(&self) -> Option<Duration> {
        self.limit
    }

    pub(crate) const fn recovers(&self) -> bool {
        self.recovers
    }

    pub(crate) const fn is_enabled(&self) -> bool {
        self.enabled
    }
}

/// The phases in which a system shuts down.
///
/// By default, one after the other:
///
/// | phase | for |
/// | --- | --- |
/// | [`UNBIND`](Self::UNBIND) | taking nothing new: close listeners, leave groups |
/// | [`REQUESTS_DONE`](Self::REQUESTS_DONE) | letting what is under way come to its end |
/// | [`STOP`](Self::STOP) | last words to others, before the actors stop |
/// | [`TREE`](Self::TREE) | the tree of supervisors stops, in reverse order of its start |
///
/// ```
/// use greenroom::system::{Phase, Phases};
///
/// let phases = Phases::default()
///     .with(Phase::new("drain").after(Phases::UNBIND))
///     .with(Phase::new("flush").after(Phases::TREE).after("drain"));
/// assert!(phases.check().is_ok());
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "phases do nothing until they are given to a system"]
pub struct Phases {
    phases: Vec<Phase>,
    deadline: Option<Duration>,
}

impl Phases {
    /// Take nothing new.
    pub const UNBIND: &'static str = "unbind";
    /// Let what is under way come to its end.
    pub const REQUESTS_DONE: &'static str = "requests-done";
    /// Last words, before the actors stop.
    pub const STOP: &'static str = "stop";
    /// The tree of supervisors stops. It has no limit of its own: its children have theirs.
    pub const TREE: &'static str = "tree";

    /// Adds a phase, or replaces the one of this name.
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::system::{Phase, Phases};
    /// let longer = Phase::new(Phases::REQUESTS_DONE).after(Phases::UNBIND).timeout(Duration::from_secs(30));
    /// assert!(Phases::default().with(longer).check().is_ok());
    /// ```
    pub fn with(mut self, phase: Phase) -> Self {
        match self.phases.iter_mut().find(|known| known.name == phase.name) {
            Some(known) => *known = phase,
            None => self.phases.push(phase),
        }
        self
    }

    /// One limit above all phases: when it is reached, the rest is given up and only the tree is
    /// still stopped. None by default.
    ///
    /// ```
    /// use std::time::Duration;
    /// let phases = greenroom::system::Phases::default().deadline(Duration::from_secs(25));
    /// # let _ = phases;
    /// ```
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Whether the phases can be put in order.
    ///
    /// # Errors
    /// When a phase follows one that is not there, or itself over others.
    ///
    /// ```
    /// use greenroom::system::{Phase, PhaseError, Phases};
    /// let phases = Phases::default().with(Phase::new("a").after("b")).with(Phase::new("b").after("a"));
    /// assert!(matches!(phases.check(), Err(PhaseError::Cycle { .. })));
    /// ```
    pub fn check(&self) -> Result<(), PhaseError> {
        order(&self.phases).map(|_| ())
    }

    /// Puts them in an order in which each comes after all that it follows.
    pub(crate) fn in_order(&self) -> Result<Schedule, PhaseError> {
        let order = order(&self.phases)?;
        let phases = order.into_iter().map(|index| self.phases[index].clone()).collect();
        Ok(Schedule { phases, deadline: self.deadline })
    }
}

/// Phases in the order in which they run.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) phases: Vec<Phase>,
    pub(crate) deadline: Option<Duration>,
}

impl Default for Schedule {
    /// The default phases are said in their order.
    fn default() -> Self {
        let Phases { phases, deadline } = Phases::default();
        Self { phases, deadline }
    }
}

impl Default for Phases {
    fn default() -> Self {
        let phases = vec![
            Phase::new(Self::UNBIND),
            Phase::new(Self::REQUESTS_DONE).after(Self::UNBIND),
            Phase::new(Self::STOP).after(Self::REQUESTS_DONE),
            Phase::new(Self::TREE).after(Self::STOP).no_timeout(),
        ];
        Self { phases, deadline: None }
    }
}

/// Phases that cannot be put in order, or a phase that is not there. Nothing changed.
///
/// ```
/// use greenroom::system::{Phase, Phases};
/// let error = Phases::default().with(Phase::new("a").after("nothing")).check().unwrap_err();
/// assert_eq!(error.to_string(), "phase `a` follows `nothing`, which is no phase");
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PhaseError {
    /// A phase follows one that is not there.
    #[error("phase `{phase}` follows `{after}`, which is no phase")]
    Follows {
        /// Which phase.
        phase: Arc<str>,
        /// What it follows.
        after: Arc<str>,
    },
    /// Phases follow each other in a circle.
    #[error("phases follow each other in a circle: {}", .phases.join(" after "))]
    Cycle {
        /// The circle; the first stands at its end again.
        phases: Vec<Arc<str>>,
    },
    /// There is no such phase.
    #[error("there is no phase `{0}`")]
    Unknown(Arc<str>),
    /// The phase is under way or over, so nothing can be added to it.
    #[error("phase `{0}` has begun already; add to a later one")]
    Begun(Arc<str>),
}

/// The order of Kahn's algorithm; among those that may come next, the one that was said first.
fn order(phases: &[Phase]) -> Result<Vec<usize>, PhaseError> {
    let place = |name: &Arc<str>| phases.iter().position(|phase| phase.name == *name);
    for phase in phases {
        if let Some(after) = phase.after.iter().find(|after| place(after).is_none()) {
            let (phase, after) = (phase.name.clone(), after.clone());
            return Err(PhaseError::Follows { phase, after });
        }
    }
    let mut order: Vec<usize> = Vec::with_capacity(phases.len());
    while order.len() < phases.len() {
        let is_done = |name: &Arc<str>| place(name).is_some_and(|at| order.contains(&at));
        let next = (0..phases.len())
            .find(|at| !order.contains(at) && phases[*at].after.iter().all(is_done));
        match next {
            Some(next) => order.push(next),
            None => return Err(PhaseError::Cycle { phases: circle(phases, &order) }),
        }
    }
    Ok(order)
}

/// Some circle among the phases that could not be put in order: each of them follows another one.
fn circle(phases: &[Phase], done: &[usize]) -> Vec<Arc<str>> {
    let open = |name: &Arc<str>| {
        let at = phases.iter().position(|phase| phase.name == *name)?;
        (!done.contains(&at)).then_some(at)
    };
    let mut at = (0..phases.len()).find(|at| !done.contains(at));
    let mut path: Vec<usize> = Vec::new();
    while let Some(phase) = at {
        if let Some(begin) = path.iter().position(|before| *before == phase) {
            path.push(phase);
            return path[begin..].iter().map(|at| phases[*at].name.clone()).collect();
        }
        path.push(phase);
        at = phases[phase].after.iter().find_map(open);
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Phase, PhaseError, Phases, Schedule, order};

    fn phases(edges: &[(&str, &[&str])]) -> Vec<Phase> {
        let make = |(name, after): &(&str, &[&str])| {
            after.iter().fold(Phase::new(name), |phase, after| phase.after(after))
        };
        edges.iter().map(make).collect()
    }

    fn names(phases: &[Phase]) -> Result<Vec<String>, PhaseError> {
        let order = order(phases)?;
        Ok(order.into_iter().map(|at| phases[at].name.to_string()).collect())
    }

    #[test]
    fn phases_come_after_all_that_they_follow_and_otherwise_as_they_were_said() {
        for (edges, expected) in [
            (phases(&[]), vec![]),
            (phases(&[("a", &[])]), vec!["a"]),
            (phases(&[("b", &["a"]), ("a", &[])]), vec!["a", "b"]),
            (phases(&[("c", &["b"]), ("b", &["a"]), ("a", &[])]), vec!["a", "b", "c"]),
            (phases(&[("b", &[]), ("a", &[])]), vec!["b", "a"]),
            (
                phases(&[("d", &["b", "c"]), ("b", &["a"]), ("c", &["a"]), ("a", &[])]),
                vec!["a", "b", "c", "d"],
            ),
            (phases(&[("a", &[]), ("x", &[]), ("b", &["a"])]), vec!["a", "x", "b"]),
        ] {
            assert_eq!(names(&edges).unwrap(), expected);
        }
    }

    #[test]
    fn circles_are_refused_and_named() {
        for (edges, expected) in [
            (phases(&[("a", &["a"])]), "a after a"),
            (phases(&[("a", &["b"]), ("b", &["a"])]), "a after b after a"),
            (
                phases(&[("x", &[]), ("a", &["x", "c"]), ("b", &["a"]), ("c", &["b"])]),
                "a after c after b after a",
            ),
            // The circle is behind the first that is stuck.
            (phases(&[("z", &["a"]), ("a", &["b"]), ("b", &["a"])]), "a after b after a"),
        ] {
            let error = order(&edges).unwrap_err().to_string();
            assert_eq!(error, format!("phases follow each other in a circle: {expected}"));
        }
    }

    #[test]
    fn the_default_phases_are_in_order() {
        let sorted = Phases::default().in_order().unwrap().phases;
        assert_eq!(Schedule::default().phases, sorted);
    }

    #[test]
    fn a_phase_that_is_replaced_keeps_its_place() {
        let phases = Phases::default().with(Phase::new(Phases::STOP).after(Phases::UNBIND));
        let order: Vec<String> =
            phases.in_order().unwrap().phases.iter().map(|phase| phase.name.to_string()).collect();
        assert_eq!(order, ["unbind", "requests-done", "stop", "tree"]);
    }

    proptest! {
        #[test]
        fn an_order_is_found_exactly_when_there_is_no_circle(
            edges in prop::collection::vec((0_usize..8, 0_usize..8), 0..16),
        ) {
            let mut phases: Vec<Phase> = (0..8).map(|n| Phase::new(&n.to_string())).collect();
            for (phase, after) in &edges {
                phases[*phase] = phases[*phase].clone().after(&after.to_string());
            }
            // A naive model: reachability by repeated steps.
            let mut reaches = [[false; 8]; 8];
            edges.iter().for_each(|(phase, after)| reaches[*phase][*after] = true);
            for _ in 0..8 {
                for a in 0..8 {
                    for b in 0..8 {
                        for c in 0..8 {
                            reaches[a][c] |= reaches[a][b] && reaches[b][c];
                        }
                    }
                }
            }
            let cyclic = (0..8).any(|n| reaches[n][n]);
            match order(&phases) {
                Ok(order) => {
                    prop_assert!(!cyclic);
                    let place = |n: usize| order.iter().position(|at| *at == n);
                    for (phase, after) in edges {
                        prop_assert!(place(after) < place(phase));
                    }
                }
                Err(PhaseError::Cycle { phases }) => {
                    prop_assert!(cyclic);
                    prop_assert!(phases.len() > 1 && phases.first() == phases.last());
                    for pair in phases.windows(2) {
                        let place = |at: usize| pair[at].parse::<usize>().unwrap();
                        prop_assert!(reaches[place(0)][place(1)]);
                    }
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
