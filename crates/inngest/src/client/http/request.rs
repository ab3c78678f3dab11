//! One request with events.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hookstack_core::{Error, ErrorKind, Event, Result};

use super::super::send::now;
use crate::wire::response::write_string;

/// What is the same in every attempt.
pub(super) struct Request {
    /// What the server makes the ids of: those of the same seed are the same.
    pub(super) seed: String,
    pub(super) body: Bytes,
    /// How many events are in it.
    pub(super) count: usize,
}

impl Request {
    pub(super) fn new(events: &[Event]) -> Result<Self> {
        Ok(Request { seed: seed()?, body: body(events), count: events.len() })
    }
}

/// Milliseconds since the Unix epoch, and ten random bytes.
fn seed() -> Result<String> {
    let mut entropy = [0; 10];
    getrandom::fill(&mut entropy)
        .map_err(|_| Error::of_kind(ErrorKind::Send, "the system has no random numbers"))?;
    Ok(format!("{},{}", now(), STANDARD.encode(entropy)))
}

/// The events as JSON (Inngest SDK specification, section 1.3.4), their data as the text that it is.
fn body(events: &[Event]) -> Bytes {
    let size: usize = events.iter().map(|event| event.data.len() + event.name.len() + 96).sum();
    let mut out = Vec::with_capacity(size + 2);
    for event in events {
        out.push(if out.is_empty() { b'[' } else { b',' });
        write_event(&mut out, event);
    }
    out.push(b']');
    Bytes::from(out)
}

fn write_event(out: &mut Vec<u8>, event: &Event) {
    out.extend_from_slice(b"{\"name\":");
    write_string(out, &event.name);
    out.extend_from_slice(b",\"data\":");
    match event.data.is_absent() {
        true => out.extend_from_slice(b"{}"),
        false => out.extend_from_slice(&event.data.text()),
    }
    // A middleware may have added an event without id and time: the server fills them in.
    if let Some(id) = &event.id {
        out.extend_from_slice(b",\"id\":");
        write_string(out, id);
    }
    if let Some(ts) = event.ts {
        out.extend_from_slice(b",\"ts\":");
        out.extend_from_slice(ts.to_string().as_bytes());
    }
    if let Some(version) = &event.version {
        out.extend_from_slice(b",\"v\":");
        write_string(out, version);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use hookstack_core::Payload;

    use super::*;

    #[test]
    fn a_body_holds_the_text_of_the_data_as_it_is() {
        let data = Payload::from_text(r#"{ "n": 1.0, "big": 12345678901234567890123 }"#).unwrap();
        let mut full = Event::from_payload("a\"b", data).with_id("1").with_ts(5);
        full.version = Some("2".to_owned());
        let added = Event::from_payload("added", Payload::absent());
        assert_eq!(
            body(&[full, added]),
            r#"[{"name":"a\"b","data":{ "n": 1.0, "big": 12345678901234567890123 },"id":"1","ts":5,"v":"2"},{"name":"added","data":{}}]"#
        );
    }

    #[test]
    fn a_seed_is_a_time_and_ten_bytes_that_differ() {
        let (one, two) = (seed().unwrap(), seed().unwrap());
        let (time, entropy) = one.split_once(',').unwrap();
        assert!(time.parse::<u64>().unwrap() > 1_700_000_000_000);
        assert_eq!(STANDARD.decode(entropy).unwrap().len(), 10);
        assert_ne!(one, two);
    }
}
