//! What the lines of a call tell of the request that it answers, under HTTP and AWS Lambda. Never a header, a query
//! or a body.

use hookstack_core::{CallInfo, CallTrigger, Error, LambdaInfo, TraceContext, XRayTrace};

/// The keys with texts that a call's lines have, and those that this call's lack.
pub(crate) fn texts(info: &CallInfo) -> [(&'static str, Option<&str>); 5] {
    let lambda = info.platform::<LambdaInfo>();
    let (mut method, mut route, mut function) = (None, None, None);
    match &info.trigger {
        CallTrigger::Http { method: sent, route: known } => {
            method = Some(sent.as_str());
            // Empty is that of a path which the service does not know.
            route = Some(known.as_str()).filter(|route| !route.is_empty());
        }
        CallTrigger::Lambda { function: name } => function = Some(name.as_str()),
        _ => {}
    }
    [
        ("request_id", method.or(function).map(|_| info.run_id.as_str())),
        ("http_method", method),
        ("http_route", route),
        ("function_name", function),
        ("function_arn", lambda.and_then(|lambda| lambda.function_arn.as_deref())),
    ]
}

/// The memory that the Lambda function has.
pub(crate) fn memory_mib(info: &CallInfo) -> Option<u32> {
    info.platform::<LambdaInfo>()?.memory_mib
}

/// The trace of whoever sent the request: W3C first, then X-Ray.
pub(crate) fn trace_id(info: &CallInfo) -> Option<[u8; 16]> {
    let w3c = info.trace.get("traceparent").and_then(TraceContext::from_traceparent);
    let w3c = w3c.map(|trace| trace.trace_id);
    w3c.or_else(|| XRayTrace::of(&info.trace).map(|trace| trace.trace_id))
}

/// Whether an error that ends a call before it has a status is a mistake of the caller's.
pub(crate) fn is_client_error(info: &CallInfo, error: &Error) -> bool {
    info.is_client_error(error.response_status())
}
