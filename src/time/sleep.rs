//! `Sleep`: one timer, moved when it is polled by another task, taken out when dropped.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::base::key::LoopId;
use crate::event_loop::current;
use crate::timer::TimerKey;

/// Waits until `duration` has passed since this call; never shorter. Called where no loop runs, it
/// counts from the first poll.
///
/// A duration of zero is over at once; to let others run, use
/// [`yield_now`](crate::task::yield_now).
///
/// # Cancel safety
/// Dropping it takes the timer out; nothing else happens.
///
/// ```
/// use std::time::Duration;
/// greenroom::run(async |_system| {
///     greenroom::time::sleep(Duration::from_millis(2)).await;
/// });
/// ```
pub fn sleep(duration: Duration) -> Sleep {
    // Made on a loop it counts from now; made elsewhere, from its first poll.
    let here = current::get();
    let deadline = here.map_or(Deadline::After(duration), |core| {
        let deadline = core.deadline(duration);
        Deadline::At(core.id(), deadline, core.driver.instant(deadline))
    });
    Sleep { deadline, armed: None }
}

/// Waits until the loop's clock shows `deadline`; at once when it is past.
///
/// # Cancel safety
/// Dropping it takes the timer out; nothing else happens.
///
/// ```
/// use std::time::Duration;
/// use greenroom::time;
/// greenroom::run(async |_system| {
///     let deadline = time::now() + Duration::from_millis(2);
///     time::sleep_until(deadline).await;
///     assert!(time::now() >= deadline);
/// });
/// ```
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { deadline: Deadline::Instant(deadline), armed: None }
}

#[derive(Clone, Copy, Debug)]
enum Deadline {
    After(Duration),
    Instant(Instant),
    /// Nanoseconds on the clock of one loop, and the same moment for any other.
    At(LoopId, u64, Instant),
}

/// The future of [`sleep`] and [`sleep_until`].
///
/// # Panics
/// When it is polled on a thread that runs no loop.
///
/// ```
/// use std::time::Duration;
/// use greenroom::time::{self, Sleep};
/// # greenroom::EventLoop::builder().virtual_clock(1).build()?.run(async {
/// let begun = time::now();
/// let nap: Sleep = time::sleep(Duration::from_secs(5));
/// time::sleep(Duration::from_secs(3)).await;
/// nap.await; // it counts from when it was made
/// assert_eq!(time::now() - begun, Duration::from_secs(5));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct Sleep {
    deadline: Deadline,
    armed: Option<(LoopId, TimerKey)>,
}

impl Sleep {
    fn disarm(&mut self) {
        if let Some((home, timer)) = self.armed.take() {
            // On another thread the timer stays and wakes for nothing once.
            current::with(|core| {
                if core.id() == home {
                    core.disarm(timer);
                }
            });
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let core = current::expect("a sleep");
        let (deadline, instant) = match self.deadline {
            Deadline::At(home, deadline, instant) if home == core.id() => (deadline, instant),
            Deadline::At(_, _, instant) | Deadline::Instant(instant) => {
                (core.driver.nanos_at(instant), instant)
            }
            Deadline::After(duration) => {
                let deadline = core.deadline(duration);
                (deadline, core.driver.instant(deadline))
            }
        };
        self.deadline = Deadline::At(core.id(), deadline, instant);
        if core.now() >= deadline {
            self.disarm();
            return Poll::Ready(());
        }
        let rearmed = matches!(self.armed, Some((home, timer))
            if home == core.id() && core.rearm(timer, cx.waker()));
        if !rearmed {
            self.disarm();
            self.armed = Some((core.id(), core.arm(deadline, cx.waker())));
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.disarm();
    }
}
