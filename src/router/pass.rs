//! Passing messages on: what a router's actor and a pool's actor do all day.
//!
//! The message itself is passed on, not what is in it: reply ports travel with it, and whoever
//! handles it answers the first asker.
//!
//! * **Q1** a message goes to one routee, or is a dead letter; a broadcast goes to each once

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use super::routees::Routees;
use super::routing::Routing;
use crate::actor::dead_letter::bury;
use crate::actor::{Addr, Cause, Cx, ExitReason, Protocol};

/// Passes on whatever comes, until the actor is asked to stop; gives the reason to stop with.
pub(crate) async fn pass_on<P: Protocol>(
    cx: &Cx<P>,
    routees: &Routees<P>,
    routing: &Routing<P>,
) -> ExitReason {
    loop {
        while routees.is_known()
            && let Some(message) = cx.take_next()
        {
            if let Err(unsent) = pass(cx, routees, routing, message).await {
                let reason = cx.cell.control.take_stop_reason();
                for message in unsent {
                    bury(&cx.cell.control, message, &Cause::Ended(reason.clone()));
                }
                return reason;
            }
        }
        if !until_ready(cx, routees).await {
            return cx.cell.control.take_stop_reason();
        }
    }
}

/// Waits until there are a message and somebody to choose from; `false` when asked to stop.
async fn until_ready<P: Protocol>(cx: &Cx<P>, routees: &Routees<P>) -> bool {
    if routees.is_known() {
        return cx.wait_next().await;
    }
    cx.ready();
    cx.cell.control.end_message();
    poll_fn(|task| {
        if routees.is_known() {
            return Poll::Ready(true);
        }
        routees.listen(task.waker());
        poll_stop(cx, task).map(|()| false)
    })
    .await
}

/// Ready when the actor is asked to stop.
pub(crate) fn poll_stop<P: Protocol>(cx: &Cx<P>, task: &Context<'_>) -> Poll<()> {
    if cx.cell.control.take_stop() {
        return Poll::Ready(());
    }
    cx.cell.control.listen(task.waker());
    Poll::Pending
}

/// What was not sent when the actor was asked to stop.
type Unsent<P> = VecDeque<P>;

async fn pass<P: Protocol>(
    cx: &Cx<P>,
    routees: &Routees<P>,
    routing: &Routing<P>,
    mut message: P,
) -> Result<(), Unsent<P>> {
    if let Some(copies) = routing.copies(&message, routees.len()) {
        return pass_to_all(cx, routees, std::iter::once(message).chain(copies).collect()).await;
    }
    let hash = routing.hash(&message);
    loop {
        // All are asked once at most; the first that is full is the one to wait for.
        let mut full = None;
        for _ in 0..routees.len() {
            let Some(to) = routees.choose(routing, hash) else { break };
            message = match offer(to, message) {
                Offered::Taken => return Ok(()),
                Offered::Ended(message) => {
                    routees.remove(to);
                    message
                }
                Offered::Full(message) => {
                    full = full.or(Some(to));
                    message
                }
            };
            if full.is_some() && !routing.may_pass_over() {
                break;
            }
        }
        let Some(to) = full else {
            bury(&cx.cell.control, message, &Cause::NoRoutee);
            return Ok(());
        };
        message = match wait_for_room(cx, to, message).await {
            Offered::Taken => return Ok(()),
            Offered::Ended(message) => {
                routees.remove(to);
                message
            }
            Offered::Full(message) => return Err(Unsent::from([message])),
        };
    }
}

/// The message itself goes to the first who takes it, and with it the port for the reply.
async fn pass_to_all<P: Protocol>(
    cx: &Cx<P>,
    routees: &Routees<P>,
    mut messages: VecDeque<P>,
) -> Result<(), Unsent<P>> {
    let mut taken = false;
    for to in routees.addrs() {
        let Some(message) = messages.pop_front() else { break };
        let offered = match offer(to, message) {
            Offered::Full(message) => wait_for_room(cx, to, message).await,
            offered => offered,
        };
        match offered {
            Offered::Taken => taken = true,
            Offered::Ended(message) => {
                routees.remove(to);
                messages.push_front(message);
            }
            Offered::Full(message) => {
                messages.push_front(message);
                return Err(messages);
            }
        }
    }
    // What is left now are copies for those who have ended, unless all have.
    if !taken && let Some(message) = messages.pop_front() {
        bury(&cx.cell.control, message, &Cause::NoRoutee);
    }
    Ok(())
}

enum Offered<P> {
    Taken,
    Ended(P),
    Full(P),
}

fn offer<P: Protocol>(to: Addr<P>, message: P) -> Offered<P> {
    match to.try_tell(message) {
        Ok(()) => Offered::Taken,
        Err(error) => {
            let ended = error.is_closed();
            // One that had left for another thread is a dead letter there.
            match error.into_message() {
                None => Offered::Taken,
                Some(message) if ended => Offered::Ended(message),
                Some(message) => Offered::Full(message),
            }
        }
    }
}

/// Waits in line at a full mailbox; still `Full` when the actor is asked to stop meanwhile.
async fn wait_for_room<P: Protocol>(cx: &Cx<P>, to: Addr<P>, message: P) -> Offered<P> {
    let mut tell = pin!(to.tell(message));
    let waited = poll_fn(|task| match tell.as_mut().poll(task) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => poll_stop(cx, task).map(|()| None),
    });
    match waited.await {
        Some(Ok(())) => Offered::Taken,
        Some(Err(error)) => {
            let ended = error.is_closed();
            match error.into_message() {
                Some(message) if ended => Offered::Ended(message),
                Some(message) => {
                    // Its policy is to refuse what finds no room.
                    bury(&cx.cell.control, message, &Cause::Overflow);
                    Offered::Taken
                }
                None => Offered::Taken,
            }
        }
        None => tell.take_back().map_or(Offered::Taken, Offered::Full),
    }
}
