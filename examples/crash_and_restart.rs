//! What a crash costs: the message in hand and the state, and neither the address nor the queue.
//!
//! A kitchen burns down over one order. Its supervisor starts the next incarnation behind the same
//! address and mailbox; the orders that were waiting are cooked by it; the one who ordered the
//! failing dish hears of it at once; and more than two fires are too many. Run it:
//!
//! ```text
//! cargo run --example crash_and_restart
//! ```

use std::time::Duration;

use greenroom::prelude::*;

struct Order(&'static str);

protocol! {
    /// What a kitchen understands.
    enum KitchenProtocol {
        Order(Order) -> String,
    }
}

struct Kitchen {
    dishes: u32,
}

impl Actor for Kitchen {
    type Protocol = KitchenProtocol;
    type Error = Fault;

    async fn started(&mut self, cx: &mut Cx<KitchenProtocol>) -> Result<(), Fault> {
        println!("kitchen {} opens", cx.incarnation());
        Ok(())
    }
}

impl Handler<Order> for Kitchen {
    async fn handle(
        &mut self,
        Order(dish): Order,
        cx: &mut Cx<KitchenProtocol>,
    ) -> Result<String, Fault> {
        if dish.starts_with("flambé") {
            // An error, or a panic, in a handler is a crash of the incarnation.
            return Err(Fault::new("the curtain caught fire"));
        }
        self.dishes += 1;
        Ok(format!("{dish}, dish {} of kitchen {}", self.dishes, cx.incarnation()))
    }
}

fn main() -> Result<(), Fault> {
    greenroom::run(async |system| {
        let tree = Supervisor::one_for_one().intensity(2, Duration::from_secs(5));
        let tree = tree.start(system).await?;
        let kitchen = tree.add(child("kitchen", || Kitchen { dishes: 0 })).await?;

        // All three are in the mailbox before the first is cooked.
        let served = futures::join!(
            kitchen.ask(Order("soup")),
            kitchen.ask(Order("flambéed pears")),
            kitchen.ask(Order("coffee")),
        );
        for dish in [served.0, served.1, served.2] {
            match dish {
                Ok(dish) => println!("served: {dish}"),
                // The error says what is certain: this order was begun and not finished.
                Err(AskError::Crashed { reason, .. }) => println!("not served: {reason}"),
                Err(error) => return Err(error.into()),
            }
        }
        for _ in 0..2 {
            let _ = kitchen.ask(Order("flambéed bananas")).await;
        }
        println!("the supervisor: {}", tree.ended().await);
        println!("order refused: {}", kitchen.ask(Order("tea")).await.is_err());
        Ok(())
    })
}
