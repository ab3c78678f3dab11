//! The request handler: bytes in, bytes out, independent of any HTTP server.

use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use hookstack_core::host::{Answered, BoxFuture, CallGuard, Execution, Host};
use hookstack_core::redact::ErrorMessages;
use hookstack_core::{
    Call, CallInfo, CallTrigger, Error, ErrorKind, Event, Origin, Outcome, Platform, Result, Retry,
    StepHash,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::app::{App, AppShared, Registered};
use crate::driver::{self, Target};
use crate::function::{CRON_EVENT, INVOKED_EVENT};
use crate::headers;
use crate::limits;
use crate::wire::request::{self, CallRequestBody};
use crate::wire::{response, server_timing};

/// A call request of the server (Inngest SDK specification, section 4.4.1).
#[derive(Clone)]
#[must_use]
pub struct CallRequest<'a> {
    function: &'a str,
    step: &'a str,
    body: Bytes,
    platform: Option<Platform>,
    run_data: Option<&'a dyn RunData>,
    timed: bool,
}

/// Where the parts of a call request come from that were too large to be sent with it (Inngest SDK
/// specification, section 4.4.2): the server's API.
pub trait RunData: Send + Sync {
    /// All events of a run, as a JSON array.
    fn events<'a>(&'a self, run_id: &'a str) -> BoxFuture<'a, Result<Bytes>>;

    /// The memoized steps of a run, as a JSON object.
    fn steps<'a>(&'a self, run_id: &'a str) -> BoxFuture<'a, Result<Bytes>>;
}

impl<'a> CallRequest<'a> {
    /// A request to go on with the function of this slug (query parameter `fnId`).
    pub fn new(function: &'a str, body: impl Into<Bytes>) -> Self {
        CallRequest {
            function,
            step: "step",
            body: body.into(),
            platform: None,
            run_data: None,
            timed: false,
        }
    }

    /// The query parameter `stepId`: `step`, or the hash of a planned step to execute.
    pub fn step(mut self, step: &'a str) -> Self {
        self.step = step;
        self
    }

    /// The request as the platform received it, for hooks that read it.
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    /// Whether the response says how long each middleware took, in the header `Server-Timing`.
    pub fn timed(mut self, timed: bool) -> Self {
        self.timed = timed;
        self
    }

    /// Where the rest of the request comes from when `ctx.use_api` says that it is not complete. Without
    /// it such a request is refused.
    pub fn run_data(mut self, source: &'a dyn RunData) -> Self {
        self.run_data = Some(source);
        self
    }
}

/// The response to a call request.
#[must_use = "the response goes back to the server; then call `after_response`"]
#[non_exhaustive]
pub struct CallResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON body.
    pub body: Bytes,
    answered: Option<Answered>,
    sensitive: bool,
}

/// Sizes instead of bodies: those hold payloads.
impl fmt::Debug for CallRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRequest")
            .field("function", &self.function)
            .field("step", &self.step)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CallResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

impl CallResponse {
    /// Runs the middleware's `after_response`; to be called when the response went to the transport.
    /// Dropping the response without it runs `on_abandoned` instead.
    ///
    /// Errors that did not change the outcome are logged as warnings and returned.
    pub async fn after_response(self) -> Vec<Error> {
        let Some(answered) = self.answered else { return Vec::new() };
        let info = answered.call().info().clone();
        let errors = answered.after_response().await;
        for error in &errors {
            // A hook's message may quote a payload.
            let message = ErrorMessages::Auto.text(error, self.sensitive);
            let origin = error.origin().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(
                target: "hookstack::inngest",
                function = %info.function.id,
                run_id = %info.run_id,
                kind = ?error.kind(),
                origin,
                message,
                "an error did not change the outcome of the call"
            );
        }
        errors
    }

    /// Whether [`after_response`](CallResponse::after_response) has hooks to wait for.
    #[cfg(feature = "serve")]
    pub(crate) fn has_after_response(&self) -> bool {
        self.answered.as_ref().is_some_and(Answered::has_after_response)
    }

    /// The response to a request that no call can be made of.
    fn refused(code: &str, error: Error) -> Self {
        let body = response::refusal_body(code, &error);
        let (status, headers) = response::head(&Outcome::Done(Err(error)));
        CallResponse { status, headers, body, answered: None, sensitive: false }
    }
}

impl App {
    /// Handles a call request.
    ///
    /// Never fails: what is wrong with the request or the function becomes the response.
    pub async fn call(&self, request: CallRequest<'_>) -> CallResponse {
        let Some(function) = self.function(request.function) else {
            let error = Error::of_kind(
                ErrorKind::InvalidInput,
                "query parameter `fnId`: this app has no function of that id; sync the app with the server",
            );
            return CallResponse::refused("function_not_found", error);
        };
        let (mut parsed, target) = match read(&request) {
            Ok(read) => read,
            Err(error) => return CallResponse::refused("request_invalid", error),
        };
        if parsed.use_api
            && let Err(error) = Box::pin(fetch(&request, &mut parsed)).await
        {
            return CallResponse::refused("run_data_unavailable", error);
        }
        if let Some(error) = foreign_failure(function, &parsed) {
            return CallResponse::refused("function_mismatch", error);
        }
        let info =
            call_info(&self.shared, function, &parsed, target).with_platform(request.platform);
        let started = request.timed.then(Instant::now);
        let mut guard = CallGuard::new(function.stack().clone(), Call::new(info));
        // Without middleware there is nothing to tell apart.
        if request.timed && !function.stack().is_empty() {
            guard = guard.with_timings();
        }
        let mut host = InngestHost { app: self, function, target };
        let answered = guard.run(&mut host, parsed.input).await;
        let mut map = answered.headers().clone();
        if let Some(started) = started {
            let timing = match answered.timings() {
                Some(timings) => server_timing::of_call(&timings),
                None => server_timing::total(started.elapsed()),
            };
            map.insert(headers::SERVER_TIMING, timing);
        }
        CallResponse {
            status: answered.status(),
            headers: map,
            body: response::body(answered.call().info(), answered.outcome()),
            sensitive: function.stack().is_sensitive(),
            answered: Some(answered),
        }
    }
}

fn read(request: &CallRequest<'_>) -> Result<(CallRequestBody, Target)> {
    let parsed = request::parse(&request.body)?;
    let target = match request.step {
        "step" | "" => Target::Discover { immediate: !parsed.disable_immediate_execution },
        hash => Target::Step(StepHash::from_hex(hash).ok_or_else(|| {
            Error::of_kind(
                ErrorKind::InvalidInput,
                "query parameter `stepId`: neither `step` nor the hash of a step",
            )
            .with_retry(Retry::Never)
            .with_origin(Origin::Host)
        })?),
    };
    Ok((parsed, target))
}

/// Completes a request of which the server left out events and steps.
async fn fetch(request: &CallRequest<'_>, parsed: &mut CallRequestBody) -> Result {
    let Some(source) = request.run_data else {
        return Err(Error::of_kind(
            ErrorKind::InvalidInput,
            "field `ctx.use_api`: nothing was given to fetch the rest of the request with",
        )
        .with_origin(Origin::Host));
    };
    let run_id = parsed.run_id.as_str();
    // It becomes part of an address.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if run_id.is_empty() || !run_id.chars().all(is_plain) {
        return Err(Error::of_kind(
            ErrorKind::InvalidInput,
            "field `ctx.run_id`: takes letters, digits, `-` and `_` only",
        )
        .with_retry(Retry::Never)
        .with_origin(Origin::Host));
    }
    let (events, steps) = tokio::join!(source.events(run_id), source.steps(run_id));
    parsed.complete(&events?, &steps?)
}

/// A failure handler is for one function. The server evaluates the condition of its trigger, so it is
/// checked here once more.
fn foreign_failure(function: &Registered, parsed: &CallRequestBody) -> Option<Error> {
    #[derive(Deserialize)]
    struct Failed {
        function_id: String,
    }
    let of = function.info().guards.as_ref()?.slug.as_str();
    let is_foreign =
        |event: &Event| event.data.to::<Failed>().map_or(true, |failed| failed.function_id != of);
    parsed.input.events.iter().any(is_foreign).then(|| {
        Error::of_kind(
            ErrorKind::InvalidInput,
            format!(
                "field `event.data.function_id`: this handler is for failures of \"{of}\" only"
            ),
        )
        .with_retry(Retry::Never)
        .with_origin(Origin::Host)
    })
}

fn call_info(
    app: &AppShared,
    function: &Registered,
    parsed: &CallRequestBody,
    target: Target,
) -> CallInfo {
    let mut info = CallInfo::new(app.id.clone(), function.info().clone(), parsed.run_id.as_str());
    info.attempt = parsed.attempt;
    info.max_attempts = parsed.max_attempts;
    info.executes_planned_step = matches!(target, Target::Step(_));
    if let Some(event) = parsed.input.events.first() {
        info.trigger = trigger(function, event);
        info.event_id = event.id.clone();
    }
    info
}

/// What caused the call; the fields read here are the server's own and never encrypted.
fn trigger(function: &Registered, event: &Event) -> CallTrigger {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct ServerData {
        cron: String,
        function_id: String,
        run_id: String,
    }
    let server_data = || event.data.to::<ServerData>().unwrap_or_default();
    match event.name.as_str() {
        CRON_EVENT => CallTrigger::Cron { schedule: server_data().cron },
        INVOKED_EVENT => CallTrigger::Invoke,
        _ if function.info().guards.is_some() => {
            let ServerData { function_id, run_id, .. } = server_data();
            CallTrigger::Failure { function: function_id, run_id }
        }
        _ => CallTrigger::Event { name: event.name.clone() },
    }
}

struct InngestHost<'a> {
    app: &'a App,
    function: &'a Registered,
    target: Target,
}

impl Host for InngestHost<'_> {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let transport = self.app.transport.clone();
            let drive = driver::drive(&mut cx, &self.function.handler, self.target, transport);
            match self.app.shared.call_timeout {
                None => drive.await,
                Some(limit) => match tokio::time::timeout(limit, drive).await {
                    Ok(outcome) => outcome,
                    Err(_) => Outcome::Done(Err(driver::timed_out(limit))),
                },
            }
        })
    }

    fn check(&mut self, _: &CallInfo, outcome: &mut Outcome) {
        limits::check_outcome(outcome);
    }

    fn respond(&self, _: &CallInfo, outcome: &Outcome) -> (StatusCode, HeaderMap) {
        response::head(outcome)
    }
}
