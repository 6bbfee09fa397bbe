//! Requests of one connection that are under way: sent at once, answered in order.

use std::pin::Pin;
use std::task::{Context, Poll};

use greenroom::actor::{Ask, AskError};
use greenroom::prelude::*;

use crate::pubsub::{PubSubProtocol, Publish, Subscribe, Unsubscribe};
use crate::route::{Merge, ShardCommand};
use crate::shard::ShardProtocol;
use crate::wire::Reply as Answer;

pub(crate) type ShardAsk = Ask<Addr<ShardProtocol>, ShardCommand, Answer>;
type PubSubAsk<M, R> = Ask<Addr<PubSubProtocol>, M, R>;

/// One request whose answer has its turn when those before it have had theirs.
pub(crate) enum Inflight {
    Ready(Answer),
    Shard(ShardAsk),
    Shards(Box<Parts>),
    Publish(PubSubAsk<Publish, usize>),
    /// The answer to a subscription, once the channel knows of it.
    Subscribe(PubSubAsk<Subscribe, ()>, Answer),
    Unsubscribe(PubSubAsk<Unsubscribe, ()>, Answer),
    /// The last answer; then the connection ends.
    Goodbye(Answer),
}

/// A command that several shards have a part in.
pub(crate) struct Parts {
    asks: Vec<Part>,
    merge: Option<Merge>,
}

enum Part {
    Waiting(ShardAsk),
    Done(Answer),
}

impl Parts {
    pub(crate) fn new(asks: Vec<ShardAsk>, merge: Merge) -> Self {
        Self { asks: asks.into_iter().map(Part::Waiting).collect(), merge: Some(merge) }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        let mut waiting = false;
        for part in &mut self.asks {
            if let Part::Waiting(ask) = part {
                match Pin::new(ask).poll(cx) {
                    Poll::Ready(outcome) => *part = Part::Done(answer(outcome)),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            return Poll::Pending;
        }
        let replies = self.asks.drain(..).map(|part| match part {
            Part::Done(reply) => reply,
            Part::Waiting(_) => Answer::error("ERR internal: a part was not waited for"),
        });
        let replies = replies.collect();
        Poll::Ready(self.merge.take().map_or(Answer::Null, |merge| merge.merge(replies)))
    }
}

impl Inflight {
    /// Its answer, if it is there. The first call sends the request.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        match self {
            Self::Ready(reply) | Self::Goodbye(reply) => {
                Poll::Ready(std::mem::replace(reply, Answer::Null))
            }
            Self::Shard(ask) => Pin::new(ask).poll(cx).map(answer),
            Self::Shards(parts) => parts.poll(cx),
            Self::Publish(ask) => Pin::new(ask)
                .poll(cx)
                .map(|outcome| outcome.map_or_else(|error| trouble(&error), Answer::count)),
            Self::Subscribe(ask, reply) => {
                let outcome = std::task::ready!(Pin::new(ask).poll(cx));
                Poll::Ready(confirm(outcome, reply))
            }
            Self::Unsubscribe(ask, reply) => {
                let outcome = std::task::ready!(Pin::new(ask).poll(cx));
                Poll::Ready(confirm(outcome, reply))
            }
        }
    }

    /// Whether the channel does not know of a subscription yet, so that its messages must wait.
    pub(crate) const fn subscribes(&self) -> bool {
        matches!(self, Self::Subscribe(..))
    }

    pub(crate) const fn is_goodbye(&self) -> bool {
        matches!(self, Self::Goodbye(_))
    }
}

fn answer(outcome: Result<Answer, AskError<ShardCommand>>) -> Answer {
    outcome.unwrap_or_else(|error| trouble(&error))
}

fn confirm<M>(outcome: Result<(), AskError<M>>, reply: &mut Answer) -> Answer {
    match outcome {
        Ok(()) => std::mem::replace(reply, Answer::Null),
        Err(error) => trouble(&error),
    }
}

/// What the client hears when an actor did not answer: what is certain, no more.
fn trouble<M>(error: &AskError<M>) -> Answer {
    let code = match error {
        AskError::Crashed { .. } => "CRASHED the shard crashed while it handled this",
        AskError::TimedOut { .. } => "TIMEOUT the shard took too long, the outcome is unknown",
        error if error.is_unhandled() => "TRYAGAIN the command was not handled",
        _ => "ERR the command was not answered",
    };
    Answer::error_owned(format!("{code}: {error}"))
}
