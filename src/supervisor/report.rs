//! What operators hear of supervision: one `tracing` event at each edge of a child's life, and the
//! decisions of supervisors for whoever listens to lives.

use std::sync::Arc;
use std::time::Duration;

use super::action::Report;
use super::children::ChildId;
use crate::actor::ExitReason;
use crate::actor::control::Control;
use crate::actor::lifecycle::{self, Lifecycle};

/// Logs a report under the target `greenroom::supervisor`, and tells whoever listens.
pub(crate) fn publish(
    supervisor: &Control,
    report: &Report,
    name_of: impl Fn(ChildId) -> Arc<str>,
) {
    log(&supervisor.name, report, &name_of);
    lifecycle::tell(supervisor, || edge(report, &name_of));
}

fn log(supervisor: &str, report: &Report, name_of: &impl Fn(ChildId) -> Arc<str>) {
    match report {
        Report::Crashed { id, reason } => tracing::warn!(
            target: "greenroom::supervisor", supervisor, child = %name_of(*id), %reason,
            "a child crashed",
        ),
        Report::StartFailed { id, reason: reason @ ExitReason::Refused(_) } => tracing::info!(
            target: "greenroom::supervisor", supervisor, child = %name_of(*id), %reason,
            "a child refused to start",
        ),
        Report::StartFailed { id, reason } => tracing::warn!(
            target: "greenroom::supervisor", supervisor, child = %name_of(*id), %reason,
            "a child did not start",
        ),
        Report::Restarting { id, spent, intensity } => tracing::info!(
            target: "greenroom::supervisor", supervisor, child = %name_of(*id),
            restarts = spent, of = intensity.max,
            period = ?Duration::from_nanos(intensity.period_ns),
            "restarting a child",
        ),
        Report::StoppedOddly { id, reason } => tracing::warn!(
            target: "greenroom::supervisor", supervisor, child = %name_of(*id), %reason,
            "a child that was asked to stop ended otherwise",
        ),
        Report::IntensityReached { id, intensity } => tracing::error!(
            target: "greenroom::supervisor", supervisor, child = %name_of(*id),
            limit = intensity.max, period = ?Duration::from_nanos(intensity.period_ns),
            "giving up: a restart more would be too many; mend the child or raise the intensity",
        ),
        Report::BackoffExhausted { id, failures } => tracing::error!(
            target: "greenroom::supervisor", supervisor, child = %name_of(*id), failures,
            "giving up: the child failed too often in a row",
        ),
        Report::EndlessRestarts { id, down_ns, intensity } => tracing::warn!(
            target: "greenroom::supervisor", supervisor, child = %name_of(*id),
            down = ?Duration::from_nanos(*down_ns), limit = intensity.max,
            period = ?Duration::from_nanos(intensity.period_ns),
            "a child takes so long to come back that its failures are never too many: it may fail \
             for ever; give its back-off `max_restarts`, or raise the period of the intensity",
        ),
        Report::AutoShutdown { id } => tracing::info!(
            target: "greenroom::supervisor", supervisor, child = %name_of(*id),
            "a significant child ended, and the supervisor with it",
        ),
    }
}

/// The same as an edge in the supervisor's life. How children end and how their starts fail are
/// edges of their own lives, told of already.
fn edge(report: &Report, name_of: &impl Fn(ChildId) -> Arc<str>) -> Option<Lifecycle> {
    Some(match report {
        Report::Crashed { .. } | Report::StartFailed { .. } => return None,
        Report::Restarting { id, spent, intensity } => {
            Lifecycle::Restarting { child: name_of(*id), restarts: *spent, limit: intensity.max }
        }
        Report::StoppedOddly { id, reason } => {
            Lifecycle::StoppedOddly { child: name_of(*id), reason: reason.clone() }
        }
        Report::IntensityReached { id, intensity } => Lifecycle::IntensityReached {
            child: name_of(*id),
            limit: intensity.max,
            period: Duration::from_nanos(intensity.period_ns),
        },
        Report::BackoffExhausted { id, failures } => {
            Lifecycle::BackoffExhausted { child: name_of(*id), failures: *failures }
        }
        Report::EndlessRestarts { id, down_ns, intensity } => Lifecycle::EndlessRestarts {
            child: name_of(*id),
            down: Duration::from_nanos(*down_ns),
            limit: intensity.max,
            period: Duration::from_nanos(intensity.period_ns),
        },
        Report::AutoShutdown { id } => Lifecycle::AutoShutdown { child: name_of(*id) },
    })
}
