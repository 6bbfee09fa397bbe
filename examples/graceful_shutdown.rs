//! How a tree stops: in reverse order of its start, each actor with time for its last words.
//!
//! `system.stop()` begins the stop; so do SIGTERM and SIGINT, which is what a service manager and
//! Ctrl-C send. A second signal ends the process at once. Run it, or let it wait for a signal:
//!
//! ```text
//! cargo run --example graceful_shutdown
//! cargo run --example graceful_shutdown -- --wait
//! ```

use std::io::Write as _;
use std::time::Duration;

use greenroom::prelude::*;
use greenroom::time::sleep;

/// Keep this until the next start.
struct Save(&'static str);

protocol! {
    /// What a service understands.
    enum ServiceProtocol {
        Save(Save) -> (),
    }
}

struct Service {
    name: &'static str,
    /// Where its work is kept when it ends; an address is eight bytes that anybody may copy.
    store: Option<Addr<ServiceProtocol>>,
}

impl Actor for Service {
    type Protocol = ServiceProtocol;
    type Error = Fault;

    async fn started(&mut self, _: &mut Cx<ServiceProtocol>) -> Result<(), Fault> {
        println!("{} is up", self.name);
        Ok(())
    }

    async fn stopped(&mut self, reason: &ExitReason, _: &mut Cx<ServiceProtocol>) {
        // Those started before it are still there to be asked, as it is stopped before them.
        if let Some(store) = self.store {
            let saved = store.ask(Save(self.name)).await;
            assert!(saved.is_ok(), "the store is stopped last");
        }
        println!("{} is down ({reason})", self.name);
    }
}

impl Handler<Save> for Service {
    async fn handle(&mut self, Save(who): Save, _: &mut Cx<ServiceProtocol>) -> Result<(), Fault> {
        sleep(Duration::from_millis(1)).await;
        println!("{} saves the work of {who}", self.name);
        Ok(())
    }
}

fn main() -> Result<(), Fault> {
    let wait = std::env::args().any(|argument| argument == "--wait");
    greenroom::run(async |system| {
        let service = |name, store| child(name, move || Service { name, store });
        let tree = Supervisor::rest_for_one().start(system).await?;
        let store = tree.add(service("store", None)).await?;
        tree.add(service("cache", Some(store))).await?;
        let clients = Supervisor::one_for_one().name("clients");
        let clients = clients.child(service("listener", None));
        tree.add(clients.child(service("session", Some(store)))).await?;

        if wait {
            println!("waiting for a signal");
            std::io::stdout().flush()?;
        } else {
            system.stop();
        }
        println!("the tree: {}", system.stopped().await);
        Ok(())
    })
}
