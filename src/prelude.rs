//! The names that an application file needs, and nothing that surprises.
//!
//! ```
//! use greenroom::prelude::*;
//! ```

pub use crate::actor::{
    Accepts, Actor, ActorId, Addr, AskError, Cx, Down, Exit, ExitReason, Fault, Handler,
    MailboxOptions, Overflow, Protocol, Recipient, Recovery, Repeat, Reply, Request, TellError,
};
pub use crate::protocol;
pub use crate::supervisor::Restart::{Permanent, Temporary, Transient};
pub use crate::supervisor::{Backoff, Restart, Shutdown, Supervisor, child};
pub use crate::system::System;
