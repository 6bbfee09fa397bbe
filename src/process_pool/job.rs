//! `Job`: a function that both sides know by name.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A piece of work that a worker process can do: a function with a name, known to the pool's side
/// by its type and to the worker's by [`Worker::job`](super::Worker::job).
///
/// What may go wrong in it belongs into its output, as a `Result`. A panic ends its worker and is
/// an error of the pool. Input and output are sent in the form of `postcard`, which does not say
/// what it is: types that have to ask, such as untagged enums, cannot be read back.
///
/// ```
/// use greenroom::process_pool::Job;
///
/// struct Count;
/// impl Job for Count {
///     const NAME: &'static str = "count words";
///     type Input = String;
///     type Output = usize;
///     fn run(text: String) -> usize { text.split_whitespace().count() }
/// }
/// assert_eq!(Count::run("to be or not to be".to_owned()), 6);
/// ```
pub trait Job {
    /// What the worker finds it by; no two jobs of a worker may share one.
    const NAME: &'static str;
    /// What goes in, as a copy.
    type Input: Serialize + DeserializeOwned;
    /// What comes out, as a copy.
    type Output: Serialize + DeserializeOwned;

    /// Does the work. It may take its time: the worker has nothing else to do.
    fn run(input: Self::Input) -> Self::Output;
}
