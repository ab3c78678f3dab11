//! Requests that are wrong: each is refused with what is wrong, quotes nothing, and harms no other.

use std::collections::BTreeMap;
use std::fmt::Write;

use hookstack_core::{Error, Result};
use hookstack_inngest::{App, Data, Function, Step, serve};
use hookstack_testing::Canary;
use hookstack_tests::endpoint::{Endpoint, KEY, OTHER_KEY, cloud};
use hookstack_tests::http_client::{HttpClient, HttpRequest, HttpResponse};
use hookstack_tests::request::{CallBody, hash};
use hookstack_tests::signing;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{assert_common_headers, call};

/// Stands in every request, as text or as a number, and in no response.
const CANARY: &str = "canary-41114111";
const NUMBER: &str = "41114111";

const MAX_BODY: usize = 6_000_000;

#[derive(Deserialize)]
struct Order {
    #[allow(dead_code)]
    id: u32,
}

async fn order(Data(_): Data<Order>) -> Result<()> {
    Ok(())
}

async fn echo(Data(data): Data<Value>) -> Result<Value> {
    Ok(data)
}

/// One step of each kind whose memoized value is read.
async fn steps(step: Step) -> Result<Value> {
    let paid: u32 = step.run("pay", async || Ok::<_, Error>(1)).await?;
    step.sleep("nap", std::time::Duration::from_secs(1)).await?;
    let child: Value = step.invoke("child", "receipt", &json!({ "paid": paid })).await?;
    Ok(json!([paid, child]))
}

fn app() -> App {
    let function = |id: &str| Function::builder(id).on_event("t/event");
    async fn handler(failure: hookstack_inngest::Failure<Value>) -> Result<()> {
        let _ = failure;
        Ok(())
    }
    App::builder("t")
        .function(function("order").on_failure(handler).handler(order))
        .function(function("echo").handler(echo))
        .function(function("steps").handler(steps))
        .build()
        .expect("a valid app")
}

/// How a request is sent.
enum Send {
    /// By the client; signed now, unless it has a signature.
    Http(HttpRequest),
    /// Written to a connection of its own, byte by byte as it stands.
    Raw(Vec<u8>),
}

struct Case {
    class: &'static str,
    name: String,
    send: Send,
    status: u16,
    says: &'static str,
}

struct Table {
    url: String,
    cases: Vec<Case>,
}

impl Table {
    fn add(
        &mut self,
        class: &'static str,
        name: &str,
        send: Send,
        status: u16,
        says: &'static str,
    ) {
        self.cases.push(Case { class, name: name.to_owned(), send, status, says });
    }

    fn post(&self, function: &str, step: &str) -> HttpRequest {
        HttpRequest::post(format!("{}?fnId={function}&stepId={step}", self.url))
    }

    /// A signed call of a function with this body.
    fn body(
        &mut self,
        class: &'static str,
        function: &str,
        body: impl Into<Vec<u8>>,
        status: u16,
        says: &'static str,
    ) {
        let body = body.into();
        let name = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        let request = self.post(function, "step").body(body).signed(KEY);
        self.add(class, &name, Send::Http(request), status, says);
    }
}

const FINE: &str = r#""event":{"name":"t/event","data":{"id":1}}"#;

fn truncated(table: &mut Table) {
    const CLASS: &str = "truncated JSON";
    let whole =
        format!(r#"{{"ctx":{{"run_id":"{CANARY}"}},{FINE},"steps":{{"{CANARY}":{{"data":1}}}}}}"#);
    // In a string, in the context, in the event, in the name and the value of a step, before the end.
    for end in [1, 14, 30, 55, 75, 95, 105, whole.len() - 1] {
        table.body(CLASS, "t-echo", &whole.as_bytes()[..end], 400, "call request: ");
    }
    table.body(CLASS, "t-echo", "", 400, "call request: the text ends too early");
    table.body(CLASS, "t-echo", format!("{whole}{CANARY}"), 400, "there is text after the JSON");
}

fn not_well_formed(table: &mut Table) {
    const CLASS: &str = "not well-formed JSON";
    // The place of an error is a path, and parts of a path are names out of the request.
    for body in [
        format!(r#"{{"{CANARY}":tru}}"#),
        format!(r#"{{"ctx":{{"run_id":"r","{CANARY}":tru}},{FINE}}}"#),
        format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"steps":{{"{CANARY}":tru}}}}"#),
        format!(r#"{{"ctx":{{"run_id":"r"}},"event":{{"name":"e","{CANARY}":[}}}}}}"#),
        format!(r#"{{"ctx":{{"run_id":"r"}},"event":{{"name":"e","data":{{"{CANARY}":'x'}}}}}}"#),
    ] {
        table.body(CLASS, "t-echo", body, 400, "the text is not well-formed");
    }
}

fn not_utf8(table: &mut Table) {
    const CLASS: &str = "not UTF-8";
    for (before, after) in [
        (format!(r#"{{"ctx":{{"run_id":"{CANARY}"#), format!(r#""}},{FINE}}}"#)),
        (format!(r#"{{"ctx":{{"run_id":"r"}},"event":{{"name":"{CANARY}"#), r#""}}"#.to_owned()),
        (
            format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"steps":{{"{CANARY}"#),
            r#"":null}}"#.to_owned(),
        ),
        (
            format!(r#"{{"ctx":{{"run_id":"r"}},"event":{{"name":"e","data":"{CANARY}"#),
            r#""}}"#.to_owned(),
        ),
    ] {
        let body = [before.as_bytes(), b"\xff\xfe", after.as_bytes()].concat();
        table.body(CLASS, "t-echo", body, 400, "call request: ");
    }
    // Also where nobody reads.
    let mut unread = format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"unread":"{CANARY}"#).into_bytes();
    unread.extend_from_slice(b"\xff\"}");
    table.body(CLASS, "t-echo", unread, 400, "call request: it is not UTF-8");
}

fn wrong_types(table: &mut Table) {
    const CLASS: &str = "wrong types";
    let ctx = |fields: &str| format!(r#"{{"ctx":{{{fields}}},{FINE}}}"#);
    let run = |rest: &str| format!(r#"{{"ctx":{{"run_id":"r"}},{rest}}}"#);
    for (body, says) in [
        (format!(r#"["{CANARY}"]"#), "call request: "),
        (format!("\"{CANARY}\""), "call request: invalid type: string"),
        (format!(r#"{{"ctx":"{CANARY}",{FINE}}}"#), "field `ctx`: invalid type: string"),
        (ctx(&format!(r#""run_id":{NUMBER}"#)), "field `ctx.run_id`: invalid type: integer"),
        (
            ctx(&format!(r#""run_id":"r","attempt":"{CANARY}""#)),
            "field `ctx.attempt`: invalid type",
        ),
        (
            ctx(&format!(r#""run_id":"r","attempt":-{NUMBER}"#)),
            "field `ctx.attempt`: invalid value",
        ),
        (
            ctx(&format!(r#""run_id":"r","max_attempts":{NUMBER}.5"#)),
            "field `ctx.max_attempts`: invalid type",
        ),
        (
            ctx(&format!(r#""run_id":"r","disable_immediate_execution":"{CANARY}""#)),
            "field `ctx.disable_immediate_execution`: invalid type",
        ),
        (ctx(&format!(r#""run_id":"r","use_api":{NUMBER}"#)), "field `ctx.use_api`: invalid type"),
        (
            ctx(&format!(r#""run_id":"r","stack":{{"stack":"{CANARY}"}}"#)),
            "field `ctx.stack.stack`: invalid type",
        ),
        (
            ctx(&format!(r#""run_id":"r","stack":{{"stack":[{NUMBER}]}}"#)),
            "field `ctx.stack.stack[0]`: invalid type",
        ),
        (run(&format!(r#""event":"{CANARY}""#)), "field `event`: invalid type"),
        (run(&format!(r#""events":{{"{CANARY}":1}}"#)), "field `events`: invalid type"),
        (run(&format!(r#""events":[{FINE_EVENT},{NUMBER}]"#)), "field `events[1]`: invalid type"),
        (run(&format!(r#""event":{{"name":{NUMBER}}}"#)), "field `event.name`: invalid type"),
        (
            run(&format!(r#""event":{{"name":"e","ts":"{CANARY}"}}"#)),
            "field `event.ts`: invalid type",
        ),
        (run(&format!(r#"{FINE},"steps":["{CANARY}"]"#)), "field `steps`: invalid type"),
        (run(&format!(r#"{FINE},"steps":"{CANARY}""#)), "field `steps`: invalid type"),
    ] {
        table.body(CLASS, "t-echo", body, 400, says);
    }
    // Those of the function's own type.
    for (data, says) in [
        (format!(r#"{{"id":"{CANARY}"}}"#), "invalid type: string, expected u32"),
        (format!("\"{CANARY}\""), "invalid type: string, expected struct Order"),
        (format!(r#"{{"id":{NUMBER}{NUMBER}}}"#), "invalid value: integer"),
    ] {
        let body = run(&format!(r#""event":{{"name":"t/event","data":{data}}}"#));
        table.body(CLASS, "t-order", body, 400, says);
    }
}

const FINE_EVENT: &str = r#"{"name":"t/event","data":{}}"#;

fn missing_fields(table: &mut Table) {
    const CLASS: &str = "missing fields";
    for (body, says) in [
        (format!(r#"{{"{CANARY}":1}}"#), "missing field `ctx`"),
        (format!(r#"{{"ctx":{{"{CANARY}":1}},{FINE}}}"#), "field `ctx`: missing field `run_id`"),
        (format!(r#"{{"ctx":{{"run_id":"{CANARY}"}}}}"#), "field `event`: missing"),
        (format!(r#"{{"ctx":{{"run_id":"{CANARY}"}},"events":[]}}"#), "field `event`: missing"),
        (
            format!(r#"{{"ctx":{{"run_id":"r"}},"event":{{"data":"{CANARY}"}}}}"#),
            "field `event`: missing field `name`",
        ),
        (
            format!(r#"{{"ctx":{{"run_id":"r"}},"events":[{{"id":"{CANARY}"}}]}}"#),
            "field `events[0]`: missing field `name`",
        ),
    ] {
        table.body(CLASS, "t-echo", body, 400, says);
    }
    let body = format!(
        r#"{{"ctx":{{"run_id":"r"}},"event":{{"name":"t/event","data":{{"x":"{CANARY}"}}}}}}"#
    );
    table.body(CLASS, "t-order", body, 400, "missing field `id`");
}

/// 100 000 memoized steps, of none of the function's own.
fn many_steps() -> String {
    let mut steps = format!(r#""{:040x}":{{"data":"{CANARY}"}}"#, 0);
    for n in 1..100_000 {
        write!(steps, r#","{n:040x}":null"#).expect("memory");
    }
    steps
}

fn huge_step_maps(table: &mut Table) {
    const CLASS: &str = "huge step maps";
    let steps = many_steps();
    let run = |steps: String| format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"steps":{steps}}}"#);
    let cut = run(format!("{{{steps}}}"));
    table.body(CLASS, "t-echo", &cut.as_bytes()[..cut.len() - 3], 400, "the text ends too early");
    table.body(
        CLASS,
        "t-echo",
        run(format!(r#"{{{steps},"{CANARY}":tru}}"#)),
        400,
        "not well-formed",
    );
    table.body(CLASS, "t-echo", run(format!("[{{{steps}}}]")), 400, "field `steps`: invalid type");
    let body = format!(r#"{{"steps":{{{steps}}},{FINE},"ctx":{{}}}}"#);
    table.body(CLASS, "t-echo", body, 400, "field `ctx`: missing field `run_id`");
}

fn forms_of_memos(table: &mut Table) {
    const CLASS: &str = "unknown forms of memos";
    let mut memo = |stored: &[(&str, String)], says| {
        let steps: Vec<String> =
            stored.iter().map(|(step, value)| format!(r#""{}":{value}"#, hash(step))).collect();
        let body = format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"steps":{{{}}}}}"#, steps.join(","));
        table.body(CLASS, "t-steps", body, 400, says);
    };
    let paid = ("pay", r#"{"data":1}"#.to_owned());
    let slept = ("nap", "null".to_owned());
    const FORM: &str = "a form that this kind of step never has";
    memo(&[("pay", NUMBER.to_owned())], FORM);
    memo(&[("pay", format!("\"{CANARY}\""))], FORM);
    memo(&[("pay", format!(r#"["{CANARY}"]"#))], FORM);
    memo(&[("pay", format!(r#"{{"data":1,"{CANARY}":2}}"#))], FORM);
    memo(&[("pay", format!(r#"{{"op":"{CANARY}"}}"#))], FORM);
    memo(&[("pay", format!(r#"{{"data":"{CANARY}"}}"#))], "invalid type: string, expected u32");
    memo(&[("pay", r#"{"data":4111411141114111}"#.to_owned())], "invalid value: integer");
    memo(&[paid.clone(), ("nap", format!("\"{CANARY}\""))], FORM);
    memo(&[paid, slept, ("child", format!("\"{CANARY}\""))], FORM);
}

fn signatures(table: &mut Table) {
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

fn replayed(table: &mut Table) {
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

fn wrong_ids(table: &mut Table) {
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

fn deep_nesting(table: &mut Table) {
    const CLASS: &str = "deep nesting";
    let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(200_000), "]".repeat(200_000));
    let canary = format!("\"{CANARY}\"");
    let run = |rest: String| format!(r#"{{"ctx":{{"run_id":"r"}},{rest}}}"#);
    let event = format!(r#""event":{{"name":"t/event","data":{}}}"#, deep(&canary));
    table.body(CLASS, "t-echo", run(event), 400, "");
    table.body(CLASS, "t-echo", deep(&canary), 400, "call request: ");
    let body = run(format!(r#""event":{}"#, deep(&canary)));
    table.body(CLASS, "t-echo", body, 400, "field `event[0]`: ");
    let body = format!(r#"{{"ctx":{{"run_id":{}}},{FINE}}}"#, deep(&canary));
    table.body(CLASS, "t-echo", body, 400, "field `ctx.run_id`: ");
    let stored = format!(r#"{FINE},"steps":{{"{}":{{"data":{}}}}}"#, hash("pay"), deep(&canary));
    table.body(CLASS, "t-steps", run(stored), 400, "the stored result of step \"pay\"");
    let objects = format!("{}{canary}{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    table.body(
        CLASS,
        "t-echo",
        run(format!(r#"{FINE},"steps":[{objects}]"#)),
        400,
        "field `steps`",
    );
    let sync = HttpRequest::put(&table.url).header("x-inngest-sync-kind", "in_band");
    let shallower = format!("{}{canary}{}", "[".repeat(30_000), "]".repeat(30_000));
    let sync = sync.body(format!(r#"{{"url":{shallower}}}"#)).signed(KEY);
    table.add(CLASS, "in-band sync", Send::Http(sync), 400, "sync request: field `url`");
}

/// What is announced or sent is more than is read, and nothing is sent that is not read: the answer
/// would get lost on a connection that is reset.
fn oversized(table: &mut Table) {
    const CLASS: &str = "oversized bodies";
    let says = "body: has more than 6000000 bytes";
    // Of what is no call less is read.
    let little = "body: has more than 65536 bytes";
    let head = |method: &str, header: String| {
        format!(
            "{method} /api/inngest?fnId=t-echo&x={CANARY} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\nx-inngest-signature: t=1&s=0\r\n{header}\r\n\r\n"
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

fn wrong_methods(table: &mut Table) {
    const CLASS: &str = "wrong methods";
    for method in ["DELETE", "PATCH", "OPTIONS", "TRACE", "canary-41114111"] {
        let url = format!("{}?fnId=t-echo&x={CANARY}", table.url);
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = Send::Http(HttpRequest::new(method.clone(), url).body(CANARY).signed(KEY));
        table.add(CLASS, method.as_str(), request, 405, "the endpoint takes GET, POST and PUT");
    }
}

fn syncs(table: &mut Table) {
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

/// The response on a connection of its own.
async fn raw(endpoint: &Endpoint, request: &[u8]) -> HttpResponse {
    let mut stream = TcpStream::connect(endpoint.address()).await.expect("connects");
    // What is refused at once is not read to its end.
    let _ = stream.write_all(request).await;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.expect("the endpoint answers and closes");
    let response = String::from_utf8(response).expect("text");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
    let mut headers = HeaderMap::new();
    for (name, value) in lines.map(|line| line.split_once(": ").expect("a header")) {
        let name: http::HeaderName = name.parse().expect("a name");
        headers.insert(name, value.parse().expect("a value"));
    }
    let status: StatusCode = status.parse().expect("a status");
    HttpResponse { status, headers, body: body.to_owned().into() }
}

#[tokio::test]
async fn every_wrong_request_is_refused_and_nothing_is_quoted() {
    let endpoint = Endpoint::of(serve(app()).max_body(MAX_BODY), cloud()).await;
    let mut table = Table { url: endpoint.url(), cases: Vec::new() };
    for fill in [
        truncated,
        not_well_formed,
        not_utf8,
        wrong_types,
        missing_fields,
        huge_step_maps,
        forms_of_memos,
        signatures,
        replayed,
        wrong_ids,
        deep_nesting,
        oversized,
        wrong_methods,
        syncs,
    ] {
        fill(&mut table);
    }
    let canaries = [Canary::new(CANARY), Canary::new(NUMBER), Canary::new("4111411141114111")];
    let client = HttpClient::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for Case { class, name, send, status, says } in table.cases {
        let is_post = !matches!(class, "wrong methods" | "wrong syncs");
        let response = match send {
            Send::Http(request) => client.send(request).await,
            Send::Raw(request) => raw(&endpoint, &request).await,
        };
        let case = format!("{class}: {name}");
        assert_common_headers(&response, "cloud", "axum");
        let json = response.json();
        let message = json["message"].as_str().unwrap_or_default();
        if response.status != status || !message.contains(says) || !json["message"].is_string() {
            wrong.push(format!(
                "{case}: expected {status} {says:?}, got {} {json}",
                response.status
            ));
        }
        for canary in &canaries {
            if let Some(leak) = canary.find(response.raw()) {
                wrong.push(format!("{case}: the response quotes the request {leak}: {json}"));
            }
        }
        if is_post && !name.starts_with("announced") && !name.starts_with("in-band") {
            let expected = if status == 400 { "true" } else { "false" };
            if response.header("x-inngest-no-retry") != expected {
                wrong.push(format!("{case}: no-retry is not {expected}"));
            }
        }
        let valid = endpoint.call(&call(json!({ "after": counts.len() }))).signed(KEY);
        let response = client.send(valid).await;
        let expected = (StatusCode::OK, json!({ "after": counts.len() }));
        assert_eq!((response.status, response.json()), expected, "after {case}");
        *counts.entry(class).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let total: usize = counts.values().sum();
    println!("{total} wrong requests: {counts:?}");
    assert_eq!(counts.len(), 14);
    assert!(total >= 40 && counts.values().all(|count| *count >= 3), "{total}: {counts:?}");
}

#[tokio::test]
async fn many_steps_are_no_mistake() {
    let endpoint = Endpoint::of(serve(app()).max_body(MAX_BODY), cloud()).await;
    let body = format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"steps":{{{}}}}}"#, many_steps());
    let url = format!("{}?fnId=t-echo&stepId=step", endpoint.url());
    let response = HttpClient::new().send(HttpRequest::post(url).body(body).signed(KEY)).await;
    assert_eq!((response.status.as_u16(), response.json()), (200, json!({ "id": 1 })));
}
