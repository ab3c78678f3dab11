//! What the Inngest server takes at most.

use hookstack_core::{Error, ErrorKind, Outcome, Payload, Result, Retry};

/// The largest output of a step or a function, in bytes of JSON.
pub const MAX_OUTPUT: usize = 4 * 1024 * 1024;

/// The largest event, in bytes of JSON.
pub const MAX_EVENT: usize = 3 * 1024 * 1024;

pub(crate) fn check_step(name: &str, payload: Payload) -> Result<Payload> {
    check(|| format!("the output of step \"{name}\""), payload)
}

pub(crate) fn check_function(payload: Payload) -> Result<Payload> {
    check(|| "the function's output".to_owned(), payload)
}

fn check(what: impl Fn() -> String, payload: Payload) -> Result<Payload> {
    match payload.len() {
        size if size > MAX_OUTPUT => Err(too_large(&what(), size)),
        _ => Ok(payload),
    }
}

fn too_large(what: &str, size: usize) -> Error {
    Error::of_kind(
        ErrorKind::TooLarge,
        format!(
            "{what} has {size} bytes of JSON, more than the {MAX_OUTPUT} that the server takes; store it elsewhere and return a reference"
        ),
    )
    .with_retry(Retry::Never)
}

/// After the transforms, which may have made a payload larger (encryption adds a third).
pub(crate) fn check_transformed(outcome: &mut Outcome) {
    match outcome {
        Outcome::Done(result) => {
            if let Ok(payload) = result
                && payload.len() > MAX_OUTPUT
            {
                *result = Err(too_large(
                    "the function's output, transformed by middleware,",
                    payload.len(),
                ));
            }
        }
        Outcome::Suspended(suspended) => {
            for operation in suspended.operations_mut() {
                if let Some(Ok(payload)) = &operation.result
                    && payload.len() > MAX_OUTPUT
                {
                    let what = format!(
                        "the output of step \"{}\", transformed by middleware,",
                        operation.step.name()
                    );
                    operation.result = Some(Err(too_large(&what, payload.len())));
                }
            }
        }
        _ => {}
    }
}
