//! Writing a response (Inngest SDK specification, sections 4.4.3 and 5.1.1).

use bytes::Bytes;
use hookstack_core::{
    CallInfo, Error, Invoke, Operation, OperationKind, Outcome, Retry, StepOp, StepOptions,
    WaitForEvent,
};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::trace_key;
use crate::duration::time_string;
use crate::headers;

pub(crate) fn head(outcome: &Outcome) -> (StatusCode, HeaderMap) {
    let mut map = HeaderMap::with_capacity(6);
    map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    map.insert(headers::SDK, HeaderValue::from_static(headers::SDK_VALUE));
    map.insert(headers::REQ_VERSION, HeaderValue::from_static("2"));
    let error = outcome.error();
    if let Some(error) = error {
        let no_retry = error.retry() == Retry::Never;
        map.insert(
            headers::NO_RETRY,
            HeaderValue::from_static(if no_retry { "true" } else { "false" }),
        );
        if let Retry::After(delay) = error.retry() {
            // Whole seconds, rounded up: never earlier than was asked for.
            let seconds = delay.as_secs().saturating_add(u64::from(delay.subsec_nanos() > 0));
            // Servers read seven digits at most as seconds, and nothing as a delay of none.
            let seconds = seconds.clamp(1, 9_999_999);
            map.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
    let status = match outcome {
        Outcome::Suspended(_) => StatusCode::PARTIAL_CONTENT,
        Outcome::Done(Ok(_)) => StatusCode::OK,
        Outcome::Done(Err(error)) if error.retry() == Retry::Never => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, map)
}

pub(crate) fn body(info: &CallInfo, outcome: &Outcome) -> Bytes {
    match outcome {
        Outcome::Done(Ok(payload)) => payload.text(),
        Outcome::Done(Err(error)) => error_body(error),
        Outcome::Suspended(suspended) => {
            let mut out = Vec::with_capacity(256);
            out.push(b'[');
            for (index, operation) in suspended.operations().iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_operation(&mut out, info, operation);
            }
            out.push(b']');
            Bytes::from(out)
        }
        // `Outcome` can grow; what this host does not know cannot have come from it.
        other => error_body(&Error::message(format!("unknown outcome: {other:?}"))),
    }
}

/// The JSON of a request that no call can be made of.
pub(crate) fn refusal_body(code: &str, error: &Error) -> Bytes {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(b"{\"code\":");
    write_string(&mut out, code);
    out.extend_from_slice(b",\"name\":\"Refused\",\"message\":");
    write_string(&mut out, error.text());
    out.push(b'}');
    Bytes::from(out)
}

/// The JSON of an error.
fn error_body(error: &Error) -> Bytes {
    let mut out = Vec::with_capacity(128);
    write_error(&mut out, error);
    Bytes::from(out)
}

/// The opcode of a reported operation.
pub(crate) fn opcode(info: &CallInfo, operation: &Operation) -> &'static str {
    match operation.kind {
        OperationKind::Planned => "StepPlanned",
        OperationKind::NotFound => "StepNotFound",
        OperationKind::Executed => match &operation.result {
            Some(Err(error)) if error.retry() == Retry::Never || info.is_final_attempt() => {
                "StepFailed"
            }
            Some(Err(_)) => "StepError",
            _ => "StepRun",
        },
        _ => match operation.step.op() {
            StepOp::Sleep => "Sleep",
            StepOp::WaitForEvent => "WaitForEvent",
            StepOp::Invoke => "InvokeFunction",
            _ => "StepPlanned",
        },
    }
}

fn write_operation(out: &mut Vec<u8>, info: &CallInfo, operation: &Operation) {
    let step = &operation.step;
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(&step.hash().to_hex());
    out.extend_from_slice(b"\",\"op\":\"");
    out.extend_from_slice(opcode(info, operation).as_bytes());
    out.extend_from_slice(b"\",\"name\":");
    write_string(out, wire_name(operation));
    out.extend_from_slice(b",\"displayName\":");
    write_string(out, step.name());
    out.extend_from_slice(b",\"opts\":");
    write_options(out, &operation.options);
    out.extend_from_slice(b",\"userland\":{\"id\":");
    write_string(out, step.id());
    out.extend_from_slice(b",\"index\":");
    match step.index() {
        0 => out.extend_from_slice(b"null"),
        index => out.extend_from_slice(index.to_string().as_bytes()),
    }
    out.extend_from_slice(b"},\"data\":");
    match &operation.result {
        Some(Ok(payload)) => out.extend_from_slice(&payload.text()),
        _ => out.extend_from_slice(b"null"),
    }
    if let Some(Err(error)) = &operation.result {
        out.extend_from_slice(b",\"error\":");
        write_error(out, error);
    }
    out.push(b'}');
}

/// The developer's id; for a sleep, as in other SDKs, its duration. Inngest's conformance runner compares
/// it, for a wait too.
fn wire_name(operation: &Operation) -> &str {
    match &operation.options {
        StepOptions::Sleep { until } => until,
        _ => operation.step.id(),
    }
}

fn write_options(out: &mut Vec<u8>, options: &StepOptions) {
    match options {
        StepOptions::Sleep { until } => {
            out.extend_from_slice(b"{\"duration\":");
            write_string(out, until);
        }
        StepOptions::WaitForEvent(WaitForEvent { event, timeout, condition, .. }) => {
            out.extend_from_slice(b"{\"event\":");
            write_string(out, event);
            out.extend_from_slice(b",\"timeout\":");
            write_string(out, &time_string(*timeout));
            if let Some(condition) = condition {
                out.extend_from_slice(b",\"if\":");
                write_string(out, condition);
            }
        }
        StepOptions::Invoke(Invoke { function, data, timeout, trace, .. }) => {
            out.extend_from_slice(b"{\"function_id\":");
            write_string(out, function);
            out.extend_from_slice(b",\"payload\":{\"data\":");
            out.extend_from_slice(&trace_key::write(data, trace).text());
            out.push(b'}');
            if let Some(timeout) = timeout {
                out.extend_from_slice(b",\"timeout\":");
                write_string(out, &time_string(*timeout));
            }
        }
        _ => return out.extend_from_slice(b"null"),
    }
    out.push(b'}');
}

fn write_error(out: &mut Vec<u8>, error: &Error) {
    out.extend_from_slice(b"{\"name\":");
    write_string(out, error.name());
    out.extend_from_slice(b",\"message\":");
    write_string(out, error.text());
    if let Some(stack) = error.stack() {
        out.extend_from_slice(b",\"stack\":");
        write_string(out, &stack);
    }
    for (key, value) in [(&b",\"data\":"[..], error.data()), (&b",\"cause\":"[..], error.cause())] {
        if let Some(value) = value {
            out.extend_from_slice(key);
            out.extend_from_slice(&value.text());
        }
    }
    out.push(b'}');
}

pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(&mut *out, text).expect("writing a string to memory cannot fail");
}
