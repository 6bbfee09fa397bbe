//! What cases ask supervisors and say of their children.

use greenroom::prelude::*;
use greenroom::supervisor::{ChildCounts, ChildInfo, ChildStatus, IntoChild, SupervisorBuilder};

use crate::harness::Log;
use crate::worker::{Knobs, WorkerProtocol, worker};

pub(crate) type Child = Addr<WorkerProtocol>;

/// A supervisor of each kind, by name.
pub(crate) fn kinds() -> [(&'static str, SupervisorBuilder); 4] {
    [
        ("one for one", Supervisor::one_for_one()),
        ("one for all", Supervisor::one_for_all()),
        ("rest for one", Supervisor::rest_for_one()),
        ("dynamic", Supervisor::dynamic(9)),
    ]
}

/// {specs, active, supervisors, workers}
pub(crate) const fn counts(
    specs: usize,
    active: usize,
    supervisors: usize,
    workers: usize,
) -> ChildCounts {
    ChildCounts { specs, active, supervisors, workers }
}

pub(crate) async fn info(tree: Supervisor, name: &str) -> Option<ChildInfo> {
    let children = tree.children().await;
    children.into_iter().find(|child| child.name.as_deref() == Some(name))
}

pub(crate) async fn status(tree: Supervisor, name: &str) -> Option<ChildStatus> {
    info(tree, name).await.map(|child| child.status)
}

/// The address of a worker that runs.
pub(crate) async fn addr(tree: Supervisor, name: &str) -> Child {
    tree.child(name).await.expect("it runs")
}

/// A worker with these knobs and a restart type.
pub(crate) fn with(
    id: &'static str,
    restart: Restart,
    log: &Log,
    knobs: &Knobs,
) -> impl IntoChild<Handle = Child> + use<> {
    child(id, worker(id, log, knobs)).restart(restart)
}
