//! The listing of a group: who is there, told anew at each change.

use greenroom::prelude::*;
use greenroom::test::Heard;

use crate::harness::{case, secs};

/// **R8.5** Whoever subscribes gets the present listing first, be it empty, and then one at each
/// change; leaving and ending are changes; a group of another name is another listing.
#[test]
fn rcp_01_receptionist() {
    case(async |test| {
        let [x, y] = ["x", "y"].map(|name| test.group::<Addr<Heard<u32>>>(name));
        let [a, b] = ["a", "b"].map(|name| test.probe::<u32>(name).addr());
        let (mut of_x, mut of_y) = (x.listings(), y.listings());
        assert_eq!((of_x.next().await, of_y.next().await), (vec![], vec![]));
        x.join(a).unwrap();
        assert_eq!(of_x.next().await, [a]);
        x.join(b).unwrap();
        assert_eq!(of_x.next().await, [a, b]);
        assert_eq!(x.listings().next().await, [a, b], "who subscribes later");
        a.stop();
        assert_eq!(of_x.next().await, [b]);
        assert_eq!(of_y.try_next(), None);

        // One at each change, also for one who reads late.
        y.join(b).unwrap();
        x.leave(b).unwrap();
        x.join(b).unwrap();
        assert_eq!(of_x.next().await, []);
        assert_eq!(of_x.next().await, [b]);
        assert_eq!(of_y.next().await, [b], "one key was left, and not the other");
        // To join again is no change of the list, and neither is the first of two leaves.
        x.join(b).unwrap();
        x.leave(b).unwrap();
        assert_eq!((of_x.try_next(), of_y.try_next()), (None, None));
        x.leave(b).unwrap();
        assert_eq!((of_x.try_next(), of_y.try_next()), (Some(vec![]), None));
        assert_eq!(test.now(), secs(0), "whoever waited was woken at once");
    });
}
