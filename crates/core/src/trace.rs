//! The trace that a call belongs to, and what carries it from the sender of an event to its run.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The trace that a call belongs to, when a middleware or host knows it.
///
/// The form is [W3C Trace Context](https://www.w3.org/TR/trace-context/): 16 and 8 bytes, shown as hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TraceContext {
    /// The trace id.
    pub trace_id: [u8; 16],
    /// The id of the current span.
    pub span_id: [u8; 8],
    /// Whether the trace is sampled.
    pub sampled: bool,
}

impl TraceContext {
    /// A span of a trace, and whether the trace is sampled.
    pub const fn new(trace_id: [u8; 16], span_id: [u8; 8], sampled: bool) -> Self {
        TraceContext { trace_id, span_id, sampled }
    }

    /// The value of a `traceparent` header, version 00 (W3C Trace Context, section 3.2).
    ///
    /// ```
    /// use hookstack_core::TraceContext;
    ///
    /// let trace = TraceContext::new([0xab; 16], [1; 8], true);
    /// let header = trace.to_traceparent();
    /// assert_eq!(header, "00-abababababababababababababababab-0101010101010101-01");
    /// assert_eq!(TraceContext::from_traceparent(&header), Some(trace));
    /// ```
    pub fn to_traceparent(&self) -> String {
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        push_hex(&mut text, &self.trace_id);
        text.push('-');
        push_hex(&mut text, &self.span_id);
        text.push_str(if self.sampled { "-01" } else { "-00" });
        text
    }

    /// Reads the value of a `traceparent` header. `None` for what the specification tells to ignore:
    /// another form, version `ff`, upper case, ids of zeros. Of later versions the known part is read.
    pub fn from_traceparent(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let [version] = parse_hex::<1>(parts.next()?)?;
        let trace_id = parse_hex::<16>(parts.next()?)?;
        let span_id = parse_hex::<8>(parts.next()?)?;
        let [flags] = parse_hex::<1>(parts.next()?)?;
        let has_more = parts.next().is_some();
        let is_valid = version != 0xff
            && !(version == 0 && has_more)
            && trace_id != [0; 16]
            && span_id != [0; 8];
        is_valid.then_some(TraceContext { trace_id, span_id, sampled: flags & 1 == 1 })
    }
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

/// The trace and span of a [`Call`](crate::Call), also when they are set later; see
/// [`Call::watch_trace`](crate::Call::watch_trace). Cheap to clone.
///
/// ```
/// use std::sync::Arc;
/// use hookstack_core::{Call, CallInfo, FunctionInfo, TraceContext};
///
/// let mut call = Call::new(CallInfo::new("shop", Arc::new(FunctionInfo::new("fulfil")), "run-1"));
/// let watch = call.watch_trace();
/// assert_eq!(watch.get(), None);
///
/// let trace = TraceContext::new([0xab; 16], [1; 8], true);
/// call.set_trace(trace);
/// assert_eq!(watch.get(), Some(trace));
/// ```
#[derive(Clone, Debug)]
pub struct TraceWatch(Arc<Mutex<Option<TraceContext>>>);

impl TraceWatch {
    pub(crate) fn new(trace: Option<TraceContext>) -> Self {
        TraceWatch(Arc::new(Mutex::new(trace)))
    }

    pub(crate) fn set(&self, trace: TraceContext) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(trace);
    }

    /// Trace and span as they are now.
    pub fn get(&self) -> Option<TraceContext> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Text pairs by which a trace travels from the sender of an event to its run: `traceparent` and
/// `tracestate` of W3C, `sentry-trace`, whatever a propagator writes.
///
/// Tracing middleware write to it in [`before_send_events`](crate::Middleware::before_send_events), or to
/// that of an invocation in [`transform_output`](crate::Middleware::transform_output), and read it from the
/// events of a call. The host carries it outside of the event's data as hooks and functions see it, so
/// encryption neither hides nor protects it: **whoever can send an event can write anything here**.
///
/// It is bounded, because it comes from outside: at most [`MAX_ENTRIES`](TraceCarrier::MAX_ENTRIES)
/// entries, keys of up to 64 and values of up to 8192 bytes, both of visible ASCII characters and spaces.
/// What does not fit is left out.
///
/// ```
/// use hookstack_core::TraceCarrier;
///
/// let mut carrier = TraceCarrier::new();
/// carrier.set("traceparent", "00-abababababababababababababababab-0101010101010101-01");
/// carrier.set("note", "line\nbreak"); // left out
/// assert_eq!(carrier.keys().collect::<Vec<_>>(), ["traceparent"]);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TraceCarrier {
    entries: Vec<(Box<str>, Box<str>)>,
}

impl TraceCarrier {
    /// The key of an event's data in which hosts without headers for events carry the entries. It is
    /// theirs: nothing else can stand there.
    pub const EVENT_DATA_KEY: &str = "__hookstack_trace";
    /// The headers by which callers of all kinds tell their trace, those of W3C and of Sentry. Hosts take these
    /// from a request, and beside them what their platform adds ([`XRayTrace::KEY`](crate::XRayTrace::KEY)).
    pub const HEADERS: [&str; 4] = ["traceparent", "tracestate", "baggage", "sentry-trace"];
    /// How many entries there are at most.
    pub const MAX_ENTRIES: usize = 8;
    const MAX_KEY: usize = 64;
    /// What W3C Baggage, the largest of the known headers, asks receivers to take.
    const MAX_VALUE: usize = 8192;

    /// No entries; allocates nothing.
    pub const fn new() -> Self {
        TraceCarrier { entries: Vec::new() }
    }

    /// Whether there is nothing to carry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of a key, which is compared without regard to case, as header names are.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find_map(|(known, value)| known.eq_ignore_ascii_case(key).then_some(value))
    }

    /// Sets an entry, in place of one of the same key. Leaves out what is beyond the bounds.
    pub fn set(&mut self, key: impl Into<Box<str>>, value: impl Into<Box<str>>) {
        let (key, value) = (key.into(), value.into());
        let is_plain = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let fits = (1..=Self::MAX_KEY).contains(&key.len()) && value.len() <= Self::MAX_VALUE;
        if !fits || !is_plain(&key) || !is_plain(&value) {
            return;
        }
        let has_room = self.entries.len() < Self::MAX_ENTRIES;
        match self.entries.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            Some(entry) => entry.1 = value,
            None if has_room => self.entries.push((key, value)),
            None => {}
        }
    }

    /// Removes an entry.
    pub fn remove(&mut self, key: &str) {
        self.entries.retain(|(known, _)| !known.eq_ignore_ascii_case(key));
    }

    /// All entries, in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (&**key, &**value))
    }

    /// The keys, in the order in which they were set.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(key, _)| key)
    }
}

impl fmt::Debug for TraceCarrier {
    /// The keys: baggage may hold what is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_w3c_tells_to_ignore_is_ignored() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        for refused in [
            String::new(),
            "00".into(),
            format!("00-{id}-00f067aa0ba902b7"),
            format!("ff-{id}-00f067aa0ba902b7-01"),
            format!("00-{id}-00f067aa0ba902b7-01-more"),
            format!("00-{}-00f067aa0ba902b7-01", id.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{id}-0000000000000000-01"),
            format!("00-{id}-00f067aa0ba902b7-0x"),
            format!("00-{id}é-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(TraceContext::from_traceparent(&refused), None, "{refused}");
        }
        let later = TraceContext::from_traceparent(&format!("cc-{id}-00f067aa0ba902b7-03-more"));
        assert!(later.is_some_and(|trace| trace.sampled));
        let unsampled = TraceContext::from_traceparent(&format!("00-{id}-00f067aa0ba902b7-02"));
        assert!(unsampled.is_some_and(|trace| !trace.sampled));
    }

    #[test]
    fn a_traceparent_reads_back() {
        for sampled in [true, false] {
            let trace = TraceContext { trace_id: [0x1f; 16], span_id: [0xa0; 8], sampled };
            let text = trace.to_traceparent();
            let flags = if sampled { "01" } else { "00" };
            assert_eq!(text, format!("00-{}-{}-{flags}", "1f".repeat(16), "a0".repeat(8)));
            assert_eq!(TraceContext::from_traceparent(&text), Some(trace));
        }
    }

    #[test]
    fn entries_keep_their_order() {
        let mut carrier = TraceCarrier::new();
        for key in ["b", "a", "c"] {
            carrier.set(key, key.to_uppercase());
        }
        carrier.set("B", "again");
        assert!(!carrier.is_empty());
        assert_eq!(carrier.keys().collect::<Vec<_>>(), ["b", "a", "c"]);
        assert_eq!(carrier.iter().collect::<Vec<_>>(), [("b", "again"), ("a", "A"), ("c", "C")]);
    }

    #[test]
    fn a_carrier_is_bounded() {
        let mut carrier = TraceCarrier::new();
        carrier.set("", "x");
        carrier.set("k".repeat(65), "x");
        carrier.set("large", "x".repeat(8193));
        carrier.set("umlaut", "ä");
        assert!(carrier.is_empty());
        for index in 0..20 {
            carrier.set(format!("key-{index}"), "x");
        }
        assert_eq!(carrier.iter().count(), TraceCarrier::MAX_ENTRIES);
        carrier.set("KEY-0", "replaced");
        assert_eq!(carrier.get("key-0"), Some("replaced"));
        carrier.remove("Key-0");
        assert_eq!(carrier.get("key-0"), None);
        assert!(!format!("{carrier:?}").contains('x'));
    }
}
