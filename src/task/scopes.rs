//! `Scopes`: the parts of a task that want to hear of requests to cancel, as a tree; pure.
//!
//! Scopes nest, and in `join!` they stand side by side. A request is made *at* a scope, or at the
//! task itself: it is for what is inside there, and nothing beside it hears of it. Inside, whatever
//! was entered last hears first.

/// A scope of a task; no other of that task has the same.
pub(crate) type Number = u64;

/// The scopes of one task, each with what `W` is kept of it.
#[derive(Debug)]
pub(crate) struct Scopes<W> {
    next: Number,
    /// In the order in which they were entered.
    entered: Vec<Entry<W>>,
    /// At the task itself.
    at_task: Asked,
}

#[derive(Debug)]
struct Entry<W> {
    number: Number,
    /// The scope around it; `None` for the task.
    parent: Option<Number>,
    at: Asked,
    kept: W,
}

/// Requests that were made at one place.
#[derive(Default, Debug)]
struct Asked {
    /// How many were not taken back.
    count: u32,
    /// Whether there is one of which nobody has heard yet.
    unheard: bool,
}

impl<W> Default for Scopes<W> {
    fn default() -> Self {
        Self { next: 0, entered: Vec::new(), at_task: Asked::default() }
    }
}

impl<W> Scopes<W> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.entered.is_empty()
    }

    /// Enters a scope inside another.
    pub(crate) fn enter(&mut self, parent: Option<Number>, kept: W) -> Number {
        let number = self.next;
        self.next += 1;
        self.entered.push(Entry { number, parent, at: Asked::default(), kept });
        number
    }

    /// Leaves a scope, with the requests made at it.
    pub(crate) fn leave(&mut self, scope: Number) -> Option<W> {
        let place = self.place(scope)?;
        Some(self.entered.remove(place).kept)
    }

    pub(crate) fn kept(&mut self, scope: Number) -> Option<&mut W> {
        self.place(scope).map(|place| &mut self.entered[place].kept)
    }

    /// The scope around this one.
    pub(crate) fn parent(&self, scope: Number) -> Option<Number> {
        self.entered[self.place(scope)?].parent
    }

    /// How many requests there are, wherever they were made.
    pub(crate) fn count(&self) -> u32 {
        self.at_task.count + self.entered.iter().map(|entry| entry.at.count).sum::<u32>()
    }

    /// How many requests were made at what is around a scope.
    pub(crate) fn around(&self, scope: Number) -> u32 {
        let mut count = self.at_task.count;
        let mut outer = self.parent(scope);
        while let Some(place) = outer.and_then(|outer| self.place(outer)) {
            count += self.entered[place].at.count;
            outer = self.entered[place].parent;
        }
        count
    }

    /// Makes a request at a scope, or at the task.
    pub(crate) fn ask(&mut self, at: Option<Number>) {
        self.at(at).count += 1;
        self.raise(at);
    }

    /// Lets it be heard of once more, in there, that there is a request.
    pub(crate) fn raise(&mut self, at: Option<Number>) {
        self.at(at).unheard = true;
    }

    /// Takes a request that was made at a scope back. If nobody has heard of it, nobody will.
    pub(crate) fn take_back(&mut self, scope: Number) {
        if let Some(place) = self.place(scope) {
            self.entered[place].at.take_back();
        }
    }

    /// Takes any one back, of the task's first; how many are left.
    pub(crate) fn take_any_back(&mut self) -> u32 {
        if self.at_task.count > 0 {
            self.at_task.take_back();
        } else if let Some(asked) = self.entered.iter_mut().rev().find(|entry| entry.at.count > 0) {
            asked.at.take_back();
        }
        self.count()
    }

    /// Whether this scope is to act on a request; what it hears of counts as heard.
    pub(crate) fn hear(&mut self, scope: Number) -> bool {
        let heard_at_task = self.at_task.unheard && self.hearer(None) == Some(scope);
        if heard_at_task {
            self.at_task.unheard = false;
        }
        let mut heard = heard_at_task;
        for place in 0..self.entered.len() {
            let entry = &self.entered[place];
            if entry.at.unheard && self.hearer(Some(entry.number)) == Some(scope) {
                self.entered[place].at.unheard = false;
                heard = true;
            }
        }
        heard
    }

    /// Whoever is to hear of a request that nobody has heard of; `None` is the task itself.
    pub(crate) fn hearers(&self) -> Vec<Option<Number>> {
        let at_task = self.at_task.unheard.then(|| self.hearer(None));
        let unheard = self.entered.iter().filter(|entry| entry.at.unheard);
        let inside = unheard.map(|entry| self.hearer(Some(entry.number)));
        at_task.into_iter().chain(inside).collect()
    }

    /// Whether there is a request of which nobody has heard.
    pub(crate) fn is_unheard(&self) -> bool {
        self.at_task.unheard || self.entered.iter().any(|entry| entry.at.unheard)
    }

    /// Whether the task itself is to go.
    pub(crate) fn reaches_the_task(&self) -> bool {
        self.at_task.unheard && self.entered.is_empty()
    }

    /// Who hears first of what was asked there: what was entered last inside.
    fn hearer(&self, at: Option<Number>) -> Option<Number> {
        let inside = self.entered.iter().rev().find(|entry| self.is_inside(entry, at));
        inside.map(|entry| entry.number)
    }

    fn is_inside(&self, entry: &Entry<W>, at: Option<Number>) -> bool {
        let Some(at) = at else { return true };
        let mut scope = Some(entry.number);
        while let Some(number) = scope {
            if number == at {
                return true;
            }
            scope = self.parent(number);
        }
        false
    }

    fn at(&mut self, at: Option<Number>) -> &mut Asked {
        // What was around and is gone leaves its part to the task.
        match at.and_then(|at| self.place(at)) {
            Some(place) => &mut self.entered[place].at,
            None => &mut self.at_task,
        }
    }

    fn place(&self, scope: Number) -> Option<usize> {
        self.entered.iter().rposition(|entry| entry.number == scope)
    }
}

impl Asked {
    fn take_back(&mut self) {
        self.count = self.count.saturating_sub(1);
        self.unheard &= self.count > 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Scopes;

    #[test]
    fn the_last_inside_hears_and_then_what_is_around_it() {
        let mut scopes = Scopes::default();
        let outer = scopes.enter(None, ());
        let inner = scopes.enter(Some(outer), ());
        scopes.ask(None);
        assert_eq!(scopes.hearers(), [Some(inner)]);
        assert!(!scopes.hear(outer) && scopes.hear(inner) && !scopes.hear(inner));
        scopes.leave(inner);
        assert!(!scopes.is_unheard());
        scopes.raise(Some(outer));
        assert!(scopes.hear(outer));
        scopes.leave(outer);
        scopes.raise(None);
        assert!(scopes.reaches_the_task());
    }

    #[test]
    fn what_stands_beside_does_not_hear() {
        let mut scopes = Scopes::default();
        let (one, two) = (scopes.enter(None, ()), scopes.enter(None, ()));
        let in_one = scopes.enter(Some(one), ());
        scopes.ask(Some(two));
        assert!(!scopes.hear(in_one) && !scopes.hear(one) && scopes.hear(two));
        scopes.ask(Some(one));
        assert!(!scopes.hear(two) && !scopes.hear(one) && scopes.hear(in_one));
        assert_eq!((scopes.around(one), scopes.around(in_one), scopes.around(two)), (0, 1, 0));
        assert_eq!(scopes.count(), 2);
    }

    #[test]
    fn two_requests_that_one_scope_is_to_hear_of_are_heard_as_one() {
        let mut scopes = Scopes::default();
        let outer = scopes.enter(None, ());
        let inner = scopes.enter(Some(outer), ());
        scopes.ask(None);
        scopes.ask(Some(outer));
        assert!(scopes.hear(inner) && !scopes.is_unheard());
        assert_eq!(scopes.count(), 2);
        scopes.take_back(outer);
        assert_eq!((scopes.count(), scopes.take_any_back(), scopes.take_any_back()), (1, 0, 0));
    }

    proptest! {
        /// Whatever is asked is heard of by exactly one at a time, and never by one beside it.
        #[test]
        fn a_request_always_finds_one_inside(
            parents in proptest::collection::vec(0_usize..8, 1..8),
            at in 0_usize..9,
        ) {
            let mut scopes = Scopes::default();
            let mut numbers = Vec::new();
            for parent in parents {
                // Itself or a later one is no parent: then it is the task.
                numbers.push(scopes.enter(numbers.get(parent).copied(), ()));
            }
            let at = numbers.get(at).copied();
            scopes.ask(at);
            let hears: Vec<_> = numbers.iter().filter(|&&number| scopes.hear(number)).collect();
            prop_assert_eq!(hears.len(), 1);
            let mut outer = Some(*hears[0]);
            while outer != at {
                prop_assert!(outer.is_some(), "it stands beside");
                outer = outer.and_then(|number| scopes.parent(number));
            }
        }
    }
}
