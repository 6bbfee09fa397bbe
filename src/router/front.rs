//! `router`: one address before a list of routees that others change.

use std::fmt;

use super::pass::pass_on;
use super::routees::Routees;
use super::routing::Routing;
use crate::actor::{Cx, ExitReason, Incarnate, Protocol};
use crate::supervisor::{Child, child};

/// Describes a router for a supervisor: an actor that passes each message on to one of `routees`,
/// round robin unless [`routing`](Child::routing) says otherwise.
///
/// It has the type of address that its routees have, so nobody who sends to it need know. With
/// nobody in the list, a message is a dead letter with the cause
/// [`NoRoutee`](crate::actor::Cause::NoRoutee), and an ask is
/// [`NeverHandled`](crate::actor::AskError::NeverHandled). Before the list is set for the first
/// time, messages wait in the router's mailbox, which is bounded as any.
///
/// A routee of its loop that has ended is found out when its turn comes, and taken out of the list;
/// the message goes to the next. The list itself survives a restart of the router.
///
/// ```
/// use greenroom::actor::Cause;
/// use greenroom::prelude::*;
/// use greenroom::router::{Routees, router};
///
/// enum Msg { Hello }
/// impl Protocol for Msg {}
///
/// greenroom::test::run(async |test| {
///     let routees = Routees::new();
///     let front: Addr<Msg> = test.spawn(router("front", &routees)).await.unwrap();
///     front.tell(Msg::Hello).await.unwrap();
///     test.settle().await;
///     assert!(test.letters().is_empty(), "nobody has said yet who the routees are");
///     routees.set([]);
///     test.settle().await;
///     assert_eq!(test.letters()[0].cause, Cause::NoRoutee);
/// });
/// ```
pub fn router<P: Protocol>(name: &str, routees: &Routees<P>) -> Child<P, IsRouter, Router<P>> {
    child(name, Router { routees: routees.clone(), routing: Routing::round_robin() })
}

/// What a router is made of; see [`router`].
///
/// ```
/// use greenroom::router::{Routees, router};
/// let front = router::<u32_only::Msg>("front", &Routees::new());
/// # mod u32_only { pub enum Msg {} impl greenroom::actor::Protocol for Msg {} }
/// # let _ = front;
/// ```
pub struct Router<P> {
    routees: Routees<P>,
    routing: Routing<P>,
}

/// Marks routers.
///
/// ```
/// assert_eq!(format!("{:?}", greenroom::router::IsRouter), "IsRouter");
/// ```
#[derive(Debug)]
pub struct IsRouter;

impl<P: Protocol> Child<P, IsRouter, Router<P>> {
    /// How the router chooses; see [`Routing`].
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::router::{Routees, Routing, router};
    /// enum Msg {}
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let front = router::<Msg>("front", &Routees::new()).routing(Routing::least_loaded());
    ///     assert!(test.spawn(front).await.unwrap().is_alive());
    /// });
    /// ```
    pub fn routing(mut self, routing: Routing<P>) -> Self {
        self.incarnate.routing = routing;
        self
    }
}

impl<P: Protocol> Incarnate<P, IsRouter> for Router<P> {
    async fn live(&mut self, cx: &mut Cx<P>) -> ExitReason {
        pass_on(cx, &self.routees, &self.routing).await
    }
}

impl<P> fmt::Debug for Router<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("routing", &self.routing).finish_non_exhaustive()
    }
}
