//! What an envelope is bound to: rebuilt by the reader, never transmitted.

use hookstack_core::StepHash;

use super::commitment::Commitment;
use crate::error::EnvelopeError;

/// What kind of value an envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Class {
    /// The data of an event, or a field of it.
    Event = 1,
    /// The output of a step.
    Step = 2,
    /// The output of a function.
    FunctionOutput = 3,
    /// The error of a step.
    StepError = 4,
    /// The error of a function.
    FunctionError = 5,
    /// The payload of an invocation, or a field of it.
    Invoke = 6,
    /// The body of an HTTP request.
    HttpRequest = 7,
    /// The body of the response to it.
    HttpResponse = 8,
    /// The event of an AWS Lambda invocation.
    LambdaEvent = 9,
    /// The response to it.
    LambdaResponse = 10,
}

impl Class {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Class::Event,
            2 => Class::Step,
            3 => Class::FunctionOutput,
            4 => Class::StepError,
            5 => Class::FunctionError,
            6 => Class::Invoke,
            7 => Class::HttpRequest,
            8 => Class::HttpResponse,
            9 => Class::LambdaEvent,
            10 => Class::LambdaResponse,
            _ => return None,
        })
    }
}

/// The place that a value belongs to. An envelope opens only in the place that it was sealed for, and
/// only in the namespace of the keyset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context<'a> {
    class: Class,
    parts: [Part<'a>; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Hash(StepHash),
    Request(Commitment),
    /// Nothing, not even a length.
    Absent,
}

impl<'a> Context<'a> {
    fn new(class: Class, parts: [Part<'a>; 3]) -> Self {
        Context { class, parts }
    }

    /// A field of the data of an event of this name.
    pub fn event(name: &'a str, field: &'a str) -> Self {
        Context::new(Class::Event, [Part::Text(name), Part::Text(field), Part::Absent])
    }

    /// The output of a step of a function.
    pub fn step(function: &'a str, step: StepHash) -> Self {
        Context::new(Class::Step, [Part::Text(function), Part::Hash(step), Part::Absent])
    }

    /// The error of a step of a function.
    pub fn step_error(function: &'a str, step: StepHash) -> Self {
        Context::new(Class::StepError, [Part::Text(function), Part::Hash(step), Part::Absent])
    }

    /// The output of a function.
    pub fn function_output(function: &'a str) -> Self {
        Context::new(Class::FunctionOutput, [Part::Text(function), Part::Absent, Part::Absent])
    }

    /// The error of a function.
    pub fn function_error(function: &'a str) -> Self {
        Context::new(Class::FunctionError, [Part::Text(function), Part::Absent, Part::Absent])
    }

    /// A field of the payload of an invocation of this function.
    pub fn invoke(function: &'a str, field: &'a str) -> Self {
        Context::new(Class::Invoke, [Part::Text(function), Part::Text(field), Part::Absent])
    }

    /// The body of an HTTP request. `method` in upper case; `route` is the template with its
    /// placeholders as the service registers it, for instance `/orders/{id}`.
    pub fn http_request(method: &'a str, route: &'a str) -> Self {
        Context::new(Class::HttpRequest, [Part::Text(method), Part::Text(route), Part::Absent])
    }

    /// The body of the response to the request with this commitment; see
    /// [`Header::commitment`](crate::Header::commitment).
    pub fn http_response(method: &'a str, route: &'a str, request: Commitment) -> Self {
        let parts = [Part::Text(method), Part::Text(route), Part::Request(request)];
        Context::new(Class::HttpResponse, parts)
    }

    /// The event of an AWS Lambda invocation; `function` is the function's name.
    pub fn lambda_event(function: &'a str) -> Self {
        Context::new(Class::LambdaEvent, [Part::Text(function), Part::Absent, Part::Absent])
    }

    /// The response to the event with this commitment.
    pub fn lambda_response(function: &'a str, event: Commitment) -> Self {
        let parts = [Part::Text(function), Part::Request(event), Part::Absent];
        Context::new(Class::LambdaResponse, parts)
    }

    /// What kind of value belongs here.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Strings with a length of 16 bits before each, so that no two places have the same form.
    pub(super) fn encode(&self, namespace: &str) -> Result<Vec<u8>, EnvelopeError> {
        let mut out = Vec::with_capacity(64);
        push(&mut out, namespace.as_bytes())?;
        for part in &self.parts {
            match part {
                Part::Text(text) => push(&mut out, text.as_bytes())?,
                Part::Hash(hash) => push(&mut out, &hash.to_hex())?,
                Part::Request(commitment) => push(&mut out, &commitment.0)?,
                Part::Absent => {}
            }
        }
        Ok(out)
    }
}

fn push(out: &mut Vec<u8>, text: &[u8]) -> Result<(), EnvelopeError> {
    let length = u16::try_from(text.len()).map_err(|_| EnvelopeError::TooLong)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text);
    Ok(())
}
