//! `POST`: calls of functions (Inngest SDK specification, section 4.4).

use hookstack_core::Platform;
use http::StatusCode;
use http::request::Parts;

use super::caller::Caller;
use super::endpoint::{Request, Shared};
use super::reply::{Refusal, Reply};
use crate::call::CallRequest;

/// Answers a call request, or a probe of whether both sides trust each other.
pub(super) async fn call(shared: &Shared, request: Request) -> Reply {
    let Request { parts, body, caller } = request;
    if let Err(refusal) = Caller::authorize(&caller, shared.api.config()) {
        return refusal.call_reply();
    }
    let query = Query::parse(&parts);
    match query.probe.as_deref() {
        None => {}
        Some("trust") => return Reply::json(StatusCode::OK, &serde_json::json!({})),
        Some(_) => {
            let message = "query parameter `probe`: the only probe is `trust`";
            return Refusal::bad_request("probe_unknown", message).call_reply();
        }
    }
    let Some(function) = query.function else {
        let message = "query parameter `fnId`: missing";
        return Refusal::bad_request("query_param_missing", message).call_reply();
    };
    let mut call = CallRequest::new(&function, body)
        .platform(Platform::new(parts))
        .run_data(&shared.api)
        .timed(shared.server_timing);
    if let Some(step) = &query.step {
        call = call.step(step);
    }
    shared.app.call(call).await.into()
}

/// Whether this is a call of a function rather than a probe.
pub(super) fn is_for_a_function(parts: &Parts) -> bool {
    Query::parse(parts).probe.is_none()
}

/// The parameters of a call request. Of a repeated one the first counts.
#[derive(Default)]
struct Query {
    function: Option<String>,
    step: Option<String>,
    probe: Option<String>,
}

impl Query {
    fn parse(parts: &Parts) -> Self {
        let mut query = Query::default();
        let text = parts.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let field = match &*name {
                "fnId" => &mut query.function,
                "stepId" => &mut query.step,
                "probe" => &mut query.probe,
                _ => continue,
            };
            field.get_or_insert_with(|| value.into_owned());
        }
        query
    }
}
