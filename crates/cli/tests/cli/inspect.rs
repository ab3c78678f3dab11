use hookstack_encryption::Header;
use serde_json::{Value, json};

use crate::tool::{IN_RUN, event, hookstack, key_id, keys, run};

const LIBSODIUM: &str = r#"{"data":{"encrypted":{"__ENCRYPTED__":true,"__STRATEGY__":"inngest/libsodium","data":"AAAA"}}}"#;

#[test]
fn an_envelope_is_described_without_a_key() {
    let event = event(&keys(1));
    let ran = hookstack("", &["inspect"], &event).code(0).without_canary();
    let key = key_id(1);
    for line in [
        "$.data.encrypted",
        "  class       event",
        "  event       e-1",
        &format!("  key         {key}"),
    ] {
        assert!(ran.stdout.lines().any(|shown| shown == line), "{line:?} in {}", ran.stdout);
    }
    assert_eq!(ran.stderr, "");

    let shown = hookstack("", &["inspect", "--json"], &event).code(0).without_canary().json();
    let document: Value = serde_json::from_str(&event).expect("JSON");
    let envelope = document["data"]["encrypted"].to_string();
    let header = Header::read(envelope.as_bytes()).expect("an envelope");
    assert_eq!(shown["path"], "$.data.encrypted");
    assert_eq!(shown["suite"], "AES-256-GCM");
    assert_eq!(shown["key"], key);
    assert_eq!(shown["origin"]["eventId"], "e-1");
    assert_eq!(shown["commitment"], header.commitment().to_string());
    assert_eq!(shown["plaintextBytes"], header.plaintext_len());
    assert_eq!(shown["sealedBytes"], envelope.len());
}

#[test]
fn everything_sealed_in_a_run_is_found_at_its_path() {
    let ran = hookstack("", &["inspect", "--json"], run(&keys(1))).code(0).without_canary();
    let shown: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(shown.len(), IN_RUN);
    let of = |path: &str| shown.iter().find(|shown| shown["path"] == path).expect("shown");
    assert_eq!(of("$.output")["class"], "function_output");
    assert_eq!(of("$.output")["origin"]["function"], "shop-fulfil");
    let error = of("$.trace[2].error.message");
    assert_eq!((&error["class"], &error["form"]), (&json!("step_error"), &json!("error_message")));
}

#[test]
fn libsodium_is_named_and_what_is_damaged_is_told() {
    let ran = hookstack("", &["inspect"], LIBSODIUM).code(0);
    assert!(ran.stdout.contains("inngest/libsodium"), "{}", ran.stdout);
    let damaged = event(&keys(1)).replace("hookstack/v1", "hookstack/v9");
    let ran = hookstack("", &["inspect"], damaged).code(3).says("1 of 1 sealed values");
    assert!(ran.stdout.contains("$.data.encrypted"), "{}", ran.stdout);
    hookstack("", &["inspect"], "{}").code(0).says("nothing sealed");
}

#[test]
fn what_stands_in_an_envelope_cannot_write_to_the_terminal() {
    use crate::tool::{of_event, seal};
    let context = hookstack_encryption::Context::event("e", "f");
    let envelope = seal(&keys(1), &context, &of_event("\u{1b}[2J\nkey"), "{}");
    let ran = hookstack("", &["inspect"], format!("{{\"\\u001b[31m\":{envelope}}}")).code(0);
    assert!(!ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
}
