//! An actor that does what each case tells it to, from inside: its messages are closures.

use greenroom::actor::Exit;
use greenroom::prelude::*;

use crate::harness::Log;

/// Something to do inside the actor.
pub(crate) type Job = Box<dyn FnOnce(&mut Cx<Script>)>;

/// What a scripted actor understands.
pub(crate) enum Script {
    Do(Job),
    /// Written down.
    Note(u32),
    /// Written down.
    Down(Down),
    /// Written down.
    Exit(Exit),
    /// Ends the incarnation with this error.
    Fail(&'static str),
    /// Panics.
    Panic,
    /// Answers.
    Echo(u32, Reply<u32>),
}
impl Protocol for Script {}
impl Accepts<Down> for Script {
    type Reply = ();
    fn wrap(down: Down, _: Reply<()>) -> Self {
        Self::Down(down)
    }
}

impl Script {
    pub(crate) fn job(job: impl FnOnce(&mut Cx<Self>) + 'static) -> Self {
        Self::Do(Box::new(job))
    }
}

/// A scripted actor that nobody restarts.
pub(crate) fn scripted(name: &'static str, log: &Log) -> Addr<Script> {
    scripted_with(name, MailboxOptions::default(), log)
}

pub(crate) fn scripted_with(
    name: &'static str,
    mailbox: MailboxOptions,
    log: &Log,
) -> Addr<Script> {
    let log = log.clone();
    let body = async move |cx: &mut Cx<Script>| script(name, cx, &log).await;
    greenroom::actor::spawn_with(name, mailbox, body)
}

/// Its life, for children of supervisors.
pub(crate) async fn script(name: &str, cx: &mut Cx<Script>, log: &Log) -> Result<(), Fault> {
    loop {
        match cx.recv().await {
            Script::Do(job) => job(cx),
            Script::Note(number) => log.add(format!("{name} note {number}")),
            Script::Down(down) => log.add(format!("{name} down {}", down.reason)),
            Script::Exit(exit) => log.add(format!("{name} exit {}", exit.reason)),
            Script::Fail(error) => return Err(Fault::new(error)),
            Script::Panic => panic!("told to"),
            Script::Echo(number, reply) => {
                log.add(format!("{name} echo {number}"));
                reply.send(number);
            }
        }
    }
}

/// Has the actor do this, and waits until everything has settled.
pub(crate) async fn inside(
    test: &greenroom::test::TestSystem,
    addr: Addr<Script>,
    job: impl FnOnce(&mut Cx<Script>) + 'static,
) {
    addr.tell(Script::job(job)).await.expect("it lives");
    test.settle().await;
}
