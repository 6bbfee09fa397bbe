//! Commands that no shard has a part in: the connection's own, and those of channels.

use redis_protocol::bytes::Bytes;

use crate::command::{Command, Local};
use crate::connection::Client;
use crate::errors::shown;
use crate::glob;
use crate::inflight::Inflight;
use crate::journal::Fsync;
use crate::pubsub::{Publish, Subscribe, Unsubscribe};
use crate::wire::Reply as Answer;

/// What a client that listens to channels may still ask.
pub(crate) const fn is_allowed_while_subscribed(command: &Command) -> bool {
    matches!(
        command,
        Command::Local(
            Local::Subscribe(_)
                | Local::Unsubscribe(_)
                | Local::Ping(_)
                | Local::Quit
                | Local::Reset
        )
    )
}

pub(crate) fn not_while_subscribed(command: &[u8]) -> Answer {
    let command = shown(command, 128).to_lowercase();
    Answer::error_owned(format!(
        "ERR Can't execute '{command}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
         RESET are allowed in this context"
    ))
}

/// What is to be done for such a command.
pub(crate) fn begin(client: &mut Client, command: Local) -> Vec<Inflight> {
    let answer = match command {
        Local::Answer(answer) => answer,
        Local::Ping(text) if !client.channels.is_empty() => {
            let text = text.unwrap_or_default();
            Answer::Array(vec![bulk("pong"), Answer::Bulk(text)])
        }
        Local::Ping(None) => Answer::Simple("PONG"),
        Local::Ping(Some(text)) => Answer::Bulk(text),
        Local::Quit => return vec![Inflight::Goodbye(Answer::OK)],
        Local::Reset => {
            for channel in std::mem::take(&mut client.channels) {
                // Told only: a reset has one answer.
                let _ = client.pubsub.try_tell(Unsubscribe { channel, client: client.addr.id() });
            }
            client.name = None;
            Answer::Simple("RESET")
        }
        Local::Hello { name } => {
            if name.is_some() {
                client.name = name;
            }
            hello(client)
        }
        Local::ClientId => Answer::count(client.number as usize),
        Local::ClientSetName(name) => {
            client.name = Some(name).filter(|name| !name.is_empty());
            Answer::OK
        }
        Local::ClientGetName => client.name.clone().map_or(Answer::Null, Answer::Bulk),
        Local::ClientInfo => {
            let name = client.name.clone().unwrap_or_default();
            let name = String::from_utf8_lossy(&name).into_owned();
            Answer::text(format!("id={} name={name} db=0 resp=2\n", client.number))
        }
        Local::ConfigGet(patterns) => config(client, &patterns),
        Local::Info(sections) => Answer::text(info(client, &sections)),
        Local::Subscribe(channels) => return subscribe(client, channels),
        Local::Unsubscribe(channels) => return unsubscribe(client, channels),
        Local::Publish { channel, message } => {
            return vec![Inflight::Publish(client.pubsub.ask(Publish { channel, message }))];
        }
    };
    vec![Inflight::Ready(answer)]
}

fn bulk(text: &'static str) -> Answer {
    Answer::Bulk(Bytes::from_static(text.as_bytes()))
}

fn subscribe(client: &mut Client, channels: Vec<Bytes>) -> Vec<Inflight> {
    let mut requests = Vec::with_capacity(channels.len());
    for channel in channels {
        client.channels.insert(channel.clone());
        let count = Answer::count(client.channels.len());
        let answer = Answer::Array(vec![bulk("subscribe"), Answer::Bulk(channel.clone()), count]);
        let ask = client.pubsub.ask(Subscribe { channel, client: client.addr });
        requests.push(Inflight::Subscribe(ask, answer));
    }
    requests
}

/// Without channels it is all of them; who listened to none is told so once.
fn unsubscribe(client: &mut Client, channels: Vec<Bytes>) -> Vec<Inflight> {
    let all = channels.is_empty();
    let channels = if all { client.channels.iter().cloned().collect() } else { channels };
    if channels.is_empty() {
        let answer = vec![bulk("unsubscribe"), Answer::Null, Answer::Integer(0)];
        return vec![Inflight::Ready(Answer::Array(answer))];
    }
    let mut requests = Vec::with_capacity(channels.len());
    for channel in channels {
        client.channels.remove(&channel);
        let count = Answer::count(client.channels.len());
        let answer = Answer::Array(vec![bulk("unsubscribe"), Answer::Bulk(channel.clone()), count]);
        let ask = client.pubsub.ask(Unsubscribe { channel, client: client.addr.id() });
        requests.push(Inflight::Unsubscribe(ask, answer));
    }
    requests
}

fn hello(client: &Client) -> Answer {
    Answer::Array(vec![
        bulk("server"),
        bulk("redis"),
        bulk("version"),
        bulk(VERSION),
        bulk("proto"),
        Answer::Integer(2),
        bulk("id"),
        Answer::count(client.number as usize),
        bulk("mode"),
        bulk("standalone"),
        bulk("role"),
        bulk("master"),
        bulk("modules"),
        Answer::Array(Vec::new()),
    ])
}

/// The version of Redis whose commands and texts this server follows.
const VERSION: &str = "7.0.15";

/// Settings that clients ask for on their own, as far as this server has them.
fn config(client: &Client, patterns: &[Bytes]) -> Answer {
    let options = &client.shared.options;
    let journalled = options.dir.is_some();
    let fsync = match options.fsync {
        Fsync::Always => "always",
        Fsync::EverySec => "everysec",
        Fsync::No => "no",
    };
    let settings = [
        ("appendfsync", fsync.to_owned()),
        ("appendonly", if journalled { "yes" } else { "no" }.to_owned()),
        ("databases", "1".to_owned()),
        ("maxclients", options.max_clients.to_string()),
        ("maxmemory", "0".to_owned()),
        ("port", options.listen.port().to_string()),
        ("save", String::new()),
    ];
    let wanted = |name: &str| {
        let name = name.as_bytes();
        patterns.iter().any(|pattern| glob::matches(&pattern.to_ascii_lowercase(), name))
    };
    let found = settings.into_iter().filter(|(name, _)| wanted(name));
    Answer::Array(found.flat_map(|(name, value)| [bulk(name), Answer::text(value)]).collect())
}

fn info(client: &Client, sections: &[String]) -> String {
    let (options, counters) = (&client.shared.options, &client.shared.counters);
    let uptime = counters.started.elapsed().as_secs();
    let texts = [
        (
            "server",
            format!(
                "# Server\r\nredis_version:{VERSION}\r\nredis_mode:standalone\r\n\
                 greenroom_version:{}\r\nprocess_id:{}\r\ntcp_port:{}\r\n\
                 uptime_in_seconds:{uptime}\r\n",
                env!("CARGO_PKG_VERSION"),
                std::process::id(),
                options.listen.port(),
            ),
        ),
        (
            "clients",
            format!(
                "# Clients\r\nconnected_clients:{}\r\nmaxclients:{}\r\n",
                counters.clients.get(),
                options.max_clients
            ),
        ),
        (
            "persistence",
            format!("# Persistence\r\naof_enabled:{}\r\n", u8::from(options.dir.is_some())),
        ),
        (
            "stats",
            format!(
                "# Stats\r\ntotal_connections_received:{}\r\ntotal_commands_processed:{}\r\n\
                 shard_restarts:{}\r\ndead_letters:{}\r\n",
                counters.connections.get(),
                counters.commands.get(),
                counters.restarts.get(),
                client.shared.system.dead_letters(),
            ),
        ),
        ("replication", "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n".to_owned()),
        ("cluster", "# Cluster\r\ncluster_enabled:0\r\n".to_owned()),
    ];
    let usual = ["all", "default", "everything"];
    let all = sections.is_empty() || sections.iter().any(|wanted| usual.contains(&wanted.as_str()));
    let wanted = texts.iter().filter(|(name, _)| all || sections.iter().any(|one| one == name));
    wanted.map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\r\n")
}
