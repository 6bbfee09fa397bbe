//! Signals: the order of one sender's messages.

use greenroom::prelude::*;
use greenroom::task;

use crate::harness::{case, in_order};

const SENDERS: usize = 20;

/// A message of one sender, with its number.
struct Numbered(usize, u32);
impl Protocol for Numbered {}

/// 20 senders, which wait for room, each tell so many numbered messages to one actor.
async fn twenty_senders(each: u32) {
    let (done, all) = futures::channel::oneshot::channel();
    let mut done = Some(done);
    let receiver = async move |cx: &mut Cx<Numbered>| {
        let mut next = [0; SENDERS];
        while next != [each; SENDERS] {
            let Numbered(sender, number) = cx.recv().await;
            assert_eq!(number, next[sender], "sender {sender}");
            next[sender] += 1;
        }
        let done = done.take().expect("it is done once");
        done.send(next).map_err(|_| Fault::new("nobody waits"))
    };
    let room = MailboxOptions::bounded(16);
    let receiver = greenroom::actor::spawn_with("receiver", room, receiver);
    for sender in 0..SENDERS {
        task::spawn(async move {
            for number in 0..each {
                receiver.tell(Numbered(sender, number)).await.unwrap();
            }
        });
    }
    assert_eq!(all.await, Ok([each; SENDERS]), "every message came, in its sender's order");
}

/// **R1.1, R1.11, R2.5** 20 senders send 1,000 numbered messages each to one actor: each sender's
/// numbers arrive ascending and without a gap. Under shuffled schedules, 20 each.
#[test]
fn sig_10_per_sender_fifo() {
    in_order(async |_test| twenty_senders(1_000).await);
    case(async |_test| twenty_senders(20).await);
}
