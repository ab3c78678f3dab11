//! Partial batch failures of SQS queues.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookstack_core::{
    AfterResponse, Error, Middleware, NonRetriable, Position, Result, Stack, TransformOutput,
};
use hookstack_lambda::{Lambda, PartialBatch, Record, Records, local_context, wrap};
use serde_json::{Value, json};
use support::Signals;

/// A batch of messages `m0`, `m1`, … with these bodies, of a queue of this name; a FIFO queue's with a group each.
fn batch(queue: &str, messages: &[(&str, &str)]) -> Value {
    let records = messages.iter().enumerate().map(|(index, (group, body))| {
        json!({
            "messageId": format!("m{index}"),
            "receiptHandle": "handle",
            "body": body,
            "attributes": { "ApproximateReceiveCount": "3", "MessageGroupId": group },
            "messageAttributes": {},
            "md5OfBody": "x",
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:eu-central-1:1:{queue}"),
            "awsRegion": "eu-central-1",
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

fn standard(bodies: &[&str]) -> Value {
    batch("orders", &bodies.iter().map(|body| ("g", *body)).collect::<Vec<_>>())
}

fn failed(ids: &[&str]) -> Value {
    let failures: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": failures })
}

/// Does what the body says.
async fn work(record: Record<String>) -> Result<()> {
    match record.body.as_str() {
        "fail" => Err(Error::message("no stock").with_name("SoldOut")),
        "panic" => panic!("broken"),
        "hang" => std::future::pending().await,
        _ => Ok(()),
    }
}

async fn ship(orders: Records<String>) -> Result<()> {
    orders.each(work).await
}

fn lambda() -> Lambda {
    wrap(Stack::builder().with(PartialBatch::sqs()), ship).expect("built")
}

async fn response(lambda: &Lambda, event: &Value) -> Value {
    lambda.call_local(event).await.expect("a response").into_value().expect("JSON")
}

#[tokio::test]
async fn what_is_done_does_not_come_again() {
    let told = async |bodies: &[&str]| response(&lambda(), &standard(bodies)).await;
    assert_eq!(told(&[r#""a""#, r#""b""#]).await, failed(&[]));
    assert_eq!(told(&[]).await, failed(&[]));
    let some = [r#""a""#, r#""fail""#, r#""b""#, r#""panic""#, "4111", "{", r#""c""#];
    assert_eq!(told(&some).await, failed(&["m1", "m3", "m4", "m5"]));
}

#[tokio::test]
async fn in_a_fifo_queue_a_group_stops_at_its_first_failure() {
    let messages = [
        ("a", r#""1""#),
        ("b", r#""fail""#),
        ("a", r#""2""#),
        ("b", r#""3""#),
        ("c", "4111"),
        ("c", r#""4""#),
        ("a", r#""5""#),
    ];
    let told = response(&lambda(), &batch("orders.fifo", &messages)).await;
    assert_eq!(told, failed(&["m1", "m3", "m4", "m5"]));
    let told = response(&lambda(), &batch("orders", &messages)).await;
    assert_eq!(told, failed(&["m1", "m4"]), "a standard queue has no order");
}

#[tokio::test]
async fn when_all_fail_the_invocation_fails() {
    let event = standard(&[r#""fail""#, r#""panic""#]);
    let error = lambda().call_local(&event).await.expect_err("all failed");
    assert_eq!(error.to_string(), "SoldOut: no stock");
    let batch = PartialBatch::sqs().fail_when_all_fail(false);
    let lambda = wrap(Stack::builder().with(batch), ship).expect("built");
    assert_eq!(response(&lambda, &event).await, failed(&["m0", "m1"]));
}

/// What was done before the time was up stays done.
#[tokio::test(start_paused = true)]
async fn an_early_timeout_leaves_the_rest_for_later() {
    let event = standard(&[r#""a""#, r#""hang""#, r#""b""#]).to_string();
    let context = || local_context(Some(Duration::from_secs(60)));
    let told = lambda().call_text(&event, context()).await.expect("a response");
    assert_eq!(*told.value().expect("JSON"), failed(&["m1", "m2"]));
    let event = standard(&[r#""hang""#]).to_string();
    let error = lambda().call_text(&event, context()).await.expect_err("nothing is done");
    assert_eq!(error.name(), "Timeout");
}

#[tokio::test]
async fn a_handler_that_fails_or_returns_early_has_not_done_the_rest() {
    async fn refuses(orders: Records<String>) -> Result<()> {
        assert!(!orders.is_empty());
        Err(NonRetriable::new(std::io::Error::other("closed")).into())
    }
    let stack = || Stack::builder().with(PartialBatch::sqs());
    let refusing = wrap(stack(), refuses).expect("built");
    let error = refusing.call_local(&standard(&[r#""a""#])).await.expect_err("it fails");
    assert_eq!(error.text(), "closed");
    async fn returns(_orders: Records<String>) -> Result<()> {
        Ok(())
    }
    let returning = wrap(stack(), returns).expect("built");
    let told = response(&returning, &standard(&[r#""a""#, r#""b""#])).await;
    assert_eq!(told, failed(&["m0", "m1"]));
}

#[tokio::test]
async fn a_record_tells_where_it_comes_from_and_captures_work() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let handler = move |orders: Records<Value>| {
        let noted = noted.clone();
        async move {
            orders
                .each(async |record: Record<Value>| {
                    tokio::task::yield_now().await;
                    assert_eq!(format!("{record:?}"), "Record { message_id: \"m0\", .. }");
                    let told = (record.message_id, record.group, record.receive_count);
                    noted.lock().expect("no panic").push(told);
                    Ok(())
                })
                .await
        }
    };
    let lambda = wrap(Stack::builder().with(PartialBatch::sqs()), handler).expect("built");
    response(&lambda, &batch("q.fifo", &[("a", "1")])).await;
    let expected = [("m0".to_owned(), Some("a".to_owned()), Some(3))];
    assert_eq!(*seen.lock().expect("no panic"), expected);
}

#[tokio::test]
async fn what_is_no_batch_is_refused_and_not_quoted() {
    for event in [json!(null), json!({ "Records": [{ "body": "4111" }] }), json!({ "4111": 1 })] {
        let error = lambda().call_local(&event).await.expect_err("no batch");
        assert_eq!(error.name(), "InvalidInput");
        assert!(!error.text().contains("4111"), "{error}");
    }
}

#[test]
fn each_failure_is_logged_with_its_message_and_reported() {
    struct Sees;
    impl Middleware for Sees {
        async fn after_response(&self, cx: &mut AfterResponse<'_>) -> Result {
            let names: Vec<_> = cx.reported().iter().map(Error::name).collect();
            assert_eq!(names, ["SoldOut", "InvalidInput"]);
            Ok(())
        }
    }
    let stack = Stack::builder().with(PartialBatch::sqs()).with(Sees);
    let lambda = wrap(stack, ship).expect("built");
    let event = standard(&[r#""fail""#, r#""a""#, "4111"]);
    let (_, told) = Signals::of(lambda.call_local(&event));
    assert_eq!(told.len(), 2, "once: {told:?}");
    let first = "message_id=m0 error=no stock error_name=SoldOut error_kind=failure";
    assert!(told[0].contains(first), "{told:?}");
    assert!(told[1].contains("message_id=m2 ") && told[1].contains("error_kind=invalid_input"));
    assert!(!told.concat().contains("4111"), "{told:?}");
    assert!(!told.concat().contains("panic"), "{told:?}");
}

/// Also when a flush is ended before the deadline, nothing is logged twice, and nothing is lost.
#[test]
fn what_failed_beside_messages_is_logged_although_a_flush_hangs() {
    struct Hangs;
    impl Middleware for Hangs {
        async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
            std::future::pending().await
        }
    }
    async fn closes(orders: Records<String>) -> Result<()> {
        orders.each(work).await?;
        Err(Error::message("not closed"))
    }
    let lambda =
        wrap(Stack::builder().with(PartialBatch::sqs()).with(Hangs), closes).expect("built");
    let event = standard(&[r#""fail""#, r#""a""#]).to_string();
    let context = local_context(Some(Duration::from_secs(60)));
    let (response, told) = Signals::of(lambda.call_text(&event, context));
    response.expect("m1 is done");
    let texts = ["error=no stock", "error=not closed", "error=middleware did not end"];
    let counts = texts.map(|text| told.iter().filter(|line| line.contains(text)).count());
    assert_eq!((counts, told.len()), ([1; 3], 3), "{told:?}");
}

#[test]
fn what_would_lose_messages_is_refused_when_it_is_built() {
    let error = wrap(Stack::builder(), ship).expect_err("nobody tells Lambda").to_string();
    assert!(error.contains("`Records` needs `PartialBatch`"), "{error}");
    struct Seals;
    impl Middleware for Seals {
        fn position(&self) -> Position {
            Position::Wire
        }
        async fn transform_output(&self, _: &mut TransformOutput<'_>) -> Result {
            Ok(())
        }
    }
    for stack in [
        Stack::builder().with(Seals).with(PartialBatch::sqs()),
        Stack::builder().with(PartialBatch::sqs()).with(Seals),
    ] {
        let error = wrap(stack, ship).expect_err("nobody could read it").to_string();
        assert!(error.contains("\"Seals\" would seal the response"), "{error}");
    }
}
