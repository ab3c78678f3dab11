//! What causes calls.

/// What caused a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallTrigger {
    /// An event.
    Event {
        /// Its name.
        name: String,
    },
    /// A schedule.
    Cron {
        /// The cron expression.
        schedule: String,
    },
    /// Another function's `invoke`.
    Invoke,
    /// The final failure of another function, whose failure handler this function is.
    Failure {
        /// The slug of the function that failed.
        function: String,
        /// The run that failed.
        run_id: String,
    },
    /// A request to an HTTP service.
    Http {
        /// The method, in upper case.
        method: String,
        /// The template of the path, with its placeholders, as the service registers it.
        route: String,
    },
    /// An invocation of an AWS Lambda function.
    Lambda {
        /// The function's name.
        function: String,
    },
    /// A request to a host without events that tells no more about it.
    Request,
}

impl CallTrigger {
    /// Whether it is a request to an HTTP service: only there a status is one that HTTP defines, and not a part of
    /// the platform's protocol.
    pub fn is_http(&self) -> bool {
        matches!(self, CallTrigger::Http { .. })
    }
}
