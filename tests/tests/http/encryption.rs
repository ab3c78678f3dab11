//! Requests and responses that only the two ends can read.

use std::convert::Infallible;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use futures_util::stream;
use hookstack_core::{
    AfterResponse, Call, Error, Middleware, Next, Outcome, Stack, StackBuilder, TransformInput,
};
use hookstack_encryption::{Commitment, Context, Header, Origin};
use hookstack_http::{CallNext, HandlerError, Request, from_fn, layer};
use hookstack_testing::Canary;
use hookstack_tests::shop::{encryption, keys};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_http::compression::CompressionLayer;

use crate::support::{Reply, Server, request, serve};

/// Somewhere in every request and in every response before it is sealed.
const CANARY: &str = "canary-4111111111111111";

#[derive(Deserialize, Serialize)]
struct Order {
    card: String,
    amount: u32,
}

async fn place(Json(order): Json<Order>) -> impl IntoResponse {
    (StatusCode::CREATED, Json(json!({ "charged": order.card, "amount": order.amount })))
}

async fn fails(Json(order): Json<Order>) -> Result<(), HandlerError> {
    Err(Error::message(format!("declined: {}", order.card)))?
}

async fn panics(Json(order): Json<Order>) {
    panic!("{}", order.card);
}

async fn streams() -> Body {
    Body::from_stream(stream::iter([CANARY, CANARY].map(Ok::<_, Infallible>)))
}

/// More than is read of a response.
async fn endless() -> Response {
    let pieces = stream::repeat_with(|| Ok::<_, Infallible>(CANARY));
    ([("content-type", "application/json")], Body::from_stream(pieces)).into_response()
}

async fn server() -> Server {
    serve(router(Stack::builder().with(encryption()))).await
}

fn router(stack: StackBuilder) -> Router {
    let declined = async || (StatusCode::PAYMENT_REQUIRED, CANARY);
    let conflict = async || (StatusCode::CONFLICT, Json(json!({ "was": CANARY })));
    Router::new()
        .route("/orders/{id}", post(place))
        .route("/fails", post(fails))
        .route("/panics", post(panics))
        .route("/text", post(async || CANARY))
        .route("/streams", post(streams))
        .route("/endless", post(endless))
        .route("/declined", post(declined))
        .route("/conflict", post(conflict))
        .route("/nothing", post(async || StatusCode::NO_CONTENT))
        .route("/contradicts", post(async || (StatusCode::NO_CONTENT, Json(json!(CANARY)))))
        .route("/unchanged", post(async || (StatusCode::NOT_MODIFIED, CANARY)))
        .route("/switches", post(async || StatusCode::SWITCHING_PROTOCOLS))
        .route("/empty", post(async || ()))
        .route("/moved", post(async || Redirect::to("/orders/7")))
        .route("/read", get(async || Json(json!({ "card": CANARY }))))
        .fallback(async || Json(json!({ "card": CANARY })))
        .layer(layer(stack).expect("a layer"))
}

/// A request as a client of one's own seals it, and what it needs to open the response.
struct Sealed {
    route: &'static str,
    envelope: String,
}

impl Sealed {
    fn new(route: &'static str, data: &Value) -> Self {
        Sealed::to("POST", route, data)
    }

    fn to(method: &str, route: &'static str, data: &Value) -> Self {
        let context = Context::http_request(method, route);
        let sealed = keys().seal(&context, &Origin::default(), data.to_string().as_bytes());
        let envelope = String::from_utf8(sealed.expect("sealed")).expect("JSON");
        Sealed { route, envelope }
    }

    fn commitment(&self) -> Commitment {
        Header::read(self.envelope.as_bytes()).expect("an envelope").commitment()
    }

    async fn send(&self, server: &Server, path: &str) -> Reply {
        let reply = server.post(path, &self.envelope).await;
        let canary = Canary::new(CANARY);
        canary.assert_absent(path, &reply.body);
        canary.assert_absent(path, format!("{:?}", reply.headers));
        reply
    }

    fn open(&self, reply: &Reply) -> Option<Value> {
        let context = Context::http_response("POST", self.route, self.commitment());
        let opened = keys().open(&context, &reply.body).ok()?;
        Some(serde_json::from_slice(opened.plaintext()).expect("JSON"))
    }
}

fn order() -> Value {
    json!({ "card": CANARY, "amount": 3 })
}

#[tokio::test]
async fn handlers_see_plaintext_and_the_network_envelopes() {
    let server = server().await;
    let sealed = Sealed::new("/orders/{id}", &order());
    let reply = sealed.send(&server, "/orders/7").await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
    assert_eq!(sealed.open(&reply), Some(json!({ "charged": CANARY, "amount": 3 })));
    // It is the response to this request, and to no other with the same data.
    assert_eq!(Sealed::new("/orders/{id}", &order()).open(&reply), None);
    // A response of an error status is sealed like any other.
    let sealed = Sealed::new("/conflict", &order());
    let reply = sealed.send(&server, "/conflict").await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert_eq!(sealed.open(&reply), Some(json!({ "was": CANARY })));
}

#[tokio::test]
async fn requests_that_are_not_sealed_for_this_route_do_not_arrive() {
    let server = server().await;
    let plain = order().to_string();
    let another_method = Sealed::to("PUT", "/orders/{id}", &order());
    let another_route = Sealed::new("/fails", &order());
    for body in [plain.as_str(), "", &another_method.envelope, &another_route.envelope] {
        let reply = server.post("/orders/7", body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        Canary::new(CANARY).assert_absent("the refusal", &reply.body);
    }
    let reply = server.get("/read").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "nothing is asked of it in plaintext");
}

#[tokio::test]
async fn a_response_that_cannot_be_sealed_is_refused() {
    let server = server().await;
    for route in ["/text", "/streams", "/endless"] {
        let reply = Sealed::new(route, &order()).send(&server, route).await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{route}");
        let problem = reply.json();
        // The reason is sealed, because nobody else has to know it.
        let (message, _) = opened_error(&format!("POST {route}"), &problem);
        assert!(message.contains("cannot be encrypted"), "{message}");
    }
}

#[tokio::test]
async fn error_responses_keep_their_status_and_lose_their_text() {
    let server = server().await;
    let reply = Sealed::new("/declined", &order()).send(&server, "/declined").await;
    assert_eq!(reply.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(reply.json()["title"], "Payment Required");
    // axum's rejection would quote what it could not read.
    let wrong = Sealed::new("/orders/{id}", &json!({ "card": "x", "amount": CANARY }));
    let reply = wrong.send(&server, "/orders/7").await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    assert_eq!(reply.json().get("detail"), None);
}

#[tokio::test]
async fn errors_and_panics_are_sealed_too() {
    let server = server().await;
    for (route, text) in [("/fails", format!("declined: {CANARY}")), ("/panics", CANARY.to_owned())]
    {
        let sealed = Sealed::new(route, &order());
        let reply = sealed.send(&server, route).await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        let expected = (text, sealed.commitment().to_string());
        assert_eq!(opened_error(&format!("POST {route}"), &reply.json()), expected);
    }
}

/// The message of a sealed error, and the request that it is about.
fn opened_error(function: &str, problem: &Value) -> (String, String) {
    let detail = problem["detail"].as_str().expect("a detail");
    let opened = keys().open_error(function, detail).expect("authentic");
    let contents: Value = serde_json::from_slice(opened.plaintext()).expect("JSON");
    let message = contents["message"].as_str().expect("a message").to_owned();
    (message, opened.origin().trigger_id.clone())
}

#[tokio::test]
async fn what_has_no_body_gets_none_or_a_sealed_nothing() {
    let server = server().await;
    let reply = Sealed::new("/nothing", &order()).send(&server, "/nothing").await;
    assert_eq!((reply.status, reply.body.len()), (StatusCode::NO_CONTENT, 0));
    for (route, status) in [("/empty", StatusCode::OK), ("/moved", StatusCode::SEE_OTHER)] {
        let sealed = Sealed::new(route, &order());
        let reply = sealed.send(&server, route).await;
        assert_eq!((reply.status, sealed.open(&reply)), (status, Some(Value::Null)), "{route}");
    }
    let sealed = Sealed::to("HEAD", "/read", &order());
    let reply = server.send(request(Method::HEAD, "/read", &sealed.envelope)).await;
    assert_eq!((reply.status, reply.body.len()), (StatusCode::OK, 0));
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

/// HTTP/2 servers send such a body, and so do hosts that are no sockets.
#[tokio::test]
async fn bodies_that_the_protocol_forbids_do_not_leave_in_plaintext() {
    let server = server().await;
    for (route, status) in
        [("/contradicts", StatusCode::NO_CONTENT), ("/unchanged", StatusCode::NOT_MODIFIED)]
    {
        let sealed = Sealed::new(route, &order());
        let asked = request(Method::POST, route, &sealed.envelope);
        let answer = router(Stack::builder().with(encryption())).oneshot(asked).await;
        let (parts, body) = answer.expect("infallible").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        assert_eq!((parts.status, body.len()), (status, 0), "{route}");
        let asked = request(Method::POST, route, &sealed.envelope);
        let reply = server.send_as(true, asked).await;
        assert_eq!((reply.status, reply.body.len()), (status, 0), "{route}");
    }
}

/// Nothing can seal what follows the head.
#[tokio::test]
async fn another_protocol_is_refused() {
    let sealed = Sealed::new("/switches", &order());
    let asked = request(Method::POST, "/switches", &sealed.envelope);
    let answer = router(Stack::builder().with(encryption())).oneshot(asked).await;
    assert_eq!(answer.expect("infallible").status(), StatusCode::INTERNAL_SERVER_ERROR);
}

/// The body of a refusal is made anew after a function that writes another.
#[tokio::test]
async fn a_function_cannot_write_into_the_answer_to_an_error() {
    let page = from_fn("page", async |request: Request, next: CallNext<'_>| {
        let mut response = next.run(request).await?;
        *response.body_mut() = Body::from(CANARY);
        Ok(response)
    });
    let server = serve(router(Stack::builder().with(encryption()).with(page))).await;
    let reply = Sealed::new("/declined", &order()).send(&server, "/declined").await;
    assert_eq!(reply.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(reply.json()["title"], "Payment Required");
}

/// All paths that no route matches would be one place: what is sealed for one would open in another.
#[tokio::test]
async fn a_request_that_no_route_matched_does_not_open() {
    let server = server().await;
    let sealed = Sealed::new("", &order());
    let reply = sealed.send(&server, "/elsewhere").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

/// What the router's layer learns of a route that has encryption of its own.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<String>>);

impl Seen {
    fn note(&self, what: impl fmt::Debug) {
        writeln!(self.0.lock().expect("no panic"), "{what:?}").expect("written");
    }

    fn outcome(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Done(Ok(payload)) => self.note(String::from_utf8_lossy(&payload.text())),
            other => self.note((other, other.error().map(|error| error.chain().count()))),
        }
    }
}

impl Middleware for Seen {
    fn reads_payload(&self) -> bool {
        true
    }

    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> hookstack_core::Result {
        self.note(String::from_utf8_lossy(&cx.payload().text()));
        Ok(())
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let outcome = next.run(cx).await;
        self.outcome(&outcome);
        outcome
    }

    async fn after_response(&self, cx: &mut AfterResponse<'_>) -> hookstack_core::Result {
        self.outcome(cx.outcome());
        Ok(())
    }
}

#[tokio::test]
async fn a_layer_around_an_encrypted_route_sees_nothing_either() {
    let seen = Seen::default();
    let around = layer(Stack::builder().with(seen.clone())).expect("a layer");
    let router = router(Stack::builder().with(encryption())).layer(around.clone());
    let server = serve(router).await;
    for route in ["/orders/{id}", "/conflict", "/fails", "/panics", "/declined", "/text", "/moved"]
    {
        let path = route.replace("{id}", "7");
        let sealed = Sealed::new(route, &order());
        let reply = sealed.send(&server, &path).await;
        if route == "/orders/{id}" {
            assert_eq!(sealed.open(&reply), Some(json!({ "charged": CANARY, "amount": 3 })));
        }
    }
    around.drain().await;
    let seen = seen.0.lock().expect("no panic");
    assert!(seen.lines().count() > 20, "{seen}");
    Canary::new(CANARY).assert_absent("the outer layer", seen.as_bytes());
}

/// The routes' errors and texts are sealed by the router's layer.
#[tokio::test]
async fn a_route_with_a_layer_of_its_own_is_sealed_by_the_routers() {
    let refuses = async || -> Result<(), HandlerError> {
        Err(hookstack_http::HttpError::new(StatusCode::NOT_FOUND, CANARY))?
    };
    let bare = || layer(Stack::builder()).expect("a layer");
    let refuses: MethodRouter = post(refuses).layer(bare());
    let router = Router::new()
        .route("/refuses", refuses.layer(CompressionLayer::new()))
        .route("/text", post(async || CANARY).layer(bare()))
        .route("/panics", post(panics).layer(bare()))
        .layer(layer(Stack::builder().with(encryption())).expect("a layer"));
    let server = serve(router).await;
    for (route, status) in [("/refuses", 404), ("/text", 500), ("/panics", 500)] {
        let reply = Sealed::new(route, &order()).send(&server, route).await;
        assert_eq!(reply.status.as_u16(), status, "{route}");
        let (message, _) = opened_error(&format!("POST {route}"), &reply.json());
        assert!(route == "/text" || message.contains(CANARY), "{route}: {message}");
    }
}
