//! What is known about an invocation.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::SystemTime;

use hookstack_core::{CallInfo, CallTrigger, LambdaInfo, Platform, TraceCarrier, XRayTrace};
use lambda_runtime::Context;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Completes what is known of a call by what Lambda tells.
pub(crate) fn describe(mut info: CallInfo, context: Context, told: LambdaInfo) -> CallInfo {
    // Lambda counts no attempts: each is an invocation of its own.
    info.max_attempts = Some(1);
    info.trigger = CallTrigger::Lambda { function: info.function.id.clone() };
    info.trace = trace(&context);
    info.with_platform(Some(Platform::new(told).with(context)))
}

/// When Lambda ends the invocation. A context that was made by hand tells no time.
pub(crate) fn deadline(context: &Context) -> Option<SystemTime> {
    (context.deadline != 0).then(|| context.deadline())
}

/// The invocation in terms that middleware know.
pub(crate) fn lambda_info(context: &Context, region: Option<&str>, cold: bool) -> LambdaInfo {
    let config = &context.env_config;
    let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut info = LambdaInfo::new(&context.request_id);
    // `lambda_runtime` puts a sentence where it was told no ARN.
    let arn = Some(&*context.invoked_function_arn).filter(|arn| arn.starts_with("arn:"));
    info.region = region.or_else(|| arn?.split(':').nth(3)).and_then(told);
    info.function_arn = arn.map(str::to_owned);
    info.function_version = told(&config.version);
    info.memory_mib = u32::try_from(config.memory).ok().filter(|memory| *memory > 0);
    info.log_group = told(&config.log_group);
    info.log_stream = told(&config.log_stream);
    info.is_cold_start = cold;
    info
}

/// Adds the trace that came with the headers of an event, if it has any.
pub(crate) fn read_trace(trace: &mut TraceCarrier, event: &str) {
    #[derive(Deserialize)]
    struct Headed<'a> {
        #[serde(borrow)]
        headers: HashMap<Cow<'a, str>, &'a RawValue>,
    }
    let Ok(event) = serde_json::from_str::<Headed<'_>>(event) else { return };
    for (key, value) in event.headers {
        let known = known_header(&key);
        // Load balancers may be told to send lists of values; one value is a text everywhere.
        if let (Some(known), Ok(value)) = (known, serde_json::from_str::<Cow<'_, str>>(value.get()))
        {
            trace.set(known, &*value);
        }
    }
}

fn trace(context: &Context) -> TraceCarrier {
    let mut carrier = TraceCarrier::new();
    if let Some(trace) = &context.xray_trace_id {
        carrier.set(XRayTrace::KEY, trace.as_str());
    }
    let custom = context.client_context.iter().flat_map(|client| &client.custom);
    for (key, value) in custom {
        // Callers that know more traces than X-Ray's put them there.
        if let Some(known) = known_header(key) {
            carrier.set(known, value.as_str());
        }
    }
    carrier
}

/// The header of a trace that this is the name of, in any case.
fn known_header(name: &str) -> Option<&'static str> {
    TraceCarrier::HEADERS.into_iter().find(|known| name.eq_ignore_ascii_case(known))
}
