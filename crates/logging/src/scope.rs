//! What a log line has to know of the call or step that it is written in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use hookstack_core::{CallInfo, CallTrigger, StepInfo, TraceWatch};
use tracing::Span;
use tracing_subscriber::registry::{LookupSpan, Registry, SpanRef};

use crate::bound;
use crate::buffer::Held;
use crate::failure::Failure;
use crate::keys::Keys;
use crate::layer::identifier;
use crate::{request, sampling};

/// A call, or a step body in it.
///
/// It is found in two ways: it is attached to the span, so that it goes wherever the span goes (child
/// spans, spawned tasks); and it is bound to the thread while the call is polled, so that a filter which
/// disables the span loses nothing of the call's own code.
pub(crate) struct Scope {
    pub(crate) info: Arc<CallInfo>,
    pub(crate) step: Option<Arc<StepInfo>>,
    pub(crate) cold_start: bool,
    /// The middleware that opened it, by its address.
    pub(crate) owner: usize,
    /// Whether the correlation id comes from the input, and not from the event's id.
    pub(crate) awaits_correlation_id: bool,
    /// The call, if this is a step.
    call: Option<Arc<Scope>>,
    trace: TraceWatch,
    keys: Mutex<Keys>,
    rendered: OnceLock<Rendered>,
    caller_trace: OnceLock<Option<[u8; 16]>>,
    app: OnceLock<Box<str>>,
    correlation_id: OnceLock<Option<Box<str>>>,
    run_hash: OnceLock<u64>,
    held: Mutex<Held>,
    /// Lines that a former attempt may have written.
    retried: Mutex<Held>,
    /// Lines of code that was taken for repeated; it is so if the call comes to something new.
    replayed: Mutex<Held>,
    ended: AtomicBool,
    failure: Mutex<Option<Failure>>,
}

/// What is the same in all lines of a call or step.
pub(crate) struct Rendered {
    /// As JSON members, each with a comma before it.
    pub(crate) json: Box<[u8]>,
    /// Which of a line's own keys these are, a bit each.
    pub(crate) keys: u32,
}

/// In a span's extensions.
struct Attached(Arc<Scope>);

impl Scope {
    pub(crate) fn of_step(
        call: &Arc<Scope>,
        step: Option<Arc<StepInfo>>,
        trace: TraceWatch,
    ) -> Arc<Self> {
        let mut scope = Scope::new(call.info.clone(), trace);
        scope.cold_start = call.cold_start;
        scope.step = step;
        scope.call = Some(call.clone());
        Arc::new(scope)
    }

    pub(crate) fn new(info: Arc<CallInfo>, trace: TraceWatch) -> Self {
        Scope {
            info,
            step: None,
            cold_start: false,
            owner: 0,
            awaits_correlation_id: false,
            call: None,
            trace,
            keys: Mutex::default(),
            rendered: OnceLock::new(),
            caller_trace: OnceLock::new(),
            app: OnceLock::new(),
            correlation_id: OnceLock::new(),
            run_hash: OnceLock::new(),
            held: Mutex::default(),
            retried: Mutex::default(),
            replayed: Mutex::default(),
            ended: AtomicBool::new(false),
            failure: Mutex::default(),
        }
    }

    /// The call that this belongs to.
    pub(crate) fn call(&self) -> &Scope {
        self.call.as_deref().unwrap_or(self)
    }

    /// Whether the middleware with this address opened the scope of this call.
    pub(crate) fn is_owned_by(&self, owner: usize, info: &Arc<CallInfo>) -> bool {
        self.call().owner == owner && Arc::ptr_eq(&self.info, info)
    }

    /// How the call failed, as far as it is known.
    pub(crate) fn failure(&self) -> MutexGuard<'_, Option<Failure>> {
        self.call().failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_same_call(&self, other: &Scope) -> bool {
        std::ptr::eq(self.call(), other.call())
    }

    pub(crate) fn trace(&self) -> Option<hookstack_core::TraceContext> {
        self.trace.get().or_else(|| self.call().trace.get())
    }

    /// The trace of whoever sent the request, for calls of which no middleware set one.
    pub(crate) fn caller_trace(&self) -> Option<[u8; 16]> {
        *self.call().caller_trace.get_or_init(|| request::trace_id(&self.info))
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody else's code runs while it is locked.
    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.call().held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_step(&self) -> bool {
        self.call.is_some()
    }

    /// Whether a key of this name was appended.
    pub(crate) fn has_key(&self, name: &str) -> bool {
        let is_own = self.keys().contains(name);
        is_own || (self.is_step() && self.call().keys().contains(name))
    }

    /// Nobody else's code runs while it is locked.
    pub(crate) fn retried(&self) -> MutexGuard<'_, Held> {
        self.call().retried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody else's code runs while it is locked.
    pub(crate) fn replayed(&self) -> MutexGuard<'_, Held> {
        self.call().replayed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_correlation_id(&self, id: Option<&str>) {
        let _ = self.call().correlation_id.set(id.map(identifier));
    }

    /// As a JSON string.
    pub(crate) fn correlation_id(&self) -> Option<&str> {
        let call = self.call();
        if call.awaits_correlation_id {
            return call.correlation_id.get()?.as_deref();
        }
        call.correlation_id.get_or_init(|| call.info.event_id.as_deref().map(identifier)).as_deref()
    }

    /// The app's id as a JSON string.
    pub(crate) fn app(&self) -> &str {
        let call = self.call();
        call.app.get_or_init(|| identifier(&call.info.app_id))
    }

    pub(crate) fn is_sampled(&self, rate: f64) -> bool {
        let hash = self.call().run_hash.get_or_init(|| sampling::hash(self.info.run_id.as_bytes()));
        sampling::is_below(*hash, rate)
    }

    pub(crate) fn is_trace_sampled(&self) -> bool {
        self.trace().is_some_and(|trace| trace.sampled)
    }

    /// No line of the call is held from now on. Whoever holds one asks `has_ended` under the lock, so that
    /// what is taken out after this is all there is.
    pub(crate) fn end(&self) {
        self.call().ended.store(true, Ordering::Release);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.call().ended.load(Ordering::Acquire)
    }

    pub(crate) fn rendered(&self, render: impl FnOnce(&Scope) -> Rendered) -> &Rendered {
        self.rendered.get_or_init(|| render(self))
    }
}

/// The name of the event that caused a call, if one did.
pub(crate) fn event_name(info: &CallInfo) -> Option<&str> {
    match &info.trigger {
        CallTrigger::Event { name } => Some(name),
        CallTrigger::Cron { .. } => Some("inngest/scheduled.timer"),
        CallTrigger::Invoke => Some("inngest/function.invoked"),
        CallTrigger::Failure { .. } => Some("inngest/function.failed"),
        _ => None,
    }
}

/// Lets `span` lead to `scope`, if it is enabled and kept in a `Registry`.
pub(crate) fn attach(span: &Span, scope: &Arc<Scope>) {
    span.with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Registry>().and_then(|registry| registry.span(id));
        if let Some(span) = span {
            span.extensions_mut().replace(Attached(scope.clone()));
        }
    });
}

/// The innermost scope among the spans, from the innermost outwards; otherwise the thread's.
pub(crate) fn find<'a, R>(spans: impl IntoIterator<Item = SpanRef<'a, R>>) -> Option<Arc<Scope>>
where
    R: LookupSpan<'a> + 'a,
{
    spans.into_iter().find_map(|span| attached(&span)).or_else(bound::current)
}

fn attached<'a, R: LookupSpan<'a> + 'a>(span: &SpanRef<'a, R>) -> Option<Arc<Scope>> {
    span.extensions().get::<Attached>().map(|attached| attached.0.clone())
}

/// The scope of the code that runs now, also in a task that was spawned with the call's span.
pub(crate) fn current() -> Option<Arc<Scope>> {
    let by_span = tracing::dispatcher::get_default(|dispatch| {
        let registry = dispatch.downcast_ref::<Registry>()?;
        let current = dispatch.current_span();
        let span = registry.span(current.id()?)?;
        span.scope().find_map(|span| attached(&span))
    });
    by_span.or_else(bound::current)
}
