//! The end of a call: what is told of it, and what becomes of lines that were held.

use std::time::Instant;

use hookstack_core::{Completed, Result};

use crate::TARGET;
use crate::config::{Config, OwnLines};
use crate::failure::Failure;
use crate::scope::Scope;
use crate::{buffer, request};

/// The last that is done for a call, inside its span.
pub(crate) fn finish(
    config: &Config,
    scope: &Scope,
    result: &Result<Completed>,
    started: Option<Instant>,
) {
    let info = &*scope.info;
    let status = result.as_ref().ok().map(Completed::status);
    let is_client_error = match result {
        Ok(completed) => info.is_client_error(completed.status()),
        Err(error) => request::is_client_error(info, error),
    };
    let failure = match result {
        // The caller's mistake: not a failure of the service.
        _ if is_client_error => None,
        Ok(completed) => {
            let failure = scope.failure().take();
            let is_unknown = failure.is_none() && completed.status().as_u16() >= 400;
            failure.map(Some).or(is_unknown.then_some(None))
        }
        Err(error) => {
            let messages = config.error_messages;
            Some(Some(Failure::new(error, None, info, messages)))
        }
    };
    let is_http = info.trigger.is_http();
    let code = status.map(|status| status.as_u16());
    let http_status = code.filter(|_| is_http);
    buffer::settle_replayed(scope);
    buffer::write_retried(scope, None);
    if failure.is_some() {
        buffer::write(scope);
    }
    if config.own_lines != OwnLines::Off {
        match &failure {
            Some(Some(failure)) => failure.log(info, http_status),
            Some(None) if is_http => {
                tracing::error!(target: TARGET, status = code, "answered with a server error");
            }
            // A hook or the host replaced the outcome after this middleware had seen it.
            Some(None) => tracing::error!(target: TARGET, "call failed while it was answered"),
            None => {}
        }
    }
    if let Some(started) = started {
        let outcome = match (&failure, result) {
            (Some(_), _) => "failed",
            _ if is_client_error => "client_error",
            (None, Ok(completed)) if completed.is_suspended() => "suspended",
            (None, _) => "returned",
        };
        let duration_ms = milliseconds(started);
        tracing::debug!(target: TARGET, outcome, status = code, duration_ms, "call ended");
    }
    scope.end();
    // Once more, for the tasks that logged meanwhile.
    buffer::settle_replayed(scope);
    buffer::write_retried(scope, None);
    match failure {
        Some(_) => buffer::write(scope),
        None => buffer::drop_held(scope),
    }
}

/// The same for one that was dropped.
pub(crate) fn abandoned(scope: &Scope) {
    buffer::settle_replayed(scope);
    buffer::write_retried(scope, None);
    buffer::write(scope);
    tracing::warn!(target: TARGET, "call was dropped before it ended");
    abandoned_silently(scope);
}

pub(crate) fn abandoned_silently(scope: &Scope) {
    scope.end();
    buffer::settle_replayed(scope);
    buffer::write_retried(scope, None);
    buffer::write(scope);
}

pub(crate) fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
