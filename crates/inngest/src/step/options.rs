//! Arguments of the step tools.

use std::time::Duration;

use hookstack_core::{Invoke, Payload};

/// A function to invoke.
///
/// ```
/// use std::time::Duration;
/// use hookstack_inngest::FunctionRef;
///
/// let same_app = FunctionRef::new("charge");
/// let other_app = FunctionRef::new("charge").in_app("billing").with_timeout(Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct FunctionRef {
    app: Option<String>,
    function: String,
    timeout: Option<Duration>,
}

impl FunctionRef {
    /// A function of the same app.
    pub fn new(function: impl Into<String>) -> Self {
        FunctionRef { app: None, function: function.into(), timeout: None }
    }

    /// The function belongs to another app.
    pub fn in_app(mut self, app: impl Into<String>) -> Self {
        self.app = Some(app.into());
        self
    }

    /// How long to wait for the result.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub(super) fn invoke(self, own_app: &str, data: Payload) -> Invoke {
        let app = self.app.as_deref().unwrap_or(own_app);
        let mut invoke = Invoke::new(crate::function::slug(app, &self.function), data);
        invoke.timeout = self.timeout;
        invoke
    }
}

impl From<&str> for FunctionRef {
    fn from(function: &str) -> Self {
        FunctionRef::new(function)
    }
}

impl From<String> for FunctionRef {
    fn from(function: String) -> Self {
        FunctionRef::new(function)
    }
}
