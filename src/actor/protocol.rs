//! Protocols: what an actor understands, as a type; and the macro that writes one.

use super::address::Addr;
use super::context::Cx;
use super::reply::Reply;
use super::{Actor, Handler};

/// What an actor understands: the messages of one mailbox, as one type.
///
/// Addresses, mailboxes and receive loops are typed by the protocol, not by the actor, so a proxy,
/// a pool and a mock have the same address type as the actor they stand for. A plain enum is a
/// protocol by one line; [`protocol!`](crate::protocol) writes an enum whose messages are types of
/// their own, with their replies.
///
/// ```
/// use greenroom::prelude::*;
///
/// enum Lamp { On, Off, IsOn(Reply<bool>) }
/// impl Protocol for Lamp {}
/// ```
pub trait Protocol: Sized + 'static {}

/// The protocol has a message `M`, answered by a [`Reply`](Accepts::Reply).
///
/// Every protocol accepts itself, which is how plain enums are sent. Implement it by hand to send
/// something else to a plain enum, such as the [`Down`](super::Down) notices of a monitor:
///
/// ```
/// use greenroom::prelude::*;
///
/// enum Msg { Gone(Down) }
/// impl Protocol for Msg {}
/// impl Accepts<Down> for Msg {
///     type Reply = ();
///     fn wrap(down: Down, _: Reply<()>) -> Self { Msg::Gone(down) }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the protocol `{Self}` has no message `{M}`",
    note = "add a variant to `protocol!`, or implement `Accepts<{M}>` for a plain enum"
)]
pub trait Accepts<M>: Protocol {
    /// What an `ask` of this message gives; `()` for one that is only told.
    type Reply: 'static;

    /// Makes the protocol's message of `message` and the port for its reply.
    fn wrap(message: M, reply: Reply<Self::Reply>) -> Self;
}

impl<P: Protocol> Accepts<P> for P {
    type Reply = ();

    fn wrap(message: P, _: Reply<()>) -> Self {
        message
    }
}

/// Hands a message of this protocol to the right [`Handler`] of `A`; written by
/// [`protocol!`](crate::protocol).
///
/// It can be written by hand, for a struct actor with a plain enum:
///
/// ```
/// use greenroom::prelude::*;
/// use greenroom::actor::Dispatch;
///
/// enum Msg { Add(u64), Get(Reply<u64>) }
/// impl Protocol for Msg {}
/// #[derive(Default)]
/// struct Counter(u64);
/// impl Actor for Counter { type Protocol = Msg; type Error = Fault; }
/// impl Dispatch<Counter> for Msg {
///     async fn dispatch(self, counter: &mut Counter, _: &mut Cx<Msg>) -> Result<(), Fault> {
///         match self { Msg::Add(n) => counter.0 += n, Msg::Get(reply) => reply.send(counter.0) }
///         Ok(())
///     }
/// }
///
/// greenroom::run(async |_system| {
///     let counter = greenroom::actor::spawn("counter", Counter::default);
///     counter.tell(Msg::Add(2)).await.unwrap();
///     assert_eq!(counter.ask_with(Msg::Get).await.unwrap(), 2);
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{A}` does not handle every message of the protocol `{Self}`",
    note = "implement `Handler<M>` for each message (`Handler<Request<M, R>>` for one with `=>`)"
)]
pub trait Dispatch<A: Actor<Protocol = Self>>: Protocol {
    /// Calls the handler and sends its reply.
    ///
    /// # Errors
    /// With the handler's error.
    ///
    /// # Cancel safety
    /// Dropped half-way, the message has been handled in part.
    #[expect(async_fn_in_trait, reason = "actors stay on their loop, so no `Send` is wanted")]
    async fn dispatch(self, actor: &mut A, cx: &mut Cx<Self>) -> Result<(), A::Error>;
}

/// A message travelling with the port for its reply: what a handler gets for a message that was
/// declared with `=>`, to answer later, from another handler or by another actor.
///
/// ```
/// use greenroom::prelude::*;
///
/// struct WaitFor(u64);
/// protocol! { enum CounterProtocol { Add(u64), Wait(WaitFor) => u64 } }
///
/// #[derive(Default)]
/// struct Counter { n: u64, waiting: Vec<Request<WaitFor, u64>> }
/// impl Actor for Counter { type Protocol = CounterProtocol; type Error = Fault; }
/// impl Handler<u64> for Counter {
///     async fn handle(&mut self, add: u64, _: &mut Cx<CounterProtocol>) -> Result<(), Fault> {
///         self.n += add;
///         let n = self.n;
///         for request in self.waiting.extract_if(.., |request| request.message.0 <= n) {
///             request.reply.send(n);
///         }
///         Ok(())
///     }
/// }
/// impl Handler<Request<WaitFor, u64>> for Counter {
///     async fn handle(
///         &mut self, request: Request<WaitFor, u64>, _: &mut Cx<CounterProtocol>,
///     ) -> Result<(), Fault> {
///         self.waiting.push(request);
///         Ok(())
///     }
/// }
///
/// greenroom::run(async |_system| {
///     let counter = greenroom::actor::spawn("counter", Counter::default);
///     let waiting = counter.ask(WaitFor(3));
///     let adding = async { counter.tell(2).await?; counter.tell(2).await };
///     let (waited, added) = futures::join!(waiting, adding);
///     assert!(added.is_ok());
///     assert_eq!(waited.unwrap(), 4);
/// });
/// ```
#[derive(Debug)]
pub struct Request<M, R: 'static> {
    /// What was asked.
    pub message: M,
    /// Where the answer goes. Dropping it tells the asker that there will be none.
    pub reply: Reply<R>,
}

impl<M, R: 'static> Request<M, R> {
    /// Passes the request on with its reply port: whoever answers answers the first asker. The duty
    /// goes with it: if `to` ends without answering, the first asker is told so, at once and with
    /// its name; the one that passed it on may end.
    ///
    /// # Errors
    /// When `to` is full or has ended: the request comes back, with its port. To an actor on
    /// another loop, `Ok` promises only that it reached the inbox of that loop; one that the inbox
    /// refuses is a dead letter, which tells the asker that there is no answer.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// struct Sum(Vec<u32>);
    /// protocol! { enum SumProtocol { Sum(Sum) => u32 } }
    /// struct Adds;
    /// impl Actor for Adds { type Protocol = SumProtocol; type Error = Fault; }
    /// impl Handler<Request<Sum, u32>> for Adds {
    ///     async fn handle(&mut self, request: Request<Sum, u32>, _: &mut Cx<SumProtocol>) -> Result<(), Fault> {
    ///         let sum = request.message.0.iter().copied().reduce(|a, b| a + b);
    ///         request.reply.send(sum.ok_or_else(|| Fault::new("nothing to add"))?);
    ///         Ok(())
    ///     }
    /// }
    /// struct Delegates(Addr<SumProtocol>);
    /// impl Actor for Delegates { type Protocol = SumProtocol; type Error = Fault; }
    /// impl Handler<Request<Sum, u32>> for Delegates {
    ///     async fn handle(&mut self, request: Request<Sum, u32>, _: &mut Cx<SumProtocol>) -> Result<(), Fault> {
    ///         request.forward(self.0).map_err(|error| error.without_message())?;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// greenroom::run(async |_system| {
    ///     let adds = greenroom::actor::spawn("adds", || Adds);
    ///     let first = greenroom::actor::spawn("delegates", move || Delegates(adds));
    ///     assert_eq!(first.ask(Sum(vec![1, 2, 3])).await.unwrap(), 6);
    ///     match first.ask(Sum(vec![])).await.unwrap_err() {
    ///         AskError::Crashed { actor, .. } => assert_eq!(actor.id, adds.id()),
    ///         other => panic!("{other}"),
    ///     }
    /// });
    /// ```
    pub fn forward<P>(self, to: Addr<P>) -> Result<(), super::TellError<Self>>
    where
        P: Accepts<M, Reply = R>,
    {
        to.forward(self)
    }
}

/// Declares a protocol: an enum with one variant for each message.
///
/// - `Name(Message)` is told and has no reply;
/// - `Name(Message) -> R` is answered by what its handler returns;
/// - `Name(Message) => R` is deferred: its handler gets a [`Request`](crate::actor::Request) and
///   keeps the reply port for as long as it likes.
///
/// The enum has a variant `Name(Message, Reply<R>)` for each line, for actors that `match` it in a
/// receive loop of their own.
///
/// ```
/// use greenroom::prelude::*;
///
/// pub struct Deposit(pub u64);
/// pub struct Balance;
///
/// protocol! {
///     /// What an account understands.
///     pub enum AccountProtocol {
///         Deposit(Deposit),
///         Balance(Balance) -> u64,
///     }
/// }
///
/// struct Account { cents: u64 }
/// impl Actor for Account { type Protocol = AccountProtocol; type Error = Fault; }
/// impl Handler<Deposit> for Account {
///     async fn handle(&mut self, deposit: Deposit, _: &mut Cx<AccountProtocol>) -> Result<(), Fault> {
///         self.cents += deposit.0;
///         Ok(())
///     }
/// }
/// impl Handler<Balance> for Account {
///     async fn handle(&mut self, _: Balance, _: &mut Cx<AccountProtocol>) -> Result<u64, Fault> {
///         Ok(self.cents)
///     }
/// }
///
/// greenroom::run(async |_system| {
///     let account = greenroom::actor::spawn("account", || Account { cents: 0 });
///     account.tell(Deposit(5)).await.unwrap();
///     assert_eq!(account.ask(Balance).await.unwrap(), 5);
/// });
/// ```
#[macro_export]
macro_rules! protocol {
    (
        $(#[$meta:meta])*
        $vis:vis enum $Protocol:ident {
            $(
                $(#[$variant_meta:meta])*
                $Variant:ident($Message:ty) $(-> $Reply:ty)? $(=> $Deferred:ty)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        $vis enum $Protocol {
            $(
                #[doc = concat!("A `", stringify!($Message), "` and the port for its reply.")]
                $(#[$variant_meta])*
                $Variant(
                    $Message,
                    $crate::actor::Reply<$crate::protocol!(@reply $($Reply)? $($Deferred)?)>,
                )
            ),*
        }

        impl $crate::actor::Protocol for $Protocol {}

        $(
            impl $crate::actor::Accepts<$Message> for $Protocol {
                type Reply = $crate::protocol!(@reply $($Reply)? $($Deferred)?);

                fn wrap(message: $Message, reply: $crate::actor::Reply<Self::Reply>) -> Self {
                    Self::$Variant(message, reply)
                }
            }

            $(
                impl $crate::actor::Accepts<$crate::actor::Request<$Message, $Deferred>>
                    for $Protocol
                {
                    type Reply = ();

                    fn wrap(
                        request: $crate::actor::Request<$Message, $Deferred>,
                        _: $crate::actor::Reply<()>,
                    ) -> Self {
                        Self::$Variant(request.message, request.reply)
                    }
                }
            )?
        )*

        impl<__Actor> $crate::actor::Dispatch<__Actor> for $Protocol
        where
            __Actor: $crate::actor::Actor<Protocol = Self>
                $(+ $crate::actor::Handler<$crate::protocol!(@handled $Message $(=> $Deferred)?)>)*
        {
            #[allow(clippy::manual_async_fn, reason = "it would keep each message twice")]
            fn dispatch(
                self,
                actor: &mut __Actor,
                cx: &mut $crate::actor::Cx<Self>,
            ) -> impl ::core::future::Future<
                Output = ::core::result::Result<(), __Actor::Error>,
            > {
                async move {
                    match self {
                        $(
                            Self::$Variant(message, reply) => {
                                cx.begin_handling::<$Message>();
                                $crate::protocol!(
                                    @call __Actor, actor, cx, message, reply,
                                    $Message $(=> $Deferred)?
                                )
                            }
                        ),*
                    }
                    ::core::result::Result::Ok(())
                }
            }
        }
    };
    (@reply) => { () };
    (@reply $Reply:ty) => { $Reply };
    (@handled $Message:ty) => { $Message };
    (@handled $Message:ty => $Deferred:ty) => { $crate::actor::Request<$Message, $Deferred> };
    (@call $A:ident, $actor:ident, $cx:ident, $message:ident, $reply:ident, $Message:ty) => {{
        let value = <$A as $crate::actor::Handler<$Message>>::handle($actor, $message, $cx).await?;
        $reply.send(value);
    }};
    (
        @call $A:ident, $actor:ident, $cx:ident, $message:ident, $reply:ident,
        $Message:ty => $Deferred:ty
    ) => {{
        let request = $crate::actor::Request { message: $message, reply: $reply };
        <$A as $crate::actor::Handler<$crate::actor::Request<$Message, $Deferred>>>::handle(
            $actor, request, $cx,
        )
        .await?;
    }};
}

/// So that the documentation of this file may name the trait.
#[allow(unused_imports, reason = "named by the documentation above")]
use Handler as _;
