//! The host in process: arguments, errors, what is told of an invocation, time limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hookstack_core::{
    AfterResponse, BoxMiddleware, Call, CallTrigger, Error, Info, LambdaInfo, Middleware, Next,
    NonRetriable, OnAbandoned, OnRegister, Outcome, Result, Stack, TransformInput, from_fn,
};
use hookstack_lambda::{Context, Data, InvocationError, Lambda, local_context, wrap};
use hookstack_testing::{Log, Recorder};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Order {
    id: u64,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    quantity: u8,
}

async fn count(Data(order): Data<Order>, context: Context, info: Info) -> Result<Value> {
    let pieces: u32 = order.items.iter().map(|item| u32::from(item.quantity)).sum();
    assert_eq!(context.request_id, info.run_id);
    Ok(json!({ "order": order.id, "pieces": pieces }))
}

#[tokio::test]
async fn typed_event_in_typed_response_out() {
    let lambda = wrap(Stack::builder(), count).expect("built");
    let event = json!({ "id": 7, "items": [{ "quantity": 2 }, { "quantity": 3 }] });
    let response = lambda.call_local(&event).await.expect("a response");
    assert_eq!(response.text(), r#"{"order":7,"pieces":5}"#);
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_told_by_its_place_and_not_quoted() {
    let lambda = wrap(Stack::builder(), count).expect("built");
    let cases = [
        ("null", "invalid type: null, expected struct Order (line 1 column 4)"),
        (r#"{"items":[]}"#, "missing field `id` (line 1 column 12)"),
        (
            r#"{"id":"4111","items":[]}"#,
            "invalid type: string, expected u64 (line 1 column 12), in `id`",
        ),
        (
            "{\n\"id\":1,\"items\":[{\"quantity\":4111}]}",
            "invalid value: integer, expected u8 (line 2 column 32), in `items[0].quantity`",
        ),
        (
            r#"{"id":1,"items":{"4111":1}}"#,
            "invalid type: map, expected a sequence (line 1 column 16), in `items`",
        ),
        (r#"{"id":1e400,"items":[]}"#, "the text is not well-formed (line 1 column 11), in `id`"),
    ];
    for (event, expected) in cases {
        let error = lambda.call_text(event, local_context(None)).await.expect_err(event);
        assert_eq!(error.name(), "InvalidInput", "{event}");
        assert_eq!(error.text(), format!("the event: value does not fit `Order`: {expected}"));
    }
    let error = lambda.call_text("{4111", local_context(None)).await.expect_err("not JSON");
    assert_eq!(error.to_string(), "InvalidInput: the event is not JSON");
}

#[tokio::test]
async fn numbers_that_no_value_holds_pass_through_as_text() {
    async fn echo(
        event: Data<Box<serde_json::value::RawValue>>,
    ) -> Result<Box<serde_json::value::RawValue>> {
        Ok(event.0)
    }
    let lambda = wrap(Stack::builder(), echo).expect("built");
    let event = r#"{"b":1.0,"a":12345678901234567890123}"#;
    let response = lambda.call_text(event, local_context(None)).await.expect("a response");
    assert_eq!(response.text(), event);
}

#[derive(Debug)]
struct Declined;
impl std::fmt::Display for Declined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no funds")
    }
}
impl std::error::Error for Declined {}

async fn failing(Data(how): Data<String>) -> Result<()> {
    match how.as_str() {
        "error" => Err(Declined.into()),
        "never again" => Err(NonRetriable::new(Declined).into()),
        _ => panic!("4111"),
    }
}

#[tokio::test]
async fn errors_and_panics_are_told_by_name_and_message() {
    let lambda = wrap(Stack::builder(), failing).expect("built");
    let told = async |how: &str| lambda.call_local(how).await.expect_err("it fails").to_string();
    assert_eq!(told("error").await, "Declined: no funds");
    assert_eq!(told("never again").await, "Declined: no funds");
    assert_eq!(told("panic").await, "Panic: 4111");
}

/// `lambda_runtime` writes `Debug` of an error to the log.
#[tokio::test]
async fn where_payloads_are_secret_debug_tells_no_message() {
    struct Secret;
    impl Middleware for Secret {
        fn sensitive(&self) -> bool {
            true
        }
    }
    let plain = wrap(Stack::builder(), failing).expect("built");
    let error = plain.call_local("panic").await.expect_err("it panics");
    assert_eq!(format!("{error:?}"), "Panic: 4111");
    let secret = wrap(Stack::builder().with(Secret), failing).expect("built");
    let error = secret.call_local("panic").await.expect_err("it panics");
    assert_eq!(format!("{error:?}"), "Panic: [redacted]");
}

/// Messages quote what callers send: it must not look like lines of the log, nor fill it.
#[tokio::test]
async fn debug_is_one_line_of_bounded_length() {
    let fails = async |Data(text): Data<String>| Err::<(), _>(Error::message(text));
    let lambda = wrap(Stack::builder(), fails).expect("built");
    let forged = "no order\r\n2026-01-01 INFO paid\u{1b}[2J\u{2028}\u{85}é \"x\"";
    let error = lambda.call_local(forged).await.expect_err("it fails");
    assert_eq!(error.text(), forged, "the caller gets it unchanged");
    let expected = r#"Error: no order\r\n2026-01-01 INFO paid\u{1b}[2J\u{2028}\u{85}é "x""#;
    assert_eq!(format!("{error:?}"), expected);
    let error = lambda.call_local(&"é".repeat(100_000)).await.expect_err("it fails");
    assert_eq!(format!("{error:?}"), format!("Error: {}…", "é".repeat(2048)));
}

/// What middleware are told.
#[tokio::test]
async fn an_invocation_is_described() {
    struct Seen;
    impl Middleware for Seen {
        async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
            let info = cx.info();
            assert_eq!(info.run_id, "request-1");
            assert_eq!((info.attempt, info.is_final_attempt()), (0, true));
            assert_eq!(info.trigger, CallTrigger::Lambda { function: "charge".into() });
            assert_eq!((&*info.function.id, &*info.app_id), ("charge", "charge"));
            assert_eq!(info.trace.get("x-amzn-trace-id"), Some("Root=1-a-b;Sampled=1"));
            assert!(info.remaining_time().is_some_and(|left| left > Duration::from_secs(3000)));
            let told = info.platform::<LambdaInfo>().expect("it is Lambda");
            assert_eq!(told.region.as_deref(), Some("eu-central-1"));
            assert!(told.function_arn.as_deref().is_some_and(|arn| arn.ends_with(":live")));
            assert_eq!(told.memory_mib, None);
            let context = info.platform::<lambda_runtime::Context>().expect("it is Lambda");
            assert_eq!(context.request_id, "request-1");
            let cold = told.is_cold_start;
            cx.extensions_mut().insert(cold);
            Ok(())
        }
        async fn around_function(&self, cx: &mut Call, _: Next<'_>) -> Outcome {
            Outcome::ok(cx.extensions().get::<bool>().expect("set before"))
        }
    }
    let variables = |name: &str| match name {
        "AWS_LAMBDA_FUNCTION_NAME" => Some("charge".to_owned()),
        "AWS_REGION" => Some("eu-central-1".to_owned()),
        _ => None,
    };
    let lambda = Lambda::builder(failing).variables(variables).with(Seen).build().expect("built");
    for cold in [true, false, false] {
        let mut context = local_context(Some(Duration::from_secs(3600)));
        context.request_id = "request-1".to_owned();
        context.xray_trace_id = Some("Root=1-a-b;Sampled=1".to_owned());
        context.invoked_function_arn = "arn:aws:lambda:eu-west-1:1:function:charge:live".to_owned();
        let answer = lambda.call_text("{}", context).await.expect("a response");
        assert_eq!(answer.text(), cold.to_string());
    }
}

#[tokio::test]
async fn the_trace_of_a_caller_comes_with_the_headers_of_the_event_where_that_is_wanted() {
    async fn told(info: Info) -> Result<Vec<String>> {
        Ok(info.trace.iter().map(|(key, value)| format!("{key}: {value}")).collect())
    }
    let event = r#"{
        "headers": { "Traceparent": "00-ab-\u0063d-01", "SENTRY-TRACE": "a-b-1", "accept": "*/*",
            "baggage": ["x"], "tracestate": null, "cookie": "4111" },
        "body": "{}"
    }"#;
    let read = async |lambda: &Lambda, event: &str| {
        let mut context = local_context(None);
        context.xray_trace_id = Some("Root=1-a-b".to_owned());
        let told = lambda.call_text(event, context).await.expect("a response");
        let mut told: Vec<String> = told.to().expect("texts");
        told.sort_unstable();
        told
    };
    let lambda = Lambda::builder(told).trace_from_event_headers(true).build().expect("built");
    let expected =
        ["sentry-trace: a-b-1", "traceparent: 00-ab-cd-01", "x-amzn-trace-id: Root=1-a-b"];
    assert_eq!(read(&lambda, event).await, expected);
    for other in ["null", "[]", r#"{"headers":null}"#, r#"{"headers":[1]}"#, r#"{"x":1e400}"#] {
        assert_eq!(read(&lambda, other).await, expected[2..], "{other}");
    }
    let lambda = wrap(Stack::builder(), told).expect("built");
    assert_eq!(read(&lambda, event).await, expected[2..]);
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    struct Needs;
    impl Middleware for Needs {
        fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
            assert_eq!(cx.functions()[0].id, "local");
            Err(Error::message("no key"))
        }
    }
    let variables = |_: &str| None;
    let built = Lambda::builder(failing).variables(variables).with(Needs).build();
    let error = built.expect_err("refused").to_string();
    assert_eq!(error, "middleware \"Needs\", on_register: no key");
    let built = Lambda::builder(failing).name("").build();
    assert_eq!(built.expect_err("refused").to_string(), "name: must not be empty");
}

async fn endless() -> Result<()> {
    std::future::pending().await
}

/// The hooks of an invocation that ends like this, in short, around the code.
async fn sequence(middleware: Option<BoxMiddleware>, event: &str) -> String {
    let log = Log::new();
    let stack = Stack::builder().with(Recorder::new("A", &log)).with(middleware);
    let stack = stack.with(Recorder::new("F", &log));
    let marks = log.clone();
    let handler = move |Data(how): Data<String>| {
        marks.mark("code");
        async move {
            match how.as_str() {
                "fail" => Err(Error::from(Declined)),
                "panic" => panic!("broken"),
                "hang" => std::future::pending().await,
                _ => Ok(()),
            }
        }
    };
    let lambda = wrap(stack, handler).expect("built");
    log.clear();
    let context = local_context(Some(Duration::from_secs(60)));
    let _ = lambda.call_text(event, context).await;
    log.sequence().join(" ")
}

const IN: &str = "A.around_request> F.around_request> A.transform_input F.transform_input A.before_memoization F.before_memoization A.around_function>";
const CODE: &str = "F.around_function> F.after_memoization A.after_memoization A.before_execution F.before_execution";
const AFTER: &str = "F.after_execution A.after_execution F.around_function<";
const OUT: &str = "A.around_function< F.transform_output A.transform_output A.before_response F.before_response F.around_request< A.around_request< F.after_response A.after_response";

#[tokio::test(start_paused = true)]
async fn every_hook_runs_however_the_code_ends() {
    for event in [r#""fine""#, r#""fail""#, r#""panic""#, r#""hang""#] {
        let expected = format!("{IN} {CODE} [code] {AFTER} {OUT}");
        assert_eq!(sequence(None, event).await, expected, "{event}");
    }
    let expected = format!("{IN} {CODE} {AFTER} {OUT}");
    assert_eq!(sequence(None, "1").await, expected, "the event does not fit");
    let deny =
        from_fn("deny", async |_: &mut Call, _: Next<'_>| -> Outcome { Outcome::ok("early") });
    let expected = format!("{IN} {OUT}");
    assert_eq!(sequence(Some(deny.boxed()), r#""fine""#).await, expected, "an early return");
}

#[tokio::test(start_paused = true)]
async fn code_is_ended_before_the_deadline() {
    let lambda = wrap(Stack::builder(), endless).expect("built");
    let late = lambda.call_text("1", local_context(Some(Duration::from_secs(60)))).await;
    let message = "Timeout: the code was ended 500 ms before the deadline of the invocation";
    assert_eq!(late.expect_err("late").to_string(), message);
}

/// Whoever drops the future of an invocation, as when the process is shut down.
#[tokio::test]
async fn a_dropped_invocation_is_abandoned() {
    let log = Log::new();
    let lambda = wrap(Stack::builder().with(Recorder::new("A", &log)), endless).expect("built");
    {
        let mut call = std::pin::pin!(lambda.call_local(&1));
        assert!(futures_util::poll!(call.as_mut()).is_pending());
        log.clear();
    }
    assert_eq!(log.sequence(), ["A.on_abandoned"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_margin_or_a_deadline_code_is_not_ended() {
    let slow = async || {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Ok::<_, Error>(())
    };
    let off = Lambda::builder(slow).timeout_margin(Duration::ZERO).build().expect("built");
    off.call_text("1", local_context(Some(Duration::from_secs(60)))).await.expect("not ended");
    let on = wrap(Stack::builder(), slow).expect("built");
    on.call_text("1", local_context(None)).await.expect("not ended");
}

/// With less time than the margin asks for, half of the time is the code's.
#[tokio::test(start_paused = true)]
async fn a_short_invocation_has_half_of_its_time() {
    let short = async || {
        tokio::time::sleep(Duration::from_secs(20)).await;
        Ok::<_, Error>(())
    };
    let lambda =
        Lambda::builder(short).timeout_margin(Duration::from_secs(600)).build().expect("built");
    lambda.call_text("1", local_context(Some(Duration::from_secs(60)))).await.expect("in time");
}

#[tokio::test(start_paused = true)]
async fn hooks_that_do_not_end_are_dropped_and_told() {
    #[derive(Clone, Default)]
    struct Hangs(Arc<AtomicBool>);
    impl Middleware for Hangs {
        async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
            std::future::pending().await
        }
        fn on_abandoned(&self, _: &mut OnAbandoned<'_>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let hangs = Hangs::default();
    let lambda = wrap(Stack::builder().with(hangs.clone()), endless).expect("built");
    let late = lambda.call_text("1", local_context(Some(Duration::from_secs(60)))).await;
    let message = "Timeout: middleware did not end before the deadline of the invocation";
    assert_eq!(late.expect_err("late").to_string(), message);
    assert!(hangs.0.load(Ordering::SeqCst));
}

/// A reply is not lost because a flush takes too long.
#[tokio::test(start_paused = true)]
async fn a_flush_that_does_not_end_loses_no_reply() {
    struct Hangs;
    impl Middleware for Hangs {
        async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
            std::future::pending().await
        }
    }
    let fine = async || Ok::<_, Error>(1);
    let lambda = wrap(Stack::builder().with(Hangs), fine).expect("built");
    let response = lambda.call_text("1", local_context(Some(Duration::from_secs(60)))).await;
    assert_eq!(response.expect("a response").text(), "1");
}

/// Neither does its destructor, when a hook is dropped, end the process or tell the caller anything.
#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_when_it_is_dropped_tells_nobody_its_text() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("4111")
        }
    }
    struct Before;
    impl Middleware for Before {
        async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
            let _bomb = Bomb;
            std::future::pending().await
        }
    }
    struct After;
    impl Middleware for After {
        async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
            let _bomb = Bomb;
            std::future::pending().await
        }
    }
    let fine = async || Ok::<_, Error>(1);
    let context = || local_context(Some(Duration::from_secs(60)));
    let lambda = wrap(Stack::builder().with(Before), fine).expect("built");
    let error = lambda.call_text("1", context()).await.expect_err("late");
    assert_eq!((error.name(), error.text().contains("4111")), ("Timeout", false));
    let lambda = wrap(Stack::builder().with(After), fine).expect("built");
    assert_eq!(lambda.call_text("1", context()).await.expect("a response").text(), "1");
}

#[tokio::test]
async fn a_deadline_in_the_past_fails_at_once() {
    let mut context = local_context(None);
    context.deadline = 1;
    let lambda = wrap(Stack::builder(), endless).expect("built");
    let error: InvocationError = lambda.call_text("1", context).await.expect_err("late");
    assert_eq!(
        error.to_string(),
        "Timeout: the deadline of the invocation had passed before it began: the code did not run"
    );
}

#[tokio::test]
async fn a_response_that_lambda_would_refuse_is_an_error_that_says_so() {
    let large = async |Data(size): Data<usize>| Ok::<_, Error>("x".repeat(size));
    let lambda = Lambda::builder(large).response_limit(100).build().expect("built");
    lambda.call_local(&98).await.expect("small enough, with its quotes");
    let error = lambda.call_local(&99).await.expect_err("too large");
    assert_eq!(
        error.to_string(),
        "OutputTooLarge: the response has 101 bytes of JSON, more than the 100 that Lambda takes; store it elsewhere and return a reference"
    );

    let fails = async |Data(size): Data<usize>| Err::<(), _>(Error::message("x".repeat(size)));
    let lambda = Lambda::builder(fails).response_limit(100).build().expect("built");
    for (size, name) in [(95, "Error"), (96, "OutputTooLarge")] {
        assert_eq!(lambda.call_local(&size).await.expect_err("it fails").name(), name);
    }
}
