//! Sealed values inside of texts: told of by every command, however deep, and left as they are.

use hookstack_encryption::Context;
use serde_json::{Value, json};

use crate::tool::{CANARY, event, hookstack, keys, of_event, of_function, seal, seal_error, text};

/// The JSON of a value as a text, so often.
fn quoted(value: &Value, depth: usize) -> Value {
    (0..depth).fold(value.clone(), |inner, _| json!({ "inner": inner.to_string() }))
}

/// Documents with one sealed value each, in a text, and what kind of text it is.
fn documents() -> Vec<(String, Value)> {
    let contents = format!(r#"{{"name":"E","message":"{CANARY}"}}"#);
    let error =
        seal_error(&keys(1), &Context::function_error("app-f"), &of_function("app-f"), &contents);
    let event: Value = serde_json::from_str(&event(&keys(1))).expect("JSON");
    let failed = json!({ "message": error, "name": "Error" });
    let mut documents = vec![
        ("a log line".to_owned(), json!({ "line": format!("it failed: Error: {error}") })),
        ("a text that begins with a space".to_owned(), json!({ "line": format!(" {error}") })),
    ];
    for depth in 1..5 {
        documents.push((format!("an event, {depth} times"), quoted(&event, depth)));
        documents.push((format!("an error, {depth} times"), quoted(&failed, depth)));
    }
    // As encoders write it that escape slashes.
    for depth in 1..3 {
        let escaped = quoted(&failed, 1)["inner"].as_str().expect("a text").replace('/', r"\/");
        let document = quoted(&json!({ "inner": escaped }), depth - 1);
        documents.push((format!("an error with escaped slashes, {depth} times"), document));
    }
    documents
}

#[test]
fn what_is_sealed_inside_of_a_text_is_told_of_and_left() {
    for (kind, document) in documents() {
        let document = document.to_string();
        let only = |ran: crate::tool::Ran| {
            assert_eq!(ran.code, 3, "{kind}: {}", ran.stderr);
            ran.without_canary()
        };
        for command in ["decrypt", "rotate"] {
            let key = format!("{},ro:{}", text(2), text(1));
            let ran = only(hookstack(&key, &[command], &document));
            assert_eq!(ran.says("jq -r").says("1 of 1").stdout.trim(), document, "{kind}");
        }
        let ran = only(hookstack("", &["inspect"], &document));
        assert!(ran.stdout.contains("jq -r"), "{kind}: {}", ran.stdout);
        let ran = only(hookstack("", &["inspect", "--json"], &document));
        assert_eq!(ran.json()["form"], "text", "{kind}");
    }
}

#[test]
fn it_is_told_of_beside_what_opens() {
    let (_, mut document) = documents().remove(0);
    let context = Context::event("e", "f");
    let envelope = seal(&keys(1), &context, &of_event("1"), &format!("\"{CANARY}\""));
    document["data"]["f"] = serde_json::from_str(&envelope).expect("JSON");
    document["name"] = json!("e");
    let ran = hookstack(&text(1), &["decrypt"], document.to_string()).code(3);
    assert_eq!(ran.says("$.line").says("1 of 2").json()["data"]["f"], CANARY);
}

#[test]
fn texts_that_only_speak_of_the_format_are_no_sealed_values() {
    for text in ["hookstack/v1", "see hookstack, FORMAT/v1: of it", "ENCRYPTED", r"\/v1:"] {
        hookstack("", &["inspect"], json!({ "text": text }).to_string()).code(0);
    }
}
