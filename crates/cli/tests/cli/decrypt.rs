use hookstack_core::TraceCarrier;
use hookstack_encryption::{Context, Header, KEYS_VARIABLE, Key, Keyset, NAMESPACE_VARIABLE};
use serde_json::{Value, json};

use crate::tool::{
    CANARY, TestFile, event, hash, hookstack, keys, of_event, of_function, run, seal, seal_error,
    text, with_variables,
};

#[test]
fn an_event_is_opened_and_everything_around_it_stays() {
    let event = event(&keys(1));
    let ran = hookstack(&text(1), &["decrypt"], &event).code(0);
    assert_eq!(
        ran.stdout,
        format!(
            r#"{{ "data": {{"encrypted":{{"card":"{CANARY}","n":1.0}},"order_id":"17"}}, "id":"e-1","name":"shop/order.placed" , "ts":1.50}}
"#
        )
    );
    assert_eq!(ran.stderr, "");
    let file = TestFile::new(&event);
    assert_eq!(hookstack(&text(1), &["decrypt", file.path()], "").code(0).stdout, ran.stdout);
}

#[test]
fn a_whole_run_is_opened_with_nothing_but_its_document() {
    let ran = hookstack(&text(1), &["decrypt"], run(&keys(1))).code(0);
    let opened = ran.json();
    assert_eq!(opened["steps"][hash("reserve").to_string()]["data"]["reserve"], CANARY);
    assert_eq!(opened["trace"][0]["output"]["pack"], CANARY);
    assert_eq!(opened["trace"][1]["output"]["poll:3"], CANARY);
    assert_eq!(
        opened["trace"][2]["error"],
        json!({ "error": "CardError", "name": "CardError", "message": CANARY, "stack": format!("at {CANARY}"), "data": { "n": 1 } })
    );
    assert_eq!(opened["trace"][3]["input"]["data"]["encrypted"]["invoke"], CANARY);
    assert_eq!(opened["output"]["output"], CANARY);
    assert_eq!(ran.stderr, "");
}

#[test]
fn an_envelope_that_was_cut_out_opens_with_a_hint() {
    let run = run(&keys(1));
    let document: Value = serde_json::from_str(&run).expect("JSON");
    let step = document["trace"][0]["output"].to_string();
    let ran = hookstack(&text(1), &["decrypt"], &step).code(3).without_canary();
    assert_eq!(ran.says("--step").stdout, format!("{step}\n"));

    let file = TestFile::new(&run);
    let hash = hash("pack").to_string();
    for hint in [["--hints", file.path()], ["--step", "pack"], ["--step", &hash]] {
        let ran = hookstack(&text(1), &["decrypt", hint[0], hint[1]], &step).code(0);
        assert_eq!(ran.json()["pack"], CANARY, "{hint:?}");
    }
    // The message of an error as it is copied from a dashboard, without quotes.
    let error = document["trace"][2]["error"]["message"].as_str().expect("a text");
    let ran = hookstack(&text(1), &["decrypt", "--step", "charge"], error).code(0);
    assert_eq!(ran.json()["message"], CANARY);
    assert_eq!(ran.json()["name"], "CardError");
}

#[test]
fn names_may_be_given_for_every_kind_of_value() {
    let keys = keys(1);
    let plain = format!("\"{CANARY}\"");
    let origin = of_function("app-f");
    let cases: [(Context<'_>, &[&str]); 7] = [
        (Context::event("e", "card"), &["--event", "e", "--field", "card"]),
        (Context::invoke("app-g", "encrypted"), &["--function", "app-g"]),
        (Context::function_output("app-h"), &["--function", "app-h"]),
        (Context::step("app-h", hash("s:7")), &["--function", "app-h", "--step", "s"]),
        (Context::http_request("PATCH", "/o/{id}"), &["--route", "/o/{id}"]),
        (Context::http_request("BREW", "/pot"), &["--method", "brew", "--route", "/pot"]),
        (Context::lambda_event("resize"), &["--lambda-function", "resize"]),
    ];
    for (context, args) in cases {
        let envelope = seal(&keys, &context, &origin, &plain);
        hookstack(&text(1), &["decrypt"], &envelope).code(3).without_canary();
        let args = [&["decrypt"], args].concat();
        let ran = hookstack(&text(1), &args, &envelope).code(0);
        assert_eq!(ran.stdout.trim_end(), plain, "{args:?}");
    }
}

#[test]
fn a_response_opens_with_its_request() {
    let keys = keys(1);
    let origin = Default::default();
    let request = seal(&keys, &Context::http_request("POST", "/orders"), &origin, "{}");
    let commitment = Header::read(request.as_bytes()).expect("an envelope").commitment();
    let context = Context::http_response("POST", "/orders", commitment);
    let response = seal(&keys, &context, &origin, &format!("\"{CANARY}\""));
    hookstack(&text(1), &["decrypt", "--route", "/orders"], &response).code(3).says("--request");
    let file = TestFile::new(&request);
    for request in [commitment.to_string().as_str(), &request, file.path()] {
        let args = ["decrypt", "--route", "/orders", "--request", request];
        assert!(hookstack(&text(1), &args, &response).code(0).stdout.contains(CANARY));
    }
    let both = format!(r#"{{"path":"/orders","request":{request},"response":{response}}}"#);
    assert_eq!(hookstack(&text(1), &["decrypt"], both).code(0).json()["response"], CANARY);
}

#[test]
fn lines_are_documents_of_their_own() {
    let event = event(&keys(1));
    let input = format!("{event}\n\n{{\"no\": 1}}\r\n{event}");
    let ran = hookstack(&text(1), &["decrypt"], input).code(0);
    let lines: Vec<_> = ran.stdout.split('\n').collect();
    assert_eq!(lines.len(), 5);
    assert_eq!((lines[1], lines[2], lines[4]), ("", "{\"no\": 1}\r", ""));
    assert!(lines[0].contains(CANARY) && lines[0] == lines[3]);
    let ran = hookstack(&text(1), &["decrypt"], format!("{event}\nnot json\n{event}\n")).code(1);
    assert_eq!(ran.says("line 2").stdout.lines().count(), 1);
}

#[test]
fn with_another_key_or_namespace_nothing_opens() {
    let event = event(&keys(1));
    let unchanged = format!("{event}\n");
    let ran = hookstack(&text(2), &["decrypt"], &event).code(3).says("$.data.encrypted: event");
    assert_eq!(ran.without_canary().says("not in the keyset").stdout, unchanged);
    let key = text(1);
    let variables = [(KEYS_VARIABLE, key.as_str()), (NAMESPACE_VARIABLE, "other")];
    let ran = with_variables(&variables, &["decrypt"], &event).code(3).says("not authentic");
    assert_eq!(ran.stdout, unchanged);
    let args = ["decrypt", "--namespace", "default"];
    assert!(with_variables(&variables, &args, &event).code(0).stdout.contains(CANARY));
    let keys = Keyset::builder().namespace("other").primary(Key::from_bytes([1; 32]));
    let envelope =
        seal(&keys.build().expect("a keyset"), &Context::event("e", "f"), &of_event("1"), "{}");
    let event = format!(r#"{{"name":"e","data":{{"f":{envelope}}}}}"#);
    let args = ["decrypt", "--namespace", "other"];
    assert_eq!(hookstack(&text(1), &args, event).code(0).json()["data"]["f"], json!({}));
}

#[test]
fn what_was_changed_or_moved_stays_closed_and_the_rest_opens() {
    let event = event(&keys(1));
    let mut document: Value = serde_json::from_str(&event).expect("JSON");
    let original = document["data"]["encrypted"].clone();
    let data = original["data"].as_str().expect("base64").to_owned();
    let mut changed = data.into_bytes();
    let last = changed.len() - 6;
    changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
    document["data"]["changed"] = original.clone();
    document["data"]["changed"]["data"] = json!(String::from_utf8(changed).expect("ASCII"));
    document["data"]["peer"] =
        json!({ "__ENCRYPTED__": true, "__STRATEGY__": "inngest/libsodium", "data": "AAAA" });
    let ran = hookstack(&text(1), &["decrypt"], document.to_string()).code(3);
    let opened = ran.json();
    assert_eq!(opened["data"]["encrypted"]["card"], CANARY);
    assert_eq!(opened["data"]["changed"], document["data"]["changed"]);
    let ran = ran.says("$.data.changed: event").says("$.data.peer: sealed as inngest/libsodium");
    assert!(ran.says("2 of 3").stderr.lines().count() == 3);
}

#[test]
fn fields_that_were_not_there_are_gone_again() {
    let keys = keys(1);
    let field =
        |field: &str, plain: &str| seal(&keys, &Context::event("e", field), &of_event("1"), plain);
    let event = format!(
        r#"{{"name":"e","data":{{"a":{},"b":{},"c":{}}}}}"#,
        field("a", ""),
        field("b", "[1]"),
        field("c", "")
    );
    let ran = hookstack(&text(1), &["decrypt"], event).code(0);
    assert_eq!(ran.stdout, "{\"name\":\"e\",\"data\":{\"b\":[1]}}\n");
}

#[test]
fn an_envelope_in_a_plaintext_is_data() {
    let keys = keys(1);
    let context = Context::event("e", "encrypted");
    let inner = seal(&keys, &context, &of_event("1"), &format!("\"{CANARY}\""));
    let outer = seal(&keys, &context, &of_event("1"), &inner);
    let event = format!(r#"{{"name":"e","data":{{"encrypted":{outer}}}}}"#);
    let ran = hookstack(&text(1), &["decrypt"], event).code(0).without_canary();
    assert!(ran.stdout.contains(&inner));
}

#[test]
fn an_error_that_stands_alone_becomes_an_object() {
    let contents = format!(r#"{{"name":"E","message":"{CANARY}"}}"#);
    let message =
        seal_error(&keys(1), &Context::function_error("app-f"), &of_function("app-f"), &contents);
    let ran = hookstack(&text(1), &["decrypt"], format!(r#"{{"error":"{message}"}}"#)).code(0);
    assert_eq!(ran.json(), json!({ "error": { "message": CANARY, "name": "E" } }));
}

#[test]
fn a_document_that_opens_nowhere_ends_after_the_tries_that_were_allowed() {
    let keys = keys(1);
    let envelope = seal(&keys, &Context::event("nobody", "f"), &of_event("1"), "{}");
    let names: Vec<_> = (0..500).map(|n| format!("\"name-{n}\"")).collect();
    let document = format!("[{envelope},{}]", names.join(","));
    let ran = hookstack(&text(1), &["decrypt", "--max-tries", "100"], &document).code(3);
    ran.says("the 100 places tried").says("--max-tries");
    hookstack(&text(1), &["decrypt", "--event", "nobody", "--field", "f"], &document).code(0);
}

/// Nothing authenticates it, but leaving it out in silence would say that it was not there.
#[test]
fn the_senders_trace_and_what_the_server_wrote_stay_beside_what_opens() {
    let mut event: Value = serde_json::from_str(&event(&keys(1))).expect("JSON");
    let trace = json!({ "traceparent": "00-1-2-01" });
    event["data"][TraceCarrier::EVENT_DATA_KEY] = trace.clone();
    event["data"]["_inngest"] = json!({ "fn_id": "f" });
    let ran = hookstack(&text(1), &["decrypt"], event.to_string()).code(0);
    let data = &ran.json()["data"];
    assert_eq!(data["encrypted"]["card"], CANARY);
    assert_eq!(data[TraceCarrier::EVENT_DATA_KEY], trace);
    assert_eq!(data["_inngest"], json!({ "fn_id": "f" }));
}
