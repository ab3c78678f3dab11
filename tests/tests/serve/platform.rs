//! Hooks see the HTTP request.

use std::sync::{Arc, Mutex};

use hookstack_core::{BeforeExecution, Middleware, Result};
use hookstack_tests::endpoint::{Endpoint, KEY, cloud};
use hookstack_tests::http_client::HttpClient;
use http::request::Parts;
use serde_json::json;

use crate::support::{builder, call};

/// Keeps what it sees of the request.
struct Watch(Arc<Mutex<Vec<String>>>);

impl Middleware for Watch {
    async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> Result {
        let parts: &Parts = cx.info().platform().expect("the endpoint gives its request");
        let header = |name: &str| {
            parts.headers.get(name).map_or("", |value| value.to_str().expect("ASCII")).to_owned()
        };
        let mut seen = self.0.lock().expect("not poisoned");
        seen.push(format!("{} {}", parts.method, parts.uri));
        seen.extend(["traceparent", "x-tenant"].map(header));
        Ok(())
    }
}

#[tokio::test]
async fn a_hook_reads_method_address_and_headers() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let app = builder().with(Watch(seen.clone())).build().expect("a valid app");
    let endpoint = Endpoint::start(app, cloud()).await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = endpoint
        .call(&call(json!(1)))
        .header("traceparent", traceparent)
        .header("x-tenant", "blue")
        .signed(KEY);
    assert_eq!(HttpClient::new().send(request).await.status, 200);
    let expected = ["POST /api/inngest?fnId=t-echo&stepId=step", traceparent, "blue"];
    assert_eq!(*seen.lock().expect("not poisoned"), expected);
}
