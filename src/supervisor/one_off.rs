//! `child_task`: asynchronous work without a mailbox as a child, so that it stands in the tree.

use std::fmt::Display;

use super::spec::{Child, child};
use super::strategy::Restart;
use crate::actor::{Cx, Incarnate, IsFunction, Protocol};

/// The protocol of an actor that understands nothing, as there is no message of it.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::supervisor::NoMessages;
///
/// greenroom::run(async |_system| {
///     let addr: Addr<NoMessages> = greenroom::actor::spawn("mute", async |cx: &mut Cx<NoMessages>| {
///         cx.next().await;
///         Ok::<(), Fault>(())
///     });
///     addr.stop();
///     assert_eq!(addr.ended().await, ExitReason::Shutdown);
/// });
/// ```
#[derive(Debug)]
pub enum NoMessages {}

impl Protocol for NoMessages {}

/// Describes work that is done once, as a child of a supervisor: `work` is called anew for each
/// incarnation, and what it returns is how the incarnation ends.
///
/// It is [temporary](Restart::Temporary) unless [`restart`](Child::restart) says otherwise: with
/// [transient](Restart::Transient) it is called again until it has succeeded. It counts as started
/// as soon as it begins. Asked to stop, it goes on: it has the time of its
/// [`shutdown`](Child::shutdown) rule, 5 s by default, to come to its end, and is dropped then.
/// Work without an end should say [`Shutdown::Brutal`](super::Shutdown::Brutal), or be a function
/// over [`Cx`] with a look at [`Cx::next`].
///
/// The address that adding it gives can be watched, stopped and killed.
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use greenroom::prelude::*;
/// use greenroom::supervisor::child_task;
///
/// greenroom::run(async |system| {
///     let tasks = Supervisor::dynamic(100).start(system).await?;
///     let attempts = Rc::new(Cell::new(0));
///     let counted = Rc::clone(&attempts);
///     let import = async move || {
///         counted.set(counted.get() + 1);
///         if counted.get() < 3 { return Err(Fault::new("the server is busy")); }
///         Ok(())
///     };
///     let import = tasks.add(child_task("import", import).restart(Transient)).await?;
///     assert_eq!(import.ended().await, ExitReason::Normal);
///     assert_eq!(attempts.get(), 3);
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
pub fn child_task<E, F>(
    name: &str,
    mut work: F,
) -> Child<NoMessages, IsFunction<E>, impl Incarnate<NoMessages, IsFunction<E>>>
where
    E: Display + 'static,
    F: AsyncFnMut() -> Result<(), E> + 'static,
{
    let incarnate = async move |cx: &mut Cx<NoMessages>| {
        cx.ready();
        work().await
    };
    child(name, incarnate).restart(Restart::Temporary)
}
