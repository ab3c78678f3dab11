//! When hooks run that have to do with the response's way to the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hookstack_core::{AfterResponse, Error, Middleware, OnAbandoned, Result};
use hookstack_inngest::{App, Function, serve};
use hookstack_tests::endpoint::{Endpoint, KEY, cloud};
use hookstack_tests::http_client::HttpClient;
use hookstack_tests::request::CallBody;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::support::{builder, call};

/// Tells what runs, and waits where it is told to. Permits are never taken back, so no signal gets lost.
struct Signals {
    after_began: Semaphore,
    after_may_end: Semaphore,
    after_ended: Semaphore,
    abandoned: Semaphore,
}

impl Signals {
    fn new() -> Arc<Self> {
        let none = || Semaphore::new(0);
        Arc::new(Signals {
            after_began: none(),
            after_may_end: none(),
            after_ended: none(),
            abandoned: none(),
        })
    }
}

async fn take(signal: &Semaphore) {
    signal.acquire().await.expect("never closed").forget();
}

struct Watch(Arc<Signals>);

impl Middleware for Watch {
    async fn after_response(&self, cx: &mut AfterResponse<'_>) -> Result {
        assert_eq!(cx.status(), 200);
        self.0.after_began.add_permits(1);
        take(&self.0.after_may_end).await;
        self.0.after_ended.add_permits(1);
        Ok(())
    }

    fn on_abandoned(&self, _: &mut OnAbandoned<'_>) {
        self.0.abandoned.add_permits(1);
    }
}

#[tokio::test]
async fn after_response_runs_when_the_response_is_gone() {
    let signals = Signals::new();
    let app = builder().with(Watch(signals.clone())).build().expect("a valid app");
    let endpoint = Endpoint::start(app, cloud()).await;
    let request = endpoint.call(&call(json!(1))).signed(KEY);
    // The hook cannot end before the test lets it, but the response is here.
    assert_eq!(HttpClient::new().send(request).await.status, 200);
    take(&signals.after_began).await;
    assert_eq!(signals.after_ended.available_permits(), 0);
    signals.after_may_end.add_permits(1);
    take(&signals.after_ended).await;
    assert_eq!(signals.abandoned.available_permits(), 0);
}

#[tokio::test]
async fn draining_waits_for_after_response() {
    let signals = Signals::new();
    let app = builder().with(Watch(signals.clone())).build().expect("a valid app");
    let config = cloud().build().expect("a valid configuration");
    let serve = serve(app).config(config).framework("axum").build().expect("a valid endpoint");
    let endpoint = Endpoint::serve(&serve).await;
    let request = endpoint.call(&call(json!(1))).signed(KEY);
    assert_eq!(HttpClient::new().send(request).await.status, 200);
    take(&signals.after_began).await;
    let drained = tokio::spawn(async move { serve.drain().await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!drained.is_finished(), "the hook still runs");
    signals.after_may_end.add_permits(1);
    drained.await.expect("it ends");
    assert_eq!(signals.after_ended.available_permits(), 1);
}

/// Sets a flag after a while.
struct Slow(Arc<AtomicBool>);

impl Middleware for Slow {
    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.0.store(true, Ordering::Release);
        Ok(())
    }
}

#[tokio::test]
async fn finish_before_response_waits_for_the_hook() {
    for wait in [true, false] {
        let ended = Arc::new(AtomicBool::new(false));
        let app = builder().with(Slow(ended.clone())).build().expect("a valid app");
        let builder = serve(app).finish_before_response(wait);
        let endpoint = Endpoint::of(builder, cloud()).await;
        let request = endpoint.call(&call(json!(1))).signed(KEY);
        assert_eq!(HttpClient::new().send(request).await.status, 200);
        if wait {
            assert!(ended.load(Ordering::Acquire), "it ran before the response");
        }
        while !ended.load(Ordering::Acquire) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_abandons_the_call() {
    let (signals, began) = (Signals::new(), Arc::new(Semaphore::new(0)));
    let hangs = {
        let began = began.clone();
        move || {
            began.add_permits(1);
            std::future::pending::<std::result::Result<(), Error>>()
        }
    };
    let function = Function::builder("hangs").on_event("t/event").handler(hangs);
    let app = App::builder("t").with(Watch(signals.clone())).function(function);
    let endpoint = Endpoint::start(app.build().expect("a valid app"), cloud()).await;
    let request = endpoint.call(&CallBody::new("hangs")).signed(KEY);
    let mut stream = TcpStream::connect(endpoint.address()).await.expect("connects");
    stream.write_all(&request.to_bytes()).await.expect("the endpoint reads");
    take(&began).await;
    assert_eq!(signals.abandoned.available_permits(), 0);
    drop(stream);
    take(&signals.abandoned).await;
    assert_eq!(signals.after_began.available_permits(), 0, "there was no response");
}

#[tokio::test]
async fn a_request_that_breaks_off_is_no_call() {
    let signals = Signals::new();
    let app = builder().with(Watch(signals.clone())).build().expect("a valid app");
    let endpoint = Endpoint::start(app, cloud()).await;
    let request = endpoint.call(&call(json!(1))).signed(KEY).to_bytes();
    let mut stream = TcpStream::connect(endpoint.address()).await.expect("connects");
    stream.write_all(&request[..request.len() - 5]).await.expect("the endpoint reads");
    drop(stream);
    // The next one is answered, and its hooks are the only ones that run.
    let request = endpoint.call(&call(json!(1))).signed(KEY);
    signals.after_may_end.add_permits(2);
    assert_eq!(HttpClient::new().send(request).await.status, 200);
    take(&signals.after_ended).await;
    assert_eq!(signals.after_ended.available_permits(), 0);
    assert_eq!(signals.abandoned.available_permits(), 0);
}
