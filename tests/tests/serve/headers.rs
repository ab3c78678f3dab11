//! Headers of every kind of response (Inngest SDK specification, section 4.1).

use std::time::Duration;

use hookstack_core::{Call, Error, Middleware, Next, NonRetriable, Outcome, Result, RetryAfter};
use hookstack_inngest::{App, Function, Step, serve};
use hookstack_tests::endpoint::{Endpoint, KEY, cloud};
use hookstack_tests::http_client::{HttpClient, HttpRequest, HttpResponse};
use hookstack_tests::request::CallBody;
use http::Method;
use serde_json::json;

use crate::support::assert_common_headers;

async fn fine() -> Result<&'static str> {
    Ok("fine")
}

async fn fails() -> Result<()> {
    Err(Error::message("boom"))
}

async fn never() -> Result<()> {
    Err(NonRetriable::new("never").into())
}

async fn later() -> Result<()> {
    Err(RetryAfter::new(Duration::from_millis(90_500), "later").into())
}

async fn step(step: Step) -> Result<()> {
    step.run("pay", async || Ok::<_, Error>(1)).await?;
    Ok(())
}

async fn failing_step(step: Step) -> Result<()> {
    let body = async || Err::<(), Error>(RetryAfter::new(Duration::from_secs(7), "later").into());
    step.run("pay", body).await?;
    Ok(())
}

fn app() -> hookstack_inngest::AppBuilder {
    let function = |id: &str| Function::builder(id).on_event("t/event");
    App::builder("t")
        .function(function("fine").handler(fine))
        .function(function("fails").handler(fails))
        .function(function("never").handler(never))
        .function(function("later").handler(later))
        .function(function("step").handler(step))
        .function(function("failing-step").handler(failing_step))
}

struct Scene {
    endpoint: Endpoint,
    client: HttpClient,
}

impl Scene {
    async fn of(builder: hookstack_inngest::ServeBuilder) -> Self {
        // A variable that tells the platform, so that its header is there too.
        let config = cloud().variables(|name| (name == "RENDER").then(|| "true".to_owned()));
        Scene { endpoint: Endpoint::of(builder, config).await, client: HttpClient::new() }
    }

    async fn start() -> Self {
        Scene::of(serve(app()).max_body(100_000)).await
    }

    async fn call(&self, function: &str) -> HttpResponse {
        self.client.send(self.endpoint.call(&CallBody::new(function)).signed(KEY)).await
    }
}

#[tokio::test]
async fn every_response_has_the_common_headers() {
    let scene = Scene::start().await;
    let url = scene.endpoint.url();
    let in_band = HttpRequest::put(&url)
        .header("x-inngest-sync-kind", "in_band")
        .body(r#"{"url":"http://127.0.0.1:9/"}"#);
    let call = |function: &str| scene.endpoint.call(&CallBody::new(function));
    let kinds = [
        ("introspection", HttpRequest::get(&url), 200),
        ("authenticated introspection", HttpRequest::get(&url).signed(KEY), 200),
        ("in-band sync", in_band.clone().signed(KEY), 200),
        ("refused in-band sync", in_band, 500),
        ("failed sync", HttpRequest::put(&url), 500),
        ("result", call("fine").signed(KEY), 200),
        ("operation", call("step").signed(KEY), 206),
        ("error", call("fails").signed(KEY), 500),
        ("final error", call("never").signed(KEY), 400),
        ("unsigned call", call("fine"), 500),
        ("unknown function", call("nobody").signed(KEY), 500),
        ("malformed call", call("fine").body("{").signed(KEY), 400),
        ("large call", call("fine").body(vec![b' '; 100_001]).signed(KEY), 413),
        ("probe", HttpRequest::post(format!("{url}?probe=trust")).signed(KEY), 200),
        ("unknown probe", HttpRequest::post(format!("{url}?probe=x")).signed(KEY), 400),
        ("no function", HttpRequest::post(&url).signed(KEY), 400),
        ("another method", HttpRequest::new(Method::DELETE, &url), 405),
    ];
    for (kind, request, status) in kinds {
        let response = scene.client.send(request).await;
        assert_eq!(response.status, status, "{kind}");
        assert_common_headers(&response, "cloud", "axum");
        assert_eq!(response.header("x-inngest-platform"), "render", "{kind}");
        assert_eq!(response.header("content-length"), response.body.len().to_string(), "{kind}");
    }
}

#[tokio::test]
async fn errors_of_calls_say_whether_and_when_to_try_again() {
    let scene = Scene::start().await;
    for (function, status, no_retry, retry_after) in [
        ("fine", 200, "", ""),
        ("step", 206, "", ""),
        ("fails", 500, "false", ""),
        ("never", 400, "true", ""),
        // Rounded up: never earlier than was asked for.
        ("later", 500, "false", "91"),
        ("failing-step", 206, "false", "7"),
        ("nobody", 500, "false", ""),
    ] {
        let response = scene.call(function).await;
        assert_eq!(response.status, status, "{function}");
        assert_eq!(response.header("x-inngest-no-retry"), no_retry, "{function}");
        assert_eq!(response.header("retry-after"), retry_after, "{function}");
    }
}

#[tokio::test]
async fn the_framework_can_be_named() {
    let app = app().build().expect("a valid app");
    let scene = Scene::of(serve(app).framework("actix")).await;
    assert_common_headers(&scene.call("fine").await, "cloud", "actix");
}

/// Takes its name and some time.
struct Slow(&'static str, Duration);

impl Middleware for Slow {
    fn name(&self) -> &str {
        self.0
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        tokio::time::sleep(self.1).await;
        next.run(cx).await
    }
}

/// Names and milliseconds.
fn timings(response: &HttpResponse) -> Vec<(String, f64)> {
    let entries = response.header("server-timing").split(", ");
    entries
        .map(|entry| {
            let (name, time) = entry.split_once(";dur=").expect("a duration");
            (name.to_owned(), time.parse().expect("milliseconds"))
        })
        .collect()
}

#[tokio::test]
async fn server_timing_has_each_middleware() {
    let app = app()
        .with(Slow("outer", Duration::from_millis(20)))
        .with(Slow("my::inner<T>", Duration::from_millis(5)))
        .with(Slow("outer", Duration::from_millis(1)))
        .build()
        .expect("a valid app");
    let scene = Scene::of(serve(app.clone())).await;
    for function in ["fine", "step", "fails", "never"] {
        let response = scene.call(function).await;
        let timings = timings(&response);
        let names: Vec<&str> = timings.iter().map(|(name, _)| name.as_str()).collect();
        let expected = ["mw.outer", "mw.my__inner_T_", "mw.outer.2", "code", "host", "total"];
        assert_eq!(names, expected, "{function}");
        let times: Vec<f64> = timings.iter().map(|(_, time)| *time).collect();
        assert!(times[0] >= 20.0 && times[1] >= 5.0 && times[2] >= 1.0, "{times:?}");
        let parts: f64 = times[..5].iter().sum();
        // Each is cut to microseconds.
        assert!((times[5] - parts).abs() < 0.01, "the parts are the whole: {times:?}");
    }
    let scene = Scene::of(serve(app).server_timing(false)).await;
    assert_eq!(scene.call("fine").await.header("server-timing"), "");
}

#[tokio::test]
async fn without_middleware_there_is_the_total() {
    let scene = Scene::start().await;
    let names: Vec<String> =
        timings(&scene.call("fine").await).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["total"]);
    let response = scene.client.send(HttpRequest::get(scene.endpoint.url())).await;
    assert_eq!(response.header("server-timing"), "", "no call, no time");
    assert_eq!(response.json()["function_count"], json!(6));
}
