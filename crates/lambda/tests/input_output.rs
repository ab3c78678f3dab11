//! Events and responses in the log.

mod support;

use hookstack_core::{Middleware, Result, Stack};
use hookstack_lambda::{Data, InputOutputLogger, wrap};
use serde_json::{Value, json};
use support::Signals;

async fn echo(Data(event): Data<Value>) -> Result<Value> {
    Ok(event)
}

fn told(stack: hookstack_core::StackBuilder, event: &Value) -> Vec<String> {
    let lambda = wrap(stack, echo).expect("built");
    let (response, told) = Signals::of(lambda.call_local(event));
    assert_eq!(response.expect("a response").value().expect("JSON"), event, "nothing is changed");
    told
}

#[test]
fn event_and_response_without_what_is_omitted() {
    let logger = InputOutputLogger::new()
        .omit("/card")
        .omit("items/*/price")
        .omit("/list/1")
        .omit("/a~1b/~0")
        .omit("/missing/x");
    let event = json!({
        "card": { "number": "4111" },
        "items": [{ "id": 1, "price": 2 }, { "id": 3, "price": 4 }],
        "list": ["x", "4111", "z"],
        "a/b": { "~": "4111" },
    });
    let shown = json!({
        "card": "[redacted]",
        "items": [{ "id": 1, "price": "[redacted]" }, { "id": 3, "price": "[redacted]" }],
        "list": ["x", "[redacted]", "z"],
        "a/b": { "~": "[redacted]" },
    });
    let told = told(Stack::builder().with(logger), &event);
    assert_eq!(told.len(), 2);
    assert!(told[0].ends_with(&format!(" event={shown}")), "{told:?}");
    assert!(told[1].ends_with(&format!(" response={shown}")), "{told:?}");
    assert!(!told.concat().contains("4111"));
}

/// As API Gateway and SQS put JSON into their events.
#[test]
fn json_in_a_text_is_no_way_out() {
    let logger = InputOutputLogger::new().omit("/body/card").omit("/Records/*/body/cards/*/number");
    let cards = r#"{"cards":[{"number":"4111"}]}"#;
    let event = json!({
        "body": r#"{"card": "4111", "id": 7}"#,
        "Records": [{ "body": cards }, { "body": "no JSON" }, { "body": "[4111 {" }],
    });
    let cards = r#"{"cards":[{"number":"[redacted]"}]}"#;
    let shown = json!({
        "body": r#"{"card":"[redacted]","id":7}"#,
        "Records": [{ "body": cards }, { "body": "no JSON" }, { "body": "[redacted]" }],
    });
    let told = told(Stack::builder().with(logger), &event);
    assert!(told[0].ends_with(&format!(" event={shown}")), "{told:?}");
    assert!(!told.concat().contains("4111"));
}

#[test]
fn sizes_only_where_payloads_are_secret_or_large() {
    struct Secret;
    impl Middleware for Secret {
        fn sensitive(&self) -> bool {
            true
        }
    }
    let event = json!("4111");
    for stack in [
        Stack::builder().with(InputOutputLogger::new()).with(Secret),
        Stack::builder().with(InputOutputLogger::new().max_bytes(5)),
    ] {
        let told = told(stack, &event);
        assert!(told.len() == 2 && told.iter().all(|line| line.ends_with(" bytes=6")), "{told:?}");
        assert!(!told.concat().contains("4111"), "{told:?}");
    }
    let told = told(Stack::builder().with(InputOutputLogger::new().omit("")), &event);
    assert!(!told.concat().contains("4111"), "{told:?}");
}

/// A parser that refuses it cannot leave anything out.
#[test]
fn what_does_not_parse_is_not_shown() {
    async fn fine() -> Result<()> {
        Ok(())
    }
    let lambda = wrap(Stack::builder().with(InputOutputLogger::new()), fine).expect("built");
    let event = r#"{"card":"4111","x":1e400}"#;
    let (response, told) =
        Signals::of(lambda.call_text(event, hookstack_lambda::local_context(None)));
    response.expect("it is not read");
    assert!(!told.concat().contains("4111"), "{told:?}");
}
