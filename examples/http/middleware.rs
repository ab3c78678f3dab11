//! The middleware chapter of FastAPI's tutorial, in Rust.
//!
//! ```text
//! cargo run --example http-middleware
//! ```
//!
//! The chapter's first middleware adds the time that a request took:
//!
//! ```python
//! @app.middleware("http")
//! async def add_process_time_header(request: Request, call_next):
//!     start_time = time.perf_counter()
//!     response = await call_next(request)
//!     process_time = time.perf_counter() - start_time
//!     response.headers["X-Process-Time"] = str(process_time)
//!     return response
//! ```
//!
//! Then it tells how several are stacked. There, the middleware that is added last is outermost; here it is the
//! one that is registered first, so that a stack reads from the outside to the inside:
//!
//! ```text
//! app.add_middleware(MiddlewareA)        Stack::builder()
//! app.add_middleware(MiddlewareB)            .with(middleware_b)
//!                                            .with(middleware_a)
//!
//! request:  MiddlewareB → MiddlewareA → route
//! response: route → MiddlewareA → MiddlewareB
//! ```
//!
//! The program serves this on a free port, asks, and fails if an answer is not as it should be.

mod drive;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use hookstack_core::{Call, Middleware, Next, Outcome, Result, Stack};
use hookstack_http::{
    Background, CallNext, HttpError, ProcessTime, Request, Response, TrustedHost, from_fn, layer,
};
use http::{HeaderValue, StatusCode};

use crate::drive::{expect, serve};

/// What the tutorial's first middleware does. [`ProcessTime`] is the same, ready made, and also on errors.
async fn add_process_time_header(request: Request, next: CallNext<'_>) -> Result<Response> {
    let started = Instant::now();
    let mut response = next.run(request).await?;
    let seconds = started.elapsed().as_secs_f64().to_string();
    response.headers_mut().insert("x-measured", HeaderValue::try_from(seconds)?);
    Ok(response)
}

/// Returns early: what is further in does not run.
async fn members_only(request: Request, next: CallNext<'_>) -> Result<Response> {
    if request.uri().path() == "/members" && !request.headers().contains_key("authorization") {
        Err(HttpError::new(StatusCode::UNAUTHORIZED, "sign in first"))?;
    }
    next.run(request).await
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Story(Arc<Mutex<Vec<String>>>);

impl Story {
    fn tell(&self, what: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A middleware with state is a type.
struct Named(&'static str, Story);

impl Middleware for Named {
    fn name(&self) -> &str {
        self.0
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        self.1.tell(format!("{} in", self.0));
        let outcome = next.run(cx).await;
        self.1.tell(format!("{} out", self.0));
        outcome
    }
}

#[tokio::main]
async fn main() -> Result {
    let story = Story::default();
    let stack = Stack::builder()
        .with(TrustedHost::new(["127.0.0.1", "*.shop.example"])?)
        .with(ProcessTime::new())
        .with(from_fn("add_process_time_header", add_process_time_header))
        .with(from_fn("members_only", members_only))
        .with(Named("B", story.clone()))
        .with(Named("A", story.clone()));
    println!("{:?}\n", stack.clone().build());

    let hooks = layer(stack)?;
    let subscribe = {
        let story = story.clone();
        async move |background: Background| {
            story.tell("route");
            let story = story.clone();
            background.add(async move { story.tell("mail sent") });
            "you will get a mail"
        }
    };
    let router = Router::new()
        .route("/subscribe", post(subscribe))
        .route("/members", get(async || "welcome"))
        .layer(hooks.clone());
    let service = serve(router).await?;

    let reply = service.send(http::Request::post("/subscribe").body(Body::empty())?).await?;
    println!("POST /subscribe: {} {}", reply.status, reply.text());
    println!("  x-measured: {}", reply.header("x-measured"));
    println!("  x-process-time: {}", reply.header("x-process-time"));
    let seconds = |name| reply.header(name).parse::<f64>().is_ok();
    expect("both times are there", seconds("x-measured") && seconds("x-process-time"))?;
    // Background work is over when nothing is due any more.
    hooks.drain().await;
    while !story.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&"mail sent".into()) {
        tokio::task::yield_now().await;
    }
    let order = story.take();
    println!("  {}", order.join(", "));
    expect("the order", order == ["B in", "A in", "route", "A out", "B out", "mail sent"])?;

    let reply = service.send(http::Request::get("/members").body(Body::empty())?).await?;
    println!("GET /members: {} {}", reply.status, reply.text());
    expect(
        "the early return",
        reply.status == StatusCode::UNAUTHORIZED && story.take().is_empty(),
    )?;
    expect("the time of an error", !reply.header("x-process-time").is_empty())?;

    let asked = http::Request::get("/members").header("host", "evil.example").body(Body::empty())?;
    let reply = service.send(asked).await?;
    println!("GET /members on evil.example: {} {}", reply.status, reply.text());
    expect("the host", reply.status == StatusCode::BAD_REQUEST)
}
