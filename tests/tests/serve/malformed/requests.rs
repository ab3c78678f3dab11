//! Requests that are wrong around the body.

use hookstack_tests::endpoint::{KEY, OTHER_KEY};
use hookstack_tests::http_client::HttpRequest;
use hookstack_tests::request::{CallBody, hash};
use hookstack_tests::signing;
use http::Method;
use serde_json::json;

use super::table::{Send, Table};
use super::{CANARY, MAX_BODY, NUMBER};
use crate::support::call;

pub(super) fn signatures(table: &mut Table) {
    const CLASS: &str = "bad signatures";
    let call = call(json!(CANARY));
    let post = || table.post("t-echo", "step").body(call.body());
    let header = |value: &str| post().header("x-inngest-signature", value);
    let now = signing::now();
    let zeros = "0".repeat(64);
    let good = signing::sign(KEY, &call.body());
    let cases = [
        ("missing", post(), "`x-inngest-signature`: missing"),
        ("empty", header(""), "`x-inngest-signature`: must be"),
        ("a word", header(CANARY), "`x-inngest-signature`: must be"),
        ("no time", header(&format!("s={zeros}")), "`x-inngest-signature`: must be"),
        ("no number", header(&format!("t={CANARY}&s={zeros}")), "`x-inngest-signature`: must be"),
        ("no hex", header(&format!("t={now}&s={CANARY}")), "`x-inngest-signature`: must be"),
        ("more", header(&format!("{good}&x={CANARY}")), "`x-inngest-signature`: must be"),
        ("zeros", header(&format!("t={now}&s={zeros}")), "no signing key of this app made it"),
        ("another key", post().signed(OTHER_KEY), "no signing key of this app made it"),
        (
            "another body",
            post().signed(KEY).body(format!(r#"{{"{CANARY}":1}}"#)),
            "no signing key of this app made it",
        ),
    ];
    for (name, request, says) in cases {
        table.add(CLASS, name, Send::Http(request), 500, says);
    }
}

pub(super) fn replayed(table: &mut Table) {
    const CLASS: &str = "replayed signatures";
    let call = call(json!(CANARY));
    for (name, time) in [
        ("five minutes ago", signing::now() - 301),
        ("a day ago", signing::now() - 86_400),
        ("in 1970", 0),
        ("in ten minutes", signing::now() + 600),
        ("in 33658", 999_999_999_999),
    ] {
        let request = table.post("t-echo", "step").body(call.body()).signed_at(KEY, time);
        table.add(CLASS, name, Send::Http(request), 500, "its time is more than 5 minutes from");
    }
}

pub(super) fn wrong_ids(table: &mut Table) {
    const CLASS: &str = "wrong ids";
    let body = call(json!(CANARY)).body();
    let mut add = |query: String, status, says| {
        let request = HttpRequest::post(format!("{}{query}", table.url));
        let request = Send::Http(request.body(body.clone()).signed(KEY));
        table.add(CLASS, &query, request, status, says);
    };
    let unknown = "`fnId`: this app has no function of that id";
    add(String::new(), 400, "`fnId`: missing");
    add(format!("?stepId=step&x={CANARY}"), 400, "`fnId`: missing");
    add("?fnId=".to_owned(), 500, unknown);
    add(format!("?fnId={CANARY}"), 500, unknown);
    add("?fnId=echo".to_owned(), 500, unknown);
    add("?fnId=T-ECHO".to_owned(), 500, unknown);
    add(format!("?fnId={CANARY}&fnId=t-echo"), 500, unknown);
    add("?fnId=%ff%fe".to_owned(), 500, unknown);
    let no_step = "`stepId`: neither `step` nor the hash of a step";
    add(format!("?fnId=t-echo&stepId={CANARY}"), 400, no_step);
    add(format!("?fnId=t-echo&stepId={}", &hash("x")[1..]), 400, no_step);
    add(format!("?fnId=t-echo&stepId={}0", hash("x")), 400, no_step);
    add(format!("?fnId=t-echo&stepId={}", "z".repeat(40)), 400, no_step);
    add(format!("?fnId=t-echo&probe={CANARY}"), 400, "`probe`: the only probe is `trust`");
    let foreign = json!({ "function_id": CANARY, "run_id": "r", "error": { "message": "x" } });
    let failed = CallBody::new("order-failure").event("inngest/function.failed", foreign);
    let request = table.post(&failed.slug(), "step").body(failed.body()).signed(KEY);
    let says = "field `event.data.function_id`: this handler is for failures of";
    table.add(CLASS, "a failure of another function", Send::Http(request), 400, says);
}

/// What is announced or sent is more than is read, and nothing is sent that is not read: the answer
/// would get lost on a connection that is reset.
pub(super) fn oversized(table: &mut Table) {
    const CLASS: &str = "oversized bodies";
    let says = "body: has more than 6000000 bytes";
    // Of what is no call less is read.
    let little = "body: has more than 65536 bytes";
    // A signature that could hold, or the size would not come into it.
    let signature = format!("t={}&s={}", signing::now(), "0".repeat(64));
    let head = |method: &str, header: String| {
        format!(
            "{method} /api/inngest?fnId=t-echo&x={CANARY} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\nx-inngest-signature: {signature}\r\n{header}\r\n\r\n"
        )
    };
    for (name, method, length, says) in [
        ("a byte too much", "POST", MAX_BODY + 1, says),
        ("much too much", "POST", usize::MAX / 2, says),
        ("an introspection", "GET", 65_537, little),
        ("a sync", "PUT", 65_537, little),
    ] {
        let raw = head(method, format!("content-length: {length}")).into_bytes();
        table.add(CLASS, &format!("announced: {name}"), Send::Raw(raw), 413, says);
    }
    let head = head("POST", "transfer-encoding: chunked".to_owned()).into_bytes();
    let filler = CANARY.repeat(MAX_BODY / CANARY.len() + 1);
    let mut one = head.clone();
    one.extend_from_slice(format!("{:x}\r\n", MAX_BODY + 1).as_bytes());
    one.extend_from_slice(&filler.as_bytes()[..MAX_BODY + 1]);
    table.add(CLASS, "in one chunk", Send::Raw(one), 413, says);
    let mut many = head;
    for _ in 0..MAX_BODY / 100_000 {
        many.extend_from_slice(format!("{:x}\r\n", 100_000).as_bytes());
        many.extend_from_slice(&filler.as_bytes()[..100_000]);
        many.extend_from_slice(b"\r\n");
    }
    many.extend_from_slice(b"1\r\nx");
    table.add(CLASS, "in many chunks", Send::Raw(many), 413, says);
}

pub(super) fn wrong_methods(table: &mut Table) {
    const CLASS: &str = "wrong methods";
    for method in ["DELETE", "PATCH", "OPTIONS", "TRACE", "canary-41114111"] {
        let url = format!("{}?fnId=t-echo&x={CANARY}", table.url);
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = Send::Http(HttpRequest::new(method.clone(), url).body(CANARY).signed(KEY));
        table.add(CLASS, method.as_str(), request, 405, "the endpoint takes GET, POST and PUT");
    }
}

pub(super) fn syncs(table: &mut Table) {
    const CLASS: &str = "wrong syncs";
    for (body, says) in [
        (CANARY.to_owned(), "sync request: field `url`: the text is not well-formed"),
        (format!(r#"{{"uri":"{CANARY}"}}"#), "sync request: field `url`: missing field `url`"),
        (format!(r#"{{"url":{NUMBER}}}"#), "sync request: field `url`: invalid type: integer"),
        (format!(r#"{{"url":"{CANARY}"}}"#), "field `url`: must be an absolute address"),
        (format!(r#"{{"url":"javascript:{CANARY}"}}"#), "field `url`: must be an absolute address"),
    ] {
        let sync = HttpRequest::put(&table.url).header("x-inngest-sync-kind", "in_band");
        table.add(CLASS, &body.clone(), Send::Http(sync.body(body).signed(KEY)), 400, says);
    }
}
