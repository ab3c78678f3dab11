//! What is known about a call and its function.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use http::StatusCode;
use serde_json::Value;

use crate::extensions::Extensions;
use crate::locals::Locals;
use crate::platform::Platform;
use crate::trace::TraceCarrier;

/// The function that is called: its identity and configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FunctionInfo {
    /// The id inside its app.
    pub id: String,
    /// The identity across apps; on Inngest `app-function`. Opaque: never split it.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The configuration in the form that the host registers.
    pub config: Value,
    /// The function whose failures this one handles, if it is a failure handler.
    pub guards: Option<Arc<FunctionInfo>>,
}

impl FunctionInfo {
    /// A function whose slug and name are its id, without configuration.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        FunctionInfo { slug: id.clone(), name: id.clone(), id, config: Value::Null, guards: None }
    }

    /// Sets the slug.
    #[must_use]
    pub fn with_slug(mut self, slug: impl Into<String>) -> Self {
        self.slug = slug.into();
        self
    }

    /// Sets the display name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the configuration.
    #[must_use]
    pub fn with_config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// For hosts: makes it the failure handler of `function`.
    #[must_use]
    pub fn guarding(mut self, function: Arc<FunctionInfo>) -> Self {
        self.guards = Some(function);
        self
    }
}

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

/// What is known about a call. One per call, shared by everything that runs in it.
#[non_exhaustive]
pub struct CallInfo {
    /// The app's id.
    pub app_id: Arc<str>,
    /// The function.
    pub function: Arc<FunctionInfo>,
    /// The run that the call belongs to; under Lambda and HTTP the request's id.
    pub run_id: String,
    /// The number of this attempt, from 0.
    pub attempt: u32,
    /// How many attempts there are in total, when the platform says so.
    pub max_attempts: Option<u32>,
    /// What caused the call.
    pub trigger: CallTrigger,
    /// The id of the first triggering event.
    pub event_id: Option<String>,
    /// Whether the platform asked for one step that an earlier call planned. What the function does up to
    /// that step it did in the earlier call as well, whatever is memoized.
    pub executes_planned_step: bool,
    /// The trace of whoever sent the request, as it came with it: the caller of an HTTP service or of a Lambda
    /// function. Anybody can write anything here. Under the durable-function host each event has its own.
    pub trace: TraceCarrier,
    /// When the platform ends the call, if it does.
    pub deadline: Option<SystemTime>,
    platform: Option<Platform>,
    outer: Option<Arc<CallInfo>>,
    replaying: AtomicBool,
    begun_step: AtomicBool,
    ended_repeating: AtomicBool,
    sensitive: AtomicBool,
    provided: OnceLock<Arc<Extensions>>,
    locals: Locals,
}

impl CallInfo {
    /// For hosts: a first attempt without platform request.
    pub fn new(
        app_id: impl Into<Arc<str>>,
        function: Arc<FunctionInfo>,
        run_id: impl Into<String>,
    ) -> Self {
        CallInfo {
            app_id: app_id.into(),
            function,
            run_id: run_id.into(),
            attempt: 0,
            max_attempts: None,
            trigger: CallTrigger::Request,
            event_id: None,
            executes_planned_step: false,
            trace: TraceCarrier::new(),
            deadline: None,
            platform: None,
            outer: None,
            replaying: AtomicBool::new(false),
            begun_step: AtomicBool::new(false),
            ended_repeating: AtomicBool::new(false),
            sensitive: AtomicBool::new(false),
            provided: OnceLock::new(),
            locals: Locals::default(),
        }
    }

    /// For hosts: attaches the platform's request.
    #[must_use]
    pub fn with_platform(mut self, platform: Option<Platform>) -> Self {
        self.platform = platform;
        self
    }

    pub(crate) fn with_outer(mut self, outer: Arc<CallInfo>) -> Self {
        self.sensitive = AtomicBool::new(outer.is_sensitive());
        self.outer = Some(outer);
        self
    }

    /// The call in whose code this one began: that of the router's layer for a call of a route's layer, under
    /// the HTTP host. Both have the same `run_id`.
    pub fn outer(&self) -> Option<&Arc<CallInfo>> {
        self.outer.as_ref()
    }

    /// What of type `T` the platform sent with the call. Hosts document which types they provide.
    pub fn platform<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.platform.as_ref()?.get()
    }

    /// How long it is until the [deadline](CallInfo::deadline): zero when that has passed, `None` when there is
    /// none.
    pub fn remaining_time(&self) -> Option<Duration> {
        let remaining = self.deadline?.duration_since(SystemTime::now());
        Some(remaining.unwrap_or_default())
    }

    /// The platform's request as the host gave it, shared.
    pub fn shared_platform(&self) -> Option<&Platform> {
        self.platform.as_ref()
    }

    /// What middleware of this call's stack [provide](crate::Middleware::provide) to all of its calls.
    pub fn provided(&self) -> Option<&Arc<Extensions>> {
        self.provided.get()
    }

    /// The value of type `T` that everything in this call shares, its step bodies and the events sent in
    /// it included; made at the first use. It lives as long as this value, and only its own locks change
    /// it. Where two threads come first at once, both make one, and one of the two stays.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use hookstack_core::{Call, Middleware, NextStep, Payload, Result};
    ///
    /// #[derive(Default)]
    /// struct Bodies(AtomicU32);
    ///
    /// struct Count;
    /// impl Middleware for Count {
    ///     async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
    ///         cx.info().local(Bodies::default).0.fetch_add(1, Ordering::Relaxed);
    ///         next.run(cx).await
    ///     }
    /// }
    /// ```
    pub fn local<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> &T {
        match self.locals.get() {
            Some(value) => value,
            None => self.locals.get_or_insert_with(make, None),
        }
    }

    /// The same, for a value that must let go of what it holds when the call is over, however it ended:
    /// somebody may keep this `CallInfo`, and with it the value, for longer. `end` runs once, when the host is
    /// done with the call, after `after_response` or `on_abandoned`, that of the value made last first; at once
    /// when the value is made later than that. It should not panic; if it does, nobody hears of it.
    ///
    /// Whoever makes the value says how it ends: `end` is ignored where the value is there already, also
    /// when [`local`](CallInfo::local) made it.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use hookstack_core::{CallInfo, Result};
    ///
    /// #[derive(Default)]
    /// struct Connections(Mutex<Vec<std::net::TcpStream>>);
    ///
    /// fn keep(info: &CallInfo, connection: std::net::TcpStream) {
    ///     let close = |all: &Connections| all.0.lock().expect("no panic").clear();
    ///     let all = info.local_until_end(Connections::default, close);
    ///     all.0.lock().expect("no panic").push(connection);
    /// }
    /// ```
    pub fn local_until_end<T: Send + Sync + 'static>(
        &self,
        make: impl FnOnce() -> T,
        end: fn(&T),
    ) -> &T {
        match self.locals.get() {
            Some(value) => value,
            None => self.locals.get_or_insert_with(make, Some(end)),
        }
    }

    /// The call is over: what lives until its end goes.
    pub(crate) fn end_locals(&self) {
        self.locals.end();
    }

    /// The same, if it was made already.
    pub fn existing_local<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.locals.get()
    }

    /// Whether a response of this status tells the caller of an HTTP service of a mistake of the caller's own
    /// (4xx). Signals do not count that as a failure of the service, whether it was answered by an error or by
    /// a response. On all other platforms a status is part of their protocol, and this is `false`.
    pub fn is_client_error(&self, status: StatusCode) -> bool {
        self.trigger.is_http() && status.is_client_error()
    }

    /// Whether no attempt follows this one, as far as the platform says.
    pub fn is_final_attempt(&self) -> bool {
        self.max_attempts.is_some_and(|max| self.attempt >= max.saturating_sub(1))
    }

    /// Whether memoized state is being replayed: true from the start of a call that has memoized
    /// steps until [`before_execution`](crate::Middleware::before_execution). Signals about code that
    /// already ran in an earlier call are held back while it is true.
    pub fn is_replaying(&self) -> bool {
        self.replaying.load(Ordering::Acquire)
    }

    /// Whether a step body, with the hooks around it, was begun in this call.
    pub fn has_begun_step(&self) -> bool {
        self.begun_step.load(Ordering::Acquire)
    }

    /// Whether what the user's function does now it did in an earlier call as well: memoized state is being
    /// [replayed](CallInfo::is_replaying), or the platform asked for a planned step
    /// ([`executes_planned_step`](CallInfo::executes_planned_step)) whose body has not begun. Hooks of the
    /// call run meanwhile too; [`is_polling_code`](CallInfo::is_polling_code) tells them apart.
    pub fn is_repeating(&self) -> bool {
        self.is_replaying() || (self.executes_planned_step && !self.has_begun_step())
    }

    /// Whether the user's function ended while it was [repeating](CallInfo::is_repeating): it returned or
    /// failed before it came to anything new. Then it went another way than in the earlier call, and what
    /// was held back as repeated may have been said by nobody. Known to the hooks that run after the
    /// function's code.
    pub fn has_ended_repeating(&self) -> bool {
        self.ended_repeating.load(Ordering::Acquire)
    }

    /// Whether the user's function of this call is being polled on this thread, as hosts tell
    /// ([`host::Code`](crate::host::Code)). Hooks of the call run between its polls, so whoever
    /// holds signals back while [replaying](CallInfo::is_replaying) tells by this whose they are. Step
    /// bodies, and hooks around them, count as the function. In a task that the function spawned it is
    /// `false`.
    pub fn is_polling_code(&self) -> bool {
        crate::host::is_marked(self)
    }

    /// Whether a middleware around this call, at app or function level, declares that payloads are
    /// secret ([`sensitive`](crate::Middleware::sensitive)): signals about the call must redact.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive.load(Ordering::Relaxed)
    }

    /// Payloads of this call are secret, and so are those of the calls around it, through which they pass.
    pub(crate) fn mark_sensitive(&self) {
        let mut call = Some(self);
        while let Some(info) = call {
            info.sensitive.store(true, Ordering::Relaxed);
            call = info.outer.as_deref();
        }
    }

    pub(crate) fn set_provided(&self, provided: Arc<Extensions>) {
        // A call runs through one stack only.
        let _ = self.provided.set(provided);
    }

    /// The user's function ended.
    pub(crate) fn end_code(&self) {
        if self.is_repeating() {
            self.ended_repeating.store(true, Ordering::Release);
        }
    }

    pub(crate) fn set_begun_step(&self) {
        self.begun_step.store(true, Ordering::Release);
    }

    pub(crate) fn set_replaying(&self, replaying: bool) {
        self.replaying.store(replaying, Ordering::Release);
    }
}

impl fmt::Debug for CallInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallInfo")
            .field("app_id", &self.app_id)
            .field("function", &self.function.id)
            .field("run_id", &self.run_id)
            .field("attempt", &self.attempt)
            .field("max_attempts", &self.max_attempts)
            .field("trigger", &self.trigger)
            .field("replaying", &self.is_replaying())
            .finish_non_exhaustive()
    }
}
