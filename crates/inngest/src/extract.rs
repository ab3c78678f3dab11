//! What a durable function's handler can take as arguments.

use hookstack_core::host::HandlerKind;
use hookstack_core::{
    CallTrigger, Error, ErrorKind, Event, Extensions, Extract, ExtractContext, Result, Retry,
    StepError,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The data of the triggering event as a `T`; of a batch, the first event's.
///
/// Data that does not fit fails the run for good: running again would not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<T>(pub T);

/// The triggering event with its data as a `T`; of a batch, the first.
///
/// ```
/// use hookstack_inngest::TypedEvent;
///
/// async fn audit(event: TypedEvent<serde_json::Value>) -> Result<String, hookstack_core::Error> {
///     Ok(event.name)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct TypedEvent<T> {
    /// The event's name.
    pub name: String,
    /// The event's id.
    #[serde(default)]
    pub id: Option<String>,
    /// When it happened, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub ts: Option<i64>,
    /// The event's data.
    pub data: T,
}

/// All events of a batch; one event when the function does not batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<T>(pub Vec<TypedEvent<T>>);

/// What a failure handler is called with: the final failure of a run of another function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure<T> {
    /// The error that the run failed with.
    pub error: StepError,
    /// The event that had triggered the run.
    pub event: TypedEvent<T>,
    /// The slug of the function that failed.
    pub function: String,
    /// The id of the run that failed.
    pub run_id: String,
}

impl<T: DeserializeOwned + Send> Extract for Data<T> {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        typed(first(cx)?).map(|event| Data(event.data))
    }

    fn check(provided: &Extensions) -> Result {
        only_durable(provided, "inngest::Data")
    }
}

impl<T: DeserializeOwned + Send> Extract for TypedEvent<T> {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        typed(first(cx)?)
    }

    fn check(provided: &Extensions) -> Result {
        only_durable(provided, "inngest::TypedEvent")
    }
}

impl<T: DeserializeOwned + Send> Extract for Batch<T> {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        cx.input.events.iter().map(typed).collect::<Result<_>>().map(Batch)
    }

    fn check(provided: &Extensions) -> Result {
        only_durable(provided, "inngest::Batch")
    }
}

impl<T: DeserializeOwned + Send> Extract for Failure<T> {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        if !matches!(cx.call.info().trigger, CallTrigger::Failure { .. }) {
            return Err(unfit(
                "`Failure` is an argument of failure handlers: register it with `on_failure`"
                    .to_owned(),
            ));
        }
        let event = first(cx)?;
        let data: FailedData<T> = event
            .data
            .to()
            .map_err(|error| unfit(format!("the failure event does not fit: {}", error.text())))?;
        let error = data.error;
        Ok(Failure {
            error: StepError::new(
                error.name.unwrap_or_else(|| "Error".into()),
                error.message.unwrap_or_default(),
            )
            .with_stack(error.stack),
            event: data.event,
            function: data.function_id,
            run_id: data.run_id,
        })
    }

    fn check(provided: &Extensions) -> Result {
        only_durable(provided, "inngest::Failure")
    }
}

#[derive(Deserialize)]
struct FailedData<T> {
    error: FailedError,
    event: TypedEvent<T>,
    function_id: String,
    run_id: String,
}

#[derive(Deserialize)]
struct FailedError {
    name: Option<Box<str>>,
    message: Option<Box<str>>,
    stack: Option<Box<str>>,
}

/// Whether the handler is that of a durable function, which has events.
pub(crate) fn only_durable(provided: &Extensions, argument: &str) -> Result {
    let instead = "take `lambda::Data` in Lambda functions, axum's `Json` under axum; this is for durable functions";
    HandlerKind::Durable.require(provided, argument, instead)
}

pub(crate) fn first<'a>(cx: &'a ExtractContext<'_>) -> Result<&'a Event> {
    cx.input.events.first().ok_or_else(|| unfit("the call has no event".to_owned()))
}

pub(crate) fn typed<T: DeserializeOwned>(event: &Event) -> Result<TypedEvent<T>> {
    let data = event.data.to().map_err(|error| {
        unfit(format!("the data of event \"{}\": {}", event.name, error.text()))
    })?;
    Ok(TypedEvent { name: event.name.clone(), id: event.id.clone(), ts: event.ts, data })
}

fn unfit(message: String) -> Error {
    Error::of_kind(ErrorKind::InvalidInput, message).with_retry(Retry::Never)
}
