//! The acceptor: one connection actor for each client, under the dynamic supervisor.

use std::rc::Rc;

use futures::io::AsyncWriteExt as _;
use greenroom::net::{SocketOptions, TcpListener, TcpStream};
use greenroom::prelude::*;
use greenroom::supervisor::SupervisorBuilder;

use crate::connection::connection;
use crate::server::{Counters, Shared, Side, either};

/// It understands nothing; it is told to stop, like any actor.
pub(crate) enum Nothing {}
impl Protocol for Nothing {}

pub(crate) struct Acceptor;

impl Acceptor {
    /// The actor's body: accepts until it is told to stop. The supervisor of the connections is
    /// started by the acceptor, before it, so that both are restarted together.
    pub(crate) fn body(
        listener: Rc<TcpListener>,
        shared: Rc<Shared>,
        connections: SupervisorBuilder,
    ) -> impl AsyncFnMut(&mut Cx<Nothing>) -> Result<(), Fault> + 'static {
        let mut builder = Some(connections);
        async move |cx: &mut Cx<Nothing>| {
            let connections = match builder.take() {
                Some(builder) => builder.start(&shared.system).await?,
                None => {
                    Supervisor::dynamic(shared.options.max_clients)
                        .name("connections")
                        .start(&shared.system)
                        .await?
                }
            };
            loop {
                match either(cx.next(), listener.accept()).await {
                    Side::A(None) => break,
                    Side::A(Some(nothing)) => match nothing {},
                    Side::B(accepted) => admit(&connections, &shared, accepted?.0).await,
                }
            }
            // The connections answer what is under way, within the limit of each.
            connections.stop();
            connections.ended().await;
            Ok(())
        }
    }
}

async fn admit(connections: &Supervisor, shared: &Rc<Shared>, stream: TcpStream) {
    // A client that is gone already is noticed by its connection.
    let _ = stream.set_options(SocketOptions::new().nodelay(true));
    Counters::add(&shared.counters.connections, 1);
    let number = shared.counters.connections.get();
    if shared.counters.clients.get() >= shared.options.max_clients as u64 {
        tracing::warn!(max = shared.options.max_clients, "a client was refused: too many");
        refuse(stream).await;
        return;
    }
    let mut handed_over = Some((stream, Rc::clone(shared)));
    let body = async move |cx: &mut Cx<crate::connection::Push>| match handed_over.take() {
        Some((stream, shared)) => connection(cx, stream, shared, number).await,
        None => Ok(()),
    };
    let client = child(&format!("client-{number}"), body).restart(Temporary);
    let client = client.mailbox(MailboxOptions::bounded(1_024).overflow(Overflow::Fail));
    if let Err(error) = connections.add(client).await {
        tracing::warn!(%error, "a client was refused");
    }
}

/// Tells a client that there is no room for it, if it still listens.
async fn refuse(mut stream: TcpStream) {
    let _ = stream.write_all(b"-ERR max number of clients reached\r\n").await;
}
