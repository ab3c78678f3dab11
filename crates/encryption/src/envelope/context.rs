//! What an envelope is bound to: rebuilt by the reader, never transmitted.

use hookstack_core::StepHash;

use crate::error::Failure;

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
            _ => return None,
        })
    }
}

/// The place that a value belongs to. An envelope opens only in the place that it was sealed for, and
/// only in the namespace of the keyset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context<'a> {
    class: Class,
    parts: [Part<'a>; 2],
    count: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Hash(StepHash),
}

impl<'a> Context<'a> {
    fn new(class: Class, first: Part<'a>, second: Option<Part<'a>>) -> Self {
        let count = 1 + usize::from(second.is_some());
        Context { class, parts: [first, second.unwrap_or(Part::Text(""))], count }
    }

    /// A field of the data of an event of this name.
    pub fn event(name: &'a str, field: &'a str) -> Self {
        Context::new(Class::Event, Part::Text(name), Some(Part::Text(field)))
    }

    /// The output of a step of a function.
    pub fn step(function: &'a str, step: StepHash) -> Self {
        Context::new(Class::Step, Part::Text(function), Some(Part::Hash(step)))
    }

    /// The error of a step of a function.
    pub fn step_error(function: &'a str, step: StepHash) -> Self {
        Context::new(Class::StepError, Part::Text(function), Some(Part::Hash(step)))
    }

    /// The output of a function.
    pub fn function_output(function: &'a str) -> Self {
        Context::new(Class::FunctionOutput, Part::Text(function), None)
    }

    /// The error of a function.
    pub fn function_error(function: &'a str) -> Self {
        Context::new(Class::FunctionError, Part::Text(function), None)
    }

    /// A field of the payload of an invocation of this function.
    pub fn invoke(function: &'a str, field: &'a str) -> Self {
        Context::new(Class::Invoke, Part::Text(function), Some(Part::Text(field)))
    }

    /// What kind of value belongs here.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Strings with a length of 16 bits before each, so that no two places have the same form.
    pub(super) fn encode(&self, namespace: &str) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::with_capacity(64);
        push(&mut out, namespace.as_bytes())?;
        for part in &self.parts[..self.count] {
            match part {
                Part::Text(text) => push(&mut out, text.as_bytes())?,
                Part::Hash(hash) => push(&mut out, &hash.to_hex())?,
            }
        }
        Ok(out)
    }
}

pub(super) fn push(out: &mut Vec<u8>, text: &[u8]) -> Result<(), Failure> {
    let length = u16::try_from(text.len()).map_err(|_| Failure::TooLong)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text);
    Ok(())
}
