//! What leaves the process.

use hookstack_core::{
    BeforeSendEvents, CallInfo, Error, ErrorKind, Extensions, Payload, Result, Retry, StatusCode,
    StepInfo, StepOptions, TransformOutput,
};

use crate::config::Config;
use crate::counters::Counted;
use crate::data;
use crate::envelope::{Context, Invoker, Origin};
use crate::error::EnvelopeError;
use crate::hex::hex;
use crate::owner::Owner;
use crate::policy::{Mode, Slot};
use crate::requests::Address;
use crate::sealed_error;
use crate::trigger::TriggeredBy;

/// The largest output that the Inngest server takes, in bytes of JSON.
const MAX_OUTPUT: usize = 4 * 1024 * 1024;
/// The largest event.
const MAX_EVENT: usize = 3 * 1024 * 1024;

/// Where this call seals.
fn origin(info: &CallInfo, extensions: &Extensions) -> Origin {
    let triggered_by = TriggeredBy::of(extensions);
    Origin {
        function: info.function.slug.clone(),
        run_id: info.run_id.clone(),
        trigger_id: triggered_by.id,
        event_id: String::new(),
        invoker: triggered_by.invoker,
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
        let address = Address::of(&info.trigger)?;
        let context = match (&step, address) {
            (Some(step), _) => Context::step(slug, step.hash()),
            (None, None) => Context::function_output(slug),
            // What was never asked cannot be answered.
            (None, Some(address)) => address
                .response_of(cx.extensions())
                .ok_or_else(|| EnvelopeError::NotAuthentic.at("the request"))?,
        };
        let size = output.len();
        let sealed =
            config.keys.seal(&context, &origin, &output.text()).map_err(|f| f.at(&place))?;
        // Other hosts have limits of their own.
        if address.is_none() && sealed.len() > MAX_OUTPUT {
            cx.set_error(too_large(&place, size, sealed.len(), MAX_OUTPUT));
        } else if let Some(slot) = cx.output_mut() {
            *slot = Payload::from_well_formed(sealed);
            config.counters.add(Slot::of(context.class()), Counted::Sealed);
        }
    }
    if let Some(error) = cx.error_mut() {
        let context = match &step {
            Some(step) => Context::step_error(slug, step.hash()),
            None => Context::function_error(slug),
        };
        sealed_error::seal(&config.keys, &context, &origin, error).map_err(|f| f.at(&place))?;
        config.counters.add(Slot::of(context.class()), Counted::Sealed);
    }
    if let (Some(step), Some(StepOptions::Invoke(invoke))) = (&step, cx.options_mut()) {
        let size = invoke.data.len();
        let origin = Origin { invoker: invoking(&origin, step), ..origin };
        let owner = Owner::Invoke(&invoke.function);
        let sealed = data::seal(config, &config.invokes, owner, &origin, &invoke.data);
        invoke.data = sealed.map_err(|failure| not_sealed(failure, &place))?;
        if invoke.data.len() > MAX_EVENT {
            return Err(too_large(&place, size, invoke.data.len(), MAX_EVENT));
        }
    }
    Ok(())
}

/// What the invoked function copies into its result, so that the result fits this step only.
fn invoking(origin: &Origin, step: &StepInfo) -> Invoker {
    Invoker {
        function: origin.function.clone(),
        run_id: origin.run_id.clone(),
        trigger_id: origin.trigger_id.clone(),
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
        // A middleware may have added it; without an id it could be sent again as another.
        if event.id.as_deref().unwrap_or_default().is_empty() {
            event.id = Some(random_id().map_err(|failure| failure.at(&place))?);
        }
        let origin = Origin { event_id: event.id.clone().unwrap_or_default(), ..base.clone() };
        let size = event.data.len();
        let policy = config.policy(&event.name);
        let sealed = data::seal(config, policy, Owner::Event(&event.name), &origin, &event.data);
        event.data = sealed.map_err(|failure| not_sealed(failure, &place))?;
        if event.data.len() > MAX_EVENT {
            return Err(too_large(&place, size, event.data.len(), MAX_EVENT));
        }
    }
    Ok(())
}

/// Why a data object could not be sealed.
fn not_sealed(failure: EnvelopeError, place: &str) -> Error {
    match failure {
        // Of a value that is still plaintext, this can only mean that it is no object.
        EnvelopeError::NotAuthentic => Error::of_kind(
            ErrorKind::InvalidInput,
            format!(
                "{place}: its data must be a JSON object without repeated keys: Encryption seals the fields of an object"
            ),
        )
        .with_retry(Retry::Never)
        .without_secrets(),
        other => other.at(place),
    }
}

fn random_id() -> Result<String, EnvelopeError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| EnvelopeError::Random)?;
    Ok(hex(&bytes))
}

fn too_large(place: &str, plain: usize, sealed: usize, limit: usize) -> Error {
    Error::of_kind(
        ErrorKind::TooLarge,
        format!(
            "{place}: {plain} bytes of JSON become {sealed} when sealed, more than the {limit} that the server takes; store the data elsewhere and pass a reference"
        ),
    )
    .with_retry(Retry::Never)
    // What this program sends is too large, not what a client of it sent.
    .with_status(StatusCode::INTERNAL_SERVER_ERROR)
    .without_secrets()
}
