//! A sealed event in, a sealed response out; a sealed error; over the wire of the Runtime API.

use bytes::Bytes;
use hookstack_encryption::{Context, Header, Key, Keyset, Origin};
use hookstack_testing::Canary;
use hookstack_tests::runtime_api::FUNCTION;
use serde_json::{Value, json};

use crate::support::App;

pub(crate) struct Caller {
    keys: Keyset,
    text: String,
}

impl Caller {
    pub(crate) fn new() -> Self {
        let key = Key::generate().expect("randomness");
        let text = key.to_text().to_string();
        let keys = Keyset::builder().primary(key).build().expect("a keyset");
        Caller { keys, text }
    }

    pub(crate) fn settings(&self) -> [(&str, &str); 1] {
        [("HOOKSTACK_ENCRYPTION_KEYS", &self.text)]
    }

    pub(crate) fn seal(&self, function: &str, event: &Value) -> Vec<u8> {
        let context = Context::lambda_event(function);
        self.keys.seal(&context, &Origin::default(), event.to_string().as_bytes()).expect("sealed")
    }

    fn open(&self, event: &[u8], response: &[u8]) -> Option<Value> {
        let commitment = Header::read(event).expect("an envelope").commitment();
        let context = Context::lambda_response(FUNCTION, commitment);
        let opened = self.keys.open(&context, response).ok()?;
        Some(serde_json::from_slice(opened.plaintext()).expect("JSON"))
    }

    /// A sealed error, as it is told where its place is an envelope.
    fn open_error(&self, message: &str) -> Value {
        let data = message.strip_prefix("hookstack/v1:").expect("sealed");
        let envelope =
            json!({ "__ENCRYPTED__": true, "__STRATEGY__": "hookstack/v1", "data": data });
        let context = Context::function_error(FUNCTION);
        let opened = self.keys.open(&context, envelope.to_string().as_bytes()).expect("authentic");
        serde_json::from_slice(opened.plaintext()).expect("JSON")
    }
}

#[tokio::test]
async fn sealed_in_sealed_out() {
    let canary = Canary::new("canary-4111-1111");
    let caller = Caller::new();
    let mut app = App::start(&caller.settings()).await;
    let value = json!({ "card": canary.text() });
    let event = caller.seal(FUNCTION, &json!({ "do": "echo", "value": value }));
    let response = app.run(String::from_utf8_lossy(&event)).await.response();
    canary.assert_absent("the response", &response);
    assert_eq!(caller.open(&event, &response), Some(value));

    // Bound to its request: to another, though the same, it is no response.
    let other = caller.seal(FUNCTION, &json!({ "do": "echo", "value": 1 }));
    assert_eq!(caller.open(&other, &response), None);
    canary.assert_absent("the log", app.process.printed_lines().join("\n"));
}

#[tokio::test]
async fn errors_and_panics_are_sealed() {
    let canary = Canary::new("canary-4111-1111");
    let caller = Caller::new();
    let mut app = App::start(&caller.settings()).await;
    for (task, expected) in [("fail", "Declined"), ("panic", "Panic")] {
        let event = caller.seal(FUNCTION, &json!({ "do": task, "message": canary.text() }));
        let (name, message) = app.run(String::from_utf8_lossy(&event)).await.error();
        canary.assert_absent(task, &message);
        let error = caller.open_error(&message);
        assert_eq!((&error["name"], &error["message"]), (&json!(expected), &json!(canary.text())));
        assert_eq!(name, expected, "names of errors are no secret");
    }
    canary.assert_absent("the log", app.process.printed_lines().join("\n"));
}

#[tokio::test]
async fn plaintext_and_what_is_sealed_for_others_is_refused() {
    let caller = Caller::new();
    let mut app = App::start(&caller.settings()).await;
    let task = json!({ "do": "echo", "value": 1 });
    let refused: [Bytes; 4] = [
        task.to_string().into(),
        "null".into(),
        caller.seal("refund", &task).into(),
        Caller::new().seal(FUNCTION, &task).into(),
    ];
    for event in refused {
        let invocation = app.invocation(event);
        let (name, message) = app.api.invoke(invocation).await.error();
        assert_eq!(name, "Unauthenticated");
        let error = caller.open_error(&message);
        assert_eq!(error["message"], "the request cannot be authenticated");
    }
}

/// What AWS makes of messages cannot be sealed, their bodies can.
#[tokio::test]
async fn bodies_of_sqs_messages_are_sealed_and_the_response_is_not() {
    use hookstack_core::{Error, Result, Stack};
    use hookstack_encryption::Encryption;
    use hookstack_lambda::{Lambda, PartialBatch, Record, Records, wrap};
    use serde_json::value::RawValue;

    let caller = Caller::new();
    let keys = caller.keys.clone();
    let ship = move |orders: Records<Box<RawValue>>| {
        let keys = keys.clone();
        async move {
            let open = |sealed: &str| -> Result<Value> {
                let opened = keys.open(&Context::lambda_event(FUNCTION), sealed.as_bytes())?;
                Ok(serde_json::from_slice(opened.plaintext())?)
            };
            orders
                .each(async |order: Record<Box<RawValue>>| match open(order.body.get())?.as_u64() {
                    Some(7) => Ok(()),
                    _ => Err(Error::message("not 7")),
                })
                .await
        }
    };
    let lambda =
        Lambda::builder(ship.clone()).with(PartialBatch::sqs()).build().expect("it is no obstacle");
    let sealed = |data: Value| String::from_utf8(caller.seal(FUNCTION, &data)).expect("JSON");
    let bodies = [sealed(json!(7)), sealed(json!(8)), "7".to_owned(), sealed(json!(7))];
    let messages = bodies.iter().enumerate().map(
        |(index, body)| json!({ "messageId": format!("m{index}"), "body": body, "attributes": {} }),
    );
    let event = json!({ "Records": messages.collect::<Vec<_>>() });
    let told = lambda.call_local(&event).await.expect("a response");
    let failed =
        json!({ "batchItemFailures": [{ "itemIdentifier": "m1" }, { "itemIdentifier": "m2" }] });
    assert_eq!(*told.value().expect("JSON"), failed);

    let encryption = Encryption::new(caller.keys.clone());
    let both = Stack::builder().with(encryption).with(PartialBatch::sqs());
    let refused = wrap(both, ship).expect_err("SQS could not read it").to_string();
    assert!(refused.contains("seal the bodies of the messages"), "{refused}");
}
