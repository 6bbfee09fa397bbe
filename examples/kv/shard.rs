//! A shard: the actor that owns a range of the keys.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use futures::channel::oneshot;
use greenroom::prelude::*;
use greenroom::task::JoinHandle;
use greenroom::time::sleep;

use crate::journal::{Change, Entry, Journal, JournalError, QUEUE};
use crate::route::ShardCommand;
use crate::server::{Counters, Shared};
use crate::store::changes::Effect;
use crate::store::{Options, Store};
use crate::wire::Reply as Answer;

/// How many expired keys are removed at once, so that clients wait no longer than for that.
const EXPIRED_AT_ONCE: usize = 200;

/// Keys may have expired.
pub(crate) struct Expire;
/// The journal did not take a write, so this shard holds what the journal does not.
pub(crate) struct Unwritten(JournalError);

protocol! {
    /// What a shard understands. With a journal, a write is answered once it is in the journal.
    pub(crate) enum ShardProtocol {
        Do(ShardCommand) => Answer,
        Expire(Expire),
        Unwritten(Unwritten),
    }
}

pub(crate) struct Shard {
    index: usize,
    shared: Rc<Shared>,
    store: Store,
    /// When the next expiry is looked at, and the task that waits for it.
    alarm: Option<(u64, JoinHandle<()>)>,
    /// Writes that the journal has not acknowledged.
    unacknowledged: Arc<AtomicUsize>,
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
            unacknowledged: Arc::default(),
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

    /// Has the changes written, and `after` called on the journal's thread once they are.
    async fn write(
        &mut self,
        journal: &Journal,
        shard: Addr<ShardProtocol>,
        after: impl FnOnce(Result<(), JournalError>) + Send + 'static,
    ) -> Result<(), Fault> {
        // The journal's queue is shared, so each shard keeps to its part of it: when the disk is
        // slow, the shard waits here, its mailbox fills, and clients are no longer read from.
        let share = (QUEUE / self.shared.options.shards / 2).max(1);
        while self.unacknowledged.load(Ordering::Acquire) >= share {
            sleep(Duration::from_millis(1)).await;
        }
        let changes = self.store.take_effects().into_iter().map(change).collect();
        let unacknowledged = Arc::clone(&self.unacknowledged);
        unacknowledged.fetch_add(1, Ordering::AcqRel);
        let done = Box::new(move |outcome: Result<(), JournalError>| {
            unacknowledged.fetch_sub(1, Ordering::AcqRel);
            if let Err(error) = &outcome {
                // From the journal's thread to the shard's loop; it ends this incarnation.
                let _ = shard.try_tell(Unwritten(error.clone()));
            }
            after(outcome);
        });
        Ok(journal.write(self.index as u32, changes, done)?)
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
        let journal = self.shared.journal.clone().filter(|_| self.store.has_changes());
        let Some(journal) = journal else {
            request.reply.send(answer);
            return Ok(());
        };
        let reply = request.reply;
        self.write(&journal, cx.addr(), move |outcome| {
            // On the journal's thread: the reply finds its way home to the asker's loop.
            reply.send(match outcome {
                Ok(()) => answer,
                Err(error) => Answer::error_owned(format!("IOERR the write failed: {error}")),
            });
        })
        .await
    }
}

impl Handler<Expire> for Shard {
    async fn handle(&mut self, _: Expire, cx: &mut Cx<ShardProtocol>) -> Result<(), Fault> {
        self.alarm = None;
        self.store.expire_some(now_ms(), EXPIRED_AT_ONCE);
        let journal = self.shared.journal.clone().filter(|_| self.store.has_changes());
        if let Some(journal) = journal {
            // A key that has expired is gone whether or not the journal says so.
            self.write(&journal, cx.addr(), |_| ()).await?;
        }
        self.set_alarm(cx);
        Ok(())
    }
}

impl Handler<Unwritten> for Shard {
    async fn handle(
        &mut self,
        Unwritten(error): Unwritten,
        _: &mut Cx<ShardProtocol>,
    ) -> Result<(), Fault> {
        // The next incarnation loads what the journal has.
        Err(Fault::from(error).context("the journal did not take a write"))
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
