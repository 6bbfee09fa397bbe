//! Running user code so that a panic comes back as a value.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Runs `f`; a panic becomes its text.
///
/// The payload is dropped here, under a second guard, because a payload may panic in its own
/// `Drop`.
/// `AssertUnwindSafe` is right because every caller throws away what the code was working on.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Arc<str>> {
    catch_unwind(AssertUnwindSafe(f)).map_err(text_of)
}

/// Drops a value of the user's; a panic in its `Drop` is reported and goes no further.
pub(crate) fn drop_quietly<T>(value: T) {
    drop_reporting(value);
}

/// The same for those who have to know: gives the panic's text.
pub(crate) fn drop_reporting<T>(value: T) -> Option<Arc<str>> {
    let text = catch(|| drop(value)).err()?;
    tracing::error!(
        target: "greenroom::task", panic = %text,
        "a value panicked while it was dropped",
    );
    Some(text)
}

fn text_of(payload: Box<dyn Any + Send>) -> Arc<str> {
    let text: Arc<str> = if let Some(text) = payload.downcast_ref::<&str>() {
        Arc::from(*text)
    } else if let Some(text) = payload.downcast_ref::<String>() {
        Arc::from(text.as_str())
    } else {
        Arc::from("a panic whose payload is not text")
    };
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // A payload that panics twice cannot be dropped at all; it is leaked, which is safe.
        std::mem::forget(second);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Evil;
    impl Drop for Evil {
        fn drop(&mut self) {
            panic!("while dropping");
        }
    }

    #[test]
    fn panics_become_text_whatever_their_payload_does() {
        assert_eq!(catch(|| 5), Ok(5));
        assert_eq!(catch(|| panic!("plain")).unwrap_err().as_ref(), "plain");
        assert_eq!(catch(|| panic!("number {}", 7)).unwrap_err().as_ref(), "number 7");
        let evil = catch(|| std::panic::panic_any(Evil)).unwrap_err();
        assert_eq!(evil.as_ref(), "a panic whose payload is not text");
        drop_quietly(Evil);
    }
}
