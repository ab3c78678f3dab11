//! Annotations and metadata.

use hookstack_core::redact::REDACTED;
use hookstack_core::{BoxError, Call};
use serde::Serialize;
use serde_json::Value;

use super::segment::Open;

/// Annotations and metadata of the span of the middleware that runs: the innermost that
/// [traces](crate::Factory::trace_execution). Where none does they go nowhere.
///
/// Annotations are what traces are searched by, metadata is the rest. Both are fields of the span, `annotations`
/// and `metadata`, as JSON. Where payloads are secret the keys are told and the values are not.
///
/// ```
/// use hookstack_core::{Call, Result};
/// use hookstack_lambda::{Annotate, NextHandler, middleware};
/// use serde_json::{Value, json};
///
/// async fn history(event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
///     cx.annotate("payment_id", event["payment_id"].as_u64());
///     cx.metadata("sizes", json!({ "event": event.to_string().len() }));
///     next.run(event, cx).await
/// }
/// let history = middleware("history", history).trace_execution(true);
/// ```
pub trait Annotate {
    /// Adds an annotation: a text, a number or a boolean.
    fn annotate(&mut self, key: impl Into<String>, value: impl Serialize);

    /// Adds metadata: anything that has a JSON form.
    fn metadata(&mut self, key: impl Into<String>, value: impl Serialize);
}

impl Annotate for Call {
    fn annotate(&mut self, key: impl Into<String>, value: impl Serialize) {
        let is_secret = self.info().is_sensitive();
        if let Some(notes) =
            self.extensions_mut().get_mut::<Open>().and_then(|open| open.0.last_mut())
        {
            notes.annotations.insert(key.into(), shown(value, is_secret));
        }
    }

    fn metadata(&mut self, key: impl Into<String>, value: impl Serialize) {
        let is_secret = self.info().is_sensitive();
        if let Some(notes) =
            self.extensions_mut().get_mut::<Open>().and_then(|open| open.0.last_mut())
        {
            notes.metadata.insert(key.into(), shown(value, is_secret));
        }
    }
}

fn shown(value: impl Serialize, is_secret: bool) -> Value {
    match is_secret {
        true => Value::from(REDACTED),
        false => serde_json::to_value(value).map_err(BoxError::from).unwrap_or_default(),
    }
}
