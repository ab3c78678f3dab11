//! Settings of the middleware.

use std::time::Duration;

use hookstack_core::redact::ErrorMessages;

use crate::correlation::CorrelationId;
use crate::middleware::Logging;

/// Which lines [`Logging`] writes itself, beside the user's. They have the target
/// [`TARGET`](crate::TARGET), so a filter can tell them apart too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnLines {
    /// Failures, and at debug level the start and end of each call, executed step and sending.
    #[default]
    All,
    /// Failures only: an error when a function failed for good or a service answered with a server error, a
    /// warning for an attempt or a step that failed, for a call that was dropped, and for one that is close to
    /// its deadline.
    Failures,
    /// None. Lines that were held back are written nevertheless when a call fails.
    Off,
}

/// Puts [`Logging`] together.
#[derive(Clone, Debug, Default)]
#[must_use = "the middleware is made with `build()`"]
pub struct LoggingBuilder {
    pub(crate) config: Config,
}

#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) enabled: bool,
    pub(crate) own_lines: OwnLines,
    pub(crate) error_messages: ErrorMessages,
    pub(crate) correlation_id: CorrelationId,
    pub(crate) deadline_warning: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            enabled: true,
            own_lines: OwnLines::default(),
            error_messages: ErrorMessages::default(),
            correlation_id: CorrelationId::default(),
            deadline_warning: Some(Duration::from_secs(1)),
        }
    }
}

impl LoggingBuilder {
    /// Whether the middleware does anything; read once, when the stack is built. One that is off costs
    /// nothing at all.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.config.enabled = enabled;
        self
    }

    /// Which lines the middleware writes itself; all by default.
    pub fn own_lines(mut self, lines: OwnLines) -> Self {
        self.config.own_lines = lines;
        self
    }

    /// Whether these lines tell the messages of errors and panics. By default they do unless the stack
    /// is sensitive, where they become `[redacted]`; name, kind, origin and step are told always.
    pub fn error_messages(mut self, messages: ErrorMessages) -> Self {
        self.config.error_messages = messages;
        self
    }

    /// Where the `correlation_id` of a call's lines comes from; the id of its event by default.
    pub fn correlation_id(mut self, from: CorrelationId) -> Self {
        self.config.correlation_id = from;
        self
    }

    /// How long before its deadline a call that still runs is warned about; one second by default, `None` for
    /// not at all. A call that begins with less time than that is not warned about.
    ///
    /// The warning is the last that is heard of a call whose process the platform ends, so what is held back of
    /// it is written too. It comes from a thread of the middleware's own, also while the call blocks. Where
    /// the host ends the call a little before the deadline, as that for Lambda does, the warning must come
    /// earlier.
    pub fn deadline_warning(mut self, before: impl Into<Option<Duration>>) -> Self {
        self.config.deadline_warning = before.into();
        self
    }

    /// The middleware.
    pub fn build(self) -> Logging {
        Logging::from_config(self.config)
    }
}
