//! Supervision: starting children.

use greenroom::prelude::*;

use crate::harness::{Log, case};
use crate::worker::plain;

/// **R3.3, R3.14** Children start in list order and stop in reverse; the supervisor ends last.
#[test]
fn sup_01_start_order_stop_reverse() {
    case(async |test| {
        let log = Log::new();
        let mut tree = Supervisor::one_for_one();
        for id in ["7", "3", "10", "2", "5"] {
            tree = tree.child(plain(id, &log));
        }
        let tree = tree.start(test).await.unwrap();
        assert_eq!(log.take(), ["start 7", "start 3", "start 10", "start 2", "start 5"]);
        let (ended, _) = futures::join!(tree.ended(), async { tree.stop() });
        log.add(format!("down {ended}"));
        let stops = ["stop 5", "stop 2", "stop 10", "stop 3", "stop 7", "down shutdown"];
        assert_eq!(log.take(), stops);
    });
}
