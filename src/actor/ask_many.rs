//! One question to many actors: all answers, the first one, or one after the other.
//!
//! These are short forms for the same message and the usual limit. For different messages or limits
//! make the asks yourself: `futures::future::join_all` waits for all of them, an [`AskSet`] gives
//! them as they come.

use std::fmt;

use futures::future::join_all;

use super::ask::Ask;
use super::ask_error::AskError;
use super::ask_set::AskSet;
use super::door::Door;

/// Asks all of them the same, at once, and waits until each has answered or failed, at its limit at
/// the latest. What came of it stands in the order in which the actors were given.
///
/// # Cancel safety
/// Dropped while it waits, those who were asked handle the message, and their replies are
/// discarded.
///
/// ```
/// use greenroom::actor::ask_all;
/// use greenroom::prelude::*;
///
/// #[derive(Clone)]
/// struct Get;
/// protocol! { enum CellProtocol { Get(Get) -> u32 } }
/// struct Holds(u32);
/// impl Actor for Holds { type Protocol = CellProtocol; type Error = Fault; }
/// impl Handler<Get> for Holds {
///     async fn handle(&mut self, _: Get, _: &mut Cx<CellProtocol>) -> Result<u32, Fault> { Ok(self.0) }
/// }
///
/// greenroom::run(async |_system| {
///     let cells = [3, 1, 2].map(|n| greenroom::actor::spawn("cell", move || Holds(n)));
///     cells[1].kill();
///     let numbers: Vec<Option<u32>> = ask_all(cells, Get).await.into_iter().map(Result::ok).collect();
///     assert_eq!(numbers, [Some(3), None, Some(2)]);
/// });
/// ```
#[expect(private_bounds, reason = "a door is an address or a recipient, and nothing else")]
pub async fn ask_all<D, M, R>(
    actors: impl IntoIterator<Item = D>,
    message: M,
) -> Vec<Result<R, AskError<M>>>
where
    D: Door<M, R>,
    M: Clone,
    R: 'static,
{
    join_all(asks(actors, message)).await
}

/// Asks all of them the same, at once, and takes the first answer; the others are given up, and
/// what they reply is discarded.
///
/// # Errors
/// When nobody answered: why each of them did not, in the order in which they failed.
///
/// # Cancel safety
/// As [`ask_all`].
///
/// ```
/// use greenroom::actor::ask_any;
/// use greenroom::prelude::*;
///
/// #[derive(Clone)]
/// struct Get;
/// protocol! { enum CellProtocol { Get(Get) -> u32 } }
/// struct Holds(u32);
/// impl Actor for Holds { type Protocol = CellProtocol; type Error = Fault; }
/// impl Handler<Get> for Holds {
///     async fn handle(&mut self, _: Get, _: &mut Cx<CellProtocol>) -> Result<u32, Fault> { Ok(self.0) }
/// }
///
/// greenroom::run(async |_system| {
///     let cells = [3, 1].map(|n| greenroom::actor::spawn("cell", move || Holds(n)));
///     cells[0].kill();
///     assert_eq!(ask_any(cells, Get).await.unwrap(), 1);
///     cells[1].kill();
///     let errors = ask_any(cells, Get).await.unwrap_err().errors;
///     assert!(errors.iter().all(|error| error.is_unhandled()));
/// });
/// ```
#[expect(private_bounds, reason = "a door is an address or a recipient, and nothing else")]
pub async fn ask_any<D, M, R>(
    actors: impl IntoIterator<Item = D>,
    message: M,
) -> Result<R, NoAnswer>
where
    D: Door<M, R> + 'static,
    M: Clone + 'static,
    R: 'static,
{
    let mut answers = ask_each(actors, message);
    let mut errors = Vec::new();
    while let Some((_, answer)) = answers.next().await {
        match answer {
            Ok(reply) => return Ok(reply),
            Err(error) => errors.push(error),
        }
    }
    Err(NoAnswer { errors })
}

/// Asks all of them the same, at once, and gives the answers as they come, each under the place of
/// its actor among those given.
///
/// ```
/// use futures::StreamExt as _;
/// use greenroom::actor::ask_each;
/// use greenroom::prelude::*;
///
/// #[derive(Clone)]
/// struct Get;
/// protocol! { enum CellProtocol { Get(Get) -> u32 } }
/// struct Holds(u32);
/// impl Actor for Holds { type Protocol = CellProtocol; type Error = Fault; }
/// impl Handler<Get> for Holds {
///     async fn handle(&mut self, _: Get, _: &mut Cx<CellProtocol>) -> Result<u32, Fault> { Ok(self.0) }
/// }
///
/// greenroom::run(async |_system| {
///     let cells = [3, 1, 2].map(|n| greenroom::actor::spawn("cell", move || Holds(n)));
///     let large = ask_each(cells, Get).filter_map(async |(place, answer)| {
///         answer.is_ok_and(|number| number > 1).then_some(place)
///     });
///     let mut large: Vec<usize> = large.collect().await;
///     large.sort_unstable();
///     assert_eq!(large, [0, 2]);
/// });
/// ```
#[expect(private_bounds, reason = "a door is an address or a recipient, and nothing else")]
pub fn ask_each<D, M, R>(actors: impl IntoIterator<Item = D>, message: M) -> AskSet<usize, R>
where
    D: Door<M, R> + 'static,
    M: Clone + 'static,
    R: 'static,
{
    let mut set = AskSet::new();
    for (place, ask) in asks(actors, message).enumerate() {
        let added = set.add(place, ask);
        debug_assert!(added.is_ok(), "no two have one place");
    }
    set
}

fn asks<D, M, R>(
    actors: impl IntoIterator<Item = D>,
    message: M,
) -> impl Iterator<Item = Ask<D, M, R>>
where
    D: Door<M, R>,
    M: Clone,
    R: 'static,
{
    actors.into_iter().map(move |actor| Ask::new(actor, message.clone()))
}

/// None of those who were asked answered.
///
/// ```
/// use greenroom::actor::{Addr, ask_any};
/// use greenroom::prelude::*;
/// #[derive(Clone)]
/// struct Get;
/// protocol! { enum CellProtocol { Get(Get) -> u32 } }
/// greenroom::run(async |_system| {
///     let error = ask_any([] as [Addr<CellProtocol>; 0], Get).await.unwrap_err();
///     assert_eq!(error.to_string(), "nobody answered, as nobody was asked");
/// });
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub struct NoAnswer {
    /// Why each of them did not, in the order in which they failed.
    pub errors: Vec<AskError<()>>,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(last) = self.errors.last() else {
            return f.write_str("nobody answered, as nobody was asked");
        };
        write!(f, "none of {} actors answered; the last: {last}", self.errors.len())
    }
}
