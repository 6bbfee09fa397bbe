//! Shows that the hot path allocates nothing: messages and questions on one loop, once warm.
//!
//! It is a program of its own because a counting allocator counts for the whole program.
#![allow(unsafe_code, reason = "an allocator that counts can be made in no other way")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use greenroom::actor::{Actor, Addr, Cx, Fault, Handler, MailboxOptions, Protocol, Reply};
use greenroom::actor::{spawn, spawn_with};
use greenroom::{EventLoop, protocol, task};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it came; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the promises that `alloc` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the promises that `dealloc` asks for.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const ROUNDS: u64 = 10_000;
/// How many messages are sent before the actor gets its turn: one poll's share.
const BATCH: u64 = 100;

struct Add(u64);
struct Total;
protocol! { enum SumProtocol { Add(Add), Total(Total) -> u64 } }

struct Sum(u64);
impl Actor for Sum {
    type Protocol = SumProtocol;
    type Error = Fault;
}
impl Handler<Add> for Sum {
    async fn handle(&mut self, add: Add, _: &mut Cx<SumProtocol>) -> Result<(), Fault> {
        self.0 += add.0;
        Ok(())
    }
}
impl Handler<Total> for Sum {
    async fn handle(&mut self, _: Total, _: &mut Cx<SumProtocol>) -> Result<u64, Fault> {
        Ok(self.0)
    }
}

enum Msg {
    Add(u64),
    Total(Reply<u64>),
}
impl Protocol for Msg {}

async fn sum(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    let mut total = 0;
    loop {
        match cx.recv().await {
            Msg::Add(n) => total += n,
            Msg::Total(reply) => reply.send(total),
        }
    }
}

async fn use_struct(addr: Addr<SumProtocol>, rounds: u64) {
    for round in 0..rounds {
        addr.try_tell(Add(1)).expect("there is room");
        addr.tell(Add(1)).await.expect("it is alive");
        if round % (BATCH / 2) == 0 {
            task::yield_now().await;
        }
    }
    for _ in 0..rounds {
        addr.ask(Total).await.expect("it answers");
    }
}

async fn use_function(addr: Addr<Msg>, rounds: u64) {
    for round in 0..rounds {
        addr.tell(Msg::Add(1)).await.expect("it is alive");
        if round % BATCH == 0 {
            task::yield_now().await;
        }
    }
    for _ in 0..rounds {
        addr.ask_with(Msg::Total).await.expect("it answers");
    }
}

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

#[test]
fn tell_and_ask_on_one_loop_allocate_nothing_once_warm() {
    let mut event_loop = EventLoop::new().expect("the machine gives a poller");
    let counted = event_loop.run(async {
        let by_struct = spawn("struct", || Sum(0));
        let by_function = spawn("function", sum);
        use_struct(by_struct, ROUNDS).await;
        use_function(by_function, ROUNDS).await;
        let before = allocations();
        use_struct(by_struct, ROUNDS).await;
        let between = allocations();
        use_function(by_function, ROUNDS).await;
        (between - before, allocations() - between)
    });
    assert_eq!(
        counted,
        (0, 0),
        "allocations by 20,000 tells and 10,000 asks, by 10,000 and 10,000"
    );
}

#[test]
fn starting_an_actor_allocates_little() {
    let mut event_loop = EventLoop::new().expect("the machine gives a poller");
    let counted = event_loop.run(async {
        let mut before = 0;
        for round in 0..200 {
            if round == 100 {
                before = allocations();
            }
            let addr = spawn_with("one of many", MailboxOptions::default(), || Sum(0));
            addr.stop();
            task::yield_now().await;
            assert!(!addr.is_alive(), "round {round}");
        }
        allocations() - before
    });
    // The name, the cell, and the body of the task.
    assert_eq!(counted, 3 * 100);
}
