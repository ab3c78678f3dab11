//! Errors: one envelope over everything that may hold data; the name stays readable beside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookstack_core::{Error, ErrorKind, Payload, StepError};
use serde_json::value::RawValue;

use crate::envelope::{Context, ERROR_PREFIX, Opened, Origin};
use crate::error::Failure;
use crate::keyset::Keyset;
use crate::object::Object;

/// The contents of an error that was sealed and opened again.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Contents {
    pub(crate) name: Box<str>,
    pub(crate) message: Box<str>,
    pub(crate) stack: Option<Box<str>>,
    data: Option<Box<RawValue>>,
    cause: Option<Box<RawValue>>,
}

/// Seals message, stack, data, cause, and a copy of the name, which thereby is authentic too.
pub(crate) fn seal(
    keys: &Keyset,
    context: &Context<'_>,
    origin: &Origin,
    error: &mut Error,
) -> Result<(), Failure> {
    let mut contents = Object::new();
    contents.set_text("name", error.name());
    contents.set_text("message", error.text());
    if let Some(stack) = error.stack() {
        contents.set_text("stack", &stack);
    }
    for (key, value) in [("data", error.data()), ("cause", error.cause())] {
        if let Some(value) = value {
            contents.set(key, value.text().to_vec());
        }
    }
    let message = keys.seal_message(context, origin, &contents.to_json(), keys.salt()?)?;
    error.replace_contents(format!("{ERROR_PREFIX}{}", STANDARD.encode(message)), None, None, None);
    Ok(())
}

/// The binary message in an error's message; `None` when it is none of ours.
///
/// # Errors
/// A message that begins like ours must be one.
pub(crate) fn message(text: &str) -> Result<Option<Vec<u8>>, Failure> {
    let Some(encoded) = text.strip_prefix(ERROR_PREFIX) else { return Ok(None) };
    STANDARD.decode(encoded).map(Some).map_err(|_| Failure::NotAuthentic)
}

pub(crate) fn contents(opened: &Opened) -> Result<Contents, Failure> {
    serde_json::from_slice(opened.plaintext()).map_err(|_| Failure::NotAuthentic)
}

impl Contents {
    /// As the error that the function receives.
    pub(crate) fn into_step_error(self) -> StepError {
        let payload = |raw: Box<RawValue>| Payload::from_well_formed(raw.get().to_owned());
        StepError::new(self.name, self.message)
            .with_stack(self.stack)
            .with_details(self.data.map(payload), self.cause.map(payload))
    }
}

/// What a plaintext error is called where errors are sealed.
pub(crate) const UNAUTHENTICATED: &str = "UnauthenticatedError";

/// An error of the host's own, a time limit for instance, or one that somebody on the way wrote: the
/// function receives it, but never as an error of its own code.
pub(crate) fn unauthenticated(error: &StepError) -> StepError {
    StepError::new(UNAUTHENTICATED, error.message()).with_kind(ErrorKind::Unauthenticated)
}
