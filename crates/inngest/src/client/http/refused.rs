//! What the server had to say.

use std::fmt;

use http::StatusCode;

/// The server answered, and did not accept all events: the source of the error in
/// [`Sent`](hookstack_core::Sent).
///
/// What it shows is the status and what that means. The server's own words may quote an event, so they
/// are only in [`server_text`](SendError::server_text), for a developer who asks for them.
///
/// ```
/// use hookstack_core::Sent;
/// use hookstack_inngest::SendError;
///
/// fn explain(sent: &Sent) -> Option<&str> {
///     let refused: &SendError = sent.error.as_ref()?.downcast_ref()?;
///     refused.server_text()
/// }
/// ```
pub struct SendError {
    status: StatusCode,
    meaning: &'static str,
    text: Option<Box<str>>,
}

impl SendError {
    /// So much of the server's text is kept, in characters.
    pub(super) const MAX_TEXT: usize = 2000;

    pub(super) fn new(status: StatusCode, meaning: &'static str, text: &str) -> Self {
        let text: String = text.trim().chars().take(Self::MAX_TEXT).collect();
        SendError { status, meaning, text: (!text.is_empty()).then(|| text.into()) }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the server wrote about the problem, cut after 2000 characters. It may quote events: as
    /// plaintext unless they were encrypted.
    pub fn server_text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the event API answered {}: {}", self.status.as_u16(), self.meaning)
    }
}

/// Without the server's text.
impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError")
            .field("status", &self.status.as_u16())
            .field("meaning", &self.meaning)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for SendError {}
