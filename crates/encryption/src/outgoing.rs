//! What leaves the process.

use hookstack_core::{
    BeforeSendEvents, CallInfo, Error, ErrorKind, Extensions, Payload, Result, Retry, StepInfo,
    StepOptions, TransformOutput,
};

use crate::config::Config;
use crate::data::{self, Owner};
use crate::envelope::{Context, Invoker, Origin};
use crate::error::Failure;
use crate::policy::Mode;
use crate::sealed_error;

/// The largest output that the Inngest server takes, in bytes of JSON.
const MAX_OUTPUT: usize = 4 * 1024 * 1024;
/// The largest event.
const MAX_EVENT: usize = 3 * 1024 * 1024;

/// Who invoked this call's function, as established when its event was opened.
#[derive(Clone, Debug)]
pub(crate) struct InvokedBy(pub(crate) Invoker);

/// Where this call seals.
pub(crate) fn origin(info: &CallInfo, extensions: &Extensions) -> Origin {
    Origin {
        function: info.function.slug.clone(),
        run_id: info.run_id.clone(),
        trigger_id: info.event_id.clone().unwrap_or_default(),
        event_id: String::new(),
        invoker: extensions.get::<InvokedBy>().map(|by| by.0.clone()).unwrap_or_default(),
    }
}

pub(crate) fn transform_output(config: &Config, cx: &mut TransformOutput<'_>) -> Result {
    if config.mode == Mode::WritePlaintext {
        return Ok(());
    }
    let info = cx.info().clone();
    let origin = origin(&info, cx.extensions());
    let step = cx.step().cloned();
    let slug = &info.function.slug;
    let place = step.as_ref().map_or_else(
        || "the function's output".to_owned(),
        |step| format!("step \"{}\"", step.name()),
    );

    if let Some(output) = cx.output_mut().map(std::mem::take) {
        let context = match &step {
            Some(step) => Context::step(slug, step.hash()),
            None => Context::function_output(slug),
        };
        let size = output.len();
        let sealed =
            config.keys.seal(&context, &origin, &output.text()).map_err(|f| f.at(&place))?;
        if sealed.len() > MAX_OUTPUT {
            cx.set_error(too_large(&place, size, sealed.len(), MAX_OUTPUT));
        } else if let Some(slot) = cx.output_mut() {
            *slot = Payload::from_well_formed(sealed);
        }
    }
    if let Some(error) = cx.error_mut() {
        let context = match &step {
            Some(step) => Context::step_error(slug, step.hash()),
            None => Context::function_error(slug),
        };
        sealed_error::seal(&config.keys, &context, &origin, error).map_err(|f| f.at(&place))?;
    }
    if let (Some(step), Some(StepOptions::Invoke(invoke))) = (&step, cx.options_mut()) {
        let origin = Origin { invoker: invoking(&info, step), ..origin };
        invoke.data = data::seal(
            config,
            &config.invokes,
            Owner::Invoke(&invoke.function),
            &origin,
            &invoke.data,
        )
        .map_err(|f| f.at(&place))?;
    }
    Ok(())
}

/// What the invoked function copies into its result, so that the result fits this step only.
fn invoking(info: &CallInfo, step: &StepInfo) -> Invoker {
    Invoker {
        function: info.function.slug.clone(),
        run_id: info.run_id.clone(),
        trigger_id: info.event_id.clone().unwrap_or_default(),
        step: step.hash().to_string(),
    }
}

pub(crate) fn before_send_events(config: &Config, cx: &mut BeforeSendEvents<'_>) -> Result {
    if config.mode == Mode::WritePlaintext {
        return Ok(());
    }
    let base = cx
        .info()
        .map(|info| Origin { invoker: Invoker::default(), ..origin(info, cx.extensions()) });
    let base = base.unwrap_or_default();
    for event in cx.events_mut() {
        let place = format!("event \"{}\"", event.name);
        let origin = Origin { event_id: event.id.clone().unwrap_or_default(), ..base.clone() };
        let size = event.data.len();
        let policy = config.policy(&event.name);
        let sealed = data::seal(config, policy, Owner::Event(&event.name), &origin, &event.data);
        event.data = sealed.map_err(|failure| match failure {
            // Of a value that is still plaintext, this can only mean that it is no object.
            Failure::NotAuthentic => Error::of_kind(
                ErrorKind::InvalidInput,
                format!("{place}: its data must be a JSON object without repeated keys"),
            )
            .with_retry(Retry::Never),
            other => other.at(&place),
        })?;
        if event.data.len() > MAX_EVENT {
            return Err(too_large(&place, size, event.data.len(), MAX_EVENT));
        }
    }
    Ok(())
}

fn too_large(place: &str, plain: usize, sealed: usize, limit: usize) -> Error {
    Error::of_kind(
        ErrorKind::TooLarge,
        format!(
            "{place}: {plain} bytes of JSON become {sealed} when sealed, more than the {limit} that the server takes; store the data elsewhere and pass a reference"
        ),
    )
    .with_retry(Retry::Never)
}
