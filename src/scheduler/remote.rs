//! What other threads leave for a loop: one inbox a loop, and the rule by which a sleeper is woken.
//!
//! # No wake-up is lost
//! Everything happens under one mutex, so there are only two orders. Either the post comes first:
//! the loop then sees it when it looks before it sleeps, and does not sleep. Or the loop says
//! "parked" first: the post then finds the flag, clears it and wakes the poller. Whoever clears
//! the flag is the only one to wake, so a sleep costs at most one wake call, however many posts
//! arrive.
//!
//! The one thing that is read without the mutex is a hint: a busy loop looks at `waiting` once a
//! turn and locks only when it is set. A hint that is read too early is read again next turn, and
//! the look before sleeping is never by the hint.
//!
//! * **L2** a post made before the loop sleeps is seen before it sleeps

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::crossing::Parcel;
use crate::base::key::{Key, LOOPS_MAX, LoopId};

/// Something left for a loop by another thread.
pub(crate) enum Post {
    /// Make a task ready.
    Wake(Key),
    /// Stop running at the end of the turn.
    Stop,
    /// Run this on the loop's thread.
    Run(Box<dyn FnOnce() + Send>),
    /// Hand this value over on the loop's thread.
    Deliver(Box<dyn Parcel>),
}

/// Wakes the loop's thread out of its poller.
pub(crate) type Unpark = Box<dyn Fn() + Send + Sync>;

/// The side of a loop that other threads may touch.
pub(crate) struct Remote {
    id: LoopId,
    inbox: Mutex<Inbox>,
    waiting: AtomicBool,
    unpark: Unpark,
    posts_max: usize,
}

struct Inbox {
    posts: Vec<Post>,
    parked: bool,
    open: bool,
}

/// Why a post was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// The loop has ended.
    Closed,
    /// As many posts as the loop allows are waiting already.
    Full,
}

impl Remote {
    /// Makes the inbox of a new loop and gives the loop a number that no loop had before.
    ///
    /// # Errors
    /// When the process has made [`LOOPS_MAX`] loops.
    pub(crate) fn register(unpark: Unpark, posts_max: usize) -> Result<Arc<Self>, TooManyLoops> {
        let mut loops = LOOPS.write().unwrap_or_else(PoisonError::into_inner);
        if loops.made >= LOOPS_MAX {
            return Err(TooManyLoops);
        }
        let id = LoopId(loops.made);
        loops.made += 1;
        let remote = Arc::new(Self {
            id,
            inbox: Mutex::new(Inbox { posts: Vec::new(), parked: false, open: true }),
            waiting: AtomicBool::new(false),
            unpark,
            posts_max,
        });
        loops.alive.insert(id, Arc::clone(&remote));
        Ok(remote)
    }

    pub(crate) const fn id(&self) -> LoopId {
        self.id
    }

    /// Leaves a post.
    ///
    /// # Errors
    /// The post comes back with the reason.
    pub(crate) fn post(&self, post: Post) -> Result<(), (Post, Refused)> {
        self.leave(post, self.posts_max)
    }

    /// Leaves a post that is never refused for want of room: a wake, a reply, a stop. There are no
    /// more of these than there are tasks, asks and actors, and losing one would leave somebody
    /// waiting for ever.
    ///
    /// # Errors
    /// The post comes back when the loop has ended.
    pub(crate) fn post_always(&self, post: Post) -> Result<(), (Post, Refused)> {
        self.leave(post, usize::MAX)
    }

    fn leave(&self, post: Post, most: usize) -> Result<(), (Post, Refused)> {
        let mut inbox = self.lock();
        if !inbox.open {
            return Err((post, Refused::Closed));
        }
        if inbox.posts.len() >= most {
            return Err((post, Refused::Full));
        }
        inbox.posts.push(post);
        self.waiting.store(true, Ordering::Release);
        let wake = std::mem::take(&mut inbox.parked);
        drop(inbox);
        if wake {
            (self.unpark)();
        }
        Ok(())
    }

    /// Whether a look into the inbox is worth the lock.
    #[inline]
    pub(crate) fn has_posts(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// Swaps everything that was left into `posts`, in the order in which it came.
    pub(crate) fn take(&self, posts: &mut Vec<Post>) {
        let mut inbox = self.lock();
        self.waiting.store(false, Ordering::Relaxed);
        std::mem::swap(&mut inbox.posts, posts);
    }

    /// Says that the loop is about to sleep; `false` when it must not, because there are posts.
    pub(crate) fn park(&self) -> bool {
        let mut inbox = self.lock();
        inbox.parked = inbox.posts.is_empty();
        inbox.parked
    }

    /// Says that the loop no longer sleeps.
    pub(crate) fn unparked(&self) {
        self.lock().parked = false;
    }

    /// Refuses further posts and hands over those that nobody took.
    pub(crate) fn close(&self) -> Vec<Post> {
        let left = {
            let mut inbox = self.lock();
            inbox.open = false;
            std::mem::take(&mut inbox.posts)
        };
        let mut loops = LOOPS.write().unwrap_or_else(PoisonError::into_inner);
        loops.alive.remove(&self.id);
        left
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        // Nothing under this lock can panic half-way, so a poisoned inbox is still whole.
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The inboxes of the loops that are alive: the only thing that one loop's thread knows of another.
/// No state of a loop is reached from here, only its letter box.
struct Loops {
    alive: BTreeMap<LoopId, Arc<Remote>>,
    made: u32,
}

static LOOPS: RwLock<Loops> = RwLock::new(Loops { alive: BTreeMap::new(), made: 0 });

/// The letter box of a loop, or `None` when the loop has ended.
pub(crate) fn find(id: LoopId) -> Option<Arc<Remote>> {
    LOOPS.read().unwrap_or_else(PoisonError::into_inner).alive.get(&id).cloned()
}

/// The process has made as many loops as it can number.
#[derive(Debug, thiserror::Error)]
#[error("this process has made {LOOPS_MAX} event loops, which is the most there can be")]
pub(crate) struct TooManyLoops;
