//! Sending a value home: how something typed gets to a loop on another thread although neither side
//! of the call is bound by `Send`. One of the two files with `unsafe`.
//!
//! An address is eight bytes and `Copy`, and telling something to an actor on the caller's own loop
//! must work for values that are not `Send`. So `tell` cannot demand `Send`, and yet the same call
//! on another thread has to move the value across. The compiler has already made the check that is
//! needed, at the moment when the *address* crossed: [`Home<T>`] is `Send` exactly when `T` is.
//! What is left is to carry that fact to the place where the value is boxed for the trip.
//!
//! The gain, which safe code cannot have: addresses without a shared channel inside (8 bytes,
//! `Copy`, no reference count) and replies without an allocation, for local and remote callers
//! alike.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Mutex;

use super::remote::{self, Post, Refused, Remote};
use crate::base::key::{Key, LoopId};

/// The way back to a loop for values of one type.
///
/// It is made only on the loop's own thread, and the marker makes it `Send` and `Sync` exactly when
/// `T: Send`. Holding one on another thread is therefore proof that `T: Send`.
pub(crate) struct Home<T> {
    key: Key,
    /// `Mutex<T>` is `Send` when `T: Send` and `Sync` when `T: Send`: the auto traits wanted here.
    marker: PhantomData<Mutex<T>>,
}

impl<T> Clone for Home<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Home<T> {}

// It holds a number and a marker, whatever `T` is.
impl<T> Unpin for Home<T> {}

impl<T> Home<T> {
    /// Makes the way home to `key`.
    ///
    /// # Panics
    /// When `here`, the caller's own loop, is not the loop of the key: everything below rests on
    /// it.
    #[inline]
    pub(crate) fn new(key: Key, here: LoopId) -> Self {
        assert!(key.home() == here, "the way home is made at home");
        Self { key, marker: PhantomData }
    }

    #[inline]
    pub(crate) const fn key(self) -> Key {
        self.key
    }
}

impl<T: 'static> Home<T> {
    /// Moves `value` to the thread of the home loop and calls `deliver` with it there.
    ///
    /// # Errors
    /// The value, when the loop has ended or its inbox is full. Nothing happened then.
    pub(crate) fn send<F>(self, value: T, deliver: F) -> Result<(), (T, Refused)>
    where
        F: FnOnce(Key, T) + Send + 'static,
    {
        self.send_by(Remote::post, value, deliver)
    }

    /// The same for a value that somebody waits for: never refused for want of room.
    ///
    /// # Errors
    /// The value, when the loop has ended.
    pub(crate) fn send_always<F>(self, value: T, deliver: F) -> Result<(), (T, Refused)>
    where
        F: FnOnce(Key, T) + Send + 'static,
    {
        self.send_by(Remote::post_always, value, deliver)
    }

    fn send_by<F>(
        self,
        post: impl FnOnce(&Remote, Post) -> Result<(), (Post, Refused)>,
        value: T,
        deliver: F,
    ) -> Result<(), (T, Refused)>
    where
        F: FnOnce(Key, T) + Send + 'static,
    {
        let Some(remote) = remote::find(self.key.home()) else {
            return Err((value, Refused::Closed));
        };
        let letter = Letter { key: self.key, value: Crossing(value), deliver };
        post(&remote, Post::Deliver(Box::new(letter))).map_err(|(post, refused)| {
            let Post::Deliver(parcel) = post else { unreachable!("a post comes back as it went") };
            let letter = parcel.into_any().downcast::<Letter<T, F>>();
            (letter.expect("a post comes back as it went").value.0, refused)
        })
    }
}

/// Something on its way to a loop, whatever its type.
pub(crate) trait Parcel: Send {
    /// Delivers it; called on the home loop's thread.
    fn open(self: Box<Self>);
    /// Gives it back to the sender when it was refused.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

struct Letter<T, F> {
    key: Key,
    value: Crossing<T>,
    deliver: F,
}

impl<T: 'static, F: FnOnce(Key, T) + Send + 'static> Parcel for Letter<T, F> {
    fn open(self: Box<Self>) {
        let Self { key, value: Crossing(value), deliver } = *self;
        deliver(key, value);
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// A value on its way home. It is private, made by [`Home::send`] only, and taken out either by the
/// home loop's thread or, when the post is refused, by the thread that put it in.
struct Crossing<T>(T);

#[allow(unsafe_code, reason = "argued below; the gain is stated at the top of the file")]
// SAFETY: a `Crossing<T>` moves between two threads only: the one that called `Home::send` and the
// home loop's. If they are the same thread, nothing crosses and no bound is needed (a loop never
// changes its thread, as `EventLoop` is not `Send`, and its number is never used again). If they
// differ, the caller holds, on a thread that is not the loop's, a `Home<T>` that was made on the
// loop's thread, for `Home::new` asserts that. Safe code can have brought it there only if
// `Home<T>: Send` or `Sync`, which the marker grants exactly when `T: Send`. The value is then
// allowed to move to the loop's thread. It is dropped on one of the same two threads: the inbox's
// posts are run or dropped by the loop's thread only, as `Remote::close` hands the rest to it and
// refuses whatever comes later.
unsafe impl<T> Send for Crossing<T> {}
