//! What the Inngest server takes at most.
//!
//! Checked after the transforms: a middleware may make a payload larger (encryption adds a third) or
//! smaller (a reference to a value that it stored elsewhere).

use hookstack_core::{Error, ErrorKind, Event, Outcome, Result, Retry, StatusCode, StepOptions};

/// The largest output of a step or a function, in bytes of JSON.
pub const MAX_OUTPUT: usize = 4 * 1024 * 1024;

/// The largest event, and the largest payload of an invocation, in bytes of JSON.
pub const MAX_EVENT: usize = 3 * 1024 * 1024;

/// Refuses what the server would refuse: an output becomes the error of its step or function, too large
/// an invocation fails the call.
pub(crate) fn check_outcome(outcome: &mut Outcome) {
    match outcome {
        Outcome::Done(result) => {
            if let Ok(payload) = result
                && payload.len() > MAX_OUTPUT
            {
                *result = Err(too_large("the function's output", payload.len(), MAX_OUTPUT));
            }
        }
        Outcome::Suspended(suspended) => {
            for operation in suspended.operations_mut() {
                let name = operation.step.name();
                if let Some(Ok(payload)) = &operation.result
                    && payload.len() > MAX_OUTPUT
                {
                    let what = format!("the output of step \"{name}\"");
                    operation.result = Some(Err(too_large(&what, payload.len(), MAX_OUTPUT)));
                }
                if let StepOptions::Invoke(invoke) = &operation.options
                    && invoke.data.len() > MAX_EVENT
                {
                    let what = format!("the payload of step \"{name}\"");
                    let error = too_large(&what, invoke.data.len(), MAX_EVENT);
                    *outcome = Outcome::Done(Err(error));
                    return;
                }
            }
        }
        _ => {}
    }
}

/// Refuses events that the server would refuse, before any of them is sent.
pub(crate) fn check_events(events: &[Event]) -> Result {
    for event in events {
        if event.data.len() > MAX_EVENT {
            let what = format!("the data of event \"{}\"", event.name);
            return Err(too_large(&what, event.data.len(), MAX_EVENT));
        }
    }
    Ok(())
}

fn too_large(what: &str, size: usize, limit: usize) -> Error {
    Error::of_kind(
        ErrorKind::TooLarge,
        format!(
            "{what} has {size} bytes of JSON, more than the {limit} that the server takes; store it elsewhere and pass a reference"
        ),
    )
    .with_retry(Retry::Never)
    // What this program sends is too large, not what a client of it sent.
    .with_status(StatusCode::INTERNAL_SERVER_ERROR)
    .without_secrets()
}
