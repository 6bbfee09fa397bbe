//! A connection: the actor that reads one client's requests and writes its answers, in order.
//!
//! It is a function with one poll loop over four things: answers that are ready, messages of
//! channels, room in the socket, and bytes from the client. When too much is under way or unsent,
//! it no longer reads, so a client that does not read its answers is soon not read from either.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::io::{AsyncRead as _, AsyncWrite as _};
use greenroom::net::TcpStream;
use greenroom::prelude::*;
use greenroom::time::{Sleep, sleep};
use redis_protocol::bytes::{Buf as _, Bytes, BytesMut};

use crate::command::Command;
use crate::inflight::{Inflight, Parts};
use crate::local;
use crate::pubsub::PubSubProtocol;
use crate::route::{ShardCommand, shard_of, shard_of_hash};
use crate::server::{Counters, Shared};
use crate::shard::{Shard, ShardProtocol};
use crate::wire::{Decoder, ProtocolError, Reply as Answer};

/// How many requests of one client may be under way.
const INFLIGHT_MAX: usize = 256;
/// How many bytes may wait to be sent before no more answers are made.
const UNSENT_MAX: usize = 256 * 1024;
/// A client that takes nothing for so long is given up.
const STALLED: Duration = Duration::from_secs(60);

/// A message of a channel that the client listens to.
pub(crate) struct Push {
    pub(crate) channel: Bytes,
    pub(crate) message: Bytes,
}

impl Protocol for Push {}

thread_local! {
    /// All connections of the loop read into one buffer: an idle one has none of its own.
    static RECEIVED: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
}

/// Serves one client until it leaves, errs, or the server stops.
pub(crate) async fn connection(
    cx: &mut Cx<Push>,
    stream: TcpStream,
    shared: Rc<Shared>,
    number: u64,
) -> Result<(), Fault> {
    let system = &shared.system;
    let shards: Result<Vec<_>, _> =
        (0..shared.options.shards).map(|index| system.lookup(&Shard::name(index))).collect();
    let client = Client {
        number,
        addr: cx.addr(),
        shards: shards?,
        pubsub: system.lookup(crate::pubsub::PubSub::NAME)?,
        _counted: Counted::new(Rc::clone(&shared)),
        shared,
        name: None,
        channels: BTreeSet::new(),
    };
    let mut connection = Connection {
        client,
        stream,
        decoder: Decoder::default(),
        inflight: VecDeque::new(),
        unsent: BytesMut::new(),
        reading: true,
        bad_input: None,
        stalled: None,
    };
    let ended = poll_fn(|task| connection.poll(cx, task)).await;
    match ended {
        Ended::ByClient | Ended::ByServer => {}
        Ended::Protocol(error) => tracing::info!(client = number, %error, "bad input"),
        Ended::Stalled => {
            tracing::info!(client = number, "a client that does not read is given up")
        }
        // A reset is how many clients say goodbye.
        Ended::Io(error) => tracing::debug!(client = number, %error, "connection lost"),
    }
    Ok(())
}

/// What a connection knows of its client.
pub(crate) struct Client {
    pub(crate) number: u64,
    pub(crate) addr: Addr<Push>,
    shards: Vec<Addr<ShardProtocol>>,
    pub(crate) pubsub: Addr<PubSubProtocol>,
    pub(crate) shared: Rc<Shared>,
    pub(crate) name: Option<Bytes>,
    pub(crate) channels: BTreeSet<Bytes>,
    _counted: Counted,
}

/// Counts a client while it lives.
struct Counted(Rc<Shared>);

impl Counted {
    fn new(shared: Rc<Shared>) -> Self {
        Counters::add(&shared.counters.clients, 1);
        Self(shared)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let clients = &self.0.counters.clients;
        clients.set(clients.get().saturating_sub(1));
    }
}

struct Connection {
    client: Client,
    stream: TcpStream,
    decoder: Decoder,
    inflight: VecDeque<Inflight>,
    unsent: BytesMut,
    /// Until the client has sent its last byte, or must not send more.
    reading: bool,
    bad_input: Option<ProtocolError>,
    stalled: Option<Sleep>,
}

/// Why a connection ended.
enum Ended {
    ByClient,
    ByServer,
    Protocol(ProtocolError),
    Stalled,
    Io(std::io::Error),
}

impl Connection {
    fn poll(&mut self, cx: &mut Cx<Push>, task: &mut Context<'_>) -> Poll<Ended> {
        // Requests that came before a stop are still answered.
        let stopping = self.poll_pushes(cx, task);
        loop {
            self.poll_answers(task);
            if let Err(error) = self.poll_send(task) {
                return Poll::Ready(Ended::Io(error));
            }
            let done = self.inflight.is_empty() && self.unsent.is_empty();
            if done && stopping {
                return Poll::Ready(Ended::ByServer);
            }
            if done && !self.reading {
                return Poll::Ready(self.bad_input.map_or(Ended::ByClient, Ended::Protocol));
            }
            if stopping || !self.reading || !self.has_room() {
                break;
            }
            match self.poll_receive(task) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Ended::Io(error)),
                Poll::Pending => break,
            }
        }
        self.poll_stalled(task)
    }

    fn has_room(&self) -> bool {
        self.inflight.len() < INFLIGHT_MAX && self.unsent.len() < UNSENT_MAX
    }

    /// Takes messages of channels; `true` once the server stops.
    fn poll_pushes(&mut self, cx: &mut Cx<Push>, task: &mut Context<'_>) -> bool {
        loop {
            // A message must not come before the answer to its subscription; and while much is
            // unsent they wait in the mailbox, where a slow client is found out.
            let hold =
                self.unsent.len() >= UNSENT_MAX || self.inflight.iter().any(Inflight::subscribes);
            if hold {
                return cx.is_stopping();
            }
            match pin!(cx.next()).poll(task) {
                Poll::Ready(Some(Push { channel, message })) => {
                    let kind = Answer::Bulk(Bytes::from_static(b"message"));
                    let push = [kind, Answer::Bulk(channel), Answer::Bulk(message)];
                    Answer::Array(push.into()).encode(&mut self.unsent);
                }
                Poll::Ready(None) => return true,
                Poll::Pending => return false,
            }
        }
    }

    /// Moves answers that are ready to the bytes to be sent, in the order of their requests.
    fn poll_answers(&mut self, task: &mut Context<'_>) {
        while self.unsent.len() < UNSENT_MAX
            && let Some(first) = self.inflight.front_mut()
            && let Poll::Ready(answer) = first.poll(task)
        {
            answer.encode(&mut self.unsent);
            self.reading &= !first.is_goodbye();
            self.inflight.pop_front();
        }
    }

    fn poll_send(&mut self, task: &mut Context<'_>) -> std::io::Result<()> {
        while !self.unsent.is_empty() {
            match Pin::new(&mut &self.stream).poll_write(task, &self.unsent) {
                Poll::Ready(Ok(0)) => return Err(std::io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(sent)) => {
                    self.unsent.advance(sent);
                    self.stalled = None;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
        }
        // What was sent is given back, so that an idle connection holds nothing.
        self.unsent = BytesMut::new();
        Ok(())
    }

    /// Takes what the client sent and begins its requests.
    fn poll_receive(&mut self, task: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        // What came before and was not begun for want of room has its turn first.
        if self.begin(task) {
            return Poll::Ready(Ok(()));
        }
        let received = RECEIVED.with_borrow_mut(|buffer| {
            let received = std::task::ready!(Pin::new(&mut &self.stream).poll_read(task, buffer))?;
            self.decoder.feed(&buffer[..received]);
            Poll::Ready(Ok(received))
        });
        match std::task::ready!(received) {
            Ok(0) => self.reading = false,
            Ok(_) => {
                self.begin(task);
            }
            Err(error) => return Poll::Ready(Err(error)),
        }
        Poll::Ready(Ok(()))
    }

    /// Begins requests that are whole, as many as there is room for; `true` when it began any.
    fn begin(&mut self, task: &mut Context<'_>) -> bool {
        let mut began = false;
        while self.inflight.len() < INFLIGHT_MAX && self.reading {
            let request = match self.decoder.next() {
                Ok(Some(args)) => {
                    Counters::add(&self.client.shared.counters.commands, 1);
                    self.client.begin(Command::parse(args), args)
                }
                Ok(None) => break,
                Err(error) => {
                    // The rest cannot be read; what came before is answered, then this.
                    self.reading = false;
                    self.bad_input = Some(error);
                    vec![Inflight::Ready(Answer::error_owned(format!("ERR {error}")))]
                }
            };
            began = true;
            for mut request in request {
                // The first poll sends it, so that requests reach a shard in their order.
                match request.poll(task) {
                    Poll::Ready(answer) if request.is_goodbye() => {
                        self.reading = false;
                        self.inflight.push_back(Inflight::Goodbye(answer));
                    }
                    Poll::Ready(answer) => self.inflight.push_back(Inflight::Ready(answer)),
                    Poll::Pending => self.inflight.push_back(request),
                }
            }
        }
        began
    }

    fn poll_stalled(&mut self, task: &mut Context<'_>) -> Poll<Ended> {
        if self.unsent.is_empty() {
            self.stalled = None;
            return Poll::Pending;
        }
        let stalled = self.stalled.get_or_insert_with(|| sleep(STALLED));
        Pin::new(stalled).poll(task).map(|()| Ended::Stalled)
    }
}

impl Client {
    /// What is to be done for a request; most are one thing, a subscription is one for each
    /// channel.
    fn begin(
        &mut self,
        command: Result<Command, Answer>,
        args: crate::wire::Args<'_>,
    ) -> Vec<Inflight> {
        let command = match command {
            Ok(command) => command,
            Err(error) => return vec![Inflight::Ready(error)],
        };
        if !self.channels.is_empty() && !local::is_allowed_while_subscribed(&command) {
            return vec![Inflight::Ready(local::not_while_subscribed(args.get(0)))];
        }
        let shards = self.shards.len();
        match command {
            Command::Key(command) => {
                let shard = shard_of(&command.key, shards);
                vec![Inflight::Shard(self.shards[shard].ask(ShardCommand::Key(command)))]
            }
            Command::Scan(scan) => {
                let shard = shard_of_hash(scan.cursor, shards);
                vec![Inflight::Shard(self.shards[shard].ask(ShardCommand::Scan(scan)))]
            }
            Command::Spread(spread) => match spread.split(shards) {
                Err(cross_shard) => vec![Inflight::Ready(cross_shard.reply())],
                Ok(split) => {
                    let ask = |(shard, part): (usize, _)| {
                        self.shards[shard].ask(ShardCommand::Part(part))
                    };
                    let asks = split.parts.into_iter().map(ask).collect();
                    vec![Inflight::Shards(Box::new(Parts::new(asks, split.merge)))]
                }
            },
            Command::Local(command) => local::begin(self, command),
        }
    }
}
