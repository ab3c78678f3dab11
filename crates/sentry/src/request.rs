//! What events tell about requests to HTTP services and AWS Lambda functions, in place of what they tell about runs.

use hookstack_core::{CallInfo, CallTrigger, LambdaInfo};
use http::StatusCode;
use sentry_core::protocol::{Context, Event, Map, SpanStatus, Value};

use crate::limits::{self, cut};

/// Contexts as Sentry's own integrations call them.
const LAMBDA: &str = "aws.lambda";
const LOGS: &str = "aws.cloudwatch.logs";
const HTTP: &str = "http";

const METHODS: [&str; 9] =
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"];

/// A call that is one of these.
#[derive(Clone, Copy)]
pub(crate) enum Request<'a> {
    Http { method: &'a str, route: &'a str },
    Lambda { function: &'a str },
}

impl<'a> Request<'a> {
    /// `None` for a call of a run.
    pub(crate) fn of(info: &'a CallInfo) -> Option<Self> {
        match &info.trigger {
            CallTrigger::Http { method, route } => Some(Request::Http { method, route }),
            CallTrigger::Lambda { function } => Some(Request::Lambda { function }),
            _ => None,
        }
    }

    /// The name of the transaction. Anybody can make methods up, and transactions are grouped by it.
    pub(crate) fn transaction(self) -> String {
        match self {
            Request::Http { method, route } => {
                let method = if METHODS.contains(&method) { method } else { "HTTP" };
                match route {
                    "" => method.to_owned(),
                    route => format!("{method} {}", cut(route, limits::NAME)),
                }
            }
            Request::Lambda { function } => format!("lambda/{}", cut(function, limits::NAME)),
        }
    }

    pub(crate) fn operation(self) -> &'static str {
        match self {
            Request::Http { .. } => "http.server",
            Request::Lambda { .. } => "function.aws",
        }
    }

    /// The name of the context that holds what is too much for tags.
    pub(crate) fn context(self) -> &'static str {
        match self {
            Request::Http { .. } => HTTP,
            Request::Lambda { .. } => LAMBDA,
        }
    }

    pub(crate) fn tags(
        self,
        info: &'a CallInfo,
        status: Option<StatusCode>,
    ) -> [(&'static str, Option<String>); 7] {
        let lambda = info.platform::<LambdaInfo>();
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let (mut method, mut route, mut code, mut function) = (None, None, None, None);
        match self {
            Request::Http { method: sent, route: known } => {
                (method, route) = (text(sent), text(known));
                code = status.map(|status| status.as_str().to_owned());
            }
            Request::Lambda { function: name } => function = text(name),
        }
        [
            ("app.id", text(&info.app_id)),
            ("request.id", text(&info.run_id)),
            ("http.request.method", method),
            ("http.route", route),
            ("http.response.status_code", code),
            ("faas.name", function),
            ("cloud.region", lambda.and_then(|lambda| text(lambda.region.as_deref()?))),
        ]
    }

    /// Adds the contexts.
    pub(crate) fn describe(self, event: &mut Event<'static>, info: &CallInfo) {
        let mut add = |name: &str, values: Map<String, Value>| {
            event.contexts.insert(name.to_owned(), Context::Other(values));
        };
        let mut call = Values::default();
        match self {
            Request::Http { method, route } => {
                call.text("request_id", Some(&info.run_id));
                call.text("method", Some(method));
                call.text("route", Some(route));
            }
            Request::Lambda { function } => {
                call.text("aws_request_id", Some(&info.run_id));
                call.text("function_name", Some(function));
                let Some(lambda) = info.platform::<LambdaInfo>() else {
                    call.remaining_time(info);
                    return add(LAMBDA, call.0);
                };
                call.text("invoked_function_arn", lambda.function_arn.as_deref());
                call.text("function_version", lambda.function_version.as_deref());
                call.text("region", lambda.region.as_deref());
                call.0.insert("cold_start".to_owned(), lambda.is_cold_start.into());
                if let Some(memory) = lambda.memory_mib {
                    call.0.insert("memory_limit_in_mb".to_owned(), memory.into());
                }
                let mut logs = Values::default();
                logs.text("log_group", lambda.log_group.as_deref());
                logs.text("log_stream", lambda.log_stream.as_deref());
                if !logs.0.is_empty() {
                    add(LOGS, logs.0);
                }
            }
        }
        call.remaining_time(info);
        add(self.context(), call.0);
    }
}

#[derive(Default)]
struct Values(Map<String, Value>);

impl Values {
    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.0.insert(key.to_owned(), cut(text, limits::NAME).into());
        }
    }

    fn remaining_time(&mut self, info: &CallInfo) {
        if let Some(left) = info.remaining_time() {
            let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            self.0.insert("remaining_time_in_millis".to_owned(), left.into());
        }
    }
}

/// The status of a transaction, as Sentry derives it from one of HTTP.
pub(crate) fn span_status(status: StatusCode) -> SpanStatus {
    match status.as_u16() {
        100..=399 => SpanStatus::Ok,
        401 => SpanStatus::Unauthenticated,
        403 => SpanStatus::PermissionDenied,
        404 => SpanStatus::NotFound,
        409 => SpanStatus::AlreadyExists,
        413 => SpanStatus::FailedPrecondition,
        429 => SpanStatus::ResourceExhausted,
        499 => SpanStatus::Cancelled,
        400..=499 => SpanStatus::InvalidArgument,
        501 => SpanStatus::Unimplemented,
        503 => SpanStatus::Unavailable,
        504 => SpanStatus::DeadlineExceeded,
        500..=599 => SpanStatus::InternalError,
        _ => SpanStatus::UnknownError,
    }
}
