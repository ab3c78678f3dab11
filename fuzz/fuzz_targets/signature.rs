//! Arbitrary signatures: the first line is the header, in which `$t` stands for the time and `$s` for the
//! right digits; the rest is the body.
//!
//! A request is accepted exactly if a computation of its own says that one of the keys signed it.
#![no_main]

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use hookstack_inngest::{App, Config, Serve, serve};
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use libfuzzer_sys::fuzz_target;
use sha2::Sha256;
use tokio::runtime::Runtime;
use tower_service::Service;

const KEYS: [&str; 2] = ["12345678", "90abcdef"];
const TOLERANCE: u64 = 300;
/// The clock may move on between the endpoint's look at it and ours.
const MARGIN: u64 = 5;

thread_local! {
    static ENDPOINT: RefCell<(Runtime, Serve)> = {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let app = App::builder("shop").build().expect("the app is in order");
        let config = Config::builder()
            .variables(|_| None)
            .base_url("http://127.0.0.1:9")
            .signing_key(format!("signkey-test-{}", KEYS[0]))
            .signing_key_fallback(format!("signkey-test-{}", KEYS[1]))
            .build();
        let endpoint = serve(app).config(config.expect("the configuration is in order")).build();
        RefCell::new((runtime.expect("a runtime"), endpoint.expect("the endpoint is in order")))
    };
}

fuzz_target!(|data: &[u8]| {
    let split = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (line, body) = data.split_at(split);
    let body = Bytes::copy_from_slice(body.strip_prefix(b"\n").unwrap_or(body));
    let now = now().to_string();
    let digits = hex(&mac(KEYS[body.len() % 2], &body, &now));
    let header = replace(&replace(line, b"$t", now.as_bytes()), b"$s", digits.as_bytes());
    let Ok(value) = HeaderValue::from_bytes(&header) else { return };
    let mut request = Request::post("/?probe=trust").body(Full::new(body.clone())).expect("a request");
    request.headers_mut().insert("x-inngest-signature", value);

    let (status, answer) = ENDPOINT.with_borrow_mut(|(runtime, endpoint)| {
        runtime.block_on(async {
            let response = endpoint.call(request).await.expect("it never fails");
            let status = response.status().as_u16();
            let answer = response.into_body().collect().await.expect("it never fails").to_bytes();
            (status, answer)
        })
    });
    match status {
        200 => {
            assert_eq!(&answer[..], b"{}");
            assert!(is_signed(&header, &body, TOLERANCE + MARGIN), "accepted");
        }
        500 => assert!(!is_signed(&header, &body, TOLERANCE - MARGIN), "refused"),
        other => panic!("status {other}"),
    }
});

/// The two parts, in any order and nothing else; the time; one of the keys, for the body or its canonical
/// form.
fn is_signed(header: &[u8], body: &[u8], tolerance: u64) -> bool {
    let mut parts: Vec<&[u8]> = header.split(|byte| *byte == b'&').collect();
    parts.sort_unstable();
    let [s, t] = parts[..] else { return false };
    let (Some(s), Some(t)) = (s.strip_prefix(b"s="), t.strip_prefix(b"t=")) else { return false };
    let Ok(t) = std::str::from_utf8(t) else { return false };
    let is_number = (1..=12).contains(&t.len()) && t.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || t.parse::<u64>().is_ok_and(|time| time.abs_diff(now()) > tolerance) {
        return false;
    }
    let canonical = serde_json::from_slice::<serde_json::Value>(body).ok();
    let canonical = canonical.and_then(|value| serde_json_canonicalizer::to_vec(&value).ok());
    let bodies = [Some(body), canonical.as_deref()].into_iter().flatten();
    let mut macs = bodies.flat_map(|body| KEYS.map(|key| hex(&mac(key, body, t))));
    macs.any(|mac| s.eq_ignore_ascii_case(mac.as_bytes()))
}

fn mac(key: &str, body: &[u8], time: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length");
    mac.update(body);
    mac.update(time.as_bytes());
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn replace(text: &[u8], from: &[u8; 2], to: &[u8]) -> Vec<u8> {
    match text.windows(2).position(|window| window == from) {
        Some(at) => [&text[..at], to, &text[at + 2..]].concat(),
        None => text.to_vec(),
    }
}
