//! Named promises: stated in a module's documentation, checked here, shown by a test.

/// Checks a promise by its name, `invariant!(T1, condition, "what was seen")`.
///
/// A broken promise is a bug of this crate, never of its user. A debug build stops at it. A release
/// build reports it and goes on, because a server with one odd task is better than none.
macro_rules! invariant {
    ($name:ident, $condition:expr, $($seen:tt)+) => {
        if !$condition {
            $crate::base::invariant::broken(stringify!($name), format_args!($($seen)+));
        }
    };
}
pub(crate) use invariant;

#[cold]
pub(crate) fn broken(name: &str, seen: std::fmt::Arguments<'_>) {
    if cfg!(debug_assertions) {
        panic!("invariant {name} is broken: {seen}");
    }
    tracing::error!(target: "greenroom::invariant", name, %seen, "an invariant is broken");
}
