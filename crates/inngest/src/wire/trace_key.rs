//! How a trace travels with an event: in a reserved key of the event's data, which no hook and no function
//! ever sees.
//!
//! The Inngest protocol has no headers for events, so the data is the only place that every server keeps.
//! The key is written after all hooks and taken out before the first one: encryption neither seals it nor
//! meets it.

use std::borrow::Cow;

use bytes::Bytes;
use hookstack_core::{Event, Payload, TraceCarrier};
use serde_json::value::RawValue;

use super::request::Pairs;
use super::response::write_string;

/// The reserved key.
const KEY: &str = "__hookstack_trace";
/// What is searched for before anything is parsed. The key can be written with escapes too; nobody but a
/// forger does, and gets a key of that name in the data for it.
const NEEDLE: &[u8] = b"\"__hookstack_trace\"";

/// Data with the carrier in it; `data` is the text of a JSON object.
pub(crate) fn write(data: &Payload, carrier: &TraceCarrier) -> Payload {
    if carrier.is_empty() {
        return data.clone();
    }
    // A sender that hands on what it read elsewhere.
    let data = match take(data) {
        Some((_, rest)) => rest.text(),
        None => data.text(),
    };
    let Some(inside) = data.trim_ascii_start().strip_prefix(b"{") else {
        return Payload::from_well_formed(data);
    };
    let mut out = Vec::with_capacity(data.len() + 128);
    out.push(b'{');
    write_string(&mut out, KEY);
    out.push(b':');
    for (index, (key, value)) in carrier.iter().enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        write_string(&mut out, key);
        out.push(b':');
        write_string(&mut out, value);
    }
    out.push(b'}');
    if !inside.trim_ascii_start().starts_with(b"}") {
        out.push(b',');
    }
    out.extend_from_slice(inside);
    Payload::from_well_formed(out)
}

/// Events as they go to a transport.
pub(crate) fn write_events(events: &[Event]) -> Cow<'_, [Event]> {
    if events.iter().all(|event| event.trace.is_empty()) {
        return Cow::Borrowed(events);
    }
    let written = events.iter().map(|event| {
        let mut event = event.clone();
        event.data = write(&event.data, &event.trace);
        event
    });
    Cow::Owned(written.collect())
}

/// Takes the carrier out of a received event, and out of the events that it tells about.
pub(super) fn receive(event: &mut Event) {
    if let Some((carrier, rest)) = take(&event.data) {
        event.trace = carrier;
        event.data = rest;
    }
    // The server's events about runs hold the events that triggered those.
    if event.name.starts_with("inngest/") && holds_key(&event.data.text()) {
        let original = |value: &RawValue| forget_in_event(value.get());
        let originals = |value: &RawValue| {
            let events: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
            let events = events.iter().map(|event| original(event).unwrap_or(event.get().into()));
            Some(format!("[{}]", events.collect::<Vec<_>>().join(",")))
        };
        let replaced = replace(&event.data.text(), |key, value| match key {
            "event" => original(value),
            "events" => originals(value),
            _ => None,
        });
        if let Some(replaced) = replaced {
            event.data = Payload::from_well_formed(replaced);
        }
    }
}

/// The text of an awaited event without its carrier; `None` if there is none.
pub(super) fn forget_in_event(text: &str) -> Option<String> {
    if !holds_key(text.as_bytes()) {
        return None;
    }
    replace(text.as_bytes(), |key, value| {
        let data = Payload::from_well_formed(Bytes::copy_from_slice(value.get().as_bytes()));
        let (_, rest) = (key == "data").then(|| take(&data))??;
        String::from_utf8(rest.text().to_vec()).ok()
    })
}

fn holds_key(text: &[u8]) -> bool {
    memchr::memmem::find(text, NEEDLE).is_some()
}

/// The carrier in `data`, and the data without it. `None` if there is none, or `data` is no object.
fn take(data: &Payload) -> Option<(TraceCarrier, Payload)> {
    if data.is_absent() {
        return None;
    }
    let text = data.text();
    if !holds_key(&text) {
        return None;
    }
    let Pairs(pairs) = serde_json::from_slice(&text).ok()?;
    let mut carrier = None;
    let mut rest = Vec::with_capacity(text.len());
    rest.push(b'{');
    for (key, value) in &pairs {
        if key == KEY {
            carrier = Some(value);
        } else {
            write_pair(&mut rest, key, value.get());
        }
    }
    rest.push(b'}');
    Some((read(carrier?), Payload::from_well_formed(rest)))
}

/// Whatever has another form than ours carries nothing.
fn read(value: &RawValue) -> TraceCarrier {
    let mut carrier = TraceCarrier::new();
    let Ok(Pairs(pairs)) = serde_json::from_str(value.get()) else { return carrier };
    for (key, value) in pairs {
        if let Ok(value) = serde_json::from_str::<Box<str>>(value.get()) {
            carrier.set(key.as_ref(), value);
        }
    }
    carrier
}

/// An object with some of its values replaced; `None` if `text` is no object or nothing was.
fn replace(text: &[u8], new: impl Fn(&str, &RawValue) -> Option<String>) -> Option<String> {
    let Pairs(pairs) = serde_json::from_slice(text).ok()?;
    let mut any = false;
    let mut out = vec![b'{'];
    for (key, value) in &pairs {
        match new(key, value) {
            Some(replaced) => {
                any = true;
                write_pair(&mut out, key, &replaced);
            }
            None => write_pair(&mut out, key, value.get()),
        }
    }
    out.push(b'}');
    any.then_some(out).and_then(|out| String::from_utf8(out).ok())
}

fn write_pair(out: &mut Vec<u8>, key: &str, value: &str) {
    if out.len() > 1 {
        out.push(b',');
    }
    write_string(out, key);
    out.push(b':');
    out.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn carrier() -> TraceCarrier {
        let mut carrier = TraceCarrier::new();
        carrier.set("traceparent", PARENT);
        carrier.set("tracestate", "a=\"b\"");
        carrier
    }

    fn text(payload: &Payload) -> String {
        String::from_utf8(payload.text().to_vec()).expect("JSON is UTF-8")
    }

    #[test]
    fn data_comes_back_as_it_was() {
        for data in ["{}", "{ }", r#"{"a":1.0,"b":{"c":"\ud800"}}"#, r#" {"a": [1e400]}"#] {
            let mut event = Event::from_payload("e", Payload::from_well_formed(data));
            event.trace = carrier();
            let written = write_events(std::slice::from_ref(&event));
            let mut received = Event::from_payload("e", written[0].data.clone());
            receive(&mut received);
            let without_spaces = |text: &str| text.replace(' ', "");
            assert_eq!(without_spaces(&text(&received.data)), without_spaces(data));
            assert_eq!(received.trace, carrier());
        }
    }

    #[test]
    fn data_without_a_carrier_is_not_touched() {
        let data = Payload::from_well_formed(r#"{ "a" : {"__hookstack_trace":{"x":"y"}} }"#);
        let mut event = Event::from_payload("e", data.clone());
        receive(&mut event);
        assert_eq!((event.data.text(), event.trace.is_empty()), (data.text(), true));
        assert!(matches!(write_events(&[event]), Cow::Borrowed(_)));
    }

    #[test]
    fn what_a_sender_hands_on_is_replaced() {
        let data =
            Payload::from_well_formed(r#"{"a":1,"__hookstack_trace":{"traceparent":"old"}}"#);
        let written = text(&write(&data, &carrier()));
        assert_eq!(written.matches(KEY).count(), 1);
        assert!(written.contains(PARENT) && !written.contains("old"), "{written}");
    }

    #[test]
    fn another_form_carries_nothing_and_is_taken_out() {
        for forged in ["7", "null", "[1]", r#"{"traceparent":7}"#, r#"{"traceparent":"\ud800"}"#] {
            let data =
                Payload::from_well_formed(format!(r#"{{"__hookstack_trace":{forged},"a":1}}"#));
            let mut event = Event::from_payload("e", data);
            receive(&mut event);
            assert_eq!((text(&event.data).as_str(), event.trace.is_empty()), (r#"{"a":1}"#, true));
        }
    }

    #[test]
    fn the_events_inside_of_an_event_lose_theirs() {
        let inner = r#"{"name":"e","data":{"__hookstack_trace":{"traceparent":"x"},"a":1}}"#;
        let data = format!(r#"{{"run_id":"r","event":{inner},"events":[{inner},7],"error":{{}}}}"#);
        let mut event =
            Event::from_payload("inngest/function.failed", Payload::from_well_formed(data));
        receive(&mut event);
        let plain = r#"{"name":"e","data":{"a":1}}"#;
        let expected =
            format!(r#"{{"run_id":"r","event":{plain},"events":[{plain},7],"error":{{}}}}"#);
        assert_eq!(text(&event.data), expected);
        assert_eq!(forget_in_event(inner).as_deref(), Some(plain));
        assert_eq!(forget_in_event(plain), None);
    }
}
