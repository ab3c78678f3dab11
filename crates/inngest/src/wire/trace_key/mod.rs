//! How a trace travels with an event: in a reserved key of the event's data
//! ([`TraceCarrier::EVENT_DATA_KEY`]), which hooks and functions do not see.
//!
//! The Inngest protocol has no headers for events, so the data is the only place that every server keeps.
//! The key is written after all hooks and taken out before the first one: encryption neither seals it nor
//! meets it. It is taken out wherever an event's data is: of triggering events, of awaited ones, and of the
//! events that the server's events about runs tell about; otherwise the same event would have two contents.
//!
//! Only the plain spelling counts. A key that is spelled with escapes, which no serialiser does to these
//! letters, is a member like any other.

mod remove;

use std::borrow::Cow;

use bytes::Bytes;
use hookstack_core::{Event, Payload, TraceCarrier};

use super::response::write_string;
use crate::limits::MAX_EVENT;

/// Data with the carrier in it; `data` is the text of a JSON object. A trace is not worth an event: where
/// data with it would be larger than the server takes, it is left out.
pub(crate) fn write(data: &Payload, carrier: &TraceCarrier) -> Payload {
    if carrier.is_empty() {
        return data.clone();
    }
    // A sender that hands on what it read elsewhere.
    let text = match remove::from_data("", &data.text()) {
        Some((_, rest)) => Bytes::from(rest),
        None => data.text(),
    };
    let Some(inside) = text.trim_ascii_start().strip_prefix(b"{") else { return data.clone() };
    let mut out = Vec::with_capacity(text.len() + 128);
    out.push(b'{');
    write_string(&mut out, TraceCarrier::EVENT_DATA_KEY);
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
    Payload::from_well_formed(if out.len() > MAX_EVENT { text } else { Bytes::from(out) })
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
    if let Some((carrier, rest)) = remove::from_data(&event.name, &event.data.text()) {
        event.trace = carrier;
        event.data = Payload::from_well_formed(rest);
    }
}

/// The text of an awaited event without its carrier and without those of the events that it tells about;
/// `None` if there is none.
pub(super) fn forget(event: &str) -> Option<Vec<u8>> {
    remove::from_event(event)
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

    fn received(name: &str, data: impl Into<Bytes>) -> Event {
        let mut event = Event::from_payload(name, Payload::from_well_formed(data));
        receive(&mut event);
        event
    }

    #[test]
    fn data_comes_back_as_it_was() {
        for data in ["{}", "{ }", r#"{"a":1.0,"b":{"c":"\ud800"}}"#, r#" {"\ud800": [1e400]}"#] {
            let mut event = Event::from_payload("e", Payload::from_well_formed(data));
            event.trace = carrier();
            let written = write_events(std::slice::from_ref(&event));
            let received = received("e", written[0].data.text());
            let without_spaces = |text: &str| text.replace(' ', "");
            assert_eq!(without_spaces(&text(&received.data)), without_spaces(data));
            assert_eq!(received.trace, carrier());
        }
    }

    #[test]
    fn data_without_a_carrier_is_not_touched() {
        let data = r#"{ "a" : {"__hookstack_trace":{"x":"y"}}, "__hookstack_\u0074race": 1 }"#;
        let event = received("e", data);
        assert_eq!((text(&event.data).as_str(), event.trace.is_empty()), (data, true));
        assert!(matches!(write_events(&[event]), Cow::Borrowed(_)));
    }

    #[test]
    fn what_a_sender_hands_on_is_replaced() {
        let data =
            Payload::from_well_formed(r#"{"a":1,"__hookstack_trace":{"traceparent":"old"}}"#);
        let written = text(&write(&data, &carrier()));
        assert_eq!(written.matches(TraceCarrier::EVENT_DATA_KEY).count(), 1);
        assert!(written.contains(PARENT) && !written.contains("old"), "{written}");
    }

    #[test]
    fn a_trace_is_not_worth_an_event() {
        let data = Payload::from_well_formed(format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_EVENT - 8)));
        assert_eq!(data.len(), MAX_EVENT);
        assert_eq!(write(&data, &carrier()).text(), data.text());
    }

    #[test]
    fn another_form_carries_nothing_and_is_taken_out() {
        for forged in ["7", "null", "[1]", r#"{"traceparent":7}"#, r#"{"traceparent":"\ud800"}"#] {
            let event = received("e", format!(r#"{{"__hookstack_trace":{forged},"a":1}}"#));
            assert_eq!((text(&event.data).as_str(), event.trace.is_empty()), (r#"{"a":1}"#, true));
        }
        let twice =
            received("e", r#"{"__hookstack_trace":{"a":"1"},"__hookstack_trace":{"b":"2"}}"#);
        assert_eq!((text(&twice.data).as_str(), twice.trace.get("b")), ("{}", Some("2")));
    }

    #[test]
    fn events_about_runs_lose_those_of_the_events_in_them() {
        let traced = r#"{"name":"e","data":{"__hookstack_trace":{"traceparent":"x"},"a":1}}"#;
        let plain = r#"{"name":"e","data":{"a":1}}"#;
        let ended = |original: &str| {
            format!(r#"{{"run_id":"r","event":{original},"events":[{original},7],"error":{{}}}}"#)
        };
        for name in
            ["inngest/function.failed", "inngest/function.finished", "inngest/function.cancelled"]
        {
            assert_eq!(text(&received(name, ended(traced)).data), ended(plain), "{name}");
            // The end of a run that was started by the end of a run.
            let outer =
                |original: &str| format!(r#"{{"name":"{name}","data":{}}}"#, ended(original));
            assert_eq!(text(&received(name, ended(&outer(traced))).data), ended(&outer(plain)));
            let awaited = forget(&outer(traced)).expect("there is one");
            assert_eq!(String::from_utf8_lossy(&awaited), outer(plain));
        }
        assert_eq!(forget(traced).as_deref(), Some(plain.as_bytes()));
        assert_eq!(forget(plain), None);
        assert_eq!(forget("null"), None);
    }

    #[test]
    fn members_of_the_users_are_not_looked_into() {
        let data = r#"{"secret":1,"event":{"data":{"__hookstack_trace":{},"a":1}}}"#;
        for name in ["e", "inngest/function.invoked", "inngest/scheduled.timer"] {
            assert_eq!(text(&received(name, data).data), data, "{name}");
        }
    }

    #[test]
    fn no_depth_and_no_number_of_members_is_a_problem() {
        let deep =
            format!("{}{}", r#"{"a":"#.repeat(1), "[".repeat(100_000) + &"]".repeat(100_000));
        let event = received("e", format!(r#"{{"__hookstack_trace":{{}},"deep":{deep}}}}}"#));
        assert!(event.data.text().starts_with(br#"{"deep":"#));
        let many = "1,".repeat(500_000);
        let data = format!(r#"{{"events":[{many}{{"data":{{"__hookstack_trace":1}}}}]}}"#);
        let event = received("inngest/function.finished", data);
        assert!(event.data.text().ends_with(br#"1,{"data":{}}]}"#));
    }
}
