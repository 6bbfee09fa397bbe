//! Routers, pools and partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use greenroom::actor::{Cause, Incarnate, IsFunction, spawn};
use greenroom::prelude::*;
use greenroom::router::{Partitions, ResizeError, Routees, Routing, pool, router};
use greenroom::supervisor::{Child, StartError};

use crate::harness::{Log, case, in_order, secs};
use crate::worker::{self, Knobs, Start};

enum Msg {
    /// Answered by the name of whoever got it.
    Who(u32, Reply<String>),
    /// Written down by whoever gets it.
    Note(u32),
    Busy(Duration),
    Crash,
    Stop,
}
impl Protocol for Msg {}

fn key(message: &Msg) -> u32 {
    match message {
        Msg::Who(key, _) | Msg::Note(key) => *key,
        Msg::Busy(_) | Msg::Crash | Msg::Stop => 0,
    }
}

async fn works(name: &str, log: &Log, cx: &mut Cx<Msg>) -> Result<(), Fault> {
    loop {
        match cx.recv().await {
            Msg::Who(_, reply) => reply.send(name.to_owned()),
            Msg::Note(key) => log.add(format!("{name} {key}")),
            Msg::Busy(time) => greenroom::time::sleep(time).await,
            Msg::Crash => return Err(Fault::new("told to")),
            Msg::Stop => return Ok(()),
        }
    }
}

fn routee(name: &str, log: &Log) -> Addr<Msg> {
    let (id, log) = (name.to_owned(), log.clone());
    spawn(name, async move |cx: &mut Cx<Msg>| works(&id, &log, cx).await)
}

/// A child that comes back after a crash and stays away after a stop.
fn plain(
    number: usize,
    log: &Log,
) -> Child<Msg, IsFunction<Fault>, impl Incarnate<Msg, IsFunction<Fault>> + use<>> {
    let (id, log) = (number.to_string(), log.clone());
    child("worker", async move |cx: &mut Cx<Msg>| works(&id, &log, cx).await).restart(Transient)
}

async fn who(addr: Addr<Msg>, key: u32) -> String {
    addr.ask_with(|reply| Msg::Who(key, reply)).await.unwrap()
}

/// Who is served by the next so many messages.
async fn served(addr: Addr<Msg>, count: usize) -> String {
    let mut served = String::new();
    for _ in 0..count {
        served += &who(addr, 0).await;
    }
    served
}

/// **R8.7** Round robin: one that is removed is left out, and its neighbours are neither skipped
/// nor served twice; of wholly new routees the first is next.
#[test]
fn rtr_01_round_robin_and_removal() {
    // (routees, how many messages, routees then, who is served then)
    let table = [
        ("abc", "abca", "abc", "bca"),
        ("abc", "ab", "ac", "cac"),
        ("ab", "a", "a", "aaa"),
        ("abcd", "ab", "ac", "cac"),
        ("abcd", "abc", "ac", "aca"),
        ("ab", "aba", "cd", "cdc"),
    ];
    in_order(async |test| {
        let log = Log::new();
        let named: BTreeMap<char, _> =
            "abcd".chars().map(|name| (name, routee(&name.to_string(), &log))).collect();
        let listing = |names: &str| names.chars().map(|name| named[&name]).collect::<Vec<_>>();
        for (before, first, after, then) in table {
            let routees = Routees::new();
            routees.set(listing(before));
            let front = test.spawn(router(before, &routees).restart(Temporary)).await.unwrap();
            assert_eq!(served(front, first.len()).await, first, "{before}");
            routees.set(listing(after));
            assert_eq!(served(front, then.len()).await, then, "{before}, then {after}");
            front.stop();
            front.ended().await;
        }
        // The router finds out by itself that one has ended.
        let routees = Routees::new();
        routees.set(listing("abc"));
        let front = test.spawn(router("front", &routees)).await.unwrap();
        assert_eq!(served(front, 1).await, "a");
        named[&'b'].stop();
        named[&'b'].ended().await;
        assert_eq!(served(front, 4).await, "caca");
    });
}

/// **R8.7** A pool: all children are reached; those that stopped leave the rotation, one that
/// crashed stays in it; a broadcast reaches each once; after the last one has stopped the pool
/// ends.
#[test]
fn rtr_02_pool() {
    // Q1: each message reaches one child, a broadcast all of them, once.
    case(async |test| {
        let log = Log::new();
        let logs = log.clone();
        let to_all = |message: &Msg| match message {
            Msg::Note(key) => Some(Msg::Note(*key)),
            _ => None,
        };
        let routing = Routing::round_robin().broadcast(to_all);
        let pool = pool("pool", 4, move |number| plain(number, &logs)).routing(routing);
        let pool = test.spawn(pool).await.unwrap();

        assert_eq!(served(pool, 8).await, "01230123");
        pool.tell(Msg::Note(5)).await.unwrap();
        test.settle().await;
        assert_eq!(
            BTreeSet::from_iter(log.take()),
            ["0 5", "1 5", "2 5", "3 5"].map(Into::into).into()
        );

        pool.tell(Msg::Crash).await.unwrap(); // 0 is brought back,
        pool.tell(Msg::Stop).await.unwrap(); // 1 is not,
        test.settle().await;
        assert_eq!(served(pool, 6).await, "230230");
        pool.tell(Msg::Stop).await.unwrap(); // and 2 neither.
        test.settle().await;
        assert_eq!(served(pool, 4).await, "3030");
        pool.tell(Msg::Note(6)).await.unwrap();
        test.settle().await;
        assert_eq!(BTreeSet::from_iter(log.take()), ["0 6", "3 6"].map(Into::into).into());

        let stops = async {
            pool.tell(Msg::Stop).await.unwrap();
            pool.tell(Msg::Stop).await.unwrap();
        };
        let (reason, ()) = futures::join!(pool.ended(), stops);
        assert_eq!(reason, ExitReason::Normal);
        assert!(test.root().children().await.iter().all(|child| child.actor.is_none()));
    });
}

/// **R8.7, R3.11, R3.14** A pool passes reply ports on: its askers hear what the children's would.
/// It stops its children with it, and one whose children crash too often comes back with new ones.
#[test]
fn rtr_02b_pool_and_its_supervision() {
    case(async |test| {
        let log = Log::new();
        let logs = log.clone();
        let pool = pool("pool", 2, move |number| plain(number, &logs)).intensity(1, secs(5));
        let pool = test.spawn(pool).await.unwrap();
        let crashed = pool.ask_with(|reply: Reply<()>| {
            drop(reply);
            Msg::Crash
        });
        assert!(matches!(crashed.await, Err(AskError::NoReply { .. })));
        test.settle().await;
        assert_eq!(served(pool, 2).await, "10");
        pool.tell(Msg::Crash).await.unwrap();
        pool.tell(Msg::Note(1)).await.unwrap();
        test.settle().await;
        test.events();
        // One crash more than its supervisor bears: it gives up, and the pool is started anew.
        assert!(pool.is_alive());
        assert_eq!(served(pool, 4).await, "0101");

        pool.stop();
        pool.ended().await;
        let ended: Vec<String> = test.events().iter().map(ToString::to_string).collect();
        let place = |event: &str| {
            ended
                .iter()
                .position(|other| other == event)
                .unwrap_or_else(|| panic!("{event} in {ended:?}"))
        };
        let order = [
            place("root/pool/supervisor/worker-1 ended: shutdown"),
            place("root/pool/supervisor/worker-0 ended: shutdown"),
            place("root/pool/supervisor ended: shutdown"),
            place("root/pool ended: shutdown"),
        ];
        assert!(order.is_sorted(), "{ended:?}");
    });
}

/// **R8.7** A child without room is passed over; when none has room, the pool waits, and yet stops
/// when it is told to. What it held is a dead letter then, and an ask in it is certainly unhandled.
#[test]
fn rtr_02c_pool_pushes_back() {
    case(async |test| {
        let log = Log::new();
        let logs = log.clone();
        let small = MailboxOptions::bounded(1);
        let pool = pool("pool", 2, move |number| plain(number, &logs).mailbox(small));
        let pool = test.spawn(pool.mailbox(small)).await.unwrap();
        for _ in 0..2 {
            pool.tell(Msg::Busy(secs(60))).await.unwrap();
            test.settle().await;
        }
        // One for each child, one in the pool's hand, one in its mailbox; the last finds no room.
        for key in 0..4 {
            pool.tell(Msg::Note(key)).await.unwrap();
            test.settle().await;
        }
        assert!(pool.try_tell(Msg::Note(4)).unwrap_err().is_full());
        test.advance(secs(60)).await;
        assert_eq!(BTreeSet::from_iter(log.take()).len(), 4);

        for _ in 0..2 {
            pool.tell(Msg::Busy(secs(3))).await.unwrap();
            test.settle().await;
        }
        for key in 0..2 {
            pool.tell(Msg::Note(key)).await.unwrap();
            test.settle().await;
        }
        test.letters();
        let (asked, ()) = futures::join!(pool.ask_with(|reply| Msg::Who(0, reply)), async {
            test.settle().await;
            pool.stop();
        });
        assert!(asked.unwrap_err().is_unhandled());
        pool.ended().await;
        // The first child may come to its last message before it is its turn to stop.
        let causes: Vec<Cause> = test.letters().into_iter().map(|letter| letter.cause).collect();
        assert!(causes.iter().all(|cause| *cause == Cause::Ended(ExitReason::Shutdown)));
        assert_eq!(causes.len() + log.take().len(), 3);
        assert!(causes.len() >= 2);
    });
}

/// **R8.7, R2.1, R3.18** A pool starts when all its children have started. One that does not start,
/// or is killed, leaves none of them behind; one whose children all decline declines too.
#[test]
fn rtr_02d_pool_starts_whole_or_not_at_all() {
    case(async |test| {
        let log = Log::new();
        // Each takes a second to start; what the second does instead differs.
        let three = |name, second: Start| {
            let log = log.clone();
            pool(name, 3, move |number| {
                let start = if number == 1 { second } else { Start::Takes(secs(1)) };
                child("w", worker::worker("w", &log, &Knobs::new().start(move |_| start)))
            })
        };
        let (starts, stops) = (["start w"; 3], ["stop w"; 3]);
        let pool = test.spawn(three("killed", Start::Takes(secs(1)))).await.unwrap();
        assert_eq!((test.now(), log.take()), (secs(3), starts.map(Into::into).into()));
        pool.kill();
        test.settle().await;
        assert_eq!(log.take(), stops);
        test.advance(secs(3)).await;
        assert_eq!(log.take(), starts, "it is transient, so it has come back");
        pool.stop();
        pool.ended().await;
        assert_eq!(log.take(), stops);

        let error = test.spawn(three("fails", Start::Fails)).await.unwrap_err();
        assert!(error.to_string().ends_with("child `w-1` did not start: error: no start"));
        assert_eq!(log.take(), ["start w", "stop w"]);
        let pool = test.spawn(three("smaller", Start::Declines)).await.unwrap();
        pool.stop();
        pool.ended().await;
        assert_eq!(log.take(), ["start w", "start w", "stop w", "stop w"]);

        // Told to stop while it starts, it does so at once.
        let starting = three("hasty", Start::Takes(secs(1)));
        let tree = Supervisor::one_for_one().name("tree").start(test).await.unwrap();
        let (added, ()) = futures::join!(tree.add(starting), async {
            test.settle().await;
            tree.stop();
        });
        assert!(added.is_err());
        assert_eq!((test.now(), log.take().len()), (secs(9), 0));

        let none = Knobs::new().start(|_| Start::Declines);
        let none = greenroom::router::pool("none", 2, move |_| {
            child("w", worker::worker("w", &log, &none))
        });
        assert!(matches!(test.spawn(none).await, Err(StartError::Declined { .. })));
    });
}

/// **R8.7** By key: the same key has the same routee while the set is unchanged; after routees were
/// added most keys stay, and those that move go to the new ones.
#[test]
fn rtr_03_consistent_hash() {
    in_order(async |test| {
        let log = Log::new();
        let routees = Routees::new();
        let named: Vec<_> = "abcdef".chars().map(|name| routee(&name.to_string(), &log)).collect();
        routees.set(named[..4].iter().copied());
        let front = router("front", &routees).routing(Routing::by_key(key));
        let front = test.spawn(front).await.unwrap();
        let mut owners = BTreeMap::new();
        for key in 0..1_000 {
            owners.insert(key, who(front, key).await);
        }
        assert_eq!(owners.values().collect::<BTreeSet<_>>().len(), 4, "all have some");
        for key in (0..1_000).rev() {
            assert_eq!(who(front, key).await, owners[&key]);
        }
        routees.set(named.iter().copied());
        let mut moved = 0;
        for key in 0..1_000 {
            let owner = who(front, key).await;
            if owner != owners[&key] {
                moved += 1;
                assert!(["e", "f"].contains(&&*owner), "{key} moved to {owner}");
            }
        }
        // Two of six are new, so a third of the keys is theirs.
        assert!((250..420).contains(&moved), "{moved} of 1,000 moved");
    });
}

/// **R8.8** A supervisor of partitions: each key has its copy, over a restart too; it shrinks, and
/// never grows beyond the copies it was started with.
#[test]
fn rtr_03b_partitions() {
    case(async |test| {
        let log = Log::new();
        let users = Partitions::new();
        let copies =
            users.under(Supervisor::one_for_one().name("users"), 4, |number| plain(number, &log));
        assert_eq!(users.owner("ann"), None);
        let supervisor = test.spawn(copies).await.unwrap();
        let keys: Vec<String> = (0..100).map(|key| format!("user {key}")).collect();
        let owners = || keys.iter().map(|key| users.owner(key).unwrap()).collect::<Vec<_>>();
        let first = owners();
        assert_eq!(first.iter().map(Addr::id).collect::<BTreeSet<_>>().len(), 4);
        users.owner(&keys[0]).unwrap().tell(Msg::Crash).await.unwrap();
        test.settle().await;
        assert_eq!(owners(), first);
        assert_eq!(who(users.addrs()[3], 0).await, "3");

        users.resize(2).await.unwrap();
        assert_eq!((users.addrs().len(), supervisor.count().await.active), (2, 2));
        for (before, after) in first.iter().zip(owners()) {
            assert!(after.is_alive() && (*before == after || !before.is_alive()));
        }
        users.resize(4).await.unwrap();
        assert_eq!((users.addrs().len(), supervisor.count().await.active), (4, 4));
        assert_eq!(who(users.addrs()[3], 0).await, "3");
        for asked in [0, 5] {
            let error = users.resize(asked).await.unwrap_err();
            assert_eq!(error, ResizeError::OutOfRange { asked, started: 4 });
        }
        supervisor.stop();
    });
}

/// **R8.7** A router before a group: messages wait for the first listing, in a mailbox that is
/// bounded; with nobody in the listing they are dropped, and it is told.
#[test]
fn rtr_04_group_empty_drops() {
    case(async |test| {
        let log = Log::new();
        let routees = Routees::new();
        let front = router("front", &routees).mailbox(MailboxOptions::bounded(2));
        let front = test.spawn(front).await.unwrap();
        front.tell(Msg::Note(1)).await.unwrap();
        front.tell(Msg::Note(2)).await.unwrap();
        test.settle().await;
        let refused = front.try_tell(Msg::Note(3)).unwrap_err();
        assert!(refused.is_full() && refused.into_message().is_some());
        assert!(test.letters().is_empty());

        let a = routee("a", &log);
        routees.set([a]);
        test.settle().await;
        assert_eq!(log.take(), ["a 1", "a 2"]);

        routees.set([]);
        front.tell(Msg::Note(4)).await.unwrap();
        let asked = front.ask_with(|reply| Msg::Who(5, reply)).await.unwrap_err();
        assert!(asked.is_unhandled() && asked.to_string().ends_with("had nobody to pass it on to"));
        let letters = test.letters();
        assert_eq!(letters.len(), 2);
        for letter in letters {
            assert_eq!((letter.cause, letter.recipient), (Cause::NoRoutee, Some(front.id())));
        }
        routees.set([a]);
        front.tell(Msg::Note(6)).await.unwrap();
        test.settle().await;
        assert_eq!(log.take(), ["a 6"]);
        front.stop();
    });
}
