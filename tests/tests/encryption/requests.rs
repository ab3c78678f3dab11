//! Requests to hosts without events: HTTP and AWS Lambda. The host here is the smallest that there can be.

use std::sync::Arc;

use hookstack_core::host::{BoxFuture, CallGuard, Execution, Host};
use hookstack_core::{
    Call, CallInfo, CallTrigger, Error, ErrorKind, FunctionInfo, Input, Outcome, Payload, Stack,
};
use hookstack_encryption::{
    Commitment, Context, Encryption, Header, Keyset, Mode, Origin, Plain, Slot,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use hookstack_tests::shop::{encryption, keys};

/// Answers with what it was asked, or fails with it.
struct Echo {
    fails: bool,
}

impl Host for Echo {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if let Err(error) = cx.enter().await {
                return error.into();
            }
            let asked = cx.input().payload.clone();
            match self.fails {
                true => {
                    Error::message(format!("no: {:?}", asked.text())).with_name("Declined").into()
                }
                false => Outcome::ok(&json!({ "asked": asked.value().expect("JSON") })),
            }
        })
    }

    fn respond(&self, _: &CallInfo, outcome: &Outcome) -> (StatusCode, HeaderMap) {
        let status = match outcome.error() {
            Some(error) if error.kind() == ErrorKind::Unauthenticated => StatusCode::BAD_REQUEST,
            Some(_) => StatusCode::INTERNAL_SERVER_ERROR,
            None => StatusCode::OK,
        };
        (status, HeaderMap::new())
    }
}

const METHOD: &str = "POST";
const ROUTE: &str = "/orders/{id}";
const FUNCTION: &str = "charge";

fn http() -> CallTrigger {
    CallTrigger::Http { method: METHOD.to_owned(), route: ROUTE.to_owned() }
}

fn lambda() -> CallTrigger {
    CallTrigger::Lambda { function: FUNCTION.to_owned() }
}

fn seal(context: &Context<'_>, data: &Value) -> Vec<u8> {
    keys().seal(context, &Origin::default(), data.to_string().as_bytes()).expect("sealed")
}

fn http_request(data: &Value) -> Vec<u8> {
    seal(&Context::http_request(METHOD, ROUTE), data)
}

fn commitment(envelope: &[u8]) -> Commitment {
    Header::read(envelope).expect("an envelope").commitment()
}

/// How a call ended: the status, and the response or the message of the error.
type Answer = (u16, Result<Vec<u8>, String>);

async fn with(
    encryption: Encryption,
    trigger: CallTrigger,
    body: impl Into<Option<Vec<u8>>>,
    fails: bool,
) -> Answer {
    let stack = Arc::new(Stack::builder().with(encryption).build());
    let mut info = CallInfo::new("app", Arc::new(FunctionInfo::new("orders")), "request-1");
    info.trigger = trigger;
    let mut input = Input::default();
    if let Some(body) = body.into() {
        input.payload = Payload::from_text(body).expect("JSON");
    }
    let answered = CallGuard::new(stack, Call::new(info)).run(&mut Echo { fails }, input).await;
    let told = match answered.outcome() {
        Outcome::Done(Ok(payload)) => Ok(payload.text().to_vec()),
        Outcome::Done(Err(error)) => Err(error.text().to_owned()),
        other => panic!("{other:?}"),
    };
    let status = answered.status().as_u16();
    answered.after_response().await;
    (status, told)
}

async fn ask(trigger: CallTrigger, body: Vec<u8>) -> Answer {
    with(encryption(), trigger, body, false).await
}

fn opened(keys: &Keyset, context: &Context<'_>, envelope: &[u8]) -> Value {
    let opened = keys.open(context, envelope).expect("authentic");
    serde_json::from_slice(opened.plaintext()).expect("JSON")
}

/// A sealed error, as it is told where its place is an envelope.
fn open_error(message: &str) -> (Value, Origin) {
    let data = message.strip_prefix("hookstack/v1:").expect("sealed");
    let envelope = json!({ "__ENCRYPTED__": true, "__STRATEGY__": "hookstack/v1", "data": data });
    let context = Context::function_error("orders");
    let opened = keys().open(&context, envelope.to_string().as_bytes()).expect("authentic");
    (serde_json::from_slice(opened.plaintext()).expect("JSON"), opened.origin().clone())
}

#[tokio::test]
async fn a_request_is_opened_and_its_response_bound_to_it() {
    let request = http_request(&json!({ "card": "4111" }));
    let (status, response) = ask(http(), request.clone()).await;
    assert_eq!(status, 200);
    let context = Context::http_response(METHOD, ROUTE, commitment(&request));
    let response = response.expect("a response");
    assert_eq!(opened(&keys(), &context, &response), json!({ "asked": { "card": "4111" } }));
    assert!(!String::from_utf8_lossy(&response).contains("4111"));

    let event = seal(&Context::lambda_event(FUNCTION), &json!({ "card": "4111" }));
    let (status, response) = ask(lambda(), event.clone()).await;
    assert_eq!(status, 200);
    let context = Context::lambda_response(FUNCTION, commitment(&event));
    let response = response.expect("a response");
    assert_eq!(opened(&keys(), &context, &response), json!({ "asked": { "card": "4111" } }));
}

#[tokio::test]
async fn a_request_reflected_as_its_response() {
    let request = http_request(&json!({ "paid": true }));
    let context = Context::http_response(METHOD, ROUTE, commitment(&request));
    assert!(keys().open(&context, &request).is_err());
    let event = seal(&Context::lambda_event(FUNCTION), &json!({ "paid": true }));
    let context = Context::lambda_response(FUNCTION, commitment(&event));
    assert!(keys().open(&context, &event).is_err());
    // And a response sent back as a request.
    let (_, response) = ask(http(), request).await;
    assert_eq!(ask(http(), response.expect("a response")).await.0, 400);
    let (_, response) = ask(lambda(), event).await;
    assert_eq!(ask(lambda(), response.expect("a response")).await.0, 400);
}

#[tokio::test]
async fn the_response_to_another_request() {
    let data = json!({ "the": "same" });
    let (one, two) = (http_request(&data), http_request(&data));
    let (_, response) = ask(http(), one.clone()).await;
    let response = response.expect("a response");
    let to = |request: &[u8]| Context::http_response(METHOD, ROUTE, commitment(request));
    assert_eq!(opened(&keys(), &to(&one), &response), json!({ "asked": data }));
    assert!(keys().open(&to(&two), &response).is_err());
    let event = || seal(&Context::lambda_event(FUNCTION), &data);
    let (one, two) = (event(), event());
    let (_, response) = ask(lambda(), one.clone()).await;
    let response = response.expect("a response");
    let to = |event: &[u8]| Context::lambda_response(FUNCTION, commitment(event));
    assert_eq!(opened(&keys(), &to(&one), &response), json!({ "asked": data }));
    assert!(keys().open(&to(&two), &response).is_err());
}

#[tokio::test]
async fn a_request_for_another_route_method_function_or_kind_of_host() {
    let data = json!({ "amount": 1 });
    let elsewhere = [
        seal(&Context::http_request("PUT", ROUTE), &data),
        seal(&Context::http_request(METHOD, "/refunds/{id}"), &data),
        seal(&Context::lambda_event(FUNCTION), &data),
        seal(&Context::event(METHOD, ROUTE), &data),
        seal(&Context::invoke(METHOD, ROUTE), &data),
    ];
    for (index, request) in elsewhere.into_iter().enumerate() {
        assert_eq!(ask(http(), request).await.0, 400, "{index}");
    }
    for request in [http_request(&data), seal(&Context::lambda_event("refund"), &data)] {
        assert_eq!(ask(lambda(), request).await.0, 400);
    }
}

#[tokio::test]
async fn a_plain_or_stripped_body_is_refused_and_counted() {
    let request = http_request(&json!({ "amount": 1 }));
    let wrapped = format!(r#"{{"encrypted":{}}}"#, String::from_utf8_lossy(&request));
    let mut damaged = request.clone();
    let place = damaged.len() - 40;
    damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
    let bodies = [
        None,
        Some(br#"{"amount":1}"#.to_vec()),
        Some(b"null".to_vec()),
        Some(wrapped.into()),
        Some(damaged),
    ];
    for trigger in [http(), lambda()] {
        for body in &bodies {
            let encryption = encryption();
            let counters = encryption.counters();
            let (status, error) = with(encryption, trigger.clone(), body.clone(), false).await;
            assert_eq!(status, 400);
            let (error, origin) = open_error(&error.expect_err("refused"));
            assert_eq!(error["message"], "the request cannot be authenticated");
            assert_eq!(origin.trigger_id, "", "bound to no request");
            let counts = counters.read();
            assert_eq!((counts.refused(Slot::Requests), counts.opened(Slot::Requests)), (1, 0));
        }
    }
}

#[tokio::test]
async fn an_error_is_sealed_and_bound_to_its_request() {
    let request = http_request(&json!({ "card": "4111" }));
    let (status, error) = with(encryption(), http(), request.clone(), true).await;
    assert_eq!(status, 500);
    let message = error.expect_err("it fails");
    assert!(!message.contains("4111"));
    let (contents, origin) = open_error(&message);
    assert_eq!(contents["name"], "Declined");
    assert!(contents["message"].as_str().is_some_and(|text| text.contains("4111")));
    assert_eq!(origin.trigger_id, commitment(&request).to_string());
    assert_eq!(origin.function, "orders");
}

#[tokio::test]
async fn after_plaintext_that_is_accepted_nothing_binds_the_response() {
    let unbound = Commitment([0; 32]);
    let context = Context::http_response(METHOD, ROUTE, unbound);
    for body in [None, Some(br#"{"amount":1}"#.to_vec())] {
        let lenient = Encryption::builder(keys()).plain(Slot::Requests, Plain::Allow).build();
        let counters = lenient.counters();
        let (status, response) = with(lenient, http(), body.clone(), false).await;
        assert_eq!(status, 200);
        let asked: Value =
            body.map_or(Value::Null, |body| serde_json::from_slice(&body).expect("JSON"));
        let response = response.expect("a response");
        assert_eq!(opened(&keys(), &context, &response), json!({ "asked": asked }));
        let counts = counters.read();
        assert_eq!(counts.plaintext_accepted(Slot::Requests), 1);
        assert_eq!(counts.sealed(Slot::Requests), 1);
    }
    // What is sealed is still checked, and bound.
    let lenient = || Encryption::builder(keys()).plain(Slot::Requests, Plain::Allow).build();
    let moved = seal(&Context::http_request("PUT", ROUTE), &json!({}));
    assert_eq!(with(lenient(), http(), moved, false).await.0, 400);
    let request = http_request(&json!({}));
    let (_, response) = with(lenient(), http(), request.clone(), false).await;
    let response = response.expect("a response");
    assert!(keys().open(&context, &response).is_err());
    let context = Context::http_response(METHOD, ROUTE, commitment(&request));
    assert_eq!(opened(&keys(), &context, &response), json!({ "asked": {} }));
}

#[tokio::test]
async fn an_envelope_over_nothing_is_a_request_without_a_body() {
    let context = Context::http_request(METHOD, ROUTE);
    let request = keys().seal(&context, &Origin::default(), b"").expect("sealed");
    let (status, response) = ask(http(), request.clone()).await;
    assert_eq!(status, 200);
    let context = Context::http_response(METHOD, ROUTE, commitment(&request));
    let response = response.expect("a response");
    assert_eq!(opened(&keys(), &context, &response), json!({ "asked": null }));
}

#[tokio::test]
async fn who_writes_plaintext_reads_both() {
    let writes = || Encryption::builder(keys()).mode(Mode::WritePlaintext).build();
    for body in [http_request(&json!({ "n": 1 })), br#"{"n":1}"#.to_vec()] {
        let (status, response) = with(writes(), http(), body, false).await;
        assert_eq!(
            (status, response.expect("a response")),
            (200, br#"{"asked":{"n":1}}"#.to_vec())
        );
    }
}

#[tokio::test]
async fn a_host_that_does_not_tell_what_is_called_is_refused() {
    let request = http_request(&json!({}));
    let (status, error) = ask(CallTrigger::Request, request).await;
    assert_eq!(status, 500);
    let (error, _) = open_error(&error.expect_err("refused"));
    assert_eq!(error["name"], "ConfigurationError");
}
