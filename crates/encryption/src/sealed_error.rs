//! Errors: one envelope over everything that may hold data; the name stays readable beside it.

use hookstack_core::{Error, ErrorKind, Payload, StepError};
use serde_json::value::RawValue;

use crate::envelope::{Context, ERROR_PREFIX, Opened, Origin, decode};
use crate::error::EnvelopeError;
use crate::keyset::Keyset;
use crate::object::Object;
use crate::wipe::Wiped;

/// The contents of an error that was sealed and opened again.
#[derive(serde::Deserialize)]
pub(crate) struct Contents {
    name: Box<str>,
    message: Box<str>,
    stack: Option<Box<str>>,
    data: Option<Box<RawValue>>,
    cause: Option<Box<RawValue>>,
}

/// Seals message, stack, data, cause, and a copy of the name, which thereby is authentic too.
pub(crate) fn seal(
    keys: &Keyset,
    context: &Context<'_>,
    origin: &Origin,
    error: &mut Error,
) -> Result<(), EnvelopeError> {
    if error.name().len() > MAX_NAME {
        let short: String = error.name().chars().take(MAX_NAME / 4).collect();
        *error = std::mem::replace(error, Error::message("")).with_name(short);
    }
    let mut contents = Object::new();
    contents.set_text("name", error.name());
    contents.set_text("message", error.text());
    let brief = Wiped::new(contents.to_json());
    if let Some(stack) = error.stack() {
        contents.set_text("stack", &stack);
    }
    for (key, value) in [("data", error.data()), ("cause", error.cause())] {
        if let Some(value) = value {
            contents.set(key, value.text().to_vec());
        }
    }
    let full = Wiped::new(contents.to_json());
    // Rather an error without its details than one that the server refuses.
    let contents = if full.len() > MAX_ERROR { brief } else { full };
    if contents.len() > MAX_ERROR {
        error.replace_contents("the error's message is too large to be sent", None, None, None);
        return seal(keys, context, origin, error);
    }
    error.replace_contents(keys.seal_error(context, origin, &contents)?, None, None, None);
    Ok(())
}

/// The largest contents of an error, in bytes of JSON; far below what the server takes.
const MAX_ERROR: usize = 1024 * 1024;

/// The longest name of an error, in bytes; it stays readable beside what is sealed.
const MAX_NAME: usize = 256;

/// The binary message in an error's message; `None` when it is none of ours.
///
/// # Errors
/// A message that begins like ours must be one.
pub(crate) fn message(text: &str) -> Result<Option<Vec<u8>>, EnvelopeError> {
    let Some(encoded) = text.strip_prefix(ERROR_PREFIX) else { return Ok(None) };
    decode(encoded.as_bytes()).map(Some).ok_or(EnvelopeError::NotAuthentic)
}

pub(crate) fn contents(opened: &Opened) -> Result<Contents, EnvelopeError> {
    serde_json::from_slice(opened.plaintext()).map_err(|_| EnvelopeError::NotAuthentic)
}

impl Contents {
    pub(crate) fn text(&self) -> &str {
        &self.message
    }

    /// As the error that the function receives.
    pub(crate) fn into_step_error(self) -> StepError {
        let payload = |raw: Box<RawValue>| Payload::from_well_formed(raw.get().to_owned());
        StepError::new(self.name, self.message)
            .with_stack(self.stack)
            .with_details(self.data.map(payload), self.cause.map(payload))
    }

    /// As the JSON of an error in an event of the server, made of nothing but what was sealed.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut error = Object::new();
        error.set_text("error", &self.name);
        error.set_text("name", &self.name);
        error.set_text("message", &self.message);
        if let Some(stack) = &self.stack {
            error.set_text("stack", stack);
        }
        for (key, value) in [("data", &self.data), ("cause", &self.cause)] {
            if let Some(value) = value {
                error.set(key, value.get().as_bytes().to_vec());
            }
        }
        error.to_json()
    }
}

/// The JSON of an error of which only the message is kept, because anybody can have written it.
pub(crate) fn unauthenticated_json(message: &str) -> Vec<u8> {
    let mut error = Object::new();
    error.set_text("error", UNAUTHENTICATED);
    error.set_text("name", UNAUTHENTICATED);
    error.set_text("message", message);
    error.to_json()
}

/// What a plaintext error is called where errors are sealed.
const UNAUTHENTICATED: &str = "UnauthenticatedError";

/// An error of the host's own, a time limit for instance, or one that somebody on the way wrote: the
/// function receives it, but never as an error of its own code.
pub(crate) fn unauthenticated(error: &StepError) -> StepError {
    StepError::new(UNAUTHENTICATED, error.text()).with_kind(ErrorKind::Unauthenticated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    /// What a reader gets of an error.
    fn read(error: Error) -> (String, Contents) {
        let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a key");
        let context = Context::function_error("shop-fulfil");
        let mut error = error;
        seal(&keys, &context, &Origin::default(), &mut error).expect("sealed");
        let message = message(error.text()).expect("ours").expect("sealed");
        let opened = keys.open_message(&context, message).expect("opened");
        (error.name().to_owned(), contents(&opened).expect("an error"))
    }

    #[test]
    fn a_long_name_is_cut_and_the_copy_inside_agrees() {
        for (length, kept) in [(256, 256), (257, 64), (100_000, 64)] {
            let (name, contents) = read(Error::message("x").with_name("N".repeat(length)));
            assert_eq!(name.len(), kept, "{length}");
            assert_eq!(&*contents.name, name);
        }
    }

    #[test]
    fn rather_the_details_than_the_message_and_rather_both_than_the_error_are_left_out() {
        const LIMIT: usize = 1_048_576;
        let around = r#"{"name":"Error","message":"x","data":"#.len() + 1;
        for (size, has_data) in [(LIMIT, true), (LIMIT + 1, false), (2 * LIMIT, false)] {
            let data = Payload::from_value("d".repeat(size - around - 2).into());
            let (_, contents) = read(Error::message("x").with_data(data));
            assert_eq!(contents.data.is_some(), has_data, "{size}");
            assert_eq!(contents.text(), "x");
        }
        let around = r#"{"name":"Error","message":""}"#.len();
        for (size, is_kept) in [(LIMIT, true), (LIMIT + 1, false), (2 * LIMIT, false)] {
            let text = "m".repeat(size - around);
            let (_, contents) = read(Error::message(text.clone()));
            assert_eq!(contents.text() == text, is_kept, "{size}");
            if !is_kept {
                assert_eq!(contents.text(), "the error's message is too large to be sent");
            }
        }
    }
}
