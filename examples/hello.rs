//! The smallest program: one actor, one question, one answer.
//!
//! An actor is a struct with a handler for each message of its protocol. Run it:
//!
//! ```text
//! cargo run --example hello
//! ```

use greenroom::prelude::*;

/// A message; what it is answered with stands in the protocol below.
struct Greet {
    whom: &'static str,
}

protocol! {
    /// What a greeter understands.
    enum GreeterProtocol {
        Greet(Greet) -> String,
    }
}

struct Greeter {
    greeted: u32,
}

impl Actor for Greeter {
    type Protocol = GreeterProtocol;
    type Error = Fault;
}

impl Handler<Greet> for Greeter {
    async fn handle(
        &mut self,
        Greet { whom }: Greet,
        _: &mut Cx<GreeterProtocol>,
    ) -> Result<String, Fault> {
        self.greeted += 1;
        Ok(format!("Hello, {whom}! You are number {}.", self.greeted))
    }
}

fn main() -> Result<(), Fault> {
    greenroom::run(async |system| {
        // The root supervisor starts it and would start it anew after a crash.
        let greeter = system.spawn(child("greeter", || Greeter { greeted: 0 })).await?;
        for whom in ["Ada", "Grace"] {
            println!("{}", greeter.ask(Greet { whom }).await?);
        }
        Ok(())
    })
}
