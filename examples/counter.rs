//! The three ways to reach an actor: `tell`, `ask`, and a reply that comes later.
//!
//! `tell` waits for room in the mailbox and no longer; `ask` waits for the reply; a message
//! declared with `=>` is answered when its time has come, while others are handled. Run it:
//!
//! ```text
//! cargo run --example counter
//! ```

use greenroom::prelude::*;

struct Add(u64);
struct Total;
/// Answered once the counter has reached this.
struct Reach(u64);

protocol! {
    /// What a counter understands.
    enum CounterProtocol {
        Add(Add),
        Total(Total) -> u64,
        Reach(Reach) => u64,
    }
}

#[derive(Default)]
struct Counter {
    total: u64,
    waiting: Vec<Request<Reach, u64>>,
}

impl Actor for Counter {
    type Protocol = CounterProtocol;
    type Error = Fault;
}

impl Handler<Add> for Counter {
    async fn handle(&mut self, Add(n): Add, _: &mut Cx<CounterProtocol>) -> Result<(), Fault> {
        self.total += n;
        let total = self.total;
        for request in self.waiting.extract_if(.., |request| request.message.0 <= total) {
            request.reply.send(total);
        }
        Ok(())
    }
}

impl Handler<Total> for Counter {
    async fn handle(&mut self, _: Total, _: &mut Cx<CounterProtocol>) -> Result<u64, Fault> {
        Ok(self.total)
    }
}

impl Handler<Request<Reach, u64>> for Counter {
    async fn handle(
        &mut self,
        request: Request<Reach, u64>,
        _: &mut Cx<CounterProtocol>,
    ) -> Result<(), Fault> {
        if request.message.0 <= self.total {
            request.reply.send(self.total);
        } else {
            self.waiting.push(request);
        }
        Ok(())
    }
}

fn main() -> Result<(), Fault> {
    greenroom::run(async |system| {
        let counter = system.spawn(child("counter", Counter::default)).await?;
        // Asked first and answered last: an ask sends when it is first polled.
        let reach = async {
            println!("at least 8: it is {}", counter.ask(Reach(8)).await?);
            Ok::<(), Fault>(())
        };
        let add = async {
            for n in 1..=5 {
                counter.tell(Add(n)).await?;
            }
            Ok(())
        };
        futures::try_join!(reach, add)?;
        println!("the total: {}", counter.ask(Total).await?);
        Ok(())
    })
}
