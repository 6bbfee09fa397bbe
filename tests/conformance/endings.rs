//! How an actor ends where several things come at once.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

use futures::future::select;
use greenroom::prelude::*;
use greenroom::time;

use crate::harness::{Log, case, secs};
use crate::scripted::{Script, script, scripted};
use crate::worker::{Knobs, worker};

/// What a handler does.
enum Act {
    /// Waits for a message or a second.
    RecvOrSleep,
    /// Asks itself to stop, kills itself, and waits for a message.
    StopKillRecv,
    /// Kills itself and fails.
    KillAndFail,
    Fail,
    Link(ActorId),
}
struct Do(Act);
protocol! { enum EndsProtocol { Do(Do) } }

/// An actor that notes its ends, and whose hook takes its time.
struct Ends {
    log: Log,
    starts: Rc<Cell<u32>>,
    family: bool,
    hook_takes: u64,
}
impl Actor for Ends {
    type Protocol = EndsProtocol;
    type Error = Fault;

    async fn started(&mut self, cx: &mut Cx<EndsProtocol>) -> Result<(), Fault> {
        self.starts.set(self.starts.get() + 1);
        if self.family {
            let slow = Knobs::new().stop_takes(secs(3));
            let family = Supervisor::one_for_one();
            family.child(child("slow", worker("slow", &Log::new(), &slow))).start_under(cx).await?;
        }
        Ok(())
    }

    async fn stopped(&mut self, reason: &ExitReason, _: &mut Cx<EndsProtocol>) {
        if self.hook_takes > 0 {
            time::sleep(secs(self.hook_takes)).await;
        }
        self.log.add(format!("stopped {reason}"));
    }
}
impl Handler<Do> for Ends {
    async fn handle(&mut self, Do(act): Do, cx: &mut Cx<EndsProtocol>) -> Result<(), Fault> {
        match act {
            Act::RecvOrSleep => {
                select(pin!(cx.recv()), pin!(time::sleep(secs(1)))).await;
                Ok(())
            }
            Act::StopKillRecv => {
                cx.id().stop();
                cx.id().kill();
                cx.recv().await;
                Ok(())
            }
            Act::KillAndFail => {
                cx.id().kill();
                Err(Fault::new("told to"))
            }
            Act::Fail => Err(Fault::new("told to")),
            Act::Link(whom) => Ok(cx.link(whom)?),
        }
    }
}

fn ends(log: &Log, family: bool, hook_takes: u64) -> impl FnMut() -> Ends + use<> {
    let (log, starts) = (log.clone(), Rc::default());
    move || Ends { log: log.clone(), starts: Rc::clone(&starts), family, hook_takes }
}

/// **D6** A stop that comes while a handler waits for a message among other things cuts no hook and
/// changes no reason.
#[test]
fn a_stop_beside_a_receive_in_a_handler_cuts_no_hook() {
    case(async |test| {
        let log = Log::new();
        let actor = greenroom::actor::spawn("ends", ends(&log, false, 1));
        actor.tell(Do(Act::RecvOrSleep)).await.unwrap();
        let stop = async move {
            time::sleep(secs(1)).await;
            actor.stop();
        };
        greenroom::task::spawn(stop).detach();
        test.advance(secs(3)).await;
        assert_eq!(log.take(), ["stopped shutdown"]);
        let ended = test.events().last().map(ToString::to_string);
        assert_eq!(ended.as_deref(), Some("ends ended: shutdown"));
    });
}

/// **D11** A kill acts where the actor waits, also where it waits for a message that a stop keeps
/// from it.
#[test]
fn a_kill_acts_before_a_stop_where_a_handler_receives() {
    case(async |_test| {
        let log = Log::new();
        let actor = greenroom::actor::spawn("ends", ends(&log, false, 0));
        actor.tell(Do(Act::StopKillRecv)).await.unwrap();
        assert_eq!(actor.ended().await, ExitReason::Killed);
        assert!(log.take().is_empty(), "its hook did not run");
    });
}

/// **D11** A kill acts before an actor's family is waited for, and so before its hook.
#[test]
fn a_kill_acts_before_the_wait_for_a_family() {
    case(async |_test| {
        let log = Log::new();
        let actor = greenroom::actor::spawn("ends", ends(&log, true, 0));
        actor.tell(Do(Act::KillAndFail)).await.unwrap();
        assert_eq!(actor.ended().await, ExitReason::Killed);
        assert!(log.take().is_empty(), "its hook did not run");
    });
}

/// **R3.28** One kill ends the wait for a family, also that of an actor with hooks.
#[test]
fn one_kill_ends_the_wait_for_a_family() {
    case(async |test| {
        let log = Log::new();
        let actor = greenroom::actor::spawn("ends", ends(&log, true, 0));
        actor.tell(Do(Act::Fail)).await.unwrap();
        test.settle().await;
        assert!(actor.id().is_alive(), "it waits");
        let began = test.now();
        actor.id().kill();
        assert_eq!(actor.ended().await, ExitReason::Killed);
        assert_eq!(test.now(), began);
    });
}

/// **R1.2** An exit that comes while a stopped incarnation takes its time to end is for the next.
#[test]
fn an_exit_during_the_hook_of_a_stop_reaches_the_next() {
    case(async |test| {
        let log = Log::new();
        let partner = scripted("partner", &Log::new());
        let actor = test.spawn(child("ends", ends(&log, false, 2))).await.unwrap();
        actor.tell(Do(Act::Link(partner.id()))).await.unwrap();
        test.settle().await;
        actor.stop();
        test.advance(secs(1)).await;
        partner.id().kill();
        test.advance(secs(20)).await;
        assert_eq!(log.take(), ["stopped shutdown", "stopped killed"]);
    });
}

/// **D3** A family that survives its actor's crash and gives up meanwhile takes the next
/// incarnation with it.
#[test]
fn a_family_that_gives_up_between_incarnations_takes_the_next() {
    case(async |test| {
        let knobs = Knobs::new();
        let of_child = knobs.clone();
        let body = async move |cx: &mut Cx<Script>| {
            let log = Log::new();
            if cx.incarnation() == 0 {
                Supervisor::one_for_one()
                    .intensity(0, secs(1))
                    .survives_crashes(true)
                    .child(child("c", worker("c", &log, &of_child)))
                    .start_under(cx)
                    .await?;
            }
            script("actor", cx, &log).await
        };
        let wait = Backoff::new(secs(5), secs(5)).jitter(0.0);
        let actor = test.spawn(child("actor", body).backoff(wait)).await.unwrap();
        actor.tell(Script::Fail("first")).await.unwrap();
        test.advance(secs(1)).await;
        knobs.end(crate::worker::End::Crash);
        test.advance(secs(20)).await;
        let crashes: Vec<String> = test
            .events()
            .iter()
            .map(ToString::to_string)
            .filter(|event| event.starts_with("root/actor crashed"))
            .collect();
        let expected =
            ["root/actor crashed: error: first", "root/actor crashed: restart limit reached"];
        assert_eq!(crashes, expected);
    });
}
