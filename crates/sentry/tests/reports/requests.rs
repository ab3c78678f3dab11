//! Single call requests: what comes with them, how many attempts they tell of, and callers that go away.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use hookstack_core::{Platform, Result};
use hookstack_inngest::{App, CallRequest, Step};
use hookstack_sentry::Sentry;
use sentry::ClientOptions;
use sentry::protocol::{Context as Told, SpanStatus};
use serde_json::json;

use crate::support::{app, client, declined, only, options, sentry, tag};

async fn fails() -> Result<()> {
    Err(declined())
}

fn body(max_attempts: Option<u32>) -> Vec<u8> {
    let event = json!({ "name": "e", "id": "event-1", "ts": 1, "data": {} });
    let mut context = json!({
        "run_id": "01M7YBP3XYDY6NFTP612ND2JSP", "attempt": 0, "disable_immediate_execution": false,
        "use_api": false, "stack": { "stack": [], "current": 0 },
    });
    if let Some(max_attempts) = max_attempts {
        context["max_attempts"] = max_attempts.into();
    }
    json!({ "ctx": context, "event": event, "events": [event], "steps": {} }).to_string().into()
}

async fn call(app: &App, request: CallRequest<'_>) {
    let response = app.call(request).await;
    assert_eq!(response.status, 500);
    response.after_response().await;
}

#[tokio::test]
async fn the_request_is_attached_on_request_and_without_secrets() {
    for attached in [false, true] {
        let (sentry, sink) = sentry();
        let app = app(sentry.request_data(attached).build(), |f| f.handler(fails));
        let app = app.build().expect("an app");
        let parts = http_parts();
        call(&app, CallRequest::new("shop-pay", body(Some(1))).platform(Platform::new(parts)))
            .await;
        let issue = only(sink.issues());
        assert_eq!(issue.request.is_some(), attached);
        if let Some(request) = issue.request {
            assert_eq!(request.headers["user-agent"], "inngest");
            assert_eq!(request.method.as_deref(), Some("POST"));
        }
        let text = String::from_utf8(sink.bytes()).expect("text");
        assert!(!text.contains("s=secret") && !text.contains("Bearer"), "{text}");
    }
}

fn http_parts() -> http::request::Parts {
    http::Request::post("/api/inngest?fnId=shop-pay&stepId=step")
        .header("host", "shop.example")
        .header("user-agent", "inngest")
        .header("x-inngest-signature", "t=1&s=secret")
        .header("authorization", "Bearer secret")
        .body(())
        .expect("a valid request")
        .into_parts()
        .0
}

#[tokio::test]
async fn where_nobody_says_how_many_attempts_there_are_each_is_the_last() {
    for (max_attempts, issues) in [(Some(3), 0), (None, 1)] {
        let (sentry, sink) = sentry();
        let app = app(sentry.build(), |f| f.handler(fails)).build().expect("an app");
        call(&app, CallRequest::new("shop-pay", body(max_attempts))).await;
        assert_eq!(sink.issues().len(), issues, "{max_attempts:?}");
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_is_no_issue_and_its_transaction_is_cancelled() {
    async fn waits() -> Result<()> {
        sentry::configure_scope(|scope| scope.set_tag("user", "tag"));
        std::future::pending().await
    }
    let (client, sink) = client(ClientOptions::traces_sample_rate(options(), 1.0));
    let app = app(Sentry::builder().client(client).build(), |f| f.handler(waits));
    let app = app.build().expect("an app");
    {
        let mut call = pin!(app.call(CallRequest::new("shop-pay", body(Some(3)))));
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
    }
    assert!(sink.issues().is_empty());
    let transaction = only(sink.transactions());
    let Some(Told::Trace(trace)) = transaction.contexts.get("trace") else { panic!("a trace") };
    assert_eq!(trace.status, Some(SpanStatus::Cancelled));
}

#[tokio::test]
async fn a_step_that_is_dropped_with_its_call_has_a_span_too() {
    let began = Arc::new(AtomicBool::new(false));
    let begins = began.clone();
    let waits = move |step: Step| {
        let begins = begins.clone();
        async move {
            let body = async || {
                begins.store(true, Ordering::SeqCst);
                std::future::pending::<Result<()>>().await
            };
            step.run("slow", body).await?;
            Result::<()>::Ok(())
        }
    };
    let (client, sink) = client(ClientOptions::traces_sample_rate(options(), 1.0));
    let app = app(Sentry::builder().client(client).build(), |f| f.handler(waits));
    let app = app.build().expect("an app");
    {
        let mut call = pin!(app.call(CallRequest::new("shop-pay", body(Some(3)))));
        while !began.load(Ordering::SeqCst) {
            let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Pending));
        }
    }
    let span = only(only(sink.transactions()).spans);
    assert_eq!(span.description.as_deref(), Some("slow"));
    assert_eq!(span.status, Some(SpanStatus::Cancelled));
}

/// The response is not delivered: whether the platform tries again is not known, so what failed counts as it
/// would have otherwise.
#[tokio::test]
async fn what_had_failed_by_then_counts() {
    let (sentry, sink) = sentry();
    let app = app(sentry.build(), |f| f.handler(fails)).build().expect("an app");
    drop(app.call(CallRequest::new("shop-pay", body(Some(1)))).await);
    assert_eq!(tag(&only(sink.issues()), "inngest.function.id"), Some("pay"));
}
