//! An actor that is asked, and does whatever one can do with a question.

use std::time::Duration;

use greenroom::prelude::*;
use greenroom::time;

use crate::harness::Log;
use crate::worker::End;

/// What a callee understands.
pub(crate) enum Call {
    /// Written down.
    Note(u32),
    /// Written down, and answered by the same number.
    Echo(u32, Reply<u32>),
    /// Awaits that long, then writes the number down and answers with it.
    After(Duration, u32, Reply<u32>),
    /// Awaits that long.
    Busy(Duration),
    /// Keeps the port.
    Keep(Reply<u32>),
    /// Answers all whose ports were kept: 0, 1, 2…
    Answer,
    /// Answers all whose ports were kept, and this one, and ends by itself.
    AnswerAndStop(Reply<u32>),
    /// Lets the port fall, and goes on.
    Forget(Reply<u32>),
    /// Ends, with the port in its hand or among those it keeps.
    End(End, Port, Reply<u32>),
    /// Passes the question on.
    PassOn(Addr<Self>, Box<dyn FnOnce(Reply<u32>) -> Self>, Reply<u32>),
}
impl Protocol for Call {}

/// Where the port is when the callee ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Port {
    Dropped,
    Kept,
}

impl Call {
    pub(crate) fn echo(number: u32) -> impl FnOnce(Reply<u32>) -> Self {
        move |reply| Self::Echo(number, reply)
    }

    pub(crate) fn after(wait: Duration, number: u32) -> impl FnOnce(Reply<u32>) -> Self {
        move |reply| Self::After(wait, number, reply)
    }

    pub(crate) fn end(end: End, port: Port) -> impl FnOnce(Reply<u32>) -> Self {
        move |reply| Self::End(end, port, reply)
    }

    pub(crate) fn pass_on(
        to: Addr<Self>,
        as_what: impl FnOnce(Reply<u32>) -> Self + 'static,
    ) -> impl FnOnce(Reply<u32>) -> Self {
        move |reply| Self::PassOn(to, Box::new(as_what), reply)
    }
}

/// A callee that nobody restarts.
pub(crate) fn callee(name: &str, log: &Log) -> Addr<Call> {
    callee_with(name, MailboxOptions::default(), log)
}

pub(crate) fn callee_with(name: &str, mailbox: MailboxOptions, log: &Log) -> Addr<Call> {
    greenroom::actor::spawn_with(name, mailbox, body(log))
}

/// Its life, for children of supervisors.
pub(crate) fn body(log: &Log) -> impl AsyncFnMut(&mut Cx<Call>) -> Result<(), Fault> + use<> {
    let log = log.clone();
    async move |cx: &mut Cx<Call>| live(cx, &log).await
}

async fn live(cx: &mut Cx<Call>, log: &Log) -> Result<(), Fault> {
    let mut kept = Vec::new();
    loop {
        match cx.recv().await {
            Call::Note(number) => log.add(format!("note {number}")),
            Call::Echo(number, reply) => {
                log.add(format!("echo {number}"));
                reply.send(number);
            }
            Call::After(wait, number, reply) => {
                time::sleep(wait).await;
                log.add(format!("after {number}"));
                reply.send(number);
            }
            Call::Busy(wait) => time::sleep(wait).await,
            Call::Keep(reply) => kept.push(reply),
            Call::Answer => {
                (0..).zip(kept.drain(..)).for_each(|(number, reply)| reply.send(number));
            }
            Call::AnswerAndStop(reply) => {
                kept.push(reply);
                (0..).zip(kept.drain(..)).for_each(|(number, reply)| reply.send(number));
                return Ok(());
            }
            Call::Forget(reply) => drop(reply),
            Call::End(end, Port::Kept, reply) => {
                kept.push(reply);
                finish(cx, end)?;
            }
            Call::End(end, Port::Dropped, _reply) => finish(cx, end)?,
            Call::PassOn(to, as_what, reply) => {
                to.try_tell(as_what(reply)).map_err(|error| error.without_message())?;
            }
        }
    }
}

fn finish(cx: &Cx<Call>, end: End) -> Result<(), Fault> {
    match end {
        End::Crash => return Err(Fault::new("told to")),
        End::Panic => panic!("told to"),
        End::Normal => cx.stop(),
        End::Kill => cx.id().kill(),
        End::Shutdown | End::ShutdownWith => cx.id().stop_with(end.reason()),
    }
    Ok(())
}
