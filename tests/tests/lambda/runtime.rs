//! Success, error, panic, time limits, refusals, and the order of reply and flush.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::App;

fn text(text: &str) -> (String, String) {
    let (name, message) = text.split_once(": ").expect("a name and a message");
    (name.to_owned(), message.to_owned())
}

#[tokio::test]
async fn success_error_and_panic() {
    let mut app = App::start(&[]).await;
    let event = r#"{"do":"echo","value":{"b":1.0,"a":"ü"}}"#;
    assert_eq!(app.run(event).await.response(), r#"{"a":"ü","b":1.0}"#);
    let fail = json!({ "do": "fail", "message": "no funds" });
    assert_eq!(app.run(fail).await.error(), text("Declined: no funds"));
    let panic = json!({ "do": "panic", "message": "broken" });
    assert_eq!(app.run(panic).await.error(), text("Panic: broken"));
    // And it goes on.
    app.run(event).await.response();
    app.api.asked(5).await;
    assert_eq!(app.api.told(), "next response next error next error next response next");
}

#[tokio::test]
async fn what_lambda_tells_reaches_the_handler() {
    let mut app = App::start(&[]).await;
    for cold in [true, false] {
        let told = app.run(json!({ "do": "describe" })).await.response();
        let told: Value = serde_json::from_slice(&told).expect("JSON");
        let request_id = if cold { "request-1" } else { "request-2" };
        let expected = json!({
            "run_id": request_id,
            "request_id": request_id,
            "function": "charge",
            "trace": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            "remaining": true,
            "arn": "arn:aws:lambda:eu-central-1:123456789012:function:charge:live",
            "version": "3",
            "memory": 128,
            "region": "eu-central-1",
            "log_group": "/aws/lambda/charge",
            "log_stream": "2026/01/01/[3]abc",
            "cold": cold,
        });
        assert_eq!(told, expected);
    }
}

/// With the layer the caller does not wait for `after_response` (`ar`), and the next invocation does.
#[tokio::test]
async fn flush_after_the_reply() {
    let mut app = App::start(&[("MARKS", "1"), ("FLUSH_LAYER", "1")]).await;
    app.run(json!({ "do": "echo", "value": 1 })).await.response();
    app.api.asked(2).await;
    assert_eq!(app.api.told(), "next ae br response ar next");
    app.api.clear();
    for task in ["fail", "panic"] {
        app.run(json!({ "do": task, "message": "x" })).await.error();
        app.api.asked(1).await;
        assert_eq!(app.api.told(), "ae br error ar next");
        app.api.clear();
    }
}

/// Without it everything is done when the reply is posted, because Lambda may freeze the process then.
#[tokio::test]
async fn without_the_layer_nothing_is_left_after_the_reply() {
    let mut app = App::start(&[("MARKS", "1")]).await;
    app.run(json!({ "do": "echo", "value": 1 })).await.response();
    app.api.asked(2).await;
    assert_eq!(app.api.told(), "next ae br ar response next");
}

/// The times are long only so that a slow machine cannot confuse them.
#[tokio::test]
async fn an_early_timeout_is_an_error_and_the_process_lives() {
    tokio::join!(
        ends_early(&[], "next ae br ar error next"),
        ends_early(&[("FLUSH_LAYER", "1")], "next ae br error ar next"),
    );
}

async fn ends_early(layer: &[(&str, &str)], expected: &str) {
    let settings = [&[("MARKS", "1"), ("MARGIN_MS", "10000")], layer].concat();
    let mut app = App::start(&settings).await;
    let deadline = SystemTime::now() + Duration::from_secs(18);
    let sleep = app.invocation(json!({ "do": "sleep" }).to_string()).until(deadline);
    let (name, message) = app.api.invoke(sleep).await.error();
    assert_eq!(name, "Timeout");
    assert!(message.starts_with("the code was ended "), "{message}");
    assert!(SystemTime::now() < deadline);
    app.api.asked(2).await;
    assert_eq!(app.api.told(), expected);
    app.run(json!({ "do": "echo", "value": 1 })).await.response();
}

#[tokio::test]
async fn a_deadline_in_the_past_fails_at_once() {
    let mut app = App::start(&[("MARKS", "1")]).await;
    for past in [UNIX_EPOCH + Duration::from_millis(1), SystemTime::now() - Duration::from_secs(1)]
    {
        let sleep = app.invocation(json!({ "do": "sleep" }).to_string()).until(past);
        let message = "Timeout: the deadline of the invocation had passed before it began: the code did not run";
        assert_eq!(app.api.invoke(sleep).await.error(), text(message));
    }
    app.api.asked(3).await;
    assert_eq!(app.api.told(), "next ae br ar error next ae br ar error next");
}

/// Told as an error that says what to do, instead of Lambda's refusal, after which the caller learns nothing.
#[tokio::test]
async fn a_response_that_is_too_large_is_an_error() {
    let mut app = App::start(&[]).await;
    let large = |bytes: usize| json!({ "do": "large", "bytes": bytes });
    let most = hookstack_lambda::MAX_RESPONSE;
    assert_eq!(app.run(large(most - 2)).await.response().len(), most);
    let (name, message) = app.run(large(most - 1)).await.error();
    assert_eq!(name, "OutputTooLarge");
    assert!(message.contains("6291557") && message.contains("6291556"), "{message}");
}

/// Lambda may refuse all the same: 413, or 410 when the invocation has timed out meanwhile.
#[tokio::test]
async fn a_refused_reply_ends_nothing_and_loses_no_flush() {
    for layer in [&[][..], &[("FLUSH_LAYER", "1")]] {
        let mut app = App::start(&[&[("MARKS", "1")], layer].concat()).await;
        app.api.refuse("request-1", StatusCode::PAYLOAD_TOO_LARGE);
        app.api.refuse("request-2", StatusCode::GONE);
        for _ in 0..3 {
            app.run(json!({ "do": "echo", "value": 1 })).await;
        }
        app.api.asked(4).await;
        assert_eq!(app.api.told().matches("ar").count(), 3);
        assert_eq!(app.api.told().matches("response").count(), 3);
    }
}
