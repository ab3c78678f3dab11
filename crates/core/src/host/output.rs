//! `transform_output` over what a call came to, failing closed.

use crate::call::Call;
use crate::error::Error;
use crate::hook::Hook;
use crate::outcome::{OperationKind, Outcome};
use crate::stack::{Entry, Stack};
use crate::view::TransformOutput;

/// Transforms the outcome, failing closed.
pub(super) async fn transform(stack: &Stack, call: &mut Call, outcome: &mut Outcome) {
    let list = stack.list(Hook::TransformOutput);
    let failed = match outcome {
        Outcome::Done(result) => {
            let view = TransformOutput { call, step: None, result: Some(result), options: None };
            transform_one(list, view).await
        }
        Outcome::Suspended(suspended) => {
            let mut failed = None;
            let reported = suspended.operations.iter_mut();
            for operation in reported.filter(|op| op.kind != OperationKind::NotFound) {
                let view = TransformOutput {
                    call,
                    step: Some(&operation.step),
                    result: operation.result.as_mut(),
                    options: Some(&mut operation.options),
                };
                failed = transform_one(list, view).await;
                if failed.is_some() {
                    break;
                }
            }
            failed
        }
    };
    if let Some((position, mut error)) = failed {
        if let Outcome::Done(Err(first)) =
            std::mem::replace(outcome, Outcome::Done(Ok(Default::default())))
        {
            error.suppress(first);
        }
        *outcome = Outcome::Done(Err(error));
        Box::pin(seal_late_error(&list[position + 1..], call, outcome)).await;
    }
}

/// The view goes through the list; the position and error of the hook that failed.
async fn transform_one(list: &[Entry], mut view: TransformOutput<'_>) -> Option<(usize, Error)> {
    for (position, entry) in list.iter().enumerate() {
        let result =
            entry.run(Hook::TransformOutput, &mut view, |m, view| m.transform_output(view)).await;
        if let Err(error) = result {
            return Some((position, error));
        }
    }
    None
}

/// An error that came up after the transforms began still passes the middleware next to the wire, so
/// that a hook's error text does not leave the process in plaintext.
pub(super) async fn seal_late_error(list: &[Entry], call: &mut Call, outcome: &mut Outcome) {
    let Outcome::Done(result) = outcome else { return };
    for entry in list.iter().filter(|entry| entry.wire) {
        let mut view = TransformOutput { call, step: None, result: Some(result), options: None };
        let sealed =
            entry.run(Hook::TransformOutput, &mut view, |m, view| m.transform_output(view)).await;
        if let Err(error) = sealed {
            let unsealed = std::mem::replace(result, Err(error));
            if let (Err(error), Err(unsealed)) = (result, unsealed) {
                error.suppress(unsealed);
            }
            return;
        }
    }
}
