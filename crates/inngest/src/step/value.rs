//! Memoized values as the results of step tools.

use hookstack_core::{Error, ErrorKind, MemoValue, Payload, Result, StepError, StepInfo};
use serde::de::DeserializeOwned;

use crate::driver::Delivery;
use crate::extract::TypedEvent;

/// The output of a run, a sending or an invocation: `{"data": …}` or `{"error": …}`, nothing else.
pub(super) fn output<T: DeserializeOwned>(
    step: &StepInfo,
    delivery: Delivery,
) -> Result<T, StepError> {
    match value(step, delivery)? {
        MemoValue::Data(payload) => read(step, &payload),
        other => Err(unexpected(step, &other)),
    }
}

/// A sleep that is over.
pub(super) fn nothing(step: &StepInfo, delivery: Delivery) -> Result<(), StepError> {
    match value(step, delivery)? {
        MemoValue::Bare(payload) | MemoValue::Data(payload) if payload.is_null() => Ok(()),
        other => Err(unexpected(step, &other)),
    }
}

/// An awaited event, or `null` when none came.
pub(super) fn event<T: DeserializeOwned>(
    step: &StepInfo,
    delivery: Delivery,
) -> Result<Option<TypedEvent<T>>, StepError> {
    match value(step, delivery)? {
        MemoValue::Bare(payload) | MemoValue::Data(payload) if payload.is_null() => Ok(None),
        MemoValue::Bare(payload) => read(step, &payload).map(Some),
        other => Err(unexpected(step, &other)),
    }
}

fn value(step: &StepInfo, delivery: Delivery) -> Result<MemoValue, StepError> {
    match delivery {
        Delivery::Memo(memo) => match memo.value {
            MemoValue::Error(error) => Err(error.with_step(step.id())),
            other => Ok(other),
        },
        Delivery::Refused(error) => Err(error),
        Delivery::Execute(_) => Err(StepError::new(
            "StepMisuse",
            format!("step \"{}\" is the platform's work and has no body", step.name()),
        )
        .with_kind(ErrorKind::Misuse)
        .with_step(step.id())),
    }
}

fn read<T: DeserializeOwned>(step: &StepInfo, payload: &Payload) -> Result<T, StepError> {
    payload.to().map_err(|error: Error| {
        let message = format!("the stored result of step \"{}\": {}", step.name(), error.text());
        StepError::new(error.name(), message).with_kind(error.kind()).with_step(step.id())
    })
}

fn unexpected(step: &StepInfo, value: &MemoValue) -> StepError {
    let message = match value {
        MemoValue::Input(_) => "was rerun with an edited input, but its body takes none",
        _ => "has a stored value of a form that this kind of step never has",
    };
    StepError::new("InvalidInput", format!("step \"{}\" {message}", step.name()))
        .with_kind(ErrorKind::InvalidInput)
        .with_step(step.id())
}
