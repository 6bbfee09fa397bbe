//! Links: two actors that share their end, and what an exit signal does to an actor.
//!
//! | reason of the partner's end | an actor that traps exits | any other |
//! | --- | --- | --- |
//! | `Normal` | gets an [`Exit`] | nothing |
//! | any other | gets an [`Exit`] | ends with the same reason, before its next message |
//!
//! The rules are those of Erlang's links. A link belongs to the actors, not to their incarnations:
//! a crash from which a supervisor brings an actor back is no end, and its partner does not hear of
//! it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::context::Cx;
use super::control::{self, Control};
use super::exit::ExitReason;
use super::id::ActorId;
use super::monitor::Numbers;
use super::protocol::{Accepts, Protocol};
use super::reply::Reply;
use crate::base::panics::{catch, drop_quietly};
use crate::event_loop::current;

/// The end of a linked actor, as an actor that traps exits hears of it.
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::actor::Exit;
///
/// enum Msg { Partner(Exit) }
/// impl Protocol for Msg {}
/// async fn traps(cx: &mut Cx<Msg>, partner: ActorId) -> Result<(), Fault> {
///     cx.trap_exits_with(Msg::Partner);
///     cx.link(partner)?;
///     let Msg::Partner(exit) = cx.recv().await;
///     assert_eq!((exit.actor, exit.reason), (partner, ExitReason::Killed));
///     Ok(())
/// }
///
/// greenroom::test::run(async |test| {
///     let partner = test.probe::<u32>("partner").addr().id();
///     let traps = greenroom::actor::spawn("traps", async move |cx: &mut Cx<Msg>| traps(cx, partner).await);
///     test.settle().await;
///     partner.kill();
///     assert_eq!(traps.ended().await, ExitReason::Normal);
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Exit {
    /// Who ended.
    pub actor: ActorId,
    /// Its name, unless it was never known.
    pub name: Option<Arc<str>>,
    /// Why; [`ExitReason::NoActor`] when there was nobody to link to.
    pub reason: ExitReason,
}

/// Two actors could not be linked; nothing changed.
///
/// ```
/// use greenroom::actor::LinkError;
/// fn report(error: LinkError) -> String { error.to_string() }
/// # let _ = report;
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The other actor lives on another loop, from where its end cannot be shared in order.
    #[error("actor {actor} lives on another loop; monitor it instead of linking to it")]
    OtherLoop {
        /// To whom the link was to lead.
        actor: ActorId,
    },
}

type Trap = Rc<dyn Fn(u64, Exit)>;

/// The links of one actor.
#[derive(Default)]
pub(crate) struct Links {
    /// With the tag of the notice that a partner's end becomes.
    partners: RefCell<Vec<(ActorId, u64)>>,
    trap: RefCell<Option<Trap>>,
    /// An exit that is to end the actor and has not had its effect. It belongs to the actor: one
    /// that came too late for an incarnation is for the next.
    pending: RefCell<Option<ExitReason>>,
    /// The incarnation ends by it as soon as it looks.
    accepted: Cell<bool>,
}

impl Links {
    pub(crate) fn pending_exit(&self) -> Option<ExitReason> {
        self.pending.take()
    }

    /// The incarnation has seen its request to stop.
    pub(crate) fn acted(&self) {
        if self.accepted.take() {
            self.pending.take();
        }
    }

    fn add(&self, partner: ActorId, tag: u64) -> bool {
        let mut partners = self.partners.borrow_mut();
        let known = partners.iter().any(|(known, _)| *known == partner);
        if !known {
            partners.push((partner, tag));
        }
        !known
    }

    /// Lets the ends of linked actors pass without effect: those of a supervisor's children are
    /// told to it otherwise, and those of strangers are none of its business.
    pub(crate) fn ignore_exits(&self) {
        let before = self.trap.replace(Some(Rc::new(|_, _| {})));
        drop(before);
    }

    fn remove(&self, partner: ActorId) -> Option<u64> {
        let mut partners = self.partners.borrow_mut();
        let index = partners.iter().position(|(known, _)| *known == partner)?;
        Some(partners.swap_remove(index).1)
    }
}

impl<P: Protocol> Cx<P> {
    /// Links this actor and another: when one of them ends for good, the other hears of it once. It
    /// ends with the same reason, unless that is [`ExitReason::Normal`] or it
    /// [traps exits](Self::trap_exits_with). Linking twice is linking once.
    ///
    /// An actor that has ended already counts as one that ends now, with [`ExitReason::NoActor`].
    ///
    /// # Errors
    /// When the other actor lives on another loop; nothing changed.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    ///
    /// greenroom::test::run(async |test| {
    ///     let partner = test.probe::<u32>("partner").addr().id();
    ///     let linked = greenroom::actor::spawn("linked", async move |cx: &mut Cx<Msg>| {
    ///         cx.link(partner)?;
    ///         match cx.recv().await {}
    ///         # #[allow(unreachable_code)] Ok::<(), Fault>(())
    ///     });
    ///     test.settle().await;
    ///     test.fail(partner, "disk full");
    ///     assert_eq!(linked.ended().await, ExitReason::Error("disk full".into()));
    /// });
    /// ```
    pub fn link(&self, actor: ActorId) -> Result<(), LinkError> {
        let core = current::expect("Cx::link");
        let me = self.id();
        if core.id() != actor.0.home() {
            return Err(LinkError::OtherLoop { actor });
        }
        if actor == me {
            return Ok(());
        }
        let numbers = core.locals.get::<Numbers>();
        let linked = control::with_on(&core, actor.0, |partner| {
            partner.bonds().links.add(me, numbers.next());
        });
        if linked.is_some() {
            self.cell.control.bonds().links.add(actor, numbers.next());
        } else {
            let exit = Exit { actor, name: None, reason: ExitReason::NoActor };
            // Later, never from inside this call.
            core.defer(move |core| {
                control::with_on(core, me.0, |control| signal(control, 0, exit));
            });
        }
        Ok(())
    }

    /// Takes a link back. From now on neither hears of the other's end; an [`Exit`] of it that
    /// stands in the mailbox does not come any more.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg {}
    /// impl Protocol for Msg {}
    ///
    /// greenroom::test::run(async |test| {
    ///     let partner = test.probe::<u32>("partner").addr().id();
    ///     let free = greenroom::actor::spawn("free", async move |cx: &mut Cx<Msg>| {
    ///         cx.link(partner)?;
    ///         cx.unlink(partner);
    ///         match cx.recv().await {}
    ///         # #[allow(unreachable_code)] Ok::<(), Fault>(())
    ///     });
    ///     test.settle().await;
    ///     partner.kill();
    ///     test.settle().await;
    ///     assert!(free.is_alive());
    /// });
    /// ```
    pub fn unlink(&self, actor: ActorId) {
        let me = self.id();
        control::with(actor.0, |partner| partner.bonds().links.remove(me));
        if let Some(tag) = self.cell.control.bonds().links.remove(actor) {
            drop(self.cell.remove_notices(tag));
        }
    }

    /// Lets exits come as messages instead of ending this actor, from now on; for protocols that
    /// have a message [`Exit`].
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use greenroom::actor::Exit;
    ///
    /// struct Watch(ActorId);
    /// protocol! { enum KeeperProtocol { Watch(Watch), Exit(Exit) } }
    ///
    /// #[derive(Default)]
    /// struct Keeper { ended: Vec<ExitReason> }
    /// impl Actor for Keeper {
    ///     type Protocol = KeeperProtocol;
    ///     type Error = Fault;
    ///     async fn started(&mut self, cx: &mut Cx<KeeperProtocol>) -> Result<(), Fault> {
    ///         cx.trap_exits();
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<Watch> for Keeper {
    ///     async fn handle(&mut self, watch: Watch, cx: &mut Cx<KeeperProtocol>) -> Result<(), Fault> {
    ///         Ok(cx.link(watch.0)?)
    ///     }
    /// }
    /// impl Handler<Exit> for Keeper {
    ///     async fn handle(&mut self, exit: Exit, cx: &mut Cx<KeeperProtocol>) -> Result<(), Fault> {
    ///         self.ended.push(exit.reason);
    ///         cx.stop();
    ///         Ok(())
    ///     }
    /// }
    ///
    /// greenroom::test::run(async |test| {
    ///     let partner = test.probe::<u32>("partner").addr();
    ///     let keeper = greenroom::actor::spawn("keeper", Keeper::default);
    ///     keeper.tell(Watch(partner.id())).await.unwrap();
    ///     test.settle().await;
    ///     partner.kill();
    ///     assert_eq!(keeper.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub fn trap_exits(&self)
    where
        P: Accepts<Exit>,
    {
        self.trap_exits_with(|exit| P::wrap(exit, Reply::nobody()));
    }

    /// As [`trap_exits`](Self::trap_exits), with a message of your choice; see [`Exit`] for an
    /// example. Exits trapped are notices: no bound of the mailbox applies to them.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Gone(ExitReason) }
    /// impl Protocol for Msg {}
    /// greenroom::test::run(async |test| {
    ///     let addr = greenroom::actor::spawn("traps", async |cx: &mut Cx<Msg>| {
    ///         cx.trap_exits_with(|exit| Msg::Gone(exit.reason));
    ///         let Msg::Gone(reason) = cx.recv().await;
    ///         Err::<(), _>(Fault::new(reason.to_string()))
    ///     });
    ///     test.settle().await;
    ///     addr.id().send_exit(ExitReason::Shutdown);
    ///     assert_eq!(addr.ended().await, ExitReason::Error("shutdown".into()));
    /// });
    /// ```
    pub fn trap_exits_with(&self, message: impl Fn(Exit) -> P + 'static) {
        let cell = Rc::downgrade(&self.cell);
        let trap: Trap = Rc::new(move |tag, exit| {
            if let Some(cell) = cell.upgrade().filter(|cell| !cell.control.has_ended()) {
                cell.put_notice(tag, message(exit));
            }
        });
        let before = self.cell.control.bonds().links.trap.replace(Some(trap));
        drop(before);
    }
}

impl ActorId {
    /// Sends an exit signal, as the end of a linked actor does: [`ExitReason::Normal`] does
    /// nothing (but ends an actor that sends it to itself), any other reason ends the actor before
    /// its next message, and an actor that traps exits gets an [`Exit`] in its own name instead.
    /// [`kill`](Self::kill) cannot be trapped.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// greenroom::test::run(async |test| {
    ///     let addr = test.probe::<u32>("probe").addr();
    ///     addr.id().send_exit(ExitReason::Normal);
    ///     test.settle().await;
    ///     assert!(addr.is_alive());
    ///     addr.id().send_exit(ExitReason::Error("enough".into()));
    ///     assert_eq!(addr.ended().await, ExitReason::Error("enough".into()));
    /// });
    /// ```
    pub fn send_exit(self, reason: ExitReason) {
        let own = current::with(|core| core.scheduler.running()).flatten() == Some(self.0);
        control::reach(self.0, move |control| {
            let traps = control.bonds().links.trap.borrow().is_some();
            if own && !traps {
                return control.ask_to_stop(reason);
            }
            let exit = Exit { actor: self, name: Some(Arc::clone(&control.name)), reason };
            signal(control, 0, exit);
        });
    }
}

/// What an exit signal does to an actor.
fn signal(target: &Control, tag: u64, exit: Exit) {
    let trap = target.bonds().links.trap.borrow().clone();
    match trap {
        Some(trap) => {
            if let Err(text) = catch(|| trap(tag, exit)) {
                tracing::error!(
                    target: "greenroom::actor", actor = %target.name, panic = %text,
                    "making the message of an exit panicked",
                );
            }
        }
        None if exit.reason == ExitReason::Normal => {}
        None => self::exit(target, exit.reason),
    }
}

/// Ends an actor for this reason, before its next message, in this incarnation or the next.
pub(crate) fn exit(target: &Control, reason: ExitReason) {
    let links = &target.bonds().links;
    let first = links.pending.borrow().is_none();
    if first {
        links.pending.replace(Some(reason.clone()));
        links.accepted.set(target.accepts_stop(reason));
    }
}

/// Tells every partner of an actor that has ended, once.
pub(crate) fn tell_all(control: &Control, reason: &ExitReason) {
    let me = control.id();
    let Some(bonds) = control.made_bonds() else { return };
    let trap = bonds.links.trap.take();
    drop_quietly(trap);
    for (partner, _) in bonds.links.partners.take() {
        let exit =
            Exit { actor: me, name: Some(Arc::clone(&control.name)), reason: reason.clone() };
        control::with(partner.0, |partner| {
            if let Some(tag) = partner.bonds().links.remove(me) {
                signal(partner, tag, exit);
            }
        });
    }
}
