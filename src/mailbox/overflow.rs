//! What a mailbox does with a message when it is full: a pure decision.

/// What happens to a message that finds its mailbox full.
///
/// Nothing is lost silently: a message that a policy drops is a dead letter, which is counted and
/// can be listened to.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg { Get(Reply<u32>) }
/// impl Protocol for Msg {}
/// async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(7); }
/// }
///
/// greenroom::run(async |_system| {
///     let latest = MailboxOptions::bounded(1).overflow(Overflow::DropOldest);
///     let addr = greenroom::actor::spawn_with("seven", latest, actor);
///     let (first, second) = futures::join!(addr.ask_with(Msg::Get), addr.ask_with(Msg::Get));
///     assert!(matches!(first, Err(AskError::Dropped { .. })));
///     assert_eq!(second.unwrap(), 7);
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Overflow {
    /// `tell` and `ask` wait for room, first come first served; `try_tell` gives the message back.
    #[default]
    Wait,
    /// `tell`, `ask` and `try_tell` give the message back at once.
    Fail,
    /// The message that finds no room is dropped; the sender is told that it was sent.
    DropNewest,
    /// The oldest ordinary message is dropped to make room.
    DropOldest,
}

/// What is to be done with a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    Put,
    /// Wait if you can, else take the message back.
    Wait,
    Refuse,
    DropThis,
    DropOldestAndPut,
}

/// How full a mailbox is, as the decision sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) ordinary: usize,
    pub(crate) capacity: usize,
    /// Senders who were promised room and have not used it yet.
    pub(crate) granted: usize,
    /// Senders who wait in line; a newcomer never overtakes them.
    pub(crate) waiting: usize,
}

impl Fill {
    pub(crate) const fn has_room(self) -> bool {
        self.ordinary + self.granted < self.capacity
    }
}

/// Decides about a newcomer's message.
pub(crate) const fn admit(fill: Fill, overflow: Overflow) -> Admission {
    if fill.has_room() && fill.waiting == 0 {
        return Admission::Put;
    }
    match overflow {
        Overflow::Wait => Admission::Wait,
        Overflow::Fail => Admission::Refuse,
        Overflow::DropNewest => Admission::DropThis,
        Overflow::DropOldest if fill.ordinary == 0 => Admission::DropThis,
        Overflow::DropOldest => Admission::DropOldestAndPut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // MBX-04: the four policies as a table.
    #[test]
    fn mbx_04_each_policy_decides_by_fill_and_line() {
        use Admission::{DropOldestAndPut, DropThis, Put, Refuse, Wait};
        let fill = |ordinary, granted, waiting| Fill { ordinary, capacity: 2, granted, waiting };
        for (fill, expected) in [
            (fill(0, 0, 0), [Put, Put, Put, Put]),
            (fill(1, 0, 0), [Put, Put, Put, Put]),
            (fill(2, 0, 0), [Wait, Refuse, DropThis, DropOldestAndPut]),
            (fill(1, 1, 0), [Wait, Refuse, DropThis, DropOldestAndPut]),
            (fill(1, 0, 1), [Wait, Refuse, DropThis, DropOldestAndPut]),
            (fill(0, 2, 0), [Wait, Refuse, DropThis, DropThis]),
        ] {
            let policies =
                [Overflow::Wait, Overflow::Fail, Overflow::DropNewest, Overflow::DropOldest];
            assert_eq!(policies.map(|overflow| admit(fill, overflow)), expected, "{fill:?}");
        }
    }
}
