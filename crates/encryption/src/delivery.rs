//! The second check: what may be delivered to which step.

use hookstack_core::{
    CallInfo, MemoValue, Result, StepInfo, StepOp, StepOptions, TransformMemoized,
};

use crate::config::Config;
use crate::counters::Counted;
use crate::envelope::{Class, Invoker, Origin};
use crate::error::EnvelopeError;
use crate::object::Object;
use crate::policy::{Binding, Slot};
use crate::provenance::Provenance;
use crate::sealed_error;
use crate::trigger::TriggeredBy;

pub(crate) fn transform_memoized(config: &Config, cx: &mut TransformMemoized<'_>) -> Result {
    let place = format!("the stored value of step \"{}\"", cx.step().name());
    if let MemoValue::Error(error) = &cx.memo().value
        && *Provenance::of(&cx.memo().extensions) == Provenance::Plain
    {
        let slot = if cx.step().op() == StepOp::Invoke { Slot::Functions } else { Slot::Steps };
        if !config.accepts_plaintext(slot) {
            // The host's own error, a peer's, or a forged one: delivered, but never as one of the user's code.
            let marked = sealed_error::unauthenticated(error);
            cx.memo_mut().value = MemoValue::Error(marked);
        }
        return Ok(());
    }
    if let (MemoValue::Error(error), true) = (&cx.memo().value, failed_unread(cx)) {
        let marked = sealed_error::unauthenticated(error);
        cx.memo_mut().value = MemoValue::Error(marked);
        return Ok(());
    }
    let slot = match cx.step().op() {
        StepOp::Invoke => Slot::Functions,
        StepOp::WaitForEvent => Slot::Events,
        _ => Slot::Steps,
    };
    check(config, cx).map_err(|failure| config.refuses(slot, failure).at(&place))
}

/// The error of an invoked function that could not read its event, for want of a key for instance: it
/// did not learn who invoked it, so its error is bound to nobody.
fn failed_unread(cx: &TransformMemoized<'_>) -> bool {
    match (Provenance::of(&cx.memo().extensions), cx.options()) {
        (
            Provenance::Sealed { class: Class::FunctionError, origin, .. },
            StepOptions::Invoke(invoke),
        ) => origin.function == invoke.function && origin.is_unbound(),
        _ => false,
    }
}

fn check(config: &Config, cx: &TransformMemoized<'_>) -> Result<(), EnvelopeError> {
    let (info, step, memo) = (cx.info(), cx.step(), cx.memo());
    let by = TriggeredBy::of(cx.extensions());
    let provenance = Provenance::of(&memo.extensions);
    match step.op() {
        StepOp::Run | StepOp::SendEvent => {
            let class = expected(&memo.value, Class::Step, Class::StepError)?;
            sealed(config, provenance, class, Slot::Steps, |origin| {
                is_of_this_call(config.binding, info, &by, origin)
            })
        }
        StepOp::Invoke => {
            let class = expected(&memo.value, Class::FunctionOutput, Class::FunctionError)?;
            let StepOptions::Invoke(invoke) = cx.options() else {
                return Err(EnvelopeError::NotAuthentic);
            };
            if *provenance == Provenance::Plain && config.invokes_peer(cx.options()) {
                config.counters.add(Slot::Functions, Counted::Plaintext);
                return Ok(());
            }
            sealed(config, provenance, class, Slot::Functions, |origin| {
                origin.function == invoke.function
                    && (answers(config.binding, info, &by, step, origin)
                        || answers_plaintext(config, origin))
            })
        }
        StepOp::Sleep => match &memo.value {
            MemoValue::Bare(payload) if payload.is_null() => Ok(()),
            _ => Err(EnvelopeError::Plaintext),
        },
        StepOp::WaitForEvent => match &memo.value {
            MemoValue::Bare(payload) if payload.is_null() => Ok(()),
            MemoValue::Bare(payload) => {
                let StepOptions::WaitForEvent(wait) = cx.options() else {
                    return Err(EnvelopeError::NotAuthentic);
                };
                // The event itself was opened under the policy of its name.
                let text = payload.text();
                let name = Object::parse(&text).and_then(|event| event.text("name"));
                if name.as_deref() == Some(&wait.event) {
                    Ok(())
                } else {
                    Err(EnvelopeError::NotAuthentic)
                }
            }
            _ => Err(EnvelopeError::Plaintext),
        },
        _ => Err(EnvelopeError::NotAuthentic),
    }
}

/// The class that a stored value must have; a bare value or an edited input has none.
fn expected(value: &MemoValue, output: Class, error: Class) -> Result<Class, EnvelopeError> {
    match value {
        MemoValue::Data(_) => Ok(output),
        MemoValue::Error(_) => Ok(error),
        _ => Err(EnvelopeError::Plaintext),
    }
}

fn sealed(
    config: &Config,
    provenance: &Provenance,
    expected: Class,
    slot: Slot,
    belongs: impl Fn(&Origin) -> bool,
) -> Result<(), EnvelopeError> {
    match provenance {
        Provenance::Sealed { class, origin, .. } if *class == expected && belongs(origin) => Ok(()),
        Provenance::Sealed { .. } | Provenance::Interop { .. } => Err(EnvelopeError::NotAuthentic),
        Provenance::Plain if config.takes_plaintext(slot) => Ok(()),
        Provenance::Plain => Err(EnvelopeError::Plaintext),
    }
}

/// Sealed by this function, for the same trigger and invoker unless the binding says otherwise. A rerun has
/// the same, and another run.
fn is_of_this_call(binding: Binding, info: &CallInfo, by: &TriggeredBy, origin: &Origin) -> bool {
    let same_trigger = origin.invoker == by.invoker && origin.trigger_id == by.id;
    origin.function == info.function.slug
        && match binding {
            Binding::Trigger => same_trigger,
            Binding::Run => same_trigger && origin.run_id == info.run_id,
            Binding::Slot => true,
        }
}

/// Sealed as the answer to this step of this function, for the same trigger unless the binding says otherwise.
fn answers(
    binding: Binding,
    info: &CallInfo,
    by: &TriggeredBy,
    step: &StepInfo,
    origin: &Origin,
) -> bool {
    let invoker = &origin.invoker;
    invoker.function == info.function.slug
        && invoker.step.as_bytes() == step.hash().to_hex()
        && match binding {
            Binding::Trigger => invoker.trigger_id == by.id,
            Binding::Run => invoker.trigger_id == by.id && invoker.run_id == info.run_id,
            Binding::Slot => true,
        }
}

/// Sealed as the answer to an invocation in plaintext, which names no step to answer to: in a roll-out, a
/// run that invoked before its app sealed. It proves more than plaintext would, so it is accepted, and
/// counted, where plaintext is.
fn answers_plaintext(config: &Config, origin: &Origin) -> bool {
    origin.invoker == Invoker::default() && config.takes_plaintext(Slot::Functions)
}
