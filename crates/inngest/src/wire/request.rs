//! Reading a call request (Inngest SDK specification, section 4.4.1).

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use hookstack_core::redact::serde_reason;
use hookstack_core::{
    Error, ErrorKind, Event, Input, Memo, MemoValue, Memoized, Origin, Payload, Result, Retry,
    StepError, StepHash,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::pairs::{BorrowedKey, FirstPair, Pairs};
use super::trace_key;

/// A call request, sliced out of its body.
#[derive(Debug)]
pub(crate) struct CallRequestBody {
    pub(crate) run_id: String,
    pub(crate) attempt: u32,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) disable_immediate_execution: bool,
    pub(crate) use_api: bool,
    pub(crate) input: Input,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Body<'a> {
    #[serde(borrow)]
    event: Option<RawEvent<'a>>,
    #[serde(borrow)]
    events: Option<Vec<RawEvent<'a>>>,
    #[serde(borrow)]
    steps: Option<Pairs<'a>>,
    #[serde(borrow)]
    ctx: Context<'a>,
    /// Servers say it here and in the context.
    #[serde(default)]
    use_api: bool,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Context<'a> {
    run_id: String,
    #[serde(default)]
    attempt: u32,
    max_attempts: Option<u32>,
    #[serde(default)]
    disable_immediate_execution: bool,
    #[serde(default)]
    use_api: bool,
    #[serde(borrow)]
    stack: Option<CallStack<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct CallStack<'a> {
    #[serde(borrow)]
    stack: Option<Vec<BorrowedKey<'a>>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
pub(crate) struct RawEvent<'a> {
    name: String,
    id: Option<String>,
    ts: Option<i64>,
    v: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawError<'a> {
    name: Option<Box<str>>,
    message: Option<Box<str>>,
    stack: Option<Box<str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    cause: Option<&'a RawValue>,
}

/// Reads a call request.
///
/// # Errors
/// [`ErrorKind::InvalidInput`], naming the field and quoting nothing of the request.
pub(crate) fn parse(bytes: &Bytes) -> Result<CallRequestBody> {
    // Also where nothing is read; and what is text already need not be checked piece by piece.
    let text = std::str::from_utf8(bytes).map_err(|_| invalid("call request: it is not UTF-8"))?;
    let body: Body<'_> = serde_json::from_str(text).map_err(|_| describe(bytes))?;
    let use_api = body.use_api || body.ctx.use_api;
    let raw_events = match (body.events, body.event) {
        (Some(events), _) if !events.is_empty() => events,
        (_, Some(event)) => vec![event],
        _ if use_api => Vec::new(),
        _ => return Err(invalid("field `event`: missing, and `events` is empty")),
    };
    let events = raw_events.into_iter().map(|raw| event(raw, bytes)).collect();

    let memos = memos(body.steps, bytes);
    let stack = body.ctx.stack.and_then(|stack| stack.stack).unwrap_or_default();
    let order = stack.iter().filter_map(|BorrowedKey(key)| StepHash::from_hex(key)).collect();

    let mut input = Input::default();
    input.events = events;
    input.memoized = Memoized::new(memos, order);
    Ok(CallRequestBody {
        run_id: body.ctx.run_id,
        attempt: body.ctx.attempt,
        max_attempts: body.ctx.max_attempts,
        disable_immediate_execution: body.ctx.disable_immediate_execution,
        use_api,
        input,
    })
}

impl CallRequestBody {
    /// Puts in what was fetched: a JSON array of events and a JSON object of steps.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`], naming what was fetched and quoting nothing of it; to be tried again,
    /// because it is the server's API that failed.
    pub(crate) fn complete(&mut self, events: &Bytes, steps: &Bytes) -> Result {
        let refused = |what: &str, error: &serde_json::Error| {
            let message =
                format!("the run's {what}, fetched from the server's API: {}", serde_reason(error));
            Error::of_kind(ErrorKind::InvalidInput, message).with_origin(Origin::Host)
        };
        let raw: Vec<RawEvent<'_>> =
            serde_json::from_slice(events).map_err(|error| refused("batch", &error))?;
        if raw.is_empty() {
            let message = "the run's batch, fetched from the server's API: it is empty";
            return Err(Error::of_kind(ErrorKind::InvalidInput, message).with_origin(Origin::Host));
        }
        let pairs: Pairs<'_> =
            serde_json::from_slice(steps).map_err(|error| refused("actions", &error))?;
        let (_, order) = std::mem::take(&mut self.input.memoized).into_parts();
        self.input.events = raw.into_iter().map(|raw| event(raw, events)).collect();
        self.input.memoized = Memoized::new(memos(Some(pairs), steps), order);
        self.use_api = false;
        Ok(())
    }
}

/// The memoized steps of a request or of what was fetched for it.
fn memos(steps: Option<Pairs<'_>>, bytes: &Bytes) -> HashMap<StepHash, Memo> {
    let slice = |raw: &RawValue| Payload::from_well_formed(bytes.slice_ref(raw.get().as_bytes()));
    let pairs = steps.map(|steps| steps.0).unwrap_or_default();
    let mut memos = HashMap::with_capacity(pairs.len());
    for (key, raw) in pairs {
        // A key of another form can belong to no step of ours, so it could never be delivered.
        if let Some(hash) = StepHash::from_hex(&key) {
            memos.insert(hash, Memo::new(memo(raw, slice)));
        }
    }
    memos
}

pub(crate) fn event(raw: RawEvent<'_>, bytes: &Bytes) -> Event {
    let data = match raw.data {
        Some(data) => Payload::from_well_formed(bytes.slice_ref(data.get().as_bytes())),
        None => Payload::from_well_formed(Bytes::from_static(b"{}")),
    };
    let mut event = Event::from_payload(raw.name, data);
    event.id = raw.id;
    event.ts = raw.ts;
    event.version = raw.v;
    trace_key::receive(&mut event);
    event
}

/// Tells the forms of memoized values apart (section 5.2.1): only an object with the one key `data`,
/// `error` or `input` is a wrapper; an awaited event has a `data` key among others.
fn memo(raw: &RawValue, slice: impl Fn(&RawValue) -> Payload) -> MemoValue {
    if raw.get().starts_with('{')
        && let Ok(FirstPair { first: Some((key, value)), more: false }) =
            serde_json::from_str(raw.get())
    {
        match &*key {
            "data" => return MemoValue::Data(slice(value)),
            "input" => return MemoValue::Input(slice(value)),
            "error" => return MemoValue::Error(step_error(value, slice)),
            _ => {}
        }
    }
    // An awaited event, or `null`.
    MemoValue::Bare(match trace_key::forget(raw.get()) {
        Some(text) => Payload::from_well_formed(text),
        None => slice(raw),
    })
}

fn step_error(raw: &RawValue, slice: impl Fn(&RawValue) -> Payload) -> StepError {
    match serde_json::from_str::<RawError<'_>>(raw.get()) {
        Ok(error) => StepError::new(
            error.name.unwrap_or_else(|| "Error".into()),
            error.message.unwrap_or_else(|| "the step failed without a message".into()),
        )
        .with_stack(error.stack)
        .with_details(error.data.map(&slice), error.cause.map(&slice)),
        Err(_) => StepError::new("Error", "the step's stored error has an unknown form")
            .with_details(Some(slice(raw)), None),
    }
}

fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::of_kind(ErrorKind::InvalidInput, message)
        .with_retry(Retry::Never)
        .with_origin(Origin::Host)
}

/// Parses a second time, now with the path, which is too slow for requests that are in order.
fn describe(bytes: &Bytes) -> Error {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, Body<'_>>(&mut deserializer) {
        Err(error) => {
            let reason = serde_reason(error.inner());
            let place = format!("line {} column {}", error.inner().line(), error.inner().column());
            match path(error.path()).as_str() {
                "" => invalid(format!("call request: {reason} ({place})")),
                path => invalid(format!("call request: field `{path}`: {reason} ({place})")),
            }
        }
        Ok(_) => invalid("call request: there is text after the JSON value"),
    }
}

/// A path as far as its fields are the protocol's own: other names are the request's data.
fn path(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    const FIELDS: [&str; 14] = [
        "attempt",
        "ctx",
        "data",
        "disable_immediate_execution",
        "event",
        "events",
        "id",
        "max_attempts",
        "name",
        "run_id",
        "stack",
        "steps",
        "ts",
        "use_api",
    ];
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Map { key } if FIELDS.contains(&key.as_str()) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Segment::Seq { index } => text.push_str(&format!("[{index}]")),
            _ => break,
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(steps: &str) -> Bytes {
        Bytes::from(format!(
            r#"{{"ctx":{{"run_id":"r","stack":{{"stack":null}}}},"event":{{"name":"e","data":{{"a":1}}}},"steps":{steps}}}"#
        ))
    }

    fn only_memo(value: &str) -> MemoValue {
        let hash = "98bf98df193bcce7c33e6bc50927cf2ac21206cb";
        let parsed = parse(&body(&format!(r#"{{"{hash}":{value}}}"#))).unwrap();
        parsed.input.memoized.get(StepHash::from_hex(hash).unwrap()).unwrap().value.clone()
    }

    #[test]
    fn only_an_object_with_one_key_is_a_wrapper() {
        assert!(matches!(only_memo(r#"{"data":1}"#), MemoValue::Data(p) if p.text() == "1"));
        assert!(
            matches!(only_memo(r#"{"error":{"name":"E","message":"m"}}"#), MemoValue::Error(e) if e.name() == "E")
        );
        assert!(matches!(only_memo(r#"{"input":[1]}"#), MemoValue::Input(_)));
        assert!(matches!(only_memo("null"), MemoValue::Bare(p) if p.is_null()));
        assert!(matches!(only_memo(r#"{"data":{},"name":"n"}"#), MemoValue::Bare(_)));
        assert!(matches!(only_memo(r#"{"data":null,"error":null}"#), MemoValue::Bare(_)));
        assert!(matches!(only_memo(r#"{"error":7}"#), MemoValue::Error(e) if e.name() == "Error"));
    }

    #[test]
    fn errors_name_the_field_and_quote_nothing() {
        for (text, expected) in [
            (
                r#"{"ctx":{"run_id":"r","attempt":"4111"},"event":{"name":"e"}}"#,
                "field `ctx.attempt`: invalid type: string",
            ),
            (r#"{"ctx":{},"event":{"name":"e"}}"#, "field `ctx`: missing field `run_id`"),
            (r#"{"ctx":{"run_id":"r"}}"#, "field `event`: missing"),
            (r#"{"ctx":{"run_id":"r"},"steps":[4111]}"#, "field `steps`: invalid type: sequence"),
            (
                r#"{"ctx":{"run_id":"r"},"event":{"name":4111}}"#,
                "field `event.name`: invalid type: integer",
            ),
            (r#"{"event":4111"#, "call request: "),
            ("", "call request: the text ends too early"),
            // What is expected is named in JSON's words, not by types of this crate.
            ("7", "call request: invalid type: integer, expected an object"),
            (r#"{"ctx":7}"#, "field `ctx`: invalid type: integer, expected an object"),
            (
                r#"{"ctx":{"run_id":"r","stack":7}}"#,
                "field `ctx.stack`: invalid type: integer, expected an object",
            ),
            (
                r#"{"ctx":{"run_id":"r","stack":{"stack":[7]}}}"#,
                "field `ctx.stack.stack[0]`: invalid type: integer, expected a string",
            ),
            (
                r#"{"ctx":{"run_id":"r"},"events":[7]}"#,
                "field `events[0]`: invalid type: integer, expected an object",
            ),
            // A name that the protocol does not know is data.
            (r#"{"4111":tru}"#, "call request: the text is not well-formed"),
            (r#"{"ctx":{"run_id":"r","4111":tru}}"#, "field `ctx`: the text is not well-formed"),
            (
                r#"{"ctx":{"run_id":"r"},"events":[{"name":"e","4111":tru}]}"#,
                "field `events[0]`: the text is not well-formed",
            ),
            (r#"{"ctx":{"run_id":"r"},"steps":{"4111":tru}}"#, "call request: "),
            (r#"{"ctx":{"run_id":"r"},"event":{"name":"e"}} x"#, "call request: "),
        ] {
            let error = parse(&Bytes::from(text)).unwrap_err();
            assert!(error.text().contains(expected), "{text}: {error}");
            assert!(!error.text().contains("4111"), "{error}");
        }
    }

    #[test]
    fn payloads_are_slices_of_the_body() {
        let body = body("{}");
        let parsed = parse(&body).unwrap();
        let data = parsed.input.events[0].data.text();
        let inside = body.as_ptr_range();
        assert!(inside.contains(&data.as_ptr()), "copied");
    }
}
