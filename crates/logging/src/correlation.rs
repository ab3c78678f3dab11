//! Where the correlation id of a call comes from.

use std::borrow::Cow;
use std::fmt;

use hookstack_core::{Payload, TransformInput};
use http::request::Parts;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The longest id that is taken, in bytes.
const LONGEST: usize = 256;

/// Where the `correlation_id` of a call's lines comes from.
///
/// A pointer is a JSON pointer (RFC 6901): `/requestContext/requestId`. It may lead to a text or a number;
/// what else is found there, or is longer than 256 bytes, is not taken. Only the way to it is read, the rest
/// of the payload is skipped unparsed.
///
/// **An id that is taken from a payload is written to the logs**, also where payloads are secret: a pointer is
/// your explicit choice. The presets lead to ids that AWS gives.
///
/// ```
/// use hookstack_logging::{CorrelationId, Logging};
///
/// let by_request = Logging::builder().correlation_id(CorrelationId::API_GATEWAY_HTTP).build();
/// let by_order = Logging::builder().correlation_id(CorrelationId::in_event_data("/order/id")).build();
/// # let _ = (by_request, by_order);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorrelationId(Source);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Source {
    #[default]
    EventId,
    EventData(Cow<'static, str>),
    Payload(Cow<'static, str>),
    Header(Cow<'static, str>),
}

impl CorrelationId {
    /// The id of the event that caused the call: the default.
    pub const EVENT_ID: Self = CorrelationId(Source::EventId);
    /// API Gateway, REST API: the id of the request.
    pub const API_GATEWAY_REST: Self = CorrelationId::preset("/requestContext/requestId");
    /// API Gateway, HTTP API: the id of the request.
    pub const API_GATEWAY_HTTP: Self = CorrelationId::preset("/requestContext/requestId");
    /// A Lambda function URL: the id of the request.
    pub const LAMBDA_FUNCTION_URL: Self = CorrelationId::preset("/requestContext/requestId");
    /// An Application Load Balancer: the trace header that it adds.
    pub const APPLICATION_LOAD_BALANCER: Self = CorrelationId::preset("/headers/x-amzn-trace-id");
    /// EventBridge: the id of the event.
    pub const EVENT_BRIDGE: Self = CorrelationId::preset("/id");
    /// SQS: the id of the first message of the batch.
    pub const SQS: Self = CorrelationId::preset("/Records/0/messageId");
    /// SNS: the id of the message.
    pub const SNS: Self = CorrelationId::preset("/Records/0/Sns/MessageId");
    /// AppSync, a resolver: the trace header of the request.
    pub const APPSYNC_RESOLVER: Self = CorrelationId::preset("/request/headers/x-amzn-trace-id");
    /// AppSync, an authorizer: the id of the request.
    pub const APPSYNC_AUTHORIZER: Self = CorrelationId::preset("/requestContext/requestId");
    /// S3 Object Lambda: the id of the request.
    pub const S3_OBJECT_LAMBDA: Self = CorrelationId::preset("/xAmzRequestId");

    const fn preset(pointer: &'static str) -> Self {
        CorrelationId(Source::Payload(Cow::Borrowed(pointer)))
    }

    /// What a pointer leads to in the payload of a request: under the Lambda and HTTP hosts. The middleware
    /// then declares that it [reads payloads](hookstack_core::Middleware::reads_payload).
    pub fn in_payload(pointer: impl Into<Cow<'static, str>>) -> Self {
        CorrelationId(Source::Payload(pointer.into()))
    }

    /// What a pointer leads to in the data of the first event, as the function will see it.
    pub fn in_event_data(pointer: impl Into<Cow<'static, str>>) -> Self {
        CorrelationId(Source::EventData(pointer.into()))
    }

    /// A header of the HTTP request, if it is text: an id that the caller chose, or a proxy. Whoever calls can write
    /// anything into it.
    pub fn in_header(name: impl Into<Cow<'static, str>>) -> Self {
        CorrelationId(Source::Header(name.into()))
    }

    pub(crate) fn reads_input(&self) -> bool {
        self.0 != Source::EventId
    }

    pub(crate) fn reads_payload(&self) -> bool {
        matches!(self.0, Source::Payload(_))
    }

    pub(crate) fn read(&self, cx: &TransformInput<'_>) -> Option<String> {
        let (payload, pointer): (&Payload, _) = match &self.0 {
            Source::EventId => return None,
            Source::EventData(pointer) => (&cx.events().first()?.data, pointer),
            Source::Payload(pointer) => (cx.payload(), pointer),
            Source::Header(name) => {
                let parts: &Parts = cx.info().platform()?;
                return taken(parts.headers.get(&**name)?.to_str().ok()?.to_owned());
            }
        };
        if payload.is_absent() { None } else { find(&payload.text(), pointer) }
    }
}

fn find(text: &[u8], pointer: &str) -> Option<String> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return None;
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let path = Path(pointer.split('/').skip(1).map(unescape).collect());
    taken(At(&path.0).deserialize(&mut deserializer).ok()??)
}

fn taken(id: String) -> Option<String> {
    (!id.is_empty() && id.len() <= LONGEST).then_some(id)
}

struct Path<'p>(Vec<Cow<'p, str>>);

fn unescape(token: &str) -> Cow<'_, str> {
    match token.contains('~') {
        true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(token),
    }
}

/// Reads what is left of the path and skips everything else.
struct At<'p>(&'p [Cow<'p, str>]);

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl At<'_> {
    fn scalar(&self, text: impl FnOnce() -> String) -> Option<String> {
        self.0.is_empty().then(text)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.scalar(|| text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.scalar(|| number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.scalar(|| number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.scalar(|| number.to_string()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match self.0.split_first() {
                Some((first, rest)) if *first == key => found = map.next_value_seed(At(rest))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let (wanted, rest) = match self.0.split_first() {
            Some((first, rest)) => (index(first), rest),
            None => (None, self.0),
        };
        let mut found = None;
        let mut at = 0;
        loop {
            if Some(at) == wanted {
                match items.next_element_seed(At(rest))? {
                    Some(item) => found = item,
                    None => return Ok(found),
                }
            } else if items.next_element::<IgnoredAny>()?.is_none() {
                return Ok(found);
            }
            at += 1;
        }
    }
}

/// RFC 6901: digits, without a leading zero.
fn index(token: &str) -> Option<usize> {
    let is_plain = token == "0" || !token.starts_with('0');
    (is_plain && token.bytes().all(|byte| byte.is_ascii_digit())).then(|| token.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_serde_json_finds_it() {
        let text = r#"{"a":{"b":["x",{"c/d":"deep","m~n":7}],"b2":true},"":"empty key","e":"é\n\u0041",
            "n":-3,"f":1.5,"u":18446744073709551615,"null":null,"long":[[["y"]]]}"#;
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        for pointer in [
            "",
            "/",
            "/a",
            "/a/b/0",
            "/a/b/1",
            "/a/b/1/c~1d",
            "/a/b/1/m~0n",
            "/a/b/2",
            "/a/b/00",
            "/a/b/-",
            "/a/b/x",
            "/a/b2",
            "/e",
            "/n",
            "/f",
            "/u",
            "/null",
            "/long/0/0/0",
            "/missing",
            "a",
            "/a/b/0/x",
        ] {
            let expected = match value.pointer(pointer) {
                Some(serde_json::Value::String(text)) => Some(text.clone()),
                Some(serde_json::Value::Number(number)) => Some(number.to_string()),
                _ => None,
            };
            assert_eq!(find(text.as_bytes(), pointer), expected, "{pointer}");
        }
    }

    #[test]
    fn what_is_too_long_or_malformed_is_not_taken() {
        let long = serde_json::json!({ "id": "x".repeat(LONGEST + 1) }).to_string();
        assert_eq!(find(long.as_bytes(), "/id"), None);
        assert_eq!(find(br#"{"id":"#, "/id"), None);
        assert_eq!(find(br#"{"id":"\ud800"}"#, "/id"), None);
    }
}
