//! What operators hear of supervision: one `tracing` event at each edge of a child's life.

use std::sync::Arc;
use std::time::Duration;

use super::action::Report;
use super::children::ChildId;

/// Logs a report under the target `greenroom::supervisor`.
pub(crate) fn log(supervisor: &str, report: &Report, name_of: impl Fn(ChildId) -> Arc<str>) {
    match report {
        Report::Crashed { id, reason } => tracing::warn!(
            target: "greenroom::supervisor", supervisor, child = %name_of(*id), %reason,
            "a child crashed",
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
        Report::AutoShutdown { id } => tracing::info!(
            target: "greenroom::supervisor", supervisor, child = %name_of(*id),
            "a significant child ended, and the supervisor with it",
        ),
    }
}
