//! `Fault`: any error, for actors that have no error type of their own.

use std::fmt;

/// Any error, with its causes: what handlers and `main` return when no error type is worth writing.
///
/// Every `std::error::Error` that is `Send + Sync` converts by `?`; [`Fault::new`] makes one of
/// text. It is `anyhow::Error` underneath and prints like it.
///
/// ```
/// use greenroom::prelude::*;
///
/// fn parse(text: &str) -> Result<u16, Fault> {
///     let port: u16 = text.parse()?;
///     if port == 0 { return Err(Fault::new("port 0 is not a port")); }
///     Ok(port)
/// }
/// assert!(parse("80").is_ok());
/// assert_eq!(parse("0").unwrap_err().to_string(), "port 0 is not a port");
/// assert_eq!(parse("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
pub struct Fault(anyhow::Error);

impl Fault {
    /// A fault with this text.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// let fault = Fault::new("no paper");
    /// assert_eq!(fault.to_string(), "no paper");
    /// ```
    #[must_use]
    pub fn new(text: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> Self {
        Self(anyhow::Error::msg(text))
    }

    /// The same fault with a sentence on what was being done.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// let fault = Fault::new("no paper").context("cannot print");
    /// assert_eq!(fault.to_string(), "cannot print");
    /// // The alternate form has the causes too; it is what an `ExitReason` keeps.
    /// assert_eq!(format!("{fault:#}"), "cannot print: no paper");
    /// ```
    #[must_use]
    pub fn context(self, text: impl fmt::Display + Send + Sync + 'static) -> Self {
        Self(self.0.context(text))
    }

    /// The error inside, if it is an `E`.
    ///
    /// ```
    /// use greenroom::prelude::*;
    /// use std::num::ParseIntError;
    /// let fault = Fault::from("x".parse::<u16>().unwrap_err()).context("bad port");
    /// assert!(fault.downcast_ref::<ParseIntError>().is_some());
    /// assert!(fault.downcast_ref::<std::io::Error>().is_none());
    /// ```
    #[must_use]
    pub fn downcast_ref<E: std::error::Error + Send + Sync + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
