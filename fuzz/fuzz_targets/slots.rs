//! Arbitrary JSON in the place of one value of a genuine, encrypted call.
//!
//! The first byte chooses the place, the second a form, the rest is the JSON, in which `@a`, `@b`, … stand
//! for the genuine values of the places. The function asserts that nothing reaches it but what was sealed
//! for its place, or an error that is marked as not authentic; the call never panics or hangs.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::executor::block_on;
use hookstack_inngest::CallRequest;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

mod support;

const MARK: &str = "put the value here";

fuzz_target!(|data: &[u8]| {
    let [slot, form, rest @ ..] = data else { return };
    let genuine = &*support::GENUINE;
    let slot = &genuine.slots[usize::from(*slot) % genuine.slots.len()];
    let value = expand(rest, &genuine.body, &genuine.slots);
    let value = match form % 5 {
        0 => value,
        1 => [br#"{"data":"#, &value[..], b"}"].concat(),
        2 => [br#"{"error":"#, &value[..], b"}"].concat(),
        3 => envelope(rest).to_string().into_bytes(),
        _ => {
            let message = format!("hookstack/v1:{}", STANDARD.encode(rest));
            json!({ "error": { "name": "Error", "message": message } }).to_string().into_bytes()
        }
    };
    let mut body = genuine.body.clone();
    *body.pointer_mut(slot).expect("a place") = Value::from(MARK);
    // The event stands in the list of events too, and there it counts.
    body["events"] = json!([body["event"]]);
    let body = replace(body.to_string().as_bytes(), json!(MARK).to_string().as_bytes(), &value);
    let response = block_on(genuine.app.call(CallRequest::new(support::FUNCTION, body)));
    assert!([200, 206, 400, 500].contains(&response.status.as_u16()), "{}", response.status);
    serde_json::from_slice::<serde::de::IgnoredAny>(&response.body).expect("the response is JSON");
    block_on(response.after_response());
});

fn envelope(message: &[u8]) -> Value {
    let envelope = json!({
        "__ENCRYPTED__": true, "__STRATEGY__": "hookstack/v1", "data": STANDARD.encode(message),
    });
    json!({ "data": envelope })
}

/// Replaces `@a`, `@b`, … by the genuine values.
fn expand(text: &[u8], body: &Value, slots: &[String]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match (byte, bytes.as_slice().first()) {
            (b'@', Some(letter @ b'a'..=b'z')) => {
                let slot = &slots[usize::from(letter - b'a') % slots.len()];
                out.extend(body.pointer(slot).expect("a place").to_string().into_bytes());
                bytes.next();
            }
            _ => out.push(byte),
        }
    }
    out
}

fn replace(text: &[u8], mark: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2 * value.len());
    let mut rest = text;
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(value);
        rest = &rest[at + mark.len()..];
    }
    out.extend_from_slice(rest);
    out
}
