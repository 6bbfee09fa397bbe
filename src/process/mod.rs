//! Other programs: start them, talk to them over pipes, wait for their end, end them.
//!
//! ```
//! use greenroom::process::{Command, Stdio};
//! greenroom::run(async |_system| {
//!     let mut sort = Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
//!     let output = sort.communicate("pear\napple\n").await?;
//!     assert!(output.status.success());
//!     assert_eq!(output.stdout, b"apple\npear\n");
//!     Ok::<(), greenroom::process::ProcessError>(())
//! }).unwrap();
//! ```
//!
//! A [`Command`] says what to start, as that of the standard library does; a [`Child`] is what was
//! started. The end is seen through a descriptor of the process itself (a pidfd) where the kernel
//! has them, otherwise by looking at each SIGCHLD; so waiting holds no thread, is over when the
//! process has ended even if a child of its own keeps its pipes open, and a signal sent through a
//! [`Child`] never reaches a stranger that was given the number of one that is gone.
//!
//! # What ends a process, and what does not
//!
//! | what you do | what becomes of it |
//! | --- | --- |
//! | drop the future of [`wait`](Child::wait) | it goes on; wait again |
//! | drop the future of [`communicate`](Child::communicate) | it goes on without its pipes |
//! | drop the [`Child`] | it goes on, unless it is to be [killed](Command::kill_on_drop) |
//! | end the loop | as if every `Child` were dropped |
//!
//! * **Z1** a child that has ended is reaped, whoever has let go of it: there are no zombies
//!
//! After a `Child` was dropped its loop waits for the end in its stead; what is left when the loop
//! itself ends is looked at whenever the process starts another one.
//!
//! # Starting holds the loop
//!
//! [`Command::spawn`] is no future. The kernel needs a fraction of a millisecond for it, and a
//! thread of the pool would be the wrong parent: what a child inherits from its thread (such as the
//! wish to die with its parent) would be that of a thread that may end at any time.

mod child;
mod command;
mod communicate;
mod error;
mod exit;
mod pidfd;
mod pipe;
mod reaper;

pub use std::process::{ExitStatus, Output, Stdio};

pub use child::Child;
pub use command::Command;
pub use error::ProcessError;
pub use pipe::{PipeReader, PipeWriter, pipe};
