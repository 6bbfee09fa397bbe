//! What joining and leaving can come to.

use std::sync::Arc;

use crate::actor::ActorId;

/// An actor was not put into, or not taken out of, a group, a directory or a topic; nothing
/// changed.
///
/// ```
/// use greenroom::group::MemberError;
/// greenroom::test::run(async |test| {
///     let group = test.group("all");
///     let probe = test.probe::<u32>("probe").addr();
///     let error = group.leave(probe).unwrap_err();
///     assert_eq!(error, MemberError::NotJoined { name: "all".into(), actor: probe.id() });
///     probe.kill();
///     probe.ended().await;
///     let error = group.join(probe).unwrap_err();
///     assert_eq!(error, MemberError::Ended { name: "all".into(), actor: probe.id() });
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemberError {
    /// The actor has ended, or lives on another loop.
    #[error("actor {actor} cannot be put into `{name}`: it has ended, or lives on another loop")]
    Ended {
        /// The name of the group, directory or topic.
        name: Arc<str>,
        /// Who was to be put into it.
        actor: ActorId,
    },
    /// The actor is no member, or has left as often as it had joined.
    #[error("actor {actor} cannot leave `{name}`: it is no member of it")]
    NotJoined {
        /// The name of the group.
        name: Arc<str>,
        /// Who was to leave.
        actor: ActorId,
    },
}
