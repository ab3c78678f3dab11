//! Calls whose events and steps are fetched (Inngest SDK specification, section 4.4.2).

use hookstack_core::Result;
use hookstack_inngest::{App, Batch, Function, Step};
use hookstack_tests::endpoint::{Endpoint, KEY, OTHER_KEY, cloud};
use hookstack_tests::fake_server::{FakeServer, Route};
use hookstack_tests::http_client::{HttpClient, HttpRequest, HttpResponse};
use hookstack_tests::request::hash;
use serde_json::{Value, json};

struct Scene {
    server: FakeServer,
    endpoint: Endpoint,
}

/// Returns the data of all events and the memoized result of the step "pay".
async fn sum(Batch(events): Batch<Value>, step: Step) -> Result<Value> {
    let data: Vec<Value> = events.into_iter().map(|event| event.data).collect();
    let paid: Value =
        step.run("pay", async || Ok::<_, hookstack_core::Error>(json!("new"))).await?;
    Ok(json!({ "events": data, "paid": paid }))
}

impl Scene {
    async fn start() -> Self {
        let server = FakeServer::start().await;
        let function = Function::builder("sum").on_event("t/event").handler(sum);
        let app = App::builder("t").function(function).build().expect("a valid app");
        let config = cloud().signing_key_fallback(OTHER_KEY).api_origin(server.origin());
        Scene { endpoint: Endpoint::start(app, config).await, server }
    }

    async fn call(&self, run_id: &str, extra: Value) -> HttpResponse {
        let mut body = json!({
            "ctx": { "run_id": run_id, "use_api": true, "stack": { "stack": [hash("pay")], "current": 1 } },
        });
        for (key, value) in extra.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let url = format!("{}?fnId=t-sum&stepId=step", self.endpoint.url());
        HttpClient::new().send(HttpRequest::post(url).body(body.to_string()).signed(KEY)).await
    }

    fn script(&self) {
        let batch = json!([{ "name": "t/event", "data": 1 }, { "name": "t/event", "data": 2 }]);
        self.server.answer(Route::Batch, 200, batch.to_string());
        let steps = json!({ hash("pay"): { "data": "stored" } });
        self.server.answer(Route::Actions, 200, steps.to_string());
    }
}

fn fetched() -> (u16, Value) {
    (200, json!({ "events": [1, 2], "paid": "stored" }))
}

#[tokio::test]
async fn fetched_events_and_steps_reach_the_function() {
    let scene = Scene::start().await;
    scene.script();
    let response = scene.call("01JB-run_7", json!({})).await;
    assert_eq!((response.status.as_u16(), response.json()), fetched());
    for (route, path) in [
        (Route::Batch, "/v0/runs/01JB-run_7/batch"),
        (Route::Actions, "/v0/runs/01JB-run_7/actions"),
    ] {
        let requests = scene.server.requests_to(route);
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].path, path);
        assert_eq!(requests[0].header("x-inngest-req-version"), "2");
        assert!(requests[0].header("x-inngest-sdk").starts_with("hookstack:v"));
        assert!(requests[0].header("authorization").starts_with("Bearer signkey-test-b2ed99"));
    }
}

#[tokio::test]
async fn what_was_sent_as_well_is_replaced() {
    let scene = Scene::start().await;
    scene.script();
    let sent = json!({
        "event": { "name": "t/event", "data": "sent" },
        "events": [{ "name": "t/event", "data": "sent" }],
        "steps": { hash("pay"): { "data": "sent" } },
    });
    let response = scene.call("run", sent).await;
    assert_eq!((response.status.as_u16(), response.json()), fetched());
}

#[tokio::test]
async fn the_fallback_key_is_used_when_the_server_does_not_know_the_first() {
    let scene = Scene::start().await;
    scene.script();
    scene.server.require_key(OTHER_KEY);
    let response = scene.call("run", json!({})).await;
    assert_eq!((response.status.as_u16(), response.json()), fetched());
    assert_eq!(scene.server.requests_to(Route::Batch).len(), 2);
    assert_eq!(scene.server.requests_to(Route::Actions).len(), 2);
}

#[tokio::test]
async fn what_cannot_be_fetched_is_an_error_that_is_tried_again() {
    let scene = Scene::start().await;
    for (route, status, answer, message) in [
        (
            Route::Batch,
            500,
            r#"{"error":"canary"}"#,
            "the server's API answered 500 for the run's batch",
        ),
        (
            Route::Actions,
            404,
            r#"{"error":"canary"}"#,
            "the server's API answered 404 for the run's actions",
        ),
        (Route::Batch, 200, "[canary", "the run's batch, fetched from the server's API: "),
        (Route::Batch, 200, "[]", "the run's batch, fetched from the server's API: it is empty"),
        (
            Route::Batch,
            200,
            r#"{"canary":1}"#,
            "the run's batch, fetched from the server's API: invalid type",
        ),
        (
            Route::Batch,
            200,
            r#"[{"name":"canary"},7]"#,
            "the run's batch, fetched from the server's API: ",
        ),
        (
            Route::Actions,
            200,
            r#"["canary"]"#,
            "the run's actions, fetched from the server's API: ",
        ),
        (
            Route::Actions,
            200,
            "",
            "the run's actions, fetched from the server's API: the text ends too early",
        ),
    ] {
        scene.server.answer(route, status, answer);
        let response = scene.call("run", json!({})).await;
        assert_eq!(response.status, 500, "{answer}");
        assert_eq!(response.header("x-inngest-no-retry"), "false");
        let text = response.json()["message"].as_str().unwrap_or_default().to_owned();
        assert!(text.contains(message), "{answer}: {text}");
        assert!(!String::from_utf8_lossy(&response.raw()).contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_that_is_tried_again() {
    let scene = Scene::start().await;
    let Scene { server, endpoint } = scene;
    let origin = server.origin().to_owned();
    drop(server);
    while HttpClient::new().try_send(HttpRequest::get(&origin)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let scene = Scene { server: FakeServer::start().await, endpoint };
    let response = scene.call("run", json!({})).await;
    assert_eq!(response.status, 500);
    assert_eq!(response.header("x-inngest-no-retry"), "false");
    assert_eq!(response.json()["message"], "the server's API: no connection could be made");
}

#[tokio::test]
async fn a_run_id_that_would_change_the_address_is_refused() {
    let scene = Scene::start().await;
    for id in ["", "../../fn/register", "run/x", "run?x", "run#x", "run%2fx", "run x", "."] {
        let response = scene.call(id, json!({})).await;
        assert_eq!(response.status, 400, "{id}");
        assert_eq!(response.header("x-inngest-no-retry"), "true");
        let message = response.json()["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains("field `ctx.run_id`"), "{message}");
    }
    assert_eq!(scene.server.requests().len(), 0, "nothing was fetched");
}
