//! What a supervisor is told before anything starts: its flags, its children's plans, and which
//! combinations contradict themselves; pure.

use std::sync::Arc;

use crate::base::backoff::Backoff;
use crate::supervisor::intensity::Intensity;
use crate::supervisor::strategy::{AutoShutdown, ChildKind, Restart, Shutdown, Strategy};

/// The part of a child spec that decisions depend on: everything but how to build the actor.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Unique among the children of one supervisor; the instances of a dynamic one may have none.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) restart: Restart,
    pub(crate) shutdown: Shutdown,
    pub(crate) kind: ChildKind,
    pub(crate) significant: bool,
    /// Takes precedence over that of the supervisor.
    pub(crate) backoff: Option<Backoff>,
    /// How often its first start is tried.
    pub(crate) start_tries: u32,
}

impl Plan {
    /// A plan with the defaults of its kind.
    pub(crate) fn new(name: Option<Arc<str>>, kind: ChildKind) -> Self {
        Self {
            name,
            restart: Restart::default(),
            shutdown: kind.default_shutdown(),
            kind,
            significant: false,
            backoff: None,
            start_tries: 1,
        }
    }

    /// Whether a supervisor with these flags can have such a child.
    pub(crate) fn check(&self, flags: &Flags) -> Result<(), SpecError> {
        let name = || self.name.clone().unwrap_or_else(|| "unnamed".into());
        if self.significant && self.restart == Restart::Permanent {
            return Err(SpecError::SignificantPermanent(name()));
        }
        if self.significant && flags.auto_shutdown == AutoShutdown::Never {
            return Err(SpecError::SignificantForNothing(name()));
        }
        Ok(())
    }
}

/// What kind of family a supervisor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Children in a start order, each with a spec that outlives its instances.
    Ordered(Strategy),
    /// Instances that come and go: no order, no kept specs, one for one, stopped in parallel.
    Dynamic {
        /// How many there may be at a time, those between two incarnations included.
        children_max: usize,
    },
}

/// The rules of one supervisor.
#[derive(Clone, Debug)]
pub(crate) struct Flags {
    pub(crate) mode: Mode,
    pub(crate) intensity: Intensity,
    pub(crate) auto_shutdown: AutoShutdown,
    /// For children without a back-off of their own.
    pub(crate) backoff: Option<Backoff>,
}

impl Flags {
    /// The default rules for a family.
    pub(crate) fn new(mode: Mode) -> Self {
        let (intensity, auto_shutdown) = (Intensity::default(), AutoShutdown::default());
        Self { mode, intensity, auto_shutdown, backoff: None }
    }

    /// Whether these rules can be followed at all.
    pub(crate) fn check(&self) -> Result<(), SpecError> {
        if self.intensity.period_ns == 0 {
            return Err(SpecError::ZeroPeriod);
        }
        let dynamic = matches!(self.mode, Mode::Dynamic { .. });
        if dynamic && self.auto_shutdown != AutoShutdown::Never {
            return Err(SpecError::DynamicAutoShutdown);
        }
        Ok(())
    }
}

/// A supervisor or child specification contradicts itself. Nothing was started.
///
/// # Examples
///
/// ```
/// use greenroom::supervisor::SpecError;
///
/// let error = SpecError::DuplicateName("cache".into());
/// assert_eq!(error.to_string(), "two children are named cache");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// Two children of one supervisor have the same name.
    #[error("two children are named {0}")]
    DuplicateName(Arc<str>),
    /// A window of no length holds no restarts.
    #[error("the period of the restart intensity is zero")]
    ZeroPeriod,
    /// A permanent child never ends for good, so its end cannot be significant.
    #[error("child {0} is permanent and significant: a permanent child never ends for good")]
    SignificantPermanent(Arc<str>),
    /// The child is significant, but the supervisor shuts down for no child.
    #[error("child {0} is significant, but its supervisor has no automatic shutdown")]
    SignificantForNothing(Arc<str>),
    /// A dynamic supervisor expects its children to come and go.
    #[error("a dynamic supervisor has no automatic shutdown")]
    DynamicAutoShutdown,
}

impl SpecError {
    /// The same of the child with this name; the plans of a dynamic supervisor bear none.
    pub(crate) fn of_child(self, name: Arc<str>) -> Self {
        match self {
            Self::SignificantPermanent(_) => Self::SignificantPermanent(name),
            Self::SignificantForNothing(_) => Self::SignificantForNothing(name),
            Self::DuplicateName(_) | Self::ZeroPeriod | Self::DynamicAutoShutdown => self,
        }
    }
}
