//! `PUT` (Inngest SDK specification, section 4.3).

use hookstack_inngest::ConfigBuilder;
use hookstack_tests::endpoint::{Endpoint, KEY, OTHER_KEY, cloud, dev};
use hookstack_tests::fake_server::{FakeServer, Recorded, Route};
use hookstack_tests::http_client::{HttpClient, HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::support::{app, assert_common_headers, registered};

/// Takes syncs of everybody, also without an address of its own.
fn open() -> ConfigBuilder {
    cloud().unsigned_sync(true)
}

/// An endpoint, the server that it registers with, and a client.
struct Scene {
    server: FakeServer,
    endpoint: Endpoint,
    client: HttpClient,
}

impl Scene {
    async fn of(config: ConfigBuilder) -> Self {
        let server = FakeServer::start().await;
        let endpoint = Endpoint::start(app(), config.api_origin(server.origin())).await;
        Scene { server, endpoint, client: HttpClient::new() }
    }

    fn put(&self) -> HttpRequest {
        HttpRequest::put(self.endpoint.url())
    }

    async fn sync(&self, request: HttpRequest) -> HttpResponse {
        let response = self.client.send(request).await;
        assert_eq!(response.header("x-inngest-req-version"), "2");
        response
    }

    /// Syncs out of band and tells what was registered.
    async fn register(&self, request: HttpRequest) -> Recorded {
        let response = self.sync(request).await;
        assert_eq!(response.status, 200, "{response:?}");
        self.server.requests_to(Route::Register).pop().expect("a registration")
    }

    /// Syncs out of band and tells the address that was registered.
    async fn registered_url(&self, request: HttpRequest) -> Value {
        self.register(request).await.json()["url"].clone()
    }

    fn in_band(&self, url: &str) -> HttpRequest {
        self.put().header("x-inngest-sync-kind", "in_band").body(json!({ "url": url }).to_string())
    }
}

#[tokio::test]
async fn out_of_band_registers_the_app_with_the_server() {
    let scene = Scene::of(open().environment("blue")).await;
    let put = HttpRequest::put(format!("{}?deployId=d-1", scene.endpoint.url()))
        .header("x-inngest-server-kind", "cloud");
    let response = scene.sync(put).await;
    let expected = json!({ "message": "Successfully synced.", "modified": true });
    assert_eq!((response.status.as_u16(), response.json()), (200, expected));
    assert_common_headers(&response, "cloud", "axum");
    assert_eq!(response.header("x-inngest-sync-kind"), "out_of_band");
    assert_eq!(response.header("x-inngest-signature"), "", "it was not asked by a holder of a key");

    let requests = scene.server.requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!((request.path.as_str(), request.query.as_str()), ("/fn/register", "deployId=d-1"));
    let version = env!("CARGO_PKG_VERSION");
    for (name, value) in [
        // The hash of the specification's example.
        (
            "authorization",
            "Bearer signkey-test-b2ed992186a5cb19f6668aade821f502c1d00970dfd0e35128d51bac4649916c",
        ),
        ("content-type", "application/json"),
        ("x-inngest-env", "blue"),
        ("x-inngest-expected-server-kind", "cloud"),
        ("x-inngest-framework", "axum"),
        ("x-inngest-req-version", "2"),
        ("x-inngest-sdk", &format!("hookstack:v{version}")),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
    let origin = format!("http://{}", scene.endpoint.address());
    let expected = json!({
        "appName": "t",
        "capabilities": { "in_band_sync": "v1", "trust_probe": "v1" },
        "deployType": "ping",
        "framework": "axum",
        "functions": [registered("echo", &origin), registered("charge", &origin)],
        "sdk": format!("hookstack:v{version}"),
        "url": format!("{origin}/api/inngest"),
        "v": "0.1",
    });
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn the_expected_kind_of_server_is_only_told_when_the_request_told_one() {
    let scene = Scene::of(dev()).await;
    let silent = scene.register(scene.put()).await;
    assert_eq!(silent.header("x-inngest-expected-server-kind"), "");
    assert_eq!(silent.header("authorization"), "", "there is no key");
    assert_eq!(silent.query, "");
    let told = scene.register(scene.put().header("x-inngest-server-kind", "dev")).await;
    assert_eq!(told.header("x-inngest-expected-server-kind"), "dev");
}

#[tokio::test]
async fn the_servers_modified_is_passed_on() {
    let scene = Scene::of(open()).await;
    for (answer, modified) in [
        (r#"{"ok":true,"modified":true}"#, true),
        (r#"{"ok":true,"modified":false}"#, false),
        (r#"{"ok":true}"#, false),
        (r#"{"ok":true,"modified":null}"#, false),
        ("", false),
    ] {
        scene.server.answer(Route::Register, 200, answer);
        let response = scene.sync(scene.put()).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.json()["modified"], modified, "{answer}");
    }
}

#[tokio::test]
async fn the_fallback_key_is_used_when_the_server_does_not_know_the_first() {
    let scene = Scene::of(open().signing_key_fallback(OTHER_KEY)).await;
    scene.server.require_key(OTHER_KEY);
    scene.register(scene.put()).await;
    let requests = scene.server.requests();
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].header("authorization"), requests[1].header("authorization"));
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn without_a_key_that_the_server_knows_the_sync_fails() {
    let scene = Scene::of(open()).await;
    scene.server.require_key(OTHER_KEY);
    let response = scene.sync(scene.put()).await;
    assert_eq!(response.status, 500);
    assert_eq!(response.json()["message"], "the signing key is not known");
    assert_eq!(response.json()["modified"], false);
    assert_eq!(scene.server.requests().len(), 1, "there is no other key to try");
}

#[tokio::test]
async fn what_the_server_refuses_is_passed_back() {
    let scene = Scene::of(open()).await;
    for (status, answer, message) in [
        (400, r#"{"error":"the cron schedule is invalid"}"#, "the cron schedule is invalid"),
        (500, "<html>", "the server answered the registration with status 500"),
        (302, "", "the server answered the registration with status 302"),
        (201, r#"{"ok":true}"#, "the server answered the registration with status 201"),
    ] {
        scene.server.answer(Route::Register, status, answer);
        let response = scene.sync(scene.put()).await;
        let expected = json!({ "code": "registration_failed", "name": "Refused", "message": message, "modified": false });
        assert_eq!((response.status.as_u16(), response.json()), (500, expected));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there() {
    // A port that was free a moment ago.
    let gone = FakeServer::start().await;
    let origin = gone.origin().to_owned();
    drop(gone);
    while HttpClient::new().try_send(HttpRequest::get(&origin)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let endpoint = Endpoint::start(app(), open().api_origin(origin)).await;
    let response = HttpClient::new().send(HttpRequest::put(endpoint.url())).await;
    assert_eq!(response.status, 500);
    let expected = json!({
        "code": "registration_failed",
        "name": "Refused",
        "message": "the server's API: no connection could be made",
        "modified": false,
    });
    assert_eq!(response.json(), expected);
}

#[tokio::test]
async fn the_configured_address_wins() {
    let scene = Scene::of(open().serve_origin("https://shop.example")).await;
    assert_eq!(scene.registered_url(scene.put()).await, "https://shop.example/api/inngest");
    let scene = Scene::of(open().serve_path("/public/inngest")).await;
    let expected = format!("http://{}/public/inngest", scene.endpoint.address());
    assert_eq!(scene.registered_url(scene.put()).await, expected);
    let scene = Scene::of(open().serve_origin("https://shop.example").serve_path("/i")).await;
    let forwarded = scene.put().header("x-forwarded-host", "evil.example");
    assert_eq!(scene.registered_url(forwarded).await, "https://shop.example/i");
    let registered = scene.register(scene.put()).await.json();
    let runtime = &registered["functions"][0]["steps"]["step"]["runtime"];
    assert_eq!(runtime["url"], "https://shop.example/i?fnId=t-echo&stepId=step");
}

#[tokio::test]
async fn what_a_proxy_says_about_the_address() {
    let scene = Scene::of(cloud()).await;
    let address = scene.endpoint.address();
    for (proto, host, expected) in [
        ("https", "shop.example", "https://shop.example/api/inngest".to_owned()),
        ("http", "shop.example", "http://shop.example/api/inngest".to_owned()),
        ("", "shop.example", "https://shop.example/api/inngest".to_owned()),
        ("https, http", "shop.example, inner", "https://shop.example/api/inngest".to_owned()),
        ("https", "shop.example:8443", "https://shop.example:8443/api/inngest".to_owned()),
        ("https", "", format!("https://{address}/api/inngest")),
        ("gopher", "", format!("http://{address}/api/inngest")),
    ] {
        let put = scene
            .put()
            .header("x-forwarded-proto", proto)
            .header("x-forwarded-host", host)
            .signed(KEY);
        assert_eq!(scene.registered_url(put).await, expected, "{proto} {host}");
    }
}

/// Otherwise anybody could have the server send its events to an address of theirs.
#[tokio::test]
async fn an_unsigned_sync_does_not_decide_the_address() {
    let scene = Scene::of(cloud()).await;
    let response = scene.sync(scene.put().header("x-forwarded-host", "evil.example")).await;
    assert_eq!((response.status.as_u16(), &response.json()["code"]), (500, &json!("sig_missing")));
    assert!(response.json()["message"].as_str().unwrap().contains("INNGEST_SERVE_ORIGIN"));
    assert_eq!(scene.server.requests().len(), 0);
    let scene = Scene::of(open()).await;
    let forwarded = scene.put().header("x-forwarded-host", "evil.example");
    let expected = format!("http://{}/api/inngest", scene.endpoint.address());
    assert_eq!(scene.registered_url(forwarded).await, expected);
    let scene = Scene::of(cloud().serve_origin("https://shop.example")).await;
    let forwarded = scene.put().header("x-forwarded-host", "evil.example");
    assert_eq!(scene.registered_url(forwarded).await, "https://shop.example/api/inngest");
}

#[tokio::test]
async fn a_host_that_is_none_is_refused() {
    let scene = Scene::of(cloud()).await;
    for host in ["me@shop.example", "shop.example/path", "a b", "shop.example?x", ":80"] {
        let response = scene.sync(scene.put().header("x-forwarded-host", host).signed(KEY)).await;
        assert_eq!(response.status, 400, "{host}");
        let message = response.json()["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains("host") && !message.contains(host), "{message}");
        assert_eq!(response.json()["modified"], false);
    }
    // Only proxies' headers are lists.
    let two = scene.put().header("host", "shop.example, other.example").signed(KEY);
    assert_eq!(scene.sync(two).await.status, 400);
    assert_eq!(scene.server.requests().len(), 0);
}

#[tokio::test]
async fn own_query_parameters_are_kept_and_those_of_the_request_are_not() {
    let scene = Scene::of(open()).await;
    let query = "bypass=a%26b&deployId=d-1&fnId=x&stepId=y&probe=z&empty=";
    let url = format!("{}?{query}", scene.endpoint.url());
    let registered = scene.register(HttpRequest::put(&url).signed(KEY)).await;
    assert_eq!(registered.query, "deployId=d-1");
    let app = format!("http://{}/api/inngest?bypass=a%26b&empty=", scene.endpoint.address());
    let registered = registered.json();
    assert_eq!(registered["url"], app);
    let runtime = &registered["functions"][1]["steps"]["step"]["runtime"];
    assert_eq!(runtime["url"], format!("{app}&fnId=t-charge&stepId=step"));
    // Whoever sends an unsigned request has no say in the address.
    let bare = format!("http://{}/api/inngest", scene.endpoint.address());
    let unsigned = scene.register(HttpRequest::put(&url)).await;
    assert_eq!((unsigned.query.as_str(), &unsigned.json()["url"]), ("deployId=d-1", &json!(bare)));
    // In development mode nobody signs.
    let scene = Scene::of(dev()).await;
    let url = format!("{}?bypass=a%26b", scene.endpoint.url());
    assert_eq!(scene.registered_url(HttpRequest::put(&url)).await, url);
}

#[tokio::test]
async fn unsigned_out_of_band_syncs_can_be_refused() {
    let scene = Scene::of(cloud().unsigned_sync(false)).await;
    let response = scene.sync(scene.put()).await;
    assert_eq!(response.status, 500);
    assert_eq!(response.json()["code"], "sig_missing");
    assert_eq!(response.json()["modified"], false);
    assert_eq!(scene.server.requests().len(), 0);
    let signed = scene.sync(scene.put().signed(KEY)).await;
    assert_eq!(signed.status, 200);
    assert!(signed.is_signed_with(KEY));
    // A wrong signature is refused, whatever is allowed without one.
    let scene = Scene::of(cloud()).await;
    let response = scene.sync(scene.put().signed(OTHER_KEY)).await;
    assert_eq!(response.status, 500);
    assert_eq!(response.json()["code"], "sig_verification_failed");
    assert_eq!(scene.server.requests().len(), 0);
}

#[tokio::test]
async fn in_band_answers_with_the_functions_at_the_address_in_the_body() {
    for config in [cloud(), dev().signing_key(KEY)] {
        let scene = Scene::of(config).await;
        let request = scene.in_band("https://proxy.example/x?token=1&deployId=d").signed(KEY);
        let response = scene.sync(request).await;
        assert_eq!(response.status, 200, "{response:?}");
        assert!(response.is_signed_with(KEY));
        assert_eq!(response.header("x-inngest-sync-kind"), "in_band");
        let json = response.json();
        assert_eq!(json["app_id"], "t");
        assert_eq!(json["url"], "https://proxy.example/x?token=1");
        let mut echo = registered("echo", "");
        let url = "https://proxy.example/x?token=1&fnId=t-echo&stepId=step";
        echo["steps"]["step"]["runtime"]["url"] = url.into();
        assert_eq!(json["functions"][0], echo);
        assert_eq!(json["inspection"]["authentication_succeeded"], true);
        assert_eq!(scene.server.requests().len(), 0, "nothing is registered by ourselves");
    }
    let scene = Scene::of(cloud().serve_origin("https://shop.example").serve_path("/i")).await;
    let response = scene.sync(scene.in_band("http://proxy.example/x?token=1").signed(KEY)).await;
    assert_eq!(response.json()["url"], "https://shop.example/i?token=1");
}

#[tokio::test]
async fn in_band_needs_a_signature_in_every_mode() {
    for (config, request, code) in [
        (cloud(), None, "sig_missing"),
        (cloud(), Some(OTHER_KEY), "sig_verification_failed"),
        (dev().signing_key(KEY), None, "sig_missing"),
        (dev().signing_key(KEY), Some(OTHER_KEY), "sig_verification_failed"),
        (dev(), None, "signing_key_unspecified"),
        (dev(), Some(KEY), "signing_key_unspecified"),
    ] {
        let scene = Scene::of(config).await;
        let mut sync = scene.in_band("https://proxy.example/x");
        if let Some(key) = request {
            sync = sync.signed(key);
        }
        let response = scene.sync(sync).await;
        assert_eq!((response.status.as_u16(), &response.json()["code"]), (500, &json!(code)));
        assert_eq!(response.json()["modified"], false);
        assert!(response.json().get("functions").is_none());
        // A remedy that is one: development mode alone does not help here.
        let message = response.json()["message"].as_str().unwrap_or_default().to_owned();
        assert!(!message.contains("INNGEST_DEV"), "{message}");
        assert_eq!(scene.server.requests().len(), 0);
    }
}

#[tokio::test]
async fn in_band_accepts_the_fallback_key_and_both_spellings() {
    let scene = Scene::of(cloud().signing_key_fallback(OTHER_KEY)).await;
    let sync = scene.in_band("https://proxy.example/x").header("x-inngest-sync-kind", "in-band");
    let response = scene.sync(sync.signed(OTHER_KEY)).await;
    assert_eq!(response.status, 200);
    assert!(response.is_signed_with(OTHER_KEY));
}

#[tokio::test]
async fn in_band_can_be_switched_off() {
    let scene = Scene::of(cloud().in_band_sync(false)).await;
    let response = scene.sync(scene.in_band("https://proxy.example/x").signed(KEY)).await;
    assert_eq!(response.header("x-inngest-sync-kind"), "out_of_band");
    let expected = json!({ "message": "Successfully synced.", "modified": true });
    assert_eq!((response.status.as_u16(), response.json()), (200, expected));
    assert_eq!(scene.server.requests().len(), 1);
}

#[tokio::test]
async fn in_band_without_a_usable_address() {
    let scene = Scene::of(cloud()).await;
    for (body, message) in [
        ("", "sync request: field `url`: the text ends too early"),
        ("{}", "sync request: field `url`: missing field `url`"),
        ("7", "sync request: field `url`: invalid type: integer, expected an object"),
        (r#"{"url":7}"#, "sync request: field `url`: invalid type: integer, expected a string"),
        (r#"{"url":"canary.example"}"#, "field `url`: must be an absolute address"),
        (r#"{"url":"ftp://canary.example"}"#, "field `url`: must be an absolute address"),
        (r#"{"url":"http://"}"#, "field `url`: must be an absolute address"),
    ] {
        let sync = scene.put().header("x-inngest-sync-kind", "in_band").body(body).signed(KEY);
        let response = scene.sync(sync).await;
        assert_eq!(response.status, 400, "{body}");
        let text = response.json()["message"].as_str().unwrap_or_default().to_owned();
        assert!(text.contains(message) && !text.contains("canary"), "{body}: {text}");
    }
}
