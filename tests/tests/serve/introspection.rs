//! `GET` (Inngest SDK specification, section 4.5).

use std::collections::BTreeSet;

use hookstack_tests::endpoint::{Endpoint, KEY, OTHER_KEY, cloud, dev};
use hookstack_tests::http_client::{HttpClient, HttpRequest, HttpResponse};
use hookstack_tests::signing;
use http::Method;
use serde_json::{Value, json};

use crate::support::{app, assert_common_headers};

const EVENT_KEY: &str = "event-key-canary-7f3a";

fn keys(response: &HttpResponse) -> BTreeSet<String> {
    response.json().as_object().expect("an object").keys().cloned().collect()
}

fn set(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

const UNAUTHENTICATED: [&str; 8] = [
    "authentication_succeeded",
    "capabilities",
    "function_count",
    "has_event_key",
    "has_signing_key",
    "has_signing_key_fallback",
    "mode",
    "schema_version",
];

const AUTHENTICATED: [&str; 12] = [
    "api_origin",
    "app_id",
    "env",
    "event_api_origin",
    "event_key_hash",
    "framework",
    "sdk_language",
    "sdk_version",
    "serve_origin",
    "serve_path",
    "signing_key_fallback_hash",
    "signing_key_hash",
];

#[tokio::test]
async fn anybody_sees_what_is_no_secret() {
    let config = cloud().event_key(EVENT_KEY).signing_key_fallback(OTHER_KEY).environment("blue");
    let endpoint = Endpoint::start(app(), config).await;
    let client = HttpClient::new();
    let unsigned = client.send(HttpRequest::get(endpoint.url())).await;
    let expected = json!({
        "authentication_succeeded": null,
        "capabilities": { "in_band_sync": "v1", "trust_probe": "v1" },
        "function_count": 2,
        "has_event_key": true,
        "has_signing_key": true,
        "has_signing_key_fallback": true,
        "mode": "cloud",
        "schema_version": "2024-05-24",
    });
    assert_eq!((unsigned.status.as_u16(), unsigned.json()), (200, expected.clone()));
    assert_common_headers(&unsigned, "cloud", "axum");
    assert_eq!(unsigned.header("x-inngest-signature"), "", "nobody's signature was checked");

    // Signed by somebody else, too early, and with what is no signature.
    let wrong = HttpRequest::get(endpoint.url()).signed("signkey-test-77777777");
    let old = HttpRequest::get(endpoint.url()).signed_at(KEY, signing::now() - 301);
    let none = HttpRequest::get(endpoint.url()).header("x-inngest-signature", "t=1");
    let mut refused = expected;
    refused["authentication_succeeded"] = json!(false);
    for request in [wrong, old, none] {
        let response = client.send(request).await;
        assert_eq!((response.status.as_u16(), response.json()), (200, refused.clone()));
        assert_eq!(response.header("x-inngest-signature"), "");
    }
}

#[tokio::test]
async fn the_holder_of_a_key_sees_settings_and_hashes() {
    let config = cloud()
        .event_key(EVENT_KEY)
        .signing_key_fallback(OTHER_KEY)
        .environment("blue")
        .api_origin("http://127.0.0.1:9/api")
        .event_api_origin("http://127.0.0.1:9/events")
        .serve_origin("https://shop.example")
        .serve_path("/inngest");
    let endpoint = Endpoint::start(app(), config).await;
    let client = HttpClient::new();
    for key in [KEY, OTHER_KEY] {
        let response = client.send(HttpRequest::get(endpoint.url()).signed(key)).await;
        let expected = json!({
            "api_origin": "http://127.0.0.1:9/api",
            "app_id": "t",
            "authentication_succeeded": true,
            "capabilities": { "in_band_sync": "v1", "trust_probe": "v1" },
            "env": "blue",
            "event_api_origin": "http://127.0.0.1:9/events",
            "event_key_hash": signing::sha256(EVENT_KEY),
            "framework": "axum",
            "function_count": 2,
            "has_event_key": true,
            "has_signing_key": true,
            "has_signing_key_fallback": true,
            "mode": "cloud",
            "schema_version": "2024-05-24",
            "sdk_language": "rust",
            "sdk_version": env!("CARGO_PKG_VERSION"),
            "serve_origin": "https://shop.example",
            "serve_path": "/inngest",
            "signing_key_fallback_hash": signing::hashed(OTHER_KEY),
            "signing_key_hash": signing::hashed(KEY),
        });
        assert_eq!((response.status.as_u16(), response.json()), (200, expected));
        assert!(response.is_signed_with(key), "signed with the key that the request was");
    }
}

#[tokio::test]
async fn no_secret_is_ever_shown() {
    let config = cloud().event_key(EVENT_KEY).signing_key_fallback(OTHER_KEY);
    let endpoint = Endpoint::start(app(), config).await;
    let client = HttpClient::new();
    let get = || HttpRequest::get(endpoint.url());
    for request in [get(), get().signed(KEY), get().signed("signkey-test-77777777")] {
        let raw = String::from_utf8_lossy(&client.send(request).await.raw()).into_owned();
        for secret in [EVENT_KEY, "12345678", "90abcdef"] {
            assert!(!raw.contains(secret), "{secret} is in the response");
        }
    }
}

#[tokio::test]
async fn there_are_no_keys_beyond_the_schema() {
    let endpoint = Endpoint::start(app(), cloud()).await;
    let client = HttpClient::new();
    let unsigned = client.send(HttpRequest::get(endpoint.url())).await;
    assert_eq!(keys(&unsigned), set(&UNAUTHENTICATED));
    let signed = client.send(HttpRequest::get(endpoint.url()).signed(KEY)).await;
    assert_eq!(keys(&signed), set(&[&UNAUTHENTICATED[..], &AUTHENTICATED[..]].concat()));
    for absent in
        ["env", "event_key_hash", "serve_origin", "serve_path", "signing_key_fallback_hash"]
    {
        assert_eq!(signed.json()[absent], Value::Null, "{absent}");
    }
}

#[tokio::test]
async fn without_a_key_a_signature_says_nothing() {
    let client = HttpClient::new();
    // In development mode it is not checked, in cloud mode it cannot be.
    let no_key = || cloud().signing_key("");
    assert!(no_key().build().is_err(), "an empty key is a mistake, not a missing one");
    let endpoint = Endpoint::start(app(), dev()).await;
    let response = client.send(HttpRequest::get(endpoint.url()).signed(KEY)).await;
    assert_eq!(response.json()["authentication_succeeded"], Value::Null);
    assert_eq!(response.json()["mode"], "dev");
    assert_eq!(response.json()["has_signing_key"], false);

    let config = hookstack_inngest::Config::builder().variables(|_| None);
    let endpoint = Endpoint::start(app(), config.base_url("http://127.0.0.1:9")).await;
    let response = client.send(HttpRequest::get(endpoint.url()).signed(KEY)).await;
    assert_eq!(response.json()["authentication_succeeded"], false);
}

#[tokio::test]
async fn head_has_no_body() {
    let endpoint = Endpoint::start(app(), cloud()).await;
    let head = HttpRequest::new(Method::HEAD, endpoint.url());
    let response = HttpClient::new().send(head).await;
    assert_eq!((response.status.as_u16(), response.body.len()), (200, 0));
    assert_common_headers(&response, "cloud", "axum");
}
