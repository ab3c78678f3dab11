//! Events and responses in the log.

use hookstack_core::redact::REDACTED;
use hookstack_core::{Middleware, Payload, Result, TransformInput, TransformOutput};
use serde_json::Value;

/// The longest event or response that is logged, in bytes of JSON, if nothing else is said.
const MAX_BYTES: usize = 16 * 1024;

/// Logs events and responses, for development: [`tracing`] events of level `INFO`, target `hookstack::lambda`.
///
/// What must not be told is named by [JSON pointers](https://www.rfc-editor.org/rfc/rfc6901); `*` stands for
/// every element of an array and every field of an object. A pointer leads on into a text that is JSON itself, as the
/// body of a request is in the event of an API Gateway: `/body/password`. **Where payloads are secret**
/// ([`sensitive`](hookstack_core::Middleware::sensitive), beside encryption for instance) it logs sizes only, and
/// nothing can change that. Errors it leaves to the middleware that log them.
///
/// It logs the event as it is at its place in the list: what outer middleware made of it.
///
/// ```
/// use hookstack_lambda::InputOutputLogger;
///
/// let logger = InputOutputLogger::new().omit("/card/number").omit("/items/*/price");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct InputOutputLogger {
    omitted: Vec<Vec<String>>,
    max_bytes: usize,
}

impl Default for InputOutputLogger {
    fn default() -> Self {
        InputOutputLogger { omitted: Vec::new(), max_bytes: MAX_BYTES }
    }
}

impl InputOutputLogger {
    /// Logs everything.
    pub fn new() -> Self {
        InputOutputLogger::default()
    }

    /// Does not tell the value at this JSON pointer, of events and responses. The empty pointer is the whole.
    pub fn omit(mut self, pointer: impl AsRef<str>) -> Self {
        // What a pointer without the leading slash can only mean.
        let pointer = pointer.as_ref();
        let path = pointer.strip_prefix('/').or((!pointer.is_empty()).then_some(pointer));
        let unescape = |token: &str| token.replace("~1", "/").replace("~0", "~");
        self.omitted
            .push(path.map_or_else(Vec::new, |path| path.split('/').map(unescape).collect()));
        self
    }

    /// The longest event or response that is logged, in bytes of JSON; of a longer one the size is told: 16 KiB if
    /// not set.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// What is told of a payload; `None` when that is its size.
    fn shown(&self, payload: &Payload, sensitive: bool) -> Option<String> {
        if sensitive || payload.len() > self.max_bytes {
            return None;
        }
        // What does not parse might hide something that is to be left out.
        let mut value = payload.value().ok()?.clone();
        self.omitted.iter().for_each(|path| omit(&mut value, path));
        Some(value.to_string())
    }
}

fn omit(value: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        *value = Value::from(REDACTED);
        return;
    };
    match value {
        Value::Object(fields) if first == "*" => {
            fields.values_mut().for_each(|value| omit(value, rest));
        }
        Value::Object(fields) => fields.get_mut(first).into_iter().for_each(|v| omit(v, rest)),
        Value::Array(items) if first == "*" => items.iter_mut().for_each(|item| omit(item, rest)),
        // The body of a request, in an event of an API Gateway, is JSON in a text.
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            *text = match serde_json::from_str::<Value>(text) {
                Ok(mut inner) => {
                    omit(&mut inner, path);
                    inner.to_string()
                }
                // What does not parse might hide it.
                Err(_) => REDACTED.to_owned(),
            };
        }
        Value::Array(items) => {
            let index = first.parse::<usize>().ok();
            index.and_then(|at| items.get_mut(at)).into_iter().for_each(|item| omit(item, rest));
        }
        _ => {}
    }
}

impl Middleware for InputOutputLogger {
    fn reads_payload(&self) -> bool {
        true
    }

    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        let info = cx.info();
        tracing::info!(
            target: "hookstack::lambda",
            function = %info.function.id,
            request_id = %info.run_id,
            bytes = cx.payload().len(),
            event = self.shown(cx.payload(), info.is_sensitive()),
            "event"
        );
        Ok(())
    }

    async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
        let info = cx.info();
        if let Some(output) = cx.output().filter(|_| cx.step().is_none()) {
            tracing::info!(
                target: "hookstack::lambda",
                function = %info.function.id,
                request_id = %info.run_id,
                bytes = output.len(),
                response = self.shown(output, info.is_sensitive()),
                "response"
            );
        }
        Ok(())
    }
}
