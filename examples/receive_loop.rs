//! An actor as one function that owns its receive loop, over a plain enum.
//!
//! Its state is its local variables, and what it may receive next is where it stands: a turnstile
//! that is locked or open needs no field that says so. Run it:
//!
//! ```text
//! cargo run --example receive_loop
//! ```

use greenroom::prelude::*;

enum Turnstile {
    Coin,
    /// May I go through?
    Push(Reply<bool>),
    Passed(Reply<u32>),
}
impl Protocol for Turnstile {}

async fn turnstile(cx: &mut Cx<Turnstile>) -> Result<(), Fault> {
    let mut passed = 0;
    // `next` gives `None` when the actor is asked to stop; with `recv` the function would end
    // there.
    'locked: while let Some(message) = cx.next().await {
        match message {
            Turnstile::Push(reply) => reply.send(false),
            Turnstile::Passed(reply) => reply.send(passed),
            Turnstile::Coin => {
                while let Some(message) = cx.next().await {
                    match message {
                        Turnstile::Coin => println!("open already, thank you"),
                        Turnstile::Passed(reply) => reply.send(passed),
                        Turnstile::Push(reply) => {
                            passed += 1;
                            reply.send(true);
                            continue 'locked;
                        }
                    }
                }
            }
        }
    }
    println!("closing after {passed}");
    Ok(())
}

fn main() -> Result<(), Fault> {
    greenroom::run(async |system| {
        let gate = system.spawn(child("turnstile", turnstile)).await?;
        println!("pushed: {}", gate.ask_with(Turnstile::Push).await?);
        for _ in 0..2 {
            gate.tell(Turnstile::Coin).await.map_err(|error| error.without_message())?;
        }
        println!("pushed: {}", gate.ask_with(Turnstile::Push).await?);
        println!("pushed: {}", gate.ask_with(Turnstile::Push).await?);
        println!("passed: {}", gate.ask_with(Turnstile::Passed).await?);
        Ok(())
    })
}
