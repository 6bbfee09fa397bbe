//! Signals of the operating system as streams.
//!
//! ```
//! use greenroom::signal::{Signal, signals};
//! greenroom::run(async |_system| {
//!     let mut asked = signals([Signal::HUP, Signal::USR1])?;
//!     # signal_hook::low_level::raise(Signal::HUP.number()).unwrap();
//!     // Elsewhere: kill -HUP …
//!     assert_eq!(asked.recv().await?, Signal::HUP);
//!     Ok::<(), greenroom::signal::SignalError>(())
//! }).unwrap();
//! ```
//!
//! A signal only leaves a mark and wakes the loop, which may be asleep; your code runs in a turn of
//! the loop like any other, so it may do whatever code may do. Any loop on any thread may listen;
//! everybody who listens hears every signal, each on a stream of its own.
//!
//! # Signals are not counted
//!
//! A signal that comes again before the first was taken from a stream is one signal, to the kernel
//! as to the stream. Take it as "look again", never as a number.
//!
//! # What a signal does otherwise
//!
//! While somebody in the process listens to a signal, it does nothing else.
//!
//! * **H1** once nobody listens any more, a signal does again what it does by default
//!
//! That is the kernel's default, such as ending the process, also where the process was started
//! with that signal ignored (as by `nohup`), or had another handler before.
//!
//! # Beside a system
//!
//! [`greenroom::run`](crate::run) listens to SIGINT and SIGTERM from its start to its end: the
//! first begins the ordered stop, the second ends the process at once. Streams of your own hear the
//! same signals beside it. To be the only one who acts on them, build the system
//! [without signals](crate::system::SystemBuilder::signals).

mod disposition;
mod error;
mod kind;
mod listen;

pub use error::SignalError;
pub use kind::Signal;
pub use listen::{Signals, ctrl_c, signals};
