//! Which hook runs when.

use axum::routing::get;
use axum::{Json, Router};
use hookstack_core::{Call, Next, Outcome, Payload, Stack, from_fn};
use hookstack_http::{CallNext, HttpLayer, Request, Response, layer};
use hookstack_testing::{Log, Recorder};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::support::{serve, until};

/// The recorder's whole sequence of a call that goes well.
const WHOLE: [&str; 13] = [
    "A.around_request>",
    "A.transform_input",
    "A.before_memoization",
    "A.around_function>",
    "A.after_memoization",
    "A.before_execution",
    "[handler]",
    "A.after_execution",
    "A.around_function<",
    "A.transform_output",
    "A.before_response",
    "A.around_request<",
    "A.after_response",
];

#[tokio::test]
async fn every_hook_runs_once_in_the_order_of_the_lifecycle() {
    let log = Log::new();
    let stack = Stack::builder().with(Recorder::new("A", &log));
    let handler = {
        let log = log.clone();
        async move || {
            log.mark("handler");
            "done"
        }
    };
    let server =
        serve(Router::new().route("/", get(handler)).layer(layer(stack).expect("a layer"))).await;
    log.clear();
    assert_eq!(server.get("/").await.text(), "done");
    until("after_response", || log.sequence().len() >= WHOLE.len()).await;
    assert_eq!(log.sequence(), WHOLE);
}

#[tokio::test]
async fn the_layer_of_a_route_is_a_call_inside_the_routers() {
    let log = Log::new();
    let outer = layer(Stack::builder().with(Recorder::new("A", &log))).expect("a layer");
    let inner = layer(Stack::builder().with(Recorder::new("F", &log))).expect("a layer");
    let router = Router::new().route("/", get(async || "done").layer(inner)).layer(outer);
    let server = serve(router).await;
    log.clear();
    assert_eq!(server.get("/").await.text(), "done");
    until("after_response", || log.sequence().iter().any(|one| one == "A.after_response")).await;
    until("after_response", || log.sequence().iter().any(|one| one == "F.after_response")).await;
    let mut sequence = log.sequence();
    sequence.retain(|one| !one.ends_with("after_response"));
    let expected = [
        "A.around_request>",
        "A.transform_input",
        "A.before_memoization",
        "A.around_function>",
        "A.after_memoization",
        "A.before_execution",
        "F.around_request>",
        "F.transform_input",
        "F.before_memoization",
        "F.around_function>",
        "F.after_memoization",
        "F.before_execution",
        "F.after_execution",
        "F.around_function<",
        "F.transform_output",
        "F.before_response",
        "F.around_request<",
        "A.after_execution",
        "A.around_function<",
        "A.transform_output",
        "A.before_response",
        "A.around_request<",
    ];
    assert_eq!(sequence, expected);
}

#[tokio::test]
async fn an_inner_call_has_the_outer_ones_id_and_reads_its_extensions() {
    let outer =
        Stack::builder().with(from_fn("outer", async |cx: &mut Call, next: Next<'_>| -> Outcome {
            cx.extensions_mut().insert("from outside");
            let outcome = next.run(cx).await;
            assert_eq!(cx.extensions_mut().remove::<&str>(), Some("from outside"));
            outcome
        }));
    let inner =
        Stack::builder().with(from_fn("inner", async |cx: &mut Call, _: Next<'_>| -> Outcome {
            let outer = cx.info().outer().expect("an outer call");
            Outcome::ok(&json!({
                "same": outer.run_id == cx.info().run_id,
                "read": cx.extensions().get::<&str>(),
            }))
        }));
    let router = Router::new()
        .route("/", get(async || "never").layer(layer(inner).expect("a layer")))
        .layer(layer(outer).expect("a layer"));
    let reply = serve(router).await.get("/").await;
    assert_eq!(reply.json(), json!({ "same": true, "read": "from outside" }));
}

#[tokio::test]
async fn a_function_returns_early_and_changes_heads() {
    async fn gate(request: Request, next: CallNext<'_>) -> hookstack_core::Result<Response> {
        if request.headers().contains_key("x-stop") {
            let mut response = Response::new("stopped".into());
            *response.status_mut() = StatusCode::IM_A_TEAPOT;
            return Ok(response);
        }
        next.run(request).await
    }
    let stack = Stack::builder()
        .with(hookstack_http::from_fn("mark", async |mut request: Request, next: CallNext<'_>| {
            request.headers_mut().insert("x-asked", HeaderValue::from_static("mark"));
            let mut response = next.run(request).await?;
            response.headers_mut().insert("x-seen", HeaderValue::from_static("yes"));
            Ok(response)
        }))
        .with(hookstack_http::from_fn("gate", gate));
    let echo = async |headers: http::HeaderMap| headers["x-asked"].to_str().map(str::to_owned).ok();
    let router = Router::new()
        .route("/", get(async move |headers| Json(echo(headers).await)))
        .layer(layer(stack).expect("a layer"));
    let server = serve(router).await;
    let reply = server.get("/").await;
    assert_eq!((reply.json(), reply.header("x-seen")), (json!("mark"), Some("yes")));
    let stopped = http::Request::get("/").header("x-stop", "1").body(Default::default());
    let reply = server.send(stopped.expect("a request")).await;
    assert_eq!((reply.status, reply.text()), (StatusCode::IM_A_TEAPOT, "stopped"));
    assert_eq!(reply.header("x-seen"), Some("yes"));
}

#[tokio::test]
async fn a_request_keeps_the_id_it_came_with() {
    let which = from_fn("which", async |cx: &mut Call, _: Next<'_>| -> Outcome {
        Outcome::Done(Payload::new(&cx.info().run_id))
    });
    let built = HttpLayer::builder()
        .request_id_header(http::HeaderName::from_static("x-request-id"))
        .with(which)
        .build();
    let router = Router::new().route("/", get(async || "never")).layer(built.expect("a layer"));
    let server = serve(router).await;
    let asked = http::Request::get("/").header("x-request-id", "mine-7").body(Default::default());
    let reply = server.send(asked.expect("a request")).await;
    assert_eq!((reply.json(), reply.header("x-request-id")), (json!("mine-7"), Some("mine-7")));
    let reply = server.get("/").await;
    assert_eq!(reply.json(), json!(reply.header("x-request-id").expect("an id")));
}

/// Payloads of the route's call pass through the router's.
#[tokio::test]
async fn a_sensitive_inner_call_makes_the_outer_one_sensitive() {
    struct Secret;
    impl hookstack_core::Middleware for Secret {
        fn sensitive(&self) -> bool {
            true
        }
    }
    let told = from_fn("told", async |cx: &mut Call, next: Next<'_>| -> Outcome {
        let before = cx.info().is_sensitive();
        drop(next.run(cx).await);
        Outcome::ok(&(before, cx.info().is_sensitive()))
    });
    let route = layer(Stack::builder().with(Secret)).expect("a layer");
    let router = Router::new()
        .route("/secret", get(async || ()).layer(route))
        .route("/open", get(async || ()))
        .layer(layer(Stack::builder().with(told)).expect("a layer"));
    let server = serve(router).await;
    assert_eq!(server.get("/secret").await.json(), json!([false, true]));
    assert_eq!(server.get("/open").await.json(), json!([false, false]));
}
