//! Directories: several entries under a key, with values.

use greenroom::group::{Change, Entry};
use greenroom::prelude::*;

use crate::harness::case;

/// **R8.3** A dispatch reaches every entry of its key with its value, and none of another; under
/// an unknown key nothing is called.
#[test]
fn reg_04_duplicate_dispatch() {
    case(async |test| {
        let directory = test.directory::<Recipient<u32>, u32>("words");
        let probes = ["a", "b"].map(|name| test.probe::<u32>(name));
        let [a, b] = [&probes[0], &probes[1]].map(|probe| probe.recipient());
        directory.register("hello", a, 1).unwrap();
        directory.register("hello", b, 2).unwrap();
        directory.register("world", a, 3).unwrap();
        let dispatch = |key| {
            let mut seen = Vec::new();
            let reached = directory.dispatch(key, |to: &Recipient<u32>, value| {
                to.try_tell(*value).unwrap();
                seen.push((to.id(), *value));
            });
            assert_eq!(reached, seen.len());
            seen
        };
        assert_eq!(dispatch("hello"), [(a.id(), 1), (b.id(), 2)]);
        assert_eq!(dispatch("world"), [(a.id(), 3)]);
        assert_eq!(dispatch("unknown"), []);
        test.settle().await;
        assert_eq!((probes[0].take(), probes[1].take()), (vec![1, 3], vec![2]));

        // The same owner twice under a key; it takes its own entries back and nobody else's.
        directory.register("hello", a, 4).unwrap();
        assert_eq!(dispatch("hello"), [(a.id(), 1), (b.id(), 2), (a.id(), 4)]);
        assert_eq!(directory.unregister("hello", a), 2);
        assert_eq!((dispatch("hello"), dispatch("world")), (vec![(b.id(), 2)], vec![(a.id(), 3)]));
        // What a callback takes out is not called any more.
        directory.register("hello", a, 5).unwrap();
        let reached = directory.dispatch("hello", |_, _| {
            directory.unregister("hello", a);
        });
        assert_eq!((reached, directory.len()), (1, 2));
    });
}

/// **R8.3, D13** A listener hears of each register with key, owner and value, and of each
/// unregister, by request and by the owner's end, which it hears of later.
#[test]
fn reg_05_listeners() {
    case(async |test| {
        let directory = test.directory::<ActorId, &'static str>("words");
        let [a, b] = ["a", "b"].map(|name| test.probe::<u32>(name).addr().id());
        directory.register("early", a, "bird").unwrap();
        let (entries, mut listener) = directory.monitor();
        let entry = |key: &str, member, value| Entry { key: key.into(), member, value };
        assert_eq!(entries, [entry("early", a, "bird")]);

        directory.register("hello", a, "one").unwrap();
        directory.register("hello", b, "two").unwrap();
        directory.register("world", a, "three").unwrap();
        assert_eq!(listener.next().await, Change::Joined(entry("hello", a, "one")));
        assert_eq!(listener.next().await, Change::Joined(entry("hello", b, "two")));
        assert_eq!(listener.next().await, Change::Joined(entry("world", a, "three")));
        assert_eq!(directory.unregister("hello", b), 1);
        assert_eq!(listener.next().await, Change::Left(entry("hello", b, "two")));
        assert_eq!(directory.unregister("hello", b), 0);
        assert_eq!(listener.try_next(), None);

        a.kill();
        a.ended().await;
        // All are there when the end is heard of, oldest first.
        assert_eq!(listener.try_next(), Some(Change::Left(entry("early", a, "bird"))));
        assert_eq!(listener.try_next(), Some(Change::Left(entry("hello", a, "one"))));
        assert_eq!(listener.try_next(), Some(Change::Left(entry("world", a, "three"))));
        assert_eq!((listener.try_next(), directory.is_empty()), (None, true));
        assert!(directory.register("hello", a, "late").is_err());
        assert!(listener.try_next().is_none() && directory.keys().is_empty());
    });
}
