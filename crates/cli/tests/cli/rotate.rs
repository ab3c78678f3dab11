use hookstack_encryption::{Context, Header};
use serde_json::{Value, json};

use crate::tool::{CANARY, IN_RUN, event, hookstack, key_id, keys, of_event, run, seal, text};

/// The new key writes, the old one reads.
fn both() -> String {
    format!("{},ro:{}", text(2), text(1))
}

#[test]
fn a_run_is_rotated_and_opens_with_the_new_key_alone() {
    let old = run(&keys(1));
    let rotated = hookstack(&both(), &["rotate"], &old).code(0).without_canary();
    assert_eq!(rotated.stderr, "");
    let plain = hookstack(&text(1), &["decrypt"], &old).code(0).stdout;
    assert!(plain.contains(CANARY));
    assert_eq!(hookstack(&text(2), &["decrypt"], &rotated.stdout).code(0).stdout, plain);
    let ran = hookstack(&text(1), &["decrypt"], &rotated.stdout).code(3).without_canary();
    ran.says(&format!("{IN_RUN} of {IN_RUN}"));

    // Everything but key, salt and what follows from them is as it was.
    let shown = |document: &str| -> Vec<Value> {
        let lines = hookstack("", &["inspect", "--json"], document).code(0).stdout;
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    for (mut old, mut new) in shown(&old).into_iter().zip(shown(&rotated.stdout)) {
        assert_eq!((&old["key"], &new["key"]), (&json!(key_id(1)), &json!(key_id(2))));
        assert_ne!(old["commitment"], new["commitment"]);
        for shown in [&mut old, &mut new] {
            shown["key"] = Value::Null;
            shown["commitment"] = Value::Null;
        }
        assert_eq!(old, new);
    }
}

#[test]
fn what_is_under_the_primary_key_stays_byte_for_byte() {
    let (old, current) = (event(&keys(1)), event(&keys(2)));
    let ran = hookstack(&both(), &["rotate"], format!("{current}\n{old}\n{current}\n")).code(0);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!((lines[0], lines[2]), (current.as_str(), current.as_str()));
    assert_ne!(lines[1], old);
    let again = hookstack(&both(), &["rotate"], &ran.stdout).code(0);
    assert_eq!(again.stdout, ran.stdout);
}

#[test]
fn what_cannot_be_opened_stays_and_is_told() {
    let unknown = event(&keys(3));
    let input = format!("{unknown}\n{}\n", event(&keys(1)));
    let ran = hookstack(&both(), &["rotate"], input).code(3).without_canary();
    let ran = ran.says(&key_id(3)).says("1 of 2");
    assert_eq!(ran.stdout.lines().next(), Some(unknown.as_str()));
    hookstack(&text(2), &["decrypt"], ran.stdout.lines().nth(1).expect("a line")).code(0);
}

#[test]
fn fields_that_were_sealed_together_are_rotated_together_or_not_at_all() {
    let event = |place_of_b: &str| {
        let plaintexts = ["a", "b"].map(|field| format!("\"{field} {CANARY}\""));
        let places = [Context::event("e", "a"), Context::event("e", place_of_b)];
        let fields = places.into_iter().zip(plaintexts.iter().map(|text| text.as_bytes()));
        let sealed = keys(1).seal_fields(&of_event("1"), fields).expect("sealed");
        let [a, b] = [0, 1].map(|at| String::from_utf8_lossy(&sealed[at]).into_owned());
        format!(r#"{{"name":"e","data":{{"a":{a},"b":{b},"c":1}}}}"#)
    };
    let good = event("b");
    let rotated = hookstack(&both(), &["rotate"], &good).code(0).without_canary();
    let opened = hookstack(&text(2), &["decrypt"], &rotated.stdout).code(0).json();
    assert_eq!(opened["data"]["b"], format!("b {CANARY}"));
    assert_eq!(opened["data"]["c"], 1);

    let moved = event("another field");
    let ran = hookstack(&both(), &["rotate"], &moved).code(3).without_canary();
    let ran = ran.says("$.data.a: event").says("another field sealed with it").says("$.data.b");
    assert_eq!(ran.stdout, format!("{moved}\n"));
}

#[test]
fn a_field_under_the_primary_key_stays_whatever_stands_beside_it() {
    let sealed = |key: u8, field: &str| {
        seal(&keys(key), &Context::event("e", field), &of_event("1"), &format!("\"{CANARY}\""))
    };
    let current = sealed(2, "b");
    let event = format!(r#"{{"name":"e","data":{{"a":{},"b":{current}}}}}"#, sealed(1, "a"));
    let rotated = hookstack(&both(), &["rotate"], &event).code(0).without_canary();
    assert!(rotated.stdout.contains(&current));
    let opened = hookstack(&text(2), &["decrypt"], &rotated.stdout).code(0).json();
    assert_eq!(opened["data"], json!({ "a": CANARY, "b": CANARY }));
}

#[test]
fn a_response_follows_its_request() {
    let (keys, origin) = (keys(1), Default::default());
    let request = seal(&keys, &Context::http_request("POST", "/orders"), &origin, "{}");
    let commitment = Header::read(request.as_bytes()).expect("an envelope").commitment();
    let context = Context::http_response("POST", "/orders", commitment);
    let response = seal(&keys, &context, &origin, &format!("\"{CANARY}\""));
    // The response first: the order in the document does not matter.
    let both_sealed = format!(r#"{{"response":{response},"request":{request},"path":"/orders"}}"#);
    let rotated = hookstack(&both(), &["rotate"], both_sealed).code(0).without_canary();
    let opened = hookstack(&text(2), &["decrypt"], &rotated.stdout).code(0).json();
    assert_eq!(opened["response"], CANARY);
}
