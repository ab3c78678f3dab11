//! What events tell about the call: tags, context, transaction, trace. Put together only when something is
//! captured, so that a healthy call pays nothing for it.

use std::borrow::Cow;

use hookstack_core::{CallInfo, CallTrigger, TraceContext};
use http::StatusCode;
use sentry_core::Hub;
use sentry_core::protocol::{self, Context, Event, Map, Value};

use crate::call::{CallNotes, Changing};
use crate::failure::{Failure, Source};
use crate::limits::{self, cut};
use crate::request::Request;
use crate::{ids, scrub};

/// The name of the context that holds what is too much for tags.
pub(crate) const CONTEXT: &str = "inngest";

/// The name under which calls of a function are grouped.
pub(crate) fn transaction(info: &CallInfo) -> String {
    if let Some(request) = Request::of(info) {
        return request.transaction();
    }
    format!("inngest/{}", cut(&info.function.id, limits::NAME))
}

/// What stands for the function where issues are grouped: not the function of an HTTP request, because that is called
/// by the method, and anybody can make methods up.
pub(crate) fn group(info: &CallInfo) -> Cow<'_, str> {
    match Request::of(info) {
        Some(request @ Request::Http { .. }) => Cow::Owned(request.transaction()),
        _ => Cow::Borrowed(&info.function.id),
    }
}

/// The tags that all events and transactions of a call have. A status is known at its end.
pub(crate) fn tags(info: &CallInfo, status: Option<StatusCode>) -> Vec<(&'static str, String)> {
    if let Some(request) = Request::of(info) {
        let tags = request.tags(info, status).into_iter();
        return tags.filter_map(|(key, value)| Some((key, tag_value(&value?)))).collect();
    }
    let event = match &info.trigger {
        CallTrigger::Event { name } => Some(name.as_str()),
        CallTrigger::Cron { .. } => Some("inngest/scheduled.timer"),
        CallTrigger::Invoke => Some("inngest/function.invoked"),
        CallTrigger::Failure { .. } => Some("inngest/function.failed"),
        _ => None,
    };
    let tags = [
        ("inngest.app.id", Some(&*info.app_id)),
        ("inngest.function.id", Some(info.function.id.as_str())),
        ("inngest.run.id", Some(info.run_id.as_str())),
        ("inngest.event.name", event),
    ];
    tags.into_iter().filter_map(|(key, value)| Some((key, tag_value(value?)))).collect()
}

/// Sentry refuses longer tags, and such with line breaks.
fn tag_value(text: &str) -> String {
    const LONGEST: usize = 200;
    text.chars().map(|c| if c == '\n' { ' ' } else { c }).take(LONGEST).collect()
}

/// Adds what is known about the call.
pub(crate) fn describe(
    event: &mut Event<'static>,
    notes: &CallNotes,
    changing: &Changing,
    step: Option<&str>,
    attempt: u32,
) {
    let info = &*notes.info;
    let tags = tags(info, changing.status).into_iter();
    event.tags.extend(tags.map(|(key, value)| (key.to_owned(), value)));
    match Request::of(info) {
        Some(request) => request.describe(event, info),
        None => {
            let context = Context::Other(context(info, changing, attempt));
            event.contexts.insert(CONTEXT.to_owned(), context);
            event.tags.insert("inngest.attempt".to_owned(), attempt.to_string());
        }
    }
    if let Some(step) = step {
        event.tags.insert("inngest.step.id".to_owned(), tag_value(step));
    }
    if event.transaction.is_none() {
        event.transaction = Some(transaction(info));
    }
    if event.request.is_none() && notes.request_data {
        event.request = scrub::request(info);
    }
    // With a span in the scope, the SDK takes the trace from it.
    if Hub::current().configure_scope(|scope| scope.get_span().is_none()) {
        let trace = changing.trace();
        let trace_id = match trace {
            Some(TraceContext { trace_id, .. }) => trace_id,
            None => ids::trace_id(&info.run_id),
        };
        let mut context =
            protocol::TraceContext { trace_id: trace_id.into(), ..Default::default() };
        if let Some(trace) = trace {
            context.span_id = trace.span_id.into();
        }
        event.contexts.insert("trace".to_owned(), context.into());
    }
}

/// Adds what is known about a failure.
pub(crate) fn describe_failure(
    event: &mut Event<'static>,
    info: &CallInfo,
    failure: &Failure,
    suppressed: Vec<Value>,
) {
    let request = Request::of(info);
    let (source, middleware, context) = match request {
        Some(request) => ("error.source", "error.middleware", request.context()),
        None => ("inngest.error.source", "inngest.error.middleware", CONTEXT),
    };
    event.tags.insert(source.to_owned(), failure.source.as_str().to_owned());
    let Some(Context::Other(context)) = event.contexts.get_mut(context) else { return };
    context.insert("error_kind".to_owned(), failure.kind.as_str().into());
    if let Source::Middleware { name, hook } = &failure.source {
        event.tags.insert(middleware.to_owned(), tag_value(name));
        context.insert("hook".to_owned(), hook.as_str().into());
    }
    if let Some(step) = &failure.step {
        context.insert("step_id".to_owned(), (*step.id).into());
        if let Some(index) = step.index {
            context.insert("step_index".to_owned(), index.into());
        }
        if let Some(hash) = step.hash {
            context.insert("step_hash".to_owned(), hash.to_string().into());
        }
    }
    if let Some(stack) = &failure.stack {
        context.insert("stack".to_owned(), stack.as_str().into());
    }
    if !suppressed.is_empty() {
        context.insert("suppressed".to_owned(), suppressed.into());
    }
}

fn name(text: &str) -> Value {
    cut(text, limits::NAME).into()
}

fn context(info: &CallInfo, changing: &Changing, attempt: u32) -> Map<String, Value> {
    let mut context = Map::new();
    let mut set = |key: &str, value: Value| {
        context.insert(key.to_owned(), value);
    };
    set("app_id", name(&info.app_id));
    set("function_id", name(&info.function.id));
    set("function_name", name(&info.function.name));
    set("run_id", name(&info.run_id));
    set("attempt", attempt.into());
    if let Some(max_attempts) = info.max_attempts {
        set("max_attempts", max_attempts.into());
    }
    let event_ids: Vec<Value> = match &changing.event_ids {
        ids if ids.is_empty() => info.event_id.iter().map(|id| name(id)).collect(),
        ids => ids.iter().map(|id| name(id)).collect(),
    };
    if !event_ids.is_empty() {
        set("event_ids", event_ids.into());
    }
    match &info.trigger {
        CallTrigger::Cron { schedule } => set("schedule", name(schedule)),
        CallTrigger::Failure { function, run_id } => {
            set("failed_function", name(function));
            set("failed_run_id", name(run_id));
        }
        _ => {}
    }
    context
}
