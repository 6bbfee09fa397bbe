//! The rules as tables: layers, what is banned where, which files only compute.

/// What each top-level module may import from this crate. A module may only name modules that stand
/// above it in this table, so the table cannot hold a cycle. This is the diagram; keep it honest.
pub(crate) const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("timer", &["base"]),
    ("reactor", &["base"]),
    ("scheduler", &["base"]),
    ("mailbox", &["base"]),
    ("event_loop", &["base", "timer", "reactor", "scheduler"]),
    ("time", &["base", "timer", "event_loop"]),
    ("task", &["base", "event_loop", "time"]),
    ("offload", &["base", "event_loop"]),
    ("net", &["base", "reactor", "event_loop", "time", "task", "offload"]),
    ("signal", &["base", "reactor", "event_loop"]),
    ("actor", &["base", "mailbox", "scheduler", "timer", "event_loop", "time", "task"]),
    ("state_machine", &["base", "event_loop", "time", "actor"]),
    ("registry", &["base", "mailbox", "event_loop", "actor"]),
    ("group", &["base", "actor"]),
    ("supervisor", &["base", "event_loop", "time", "actor", "registry"]),
    ("router", &["base", "event_loop", "actor", "supervisor"]),
    ("flow", &["base", "event_loop", "task", "actor"]),
    (
        "system",
        &[
            "base",
            "reactor",
            "event_loop",
            "time",
            "task",
            "offload",
            "signal",
            "actor",
            "registry",
            "group",
            "supervisor",
        ],
    ),
    ("test", &["event_loop", "time", "actor", "system"]),
];

/// Text that may not appear in `src` except in the files or folders named, and what to write
/// instead. The lower half gives each dependency its one home.
pub(crate) const BANNED: &[(&str, &[&str], &str)] = &[
    ("Instant::now", &["src/base/clock.rs"], "the turn's clock reading"),
    ("SystemTime::now", &["src/base/clock.rs"], "`base::clock`"),
    ("thread::sleep", &[], "a timer"),
    ("thread::spawn", &[], "a named thread in one of the two files that make threads"),
    ("thread::Builder", &["src/offload/pool.rs", "src/event_loop/stall.rs"], "the pool"),
    ("RandomState", &["src/base/rng.rs"], "a `BTreeMap`: order must not vary between runs"),
    ("HashMap", &["src/base/type_map.rs"], "a `BTreeMap`: order must not vary between runs"),
    ("super::super", &[], "a path that starts at `crate::`, where the layer check sees it"),
    ("println!", &[], "a tracing event"),
    ("dbg!(", &[], "nothing: remove before merge"),
    ("todo!(", &[], "nothing: remove before merge"),
    ("FIXME", &[], "nothing: remove before merge"),
    (
        "unsafe ",
        &["src/event_loop/waker.rs", "src/scheduler/crossing.rs"],
        "safe code: two files hold the unsafe of this crate",
    ),
    (
        "mio::",
        &["src/reactor/", "src/event_loop/source.rs", "src/net/", "src/signal/"],
        "the reactor",
    ),
    ("signal_hook::", &["src/signal/"], "`signal`"),
    ("socket2::", &["src/net/"], "`net`"),
    ("dashmap::", &["src/registry/table.rs"], "the registry"),
    ("async_channel::", &["src/offload/"], "a mailbox"),
    ("anyhow::", &["src/actor/fault.rs"], "`Fault`, or an error type"),
];

/// Files that only compute: no futures, wakers, sockets, threads or shared cells. Everything they
/// need, time included, is an argument; so every (state, event) pair can be a test.
pub(crate) const PURE: &[&str] = &[
    "src/base/hash.rs",
    "src/base/backoff.rs",
    "src/base/slots.rs",
    "src/timer/wheel.rs",
    "src/timer/level.rs",
    "src/reactor/readiness.rs",
    "src/mailbox/overflow.rs",
    "src/mailbox/side.rs",
    "src/actor/exit.rs",
    "src/state_machine/decide.rs",
    "src/group/table.rs",
    "src/supervisor/action.rs",
    "src/supervisor/boot.rs",
    "src/supervisor/calls.rs",
    "src/supervisor/children.rs",
    "src/supervisor/decide.rs",
    "src/supervisor/failures.rs",
    "src/supervisor/group.rs",
    "src/supervisor/intensity.rs",
    "src/supervisor/plan.rs",
    "src/supervisor/restart.rs",
    "src/supervisor/shutdown.rs",
    "src/supervisor/strategy.rs",
    "src/system/shutdown/phases.rs",
    "src/router/rotation.rs",
    "src/flow/ledger.rs",
    "src/flow/options.rs",
];
pub(crate) const IMPURE: &[&str] =
    &["async ", ".wake", "Poll<", "RefCell", "mio::", "std::thread", "Instant::now"];

/// Promises that no single place in the code can check, and what keeps them instead.
pub(crate) const NOT_ASSERTED: &[(&str, &str)] = &[
    ("A1", "a handler is awaited to its end before the next message is taken: one `await`"),
    ("A2", "the hook is called at one place in `actor/incarnate.rs`, behind the guard"),
    ("F3", "`Window::fill` is the one place that asks, and fills up to the maximum"),
    ("C1", "an edge is looked at when it is made; the cases of cycles show what is and is not one"),
    ("E1", "such a timeout is cancelled in the step of that event, and K1 does the rest"),
    ("E2", "the stash is brought back before all that waits, which is younger; also by a drop"),
    ("G2", "snapshot and observer are made together, and all are told before one is woken"),
    ("G3", "`publish` looks again before each send, with no user code in between"),
    ("H1", "the count of listeners and the mark of the handler change under one mutex"),
    ("K1", "a timer's task and the notices with its tag go in one call"),
    ("A4", "a slot's key has a generation, so a late reply finds nothing; see `Slots`"),
    ("L2", "both orders of post and sleep are under one mutex"),
    ("M1", "the ring is a `VecDeque`, pushed at one end and popped at the other"),
    ("M2", "the count of urgent messages is where the next one is inserted"),
    ("M4", "messages are values: taking one out leaves nothing behind"),
    ("O1", "the job is shared by an `Arc`, so whichever side is last frees it"),
    ("Q1", "a message is a value: `pass` gives it to a mailbox or to the dead letters"),
    ("R1", "`Reactor::poll` gives the wakers away; it has none to call"),
    ("S4", "the runner awaits messages and nothing else"),
    ("T2", "the future leaves the table before it is polled and is dropped when it is done"),
    ("T3", "an `Rc` leads to the tasks, so the compiler keeps them on the thread"),
    ("T4", "a key with another generation finds nothing"),
    ("W1", "the order is that of a heap; the tests compare it with a sorted list"),
];
