//! Handlers that hold the loop are named in the log: the actor, the message, how long.

use greenroom::EventLoop;
use greenroom::prelude::*;

use crate::harness::logged;
use crate::support::{hold_thread, ms};

struct Ponder;
protocol! { enum ThinkerProtocol { Ponder(Ponder) -> () } }
struct Thinker;
impl Actor for Thinker {
    type Protocol = ThinkerProtocol;
    type Error = Fault;
}
impl Handler<Ponder> for Thinker {
    async fn handle(&mut self, _: Ponder, _: &mut Cx<ThinkerProtocol>) -> Result<(), Fault> {
        hold_thread(ms(300));
        Ok(())
    }
}

#[test]
fn lp_09_a_handler_that_holds_the_loop_is_named_with_its_message() {
    let log = logged(|| {
        let mut event_loop = EventLoop::builder().slow_handler(ms(20)).build().unwrap();
        event_loop.run(async {
            let thinker = greenroom::actor::spawn("thinker", || Thinker);
            thinker.ask(Ponder).await.unwrap();
        });
    });
    let line = log.iter().find(|line| line.contains("held the loop")).expect("it is reported");
    assert!(line.contains("thinker") && line.contains("Ponder") && line.contains("held_ms"));
}
