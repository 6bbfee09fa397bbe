//! `Named<P>`: whoever has a name, found anew at each send.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::error::{LookupError, NamedError, Unresolved};
use super::table::Registry;
use crate::actor::{Accepts, Addr, Ask, AskError, Making, Protocol, Reply, TellError};

/// Whoever has a name: to be sent to as an [`Addr`] is, with the name looked up at each send.
///
/// Keep an address for an actor, and this for a role: it leads to the actor that bears the name at
/// the moment, be it the third one today. While nobody does, a send is an error that gives the
/// message back. Made by [`System::named`](crate::System::named); a look into a table dearer than
/// an address.
///
/// ```
/// use greenroom::prelude::*;
/// enum Msg { Get(Reply<u32>) }
/// impl Protocol for Msg {}
/// async fn actor(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     loop { let Msg::Get(reply) = cx.recv().await; reply.send(cx.name().len() as u32); }
/// }
///
/// greenroom::run(async |system| {
///     let printer = system.named::<Msg>("printer");
///     let error = printer.ask_with(Msg::Get).await.unwrap_err();
///     assert!(error.is_unhandled() && error.is_unresolved());
///
///     let first = system.spawn(child("a", actor).registered("printer").restart(Temporary)).await?;
///     assert_eq!(printer.ask_with(Msg::Get).await?, "root/a".len() as u32);
///     first.kill();
///     first.ended().await;
///     system.spawn(child("bcd", actor).registered("printer")).await?;
///     assert_eq!(printer.ask_with(Msg::Get).await?, "root/bcd".len() as u32);
///     Ok::<(), Fault>(())
/// }).unwrap();
/// ```
pub struct Named<P> {
    registry: Rc<Registry>,
    name: Arc<str>,
    protocol: PhantomData<fn(P)>,
}

impl<P: Protocol> Named<P> {
    pub(crate) fn new(registry: &Rc<Registry>, name: &str) -> Self {
        let registry = Rc::clone(registry);
        Self { registry, name: Arc::from(name), protocol: PhantomData }
    }

    /// The name.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # enum Msg {}
    /// # impl Protocol for Msg {}
    /// greenroom::run(async |system| assert_eq!(system.named::<Msg>("a").name(), "a"));
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who has the name now.
    ///
    /// # Errors
    /// When nobody has it, or whoever has it understands another protocol.
    ///
    /// ```
    /// # use greenroom::prelude::*;
    /// # enum Msg {}
    /// # impl Protocol for Msg {}
    /// greenroom::run(async |system| assert!(system.named::<Msg>("a").resolve().is_err()));
    /// ```
    pub fn resolve(&self) -> Result<Addr<P>, LookupError> {
        self.registry.lookup(&self.name)
    }

    /// Sends to whoever has the name, without ever waiting; see [`Addr::try_tell`].
    ///
    /// # Errors
    /// When the name leads to nobody, and as [`Addr::try_tell`]. The message comes back.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// #[derive(PartialEq, Debug)]
    /// enum Msg { Hello }
    /// impl Protocol for Msg {}
    /// greenroom::run(async |system| {
    ///     let error = system.named::<Msg>("nobody").try_tell(Msg::Hello).unwrap_err();
    ///     assert_eq!(error.into_message(), Some(Msg::Hello));
    /// });
    /// ```
    pub fn try_tell<M>(&self, message: M) -> Result<(), NamedError<M, TellError<M>>>
    where
        P: Accepts<M>,
    {
        match self.resolve() {
            Ok(addr) => addr.try_tell(message).map_err(NamedError::Sending),
            Err(why) => Err(NamedError::Unresolved(Unresolved::new(why, message))),
        }
    }

    /// Sends to whoever has the name when this is first polled, waiting for room as [`Addr::tell`]
    /// does.
    ///
    /// # Errors
    /// When the name leads to nobody, and as [`Addr::tell`]. The message comes back.
    ///
    /// # Cancel safety
    /// Dropped before it is done, the message was not sent and is dropped with it.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Hello }
    /// impl Protocol for Msg {}
    /// async fn greeted(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     let Msg::Hello = cx.recv().await;
    ///     Ok(())
    /// }
    /// greenroom::run(async |system| {
    ///     let addr = greenroom::actor::spawn("greeted", greeted);
    ///     system.register("door", addr).unwrap();
    ///     system.named::<Msg>("door").tell(Msg::Hello).await.unwrap();
    ///     assert_eq!(addr.ended().await, ExitReason::Normal);
    /// });
    /// ```
    pub async fn tell<M>(&self, message: M) -> Result<(), NamedError<M, TellError<M>>>
    where
        P: Accepts<M>,
    {
        match self.resolve() {
            Ok(addr) => addr.tell(message).await.map_err(NamedError::Sending),
            Err(why) => Err(NamedError::Unresolved(Unresolved::new(why, message))),
        }
    }

    /// Asks whoever has the name when this is first polled, and waits for the reply: 5 s unless the
    /// actor's [mailbox](crate::actor::MailboxOptions::ask_timeout) or the returned [`NamedAsk`] is
    /// told otherwise.
    ///
    /// # Errors
    /// When the name leads to nobody, and as [`Addr::ask`].
    ///
    /// # Cancel safety
    /// As [`Addr::ask`].
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// struct Double(u32);
    /// protocol! { enum Doubler { Double(Double) -> u32 } }
    /// async fn doubler(cx: &mut Cx<Doubler>) -> Result<(), Fault> {
    ///     loop { let Doubler::Double(Double(n), reply) = cx.recv().await; reply.send(2 * n); }
    /// }
    /// greenroom::run(async |system| {
    ///     system.spawn(child("doubler", doubler).registered("doubler")).await.unwrap();
    ///     assert_eq!(system.named::<Doubler>("doubler").ask(Double(4)).await.unwrap(), 8);
    /// });
    /// ```
    pub fn ask<M>(&self, message: M) -> NamedAsk<P, M, Ask<Addr<P>, M, P::Reply>>
    where
        P: Accepts<M>,
    {
        NamedAsk::new(self, message, |addr, message, limit| match limit {
            Limit::Usual => addr.ask(message),
            Limit::Within(limit) => addr.ask(message).timeout(limit),
            Limit::Never => addr.ask(message).no_timeout(),
        })
    }

    /// Asks in a plain enum, as [`Addr::ask_with`] does; see [`ask`](Self::ask).
    ///
    /// # Errors
    /// As [`ask`](Self::ask); `make` comes back in the place of the message.
    ///
    /// # Cancel safety
    /// As [`Addr::ask`].
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// enum Msg { Double(u32, Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn doubler(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     loop { let Msg::Double(n, reply) = cx.recv().await; reply.send(2 * n); }
    /// }
    /// greenroom::run(async |system| {
    ///     system.spawn(child("doubler", doubler).registered("doubler")).await.unwrap();
    ///     let doubler = system.named::<Msg>("doubler");
    ///     assert_eq!(doubler.ask_with(|reply| Msg::Double(4, reply)).await.unwrap(), 8);
    /// });
    /// ```
    pub fn ask_with<R: 'static, F>(&self, make: F) -> NamedAsk<P, F, Ask<Making<P>, F, R>>
    where
        F: FnOnce(Reply<R>) -> P,
    {
        NamedAsk::new(self, make, |addr, make, limit| match limit {
            Limit::Usual => addr.ask_with(make),
            Limit::Within(limit) => addr.ask_with(make).timeout(limit),
            Limit::Never => addr.ask_with(make).no_timeout(),
        })
    }
}

impl<P> Clone for Named<P> {
    fn clone(&self) -> Self {
        let (registry, name) = (Rc::clone(&self.registry), Arc::clone(&self.name));
        Self { registry, name, protocol: PhantomData }
    }
}

impl<P> fmt::Debug for Named<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Named({})", self.name)
    }
}

/// How long an ask by name may take.
#[derive(Clone, Copy)]
enum Limit {
    Usual,
    Within(Duration),
    Never,
}

/// The future of [`Named::ask`]: looks the name up when it is first polled, and then asks.
///
/// ```
/// use std::time::Duration;
/// use greenroom::prelude::*;
/// use greenroom::registry::NamedError;
/// enum Msg { Get(Reply<u32>) }
/// impl Protocol for Msg {}
/// async fn silent(cx: &mut Cx<Msg>) -> Result<(), Fault> {
///     let Msg::Get(reply) = cx.recv().await;
///     let _kept = reply;
///     std::future::pending().await
/// }
/// greenroom::test::run(async |test| {
///     test.spawn(child("silent", silent).registered("silent").shutdown(Shutdown::Brutal)).await.unwrap();
///     let asked = test.named::<Msg>("silent").ask_with(Msg::Get).timeout(Duration::from_secs(1));
///     let NamedError::Sending(error) = asked.await.unwrap_err() else { panic!() };
///     assert!(error.is_timeout());
/// });
/// ```
#[must_use = "nothing is asked unless the future is awaited"]
pub struct NamedAsk<P, M, A> {
    named: Named<P>,
    message: Option<M>,
    limit: Limit,
    begin: fn(Addr<P>, M, Limit) -> A,
    asking: Option<A>,
}

impl<P: Protocol, M, A> NamedAsk<P, M, A> {
    fn new(named: &Named<P>, message: M, begin: fn(Addr<P>, M, Limit) -> A) -> Self {
        let (named, message) = (named.clone(), Some(message));
        Self { named, message, limit: Limit::Usual, begin, asking: None }
    }

    /// Waits this long instead of 5 s; see [`Ask::timeout`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// enum Msg { Get(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// greenroom::run(async |system| {
    ///     let ask = system.named::<Msg>("nobody").ask_with(Msg::Get).timeout(Duration::from_secs(1));
    ///     // Nobody is waited for.
    ///     assert!(ask.await.unwrap_err().is_unresolved());
    /// });
    /// ```
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Limit::Within(limit);
        self
    }

    /// Waits as long as it takes; see [`Ask::no_timeout`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use greenroom::prelude::*;
    /// enum Msg { Get(Reply<u32>) }
    /// impl Protocol for Msg {}
    /// async fn slow(cx: &mut Cx<Msg>) -> Result<(), Fault> {
    ///     let Msg::Get(reply) = cx.recv().await;
    ///     greenroom::time::sleep(Duration::from_secs(60)).await;
    ///     reply.send(7);
    ///     Ok(())
    /// }
    /// greenroom::test::run(async |test| {
    ///     test.spawn(child("slow", slow).registered("slow")).await.unwrap();
    ///     let ask = test.named::<Msg>("slow").ask_with(Msg::Get).no_timeout();
    ///     assert_eq!(ask.await.unwrap(), 7);
    /// });
    /// ```
    pub fn no_timeout(mut self) -> Self {
        self.limit = Limit::Never;
        self
    }
}

// No field is ever pinned: the message only passes through.
impl<P, M, A> Unpin for NamedAsk<P, M, A> {}

impl<P, M, R, A> Future for NamedAsk<P, M, A>
where
    P: Protocol,
    A: Future<Output = Result<R, AskError<M>>> + Unpin,
{
    type Output = Result<R, NamedError<M, AskError<M>>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(message) = this.message.take() {
            match this.named.resolve() {
                Ok(addr) => this.asking = Some((this.begin)(addr, message, this.limit)),
                Err(why) => {
                    let error = Unresolved::new(why, message);
                    return Poll::Ready(Err(NamedError::Unresolved(error)));
                }
            }
        }
        let asking = this.asking.as_mut().expect("an ask was polled after it was done");
        Pin::new(asking).poll(cx).map_err(NamedError::Sending)
    }
}

impl<P, M, A> fmt::Debug for NamedAsk<P, M, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedAsk").field("named", &self.named).finish_non_exhaustive()
    }
}
