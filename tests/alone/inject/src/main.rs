//! Injection into the routes of an HTTP service: a value for the process, and one that each request gets for itself.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use hookstack_core::{Error, Result, Stack};
use hookstack_http::{Arg, layer};
use hookstack_inject::{Container, Dep};
use tower::ServiceExt;

/// Numbers tickets: one for the process.
#[derive(Default)]
struct Counter(AtomicU32);

/// Of one request.
struct Ticket(u32);

async fn draw(counter: Dep<Counter>) -> Result<Ticket> {
    Ok(Ticket(counter.0.fetch_add(1, Ordering::Relaxed) + 1))
}

async fn show(Arg(ticket): Arg<Dep<Ticket>>, Arg(again): Arg<Dep<Ticket>>) -> String {
    format!("{} {}", ticket.0, again.0)
}

async fn missing(Arg(_): Arg<Dep<String>>) {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let container = Container::builder().value(Counter::default()).call(draw).build()?;
    let app = Router::new().route("/", get(show)).route("/missing", get(missing));
    let app = app.layer(layer(Stack::builder().with(container))?);

    let mut tickets = Vec::new();
    for _ in 0..2 {
        let response = app.clone().oneshot(Request::get("/").body(Body::empty())?).await?;
        let body = to_bytes(response.into_body(), usize::MAX).await?;
        tickets.push(String::from_utf8_lossy(&body).into_owned());
    }
    assert_eq!(tickets, ["1 1", "2 2"]);
    let refused = app.oneshot(Request::get("/missing").body(Body::empty())?).await?;
    assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
    println!("inject: requests got the tickets {tickets:?}");
    Ok::<_, Error>(())
}
