//! What is known about the call of a request.

use std::sync::Arc;

use hookstack_core::{CallInfo, Platform, TraceCarrier, XRayTrace};
use http::HeaderMap;

use crate::config::Shared;
use crate::{Request, request_id};

/// Reads the head of a request.
pub(crate) fn read(
    shared: &Shared,
    request: Request,
    outer: Option<&Arc<CallInfo>>,
) -> (Request, CallInfo) {
    let (parts, body) = request.into_parts();
    let (function, trigger) = shared.routes.of(&parts);
    let run_id = match (outer, &shared.request_id) {
        (Some(outer), _) => outer.run_id.clone(),
        (None, Some(name)) => {
            request_id::of(&parts.headers, name).unwrap_or_else(request_id::fresh)
        }
        (None, None) => request_id::fresh(),
    };
    let mut info = CallInfo::new(shared.app_id.clone(), function, run_id);
    info.max_attempts = Some(1);
    info.trigger = trigger;
    info.trace = trace(&parts.headers);
    info.deadline = outer.and_then(|outer| outer.deadline);
    let info = info.with_platform(Some(Platform::new(parts.clone())));
    (Request::from_parts(parts, body), info)
}

fn trace(headers: &HeaderMap) -> TraceCarrier {
    let mut carrier = TraceCarrier::new();
    for name in TraceCarrier::HEADERS.into_iter().chain([XRayTrace::KEY]) {
        let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let Some(first) = values.next() else { continue };
        // Both are lists, which may come in several lines.
        let is_list = matches!(name, "tracestate" | "baggage");
        let value = values.filter(|_| is_list).fold(first.to_owned(), |all, more| all + "," + more);
        carrier.set(name, value);
    }
    carrier
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_trace_comes_in_the_headers_that_are_known() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("traceparent", "00-abababababababababababababababab-0101010101010101-01"),
            ("tracestate", "a=1"),
            ("tracestate", "b=2"),
            ("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793"),
            ("sentry-trace", "one"),
            ("sentry-trace", "two"),
            ("authorization", "Bearer secret"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let carrier = trace(&headers);
        let keys: Vec<_> = carrier.keys().collect();
        assert_eq!(keys, ["traceparent", "tracestate", "sentry-trace", "x-amzn-trace-id"]);
        assert_eq!(carrier.get("tracestate"), Some("a=1,b=2"));
        assert_eq!(carrier.get("sentry-trace"), Some("one"));
    }
}
