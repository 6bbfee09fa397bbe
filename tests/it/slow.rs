//! Handlers that hold the loop are named in the log: the actor, the message, how long.

use std::io::Write;
use std::sync::{Arc, Mutex};

use greenroom::EventLoop;
use greenroom::prelude::*;

use crate::support::{hold_thread, ms};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

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
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut event_loop = EventLoop::builder().slow_handler(ms(20)).build().unwrap();
        event_loop.run(async {
            let thinker = greenroom::actor::spawn("thinker", || Thinker);
            thinker.ask(Ponder).await.unwrap();
        });
    });
    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let line = log.lines().find(|line| line.contains("held the loop")).expect("it is reported");
    assert!(line.contains("thinker") && line.contains("Ponder") && line.contains("held_ms"));
}
