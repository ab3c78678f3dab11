//! Handlers of every arity, and what they take as arguments.

use hookstack_core::{Error, Info};
use hookstack_inngest::{App, Batch, CallRequest, Data, Failure, Function, Step, TypedEvent};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::Server;

#[derive(Debug, Deserialize)]
struct Order {
    total: u32,
}

type D = Data<Order>;

async fn f0() -> Result<u32, Error> {
    Ok(0)
}
async fn f1(Data(a): D) -> Result<u32, Error> {
    Ok(a.total)
}
async fn f2(Data(a): D, _: Step) -> Result<u32, Error> {
    Ok(a.total)
}
async fn f3(a: D, b: D, c: D) -> Result<u32, Error> {
    Ok([a, b, c].iter().map(|d| d.0.total).sum())
}
async fn f4(a: D, b: D, c: D, d: D) -> Result<u32, Error> {
    Ok([a, b, c, d].iter().map(|d| d.0.total).sum())
}
async fn f5(a: D, b: D, c: D, d: D, e: D) -> Result<u32, Error> {
    Ok([a, b, c, d, e].iter().map(|d| d.0.total).sum())
}
async fn f6(a: D, b: D, c: D, d: D, e: D, f: D) -> Result<u32, Error> {
    Ok([a, b, c, d, e, f].iter().map(|d| d.0.total).sum())
}
#[allow(clippy::too_many_arguments, reason = "that is what is tested")]
async fn f7(a: D, b: D, c: D, d: D, e: D, f: D, g: D) -> Result<u32, Error> {
    Ok([a, b, c, d, e, f, g].iter().map(|d| d.0.total).sum())
}
#[allow(clippy::too_many_arguments, reason = "that is what is tested")]
async fn f8(a: D, b: D, c: D, d: D, e: D, f: D, g: D, _: Step) -> Result<u32, Error> {
    Ok([a, b, c, d, e, f, g].iter().map(|d| d.0.total).sum())
}

#[tokio::test]
async fn functions_of_up_to_eight_arguments() {
    let servers = [
        (Server::of(f0), 0),
        (Server::of(f1), 3),
        (Server::of(f2), 3),
        (Server::of(f3), 9),
        (Server::of(f4), 12),
        (Server::of(f5), 15),
        (Server::of(f6), 18),
        (Server::of(f7), 21),
        (Server::of(f8), 21),
    ];
    for (mut server, expected) in servers {
        server.data = json!({ "total": 3 });
        let reply = server.call().await;
        assert_eq!((reply.status, reply.json), (200, json!(expected)));
    }
}

#[tokio::test]
async fn closures_that_capture() {
    let factor = 5;
    let mut server =
        Server::of(move |Data(order): D| async move { Ok::<_, Error>(order.total * factor) });
    server.data = json!({ "total": 2 });
    assert_eq!(server.call().await.json, json!(10));
}

#[tokio::test]
async fn any_standard_error_and_any_output() {
    let reply = Server::of(|| async { "x".parse::<u32>() }).call().await;
    assert_eq!((reply.status, &reply.json["name"]), (500, &json!("ParseIntError")));
    let reply = Server::of(|| async { Ok::<(), std::io::Error>(()) }).call().await;
    assert_eq!((reply.status, reply.json), (200, Value::Null));
    let boxed = || async { Err::<(), hookstack_core::BoxError>("boxed".into()) };
    assert_eq!(Server::of(boxed).call().await.json["message"], "boxed");
}

#[tokio::test]
async fn the_event_and_the_info() {
    let handler = |event: TypedEvent<Order>, info: Info| async move {
        let known = (info.app_id.to_string(), info.function.id.clone(), info.run_id.clone());
        Ok::<_, Error>((event.name, event.id, event.ts, event.data.total, known, info.attempt))
    };
    let mut server = Server::of(handler);
    server.data = json!({ "total": 4 });
    let reply = server.send("step", 2).await;
    assert_eq!(reply.json, json!(["t/e", "e1", 5, 4, ["t", "f", "run"], 2]));
}

#[tokio::test]
async fn data_that_does_not_fit_fails_for_good_and_is_not_quoted() {
    async fn batch(_: Batch<Order>) -> Result<(), Error> {
        Ok(())
    }
    async fn event(_: TypedEvent<Order>) -> Result<(), Error> {
        Ok(())
    }
    for (data, expected) in [
        (json!({ "total": "4111-1111" }), "invalid type: string, expected u32"),
        (json!({ "total": -4111 }), "invalid value: integer, expected u32"),
        (json!({ "4111": 4111 }), "missing field `total`"),
    ] {
        for mut server in [Server::of(f1), Server::of(event), Server::of(batch)] {
            server.data = data.clone();
            server.max_attempts = 4;
            let reply = server.call().await;
            assert_eq!((reply.status, reply.no_retry.as_deref()), (400, Some("true")));
            assert_eq!(reply.json["name"], "InvalidInput");
            let message = reply.json["message"].as_str().unwrap();
            assert!(message.starts_with("the data of event \"t/e\": "), "{message}");
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("4111"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_batch_has_all_events() {
    let handler = |Batch(orders): Batch<Order>, first: D| async move {
        let all: Vec<_> = orders.iter().map(|order| order.data.total).collect();
        Ok::<_, Error>((all, first.0.total))
    };
    let app = crate::support::app(handler);
    let body = json!({
        "ctx": { "run_id": "r" },
        "event": { "name": "e", "data": { "total": 1 } },
        "events": [{ "name": "e", "data": { "total": 1 } }, { "name": "e", "data": { "total": 2 } }],
    });
    let response = app.call(CallRequest::new("t-f", body.to_string())).await;
    assert_eq!(response.body, "[[1,2],1]");
}

fn failing_app() -> App {
    let handled = |failure: Failure<Order>, info: Info| async move {
        let trigger = format!("{:?}", info.trigger);
        let error = (failure.error.name().to_owned(), failure.error.text().to_owned());
        Ok::<_, Error>((error, failure.event.data.total, failure.function, failure.run_id, trigger))
    };
    let function = Function::builder("f").on_event("t/e").on_failure(handled).handler(f1);
    App::builder("t").function(function).build().unwrap()
}

fn failure_event(total: Value) -> String {
    json!({
        "ctx": { "run_id": "r2" },
        "event": { "name": "inngest/function.failed", "data": {
            "error": { "name": "Declined", "message": "no funds" },
            "event": { "name": "t/e", "data": { "total": total } },
            "function_id": "t-f", "run_id": "r1",
        } },
    })
    .to_string()
}

#[tokio::test]
async fn a_failure_handler_learns_what_failed() {
    let request = CallRequest::new("t-f-failure", failure_event(json!(9)));
    let response = failing_app().call(request).await;
    let json: Value = serde_json::from_slice(&response.body).unwrap();
    let trigger = r#"Failure { function: "t-f", run_id: "r1" }"#;
    assert_eq!(json, json!([["Declined", "no funds"], 9, "t-f", "r1", trigger]));
}

#[tokio::test]
async fn a_failure_that_does_not_fit_is_not_quoted() {
    let request = CallRequest::new("t-f-failure", failure_event(json!("4111")));
    let response = failing_app().call(request).await;
    let text = String::from_utf8(response.body.to_vec()).unwrap();
    assert_eq!(response.status, 400);
    assert!(text.contains("the failure event does not fit") && !text.contains("4111"), "{text}");
}

#[tokio::test]
async fn failure_is_an_argument_of_failure_handlers_only() {
    let handler = |_: Failure<Order>| async { Ok::<_, Error>(()) };
    let reply = Server::of(handler).call().await;
    assert_eq!(reply.status, 400);
    assert!(reply.json["message"].as_str().unwrap().contains("on_failure"), "{reply:?}");
}
