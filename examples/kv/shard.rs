//! A shard: the actor that owns a range of the keys.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use futures::channel::oneshot;
use greenroom::prelude::*;
use greenroom::task::JoinHandle;
use greenroom::time::sleep;

use crate::journal::{Change, Entry, Journal, JournalError};
use crate::route::ShardCommand;
use crate::server::{Counters, Shared};
use crate::store::changes::Effect;
use crate::store::{Options, Store};
use crate::wire::Reply as Answer;

/// How many expired keys are removed at once, so that clients wait no longer than for that.
const EXPIRED_AT_ONCE: usize = 200;

/// Keys may have expired.
pub(crate) struct Expire;
/// The journal has made the batch under way, or has failed to: then this shard holds what the
/// journal does not.
pub(crate) struct Written(Result<(), JournalError>);

protocol! {
    /// What a shard understands. With a journal, a write is answered once it is in the journal.
    pub(crate) enum ShardProtocol {
        Do(ShardCommand) => Answer,
        Expire(Expire),
        Written(Written),
    }
}

pub(crate) struct Shard {
    index: usize,
    shared: Rc<Shared>,
    store: Store,
    /// When the next expiry is looked at, and the task that waits for it.
    alarm: Option<(u64, JoinHandle<()>)>,
    /// Answers that wait for the next batch: those of writes, and of reads that came after them.
    waiting: Vec<(Reply<Answer>, Answer)>,
    /// A batch is under way. What changes meanwhile makes the next one, in which a key that
    /// changed a thousand times is written once: so neither the journal's queue nor the cost of
    /// a long list grows with the number of requests.
    writing: bool,
}

impl Shard {
    pub(crate) fn name(index: usize) -> String {
        format!("shard-{index}")
    }

    pub(crate) fn new(index: usize, shared: &Rc<Shared>) -> Self {
        let options = Options {
            shard: index,
            shards: shared.options.shards,
            journalled: shared.journal.is_some(),
            seed: now_ms() ^ index as u64,
        };
        Self {
            index,
            shared: Rc::clone(shared),
            store: Store::new(options),
            alarm: None,
            waiting: Vec::new(),
            writing: false,
        }
    }

    /// Takes over what the journal has of this shard: everything that was ever acknowledged.
    async fn load(&mut self, journal: &Journal) -> Result<(), Fault> {
        let (sender, loaded) = oneshot::channel::<Result<Vec<Entry>, JournalError>>();
        let done = Box::new(move |entries| {
            let _ = sender.send(entries);
        });
        journal.load(self.index as u32, done)?;
        for entry in loaded.await?? {
            let Entry { key, value, expires_at_ms } = entry;
            let restored = self.store.restore(key.into(), value, expires_at_ms, now_ms());
            restored
                .map_err(|error| Fault::from(error).context("the journal holds a bad value"))?;
        }
        Ok(())
    }

    /// Has what changed written, unless a batch is under way.
    fn write(&mut self, cx: &Cx<ShardProtocol>) -> Result<(), Fault> {
        let Some(journal) = self.shared.journal.as_ref().filter(|_| self.store.has_changes())
        else {
            return Ok(());
        };
        if self.writing {
            return Ok(());
        }
        self.writing = true;
        let changes = self.store.take_effects().into_iter().map(change).collect();
        let answers = std::mem::take(&mut self.waiting);
        let (sender, written) = oneshot::channel();
        // On the journal's thread: the replies find their way home to the askers' loop.
        let done = Box::new(move |outcome: Result<(), JournalError>| {
            for (reply, answer) in answers {
                reply.send(match &outcome {
                    Ok(()) => answer,
                    Err(error) => Answer::error_owned(format!("IOERR the write failed: {error}")),
                });
            }
            // A shard that has crashed meanwhile loads what was written.
            let _ = sender.send(outcome);
        });
        journal.write(self.index as u32, changes, done)?;
        let addr = cx.addr();
        cx.spawn(async move {
            let outcome = written.await.unwrap_or(Err(JournalError::Closed));
            // Waits for room in the mailbox: this message must not be lost.
            let _ = addr.tell(Written(outcome)).await;
        })
        .detach();
        Ok(())
    }

    /// Sees to it that the shard wakes up when the next key expires.
    fn set_alarm(&mut self, cx: &Cx<ShardProtocol>) {
        let next = self.store.next_expiry();
        if self.alarm.as_ref().map(|(at, _)| *at) == next {
            return;
        }
        if let Some((_, waiting)) = self.alarm.take() {
            waiting.abort();
        }
        if let Some(at) = next {
            let (addr, wait) = (cx.addr(), Duration::from_millis(at.saturating_sub(now_ms())));
            let waiting = cx.spawn(async move {
                sleep(wait).await;
                // A shard that has ended expires nothing.
                let _ = addr.tell(Expire).await;
            });
            self.alarm = Some((at, waiting));
        }
    }
}

impl Actor for Shard {
    type Protocol = ShardProtocol;
    type Error = Fault;

    async fn started(&mut self, cx: &mut Cx<ShardProtocol>) -> Result<(), Fault> {
        if cx.incarnation() > 0 {
            Counters::add(&self.shared.counters.restarts, 1);
        }
        if let Some(journal) = self.shared.journal.clone() {
            self.load(&journal).await?;
        }
        // After a restart the name is ours already: the address is the same.
        let _ = self.shared.system.register(&Self::name(self.index), cx.addr());
        self.set_alarm(cx);
        Ok(())
    }
}

impl Handler<Request<ShardCommand, Answer>> for Shard {
    async fn handle(
        &mut self,
        request: Request<ShardCommand, Answer>,
        cx: &mut Cx<ShardProtocol>,
    ) -> Result<(), Fault> {
        let answer = self.store.apply(request.message, now_ms());
        self.set_alarm(cx);
        if self.shared.journal.is_none() || !(self.writing || self.store.has_changes()) {
            request.reply.send(answer);
            return Ok(());
        }
        // Reads wait too while something is not written: nobody sees what a crash takes back.
        self.waiting.push((request.reply, answer));
        self.write(cx)
    }
}

impl Handler<Expire> for Shard {
    async fn handle(&mut self, _: Expire, cx: &mut Cx<ShardProtocol>) -> Result<(), Fault> {
        self.alarm = None;
        self.store.expire_some(now_ms(), EXPIRED_AT_ONCE);
        // A key that has expired is gone whether or not the journal says so.
        self.write(cx)?;
        self.set_alarm(cx);
        Ok(())
    }
}

impl Handler<Written> for Shard {
    async fn handle(
        &mut self,
        Written(outcome): Written,
        cx: &mut Cx<ShardProtocol>,
    ) -> Result<(), Fault> {
        // After a failure the next incarnation loads what the journal has.
        outcome.map_err(|error| Fault::from(error).context("the journal did not take a write"))?;
        self.writing = false;
        if !self.store.has_changes() {
            // Nothing came but reads.
            self.waiting.drain(..).for_each(|(reply, answer)| reply.send(answer));
        }
        self.write(cx)
    }
}

fn change(effect: Effect) -> Change {
    match effect {
        Effect::Clear => Change::Clear,
        Effect::Put { key, value, expires_at_ms } => {
            Change::Put { key: key.to_vec(), value, expires_at_ms }
        }
        Effect::Delete { key } => Change::Delete { key: key.to_vec() },
    }
}

/// Milliseconds since 1970, which is how long keys live by.
#[expect(clippy::disallowed_methods, reason = "a key's time to live goes by the wall clock")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
