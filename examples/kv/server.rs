//! The tree: what is started under whom, in which order, and how it ends.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use greenroom::net::TcpListener;
use greenroom::prelude::*;
use greenroom::time;

use crate::acceptor::Acceptor;
use crate::journal::{Journal, JournalThread};
use crate::options::Options;
use crate::pubsub::PubSub;
use crate::route;
use crate::shard::Shard;

/// Crashes that the shards may have before the server gives up: their data may be the cause.
const SHARD_RESTARTS: (u32, Duration) = (200, Duration::from_secs(10));

/// What all parts of one server know.
pub(crate) struct Shared {
    pub(crate) system: System,
    pub(crate) options: Options,
    pub(crate) journal: Option<Journal>,
    pub(crate) counters: Counters,
}

/// What `INFO` tells.
pub(crate) struct Counters {
    pub(crate) started: std::time::Instant,
    pub(crate) clients: Cell<u64>,
    pub(crate) connections: Cell<u64>,
    pub(crate) commands: Cell<u64>,
    pub(crate) restarts: Cell<u64>,
}

impl Counters {
    pub(crate) fn add(counter: &Cell<u64>, by: u64) {
        counter.set(counter.get() + by);
    }
}

/// A server that is up.
pub(crate) struct Server {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) tree: Supervisor,
    pub(crate) shared: Rc<Shared>,
    journal: Option<JournalThread>,
}

/// Serves until it is told to stop, or gives up.
pub(crate) async fn serve(system: &System, options: Options) -> Result<(), Fault> {
    let server = start(system, options).await?;
    println!("kv listening on {}", server.address);
    server.until_stopped().await
}

/// Starts the whole tree; it accepts connections when this returns.
pub(crate) async fn start(system: &System, options: Options) -> Result<Server, Fault> {
    let (journal, thread) = match &options.dir {
        Some(dir) => {
            let opened = Journal::open(dir, options.fsync, options.shards, route::shard_of);
            let (journal, thread) = opened?;
            (Some(journal), Some(thread))
        }
        None => (None, None),
    };
    let listener = Rc::new(TcpListener::bind(options.listen).await?);
    let address = listener.local_addr()?;
    let counters = Counters {
        started: time::now(),
        clients: Cell::new(0),
        connections: Cell::new(0),
        commands: Cell::new(0),
        restarts: Cell::new(0),
    };
    let shared = Rc::new(Shared { system: system.clone(), options, journal, counters });

    let (restarts, period) = SHARD_RESTARTS;
    let mut shards = Supervisor::one_for_one().name("shards").intensity(restarts, period);
    for index in 0..shared.options.shards {
        let shared = Rc::clone(&shared);
        let name = format!("shard-{index}");
        shards = shards.child(child(&name, move || Shard::new(index, &shared)));
    }
    let (for_pubsub, for_acceptor) = (Rc::clone(&shared), Rc::clone(&shared));
    let connections = Supervisor::dynamic(shared.options.max_clients).name("connections");
    let tree = Supervisor::rest_for_one()
        .name("kv")
        .child(child("pubsub", move || PubSub::new(&for_pubsub)))
        .child(shards)
        .child(child("acceptor", Acceptor::body(listener, for_acceptor, connections)))
        .start(system)
        .await?;
    Ok(Server { address, tree, shared, journal: thread })
}

impl Server {
    /// Waits for the end of the tree and closes the journal. What is under way is answered first:
    /// the tree stops in reverse order, so nothing is accepted any more, then the connections
    /// finish, then the shards.
    pub(crate) async fn until_stopped(self) -> Result<(), Fault> {
        let reason = self.tree.ended().await;
        if let Some(journal) = self.journal {
            // It flushes and waits for the disk, so not on the loop's thread.
            greenroom::offload::offload(move || journal.close()).await??;
        }
        if reason.is_crash() {
            return Err(Fault::new(format!("the server gave up: {reason}")));
        }
        Ok(())
    }
}

/// Waits for whichever of two things is first.
pub(crate) async fn either<A, B>(
    a: impl Future<Output = A>,
    b: impl Future<Output = B>,
) -> Side<A, B> {
    match select(std::pin::pin!(a), std::pin::pin!(b)).await {
        Either::Left((a, _)) => Side::A(a),
        Either::Right((b, _)) => Side::B(b),
    }
}

/// Which of two things came first.
pub(crate) enum Side<A, B> {
    A(A),
    B(B),
}
