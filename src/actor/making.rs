//! The door of messages that are made around their reply port, by a closure.

use std::rc::Rc;

use super::address::Addr;
use super::arrival::Arrival;
use super::cell::{self, ActorCell};
use super::door::{Away, Door, bury_overflow};
use super::id::ActorId;
use super::protocol::Protocol;
use super::reply::Reply;
use crate::event_loop::core::Core;

/// The door of [`Addr::ask_with`]: its messages are made by a closure.
/// ```
/// # use greenroom::{actor::{Ask, Making, spawn}, prelude::*}; enum Msg { Get(Reply<u8>) } impl Protocol for Msg {} async fn seven(cx: &mut Cx<Msg>) -> Result<(), Fault> { loop { let Msg::Get(reply) = cx.recv().await; reply.send(7) } }
/// greenroom::run(async |_| { let ask: Ask<Making<Msg>, _, u8> = spawn("seven", seven).ask_with(Msg::Get); assert_eq!(ask.await.unwrap(), 7) });
/// ```
#[derive(Debug)]
pub struct Making<P>(Addr<P>);

impl<P> Making<P> {
    pub(crate) const fn new(addr: Addr<P>) -> Self {
        Self(addr)
    }
}

impl<P> Clone for Making<P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Making<P> {}

impl<P: Protocol, R: 'static, F: FnOnce(Reply<R>) -> P> Door<F, R> for Making<P> {
    type Gate = ActorCell<P>;

    #[inline]
    fn key(&self) -> ActorId {
        self.0.id()
    }

    fn message_name() -> &'static str {
        std::any::type_name::<P>()
    }

    #[inline]
    fn find(&self, core: &Core) -> Option<Rc<ActorCell<P>>> {
        cell::find(core, self.0.key())
    }

    #[inline]
    fn put(&self, cell: &ActorCell<P>, make: F, reply: Reply<R>) {
        cell.put(make(reply));
    }

    fn bury(&self, cell: &ActorCell<P>, make: F, reply: Reply<R>) {
        bury_overflow(&cell.control, make(reply));
    }

    fn send_away(&self, make: F, reply: Reply<R>, arrival: Arrival) -> Result<(), Away<F>> {
        let sent = Door::<P, ()>::send_away(&self.0, make(reply), Reply::nobody(), arrival);
        sent.map_err(|away| Away { message: None, refused: away.refused })
    }
}
