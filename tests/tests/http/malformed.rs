//! What no client of good faith sends.

use axum::routing::post;
use axum::{Json, Router};
use hookstack_core::Stack;
use hookstack_encryption::{Context, Origin};
use hookstack_http::{HttpLayer, TrustedHost};
use hookstack_testing::Canary;
use hookstack_tests::shop::{encryption, keys};
use http::Method;
use serde_json::Value;

use crate::support::{request, serve};

const CANARY: &str = "canary-4111111111111111";

fn sealed(text: &str) -> String {
    let context = Context::http_request("POST", "/");
    let sealed = keys().seal(&context, &Origin::default(), text.as_bytes()).expect("sealed");
    String::from_utf8(sealed).expect("JSON")
}

#[tokio::test]
async fn a_table_of_malformed_bodies() {
    let layer =
        HttpLayer::builder().body_limit(10_000).with(encryption()).build().expect("a layer");
    let handler = async |Json(value): Json<Value>| Json(value);
    let server = serve(Router::new().route("/", post(handler)).layer(layer)).await;
    let good = sealed(&format!("\"{CANARY}\""));
    let mut damaged = good.clone().into_bytes();
    let place = damaged.len() - 20;
    damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
    let json = "application/json";
    let table: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("not JSON", format!("{{\"{CANARY}").into(), 400, json),
        ("not UTF-8", [b"\"\xff", CANARY.as_bytes(), b"\""].concat(), 400, json),
        ("two values", format!("\"{CANARY}\" 1").into(), 400, json),
        ("deeper than a parser goes", "[".repeat(9000).into(), 400, json),
        ("plaintext", format!("\"{CANARY}\"").into(), 400, json),
        ("half an envelope", good.as_bytes()[..good.len() / 2].to_vec(), 400, json),
        ("a damaged envelope", damaged, 400, json),
        ("an envelope of nothing", br#"{"__ENCRYPTED__":true}"#.to_vec(), 400, json),
        ("another content type", good.clone().into(), 400, "text/plain"),
        ("too large", vec![b' '; 10_001], 413, json),
        ("sealed, but no JSON", sealed(&format!("{{{CANARY}")).into(), 400, json),
    ];
    for (name, body, status, kind) in table {
        let mut asked = request(Method::POST, "/", "");
        asked.headers_mut().insert("content-type", http::HeaderValue::from_static(kind));
        *asked.body_mut() = body.into();
        let reply = server.send(asked).await;
        assert_eq!(reply.status.as_u16(), status, "{name}: {}", reply.text());
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{name}");
        assert_eq!(reply.json()["status"], status, "{name}");
        Canary::new(CANARY).assert_absent(name, &reply.body);
    }
    assert_eq!(server.post("/", &good).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_request_for_another_host_is_refused_before_it_is_read() {
    let stack = Stack::builder()
        .with(TrustedHost::new(["shop.example"]).expect("a host"))
        .with(encryption());
    let layer = hookstack_http::layer(stack).expect("a layer");
    let server = serve(Router::new().route("/", post(async || ())).layer(layer)).await;
    // The address of the socket is what the client names.
    let reply = server.post("/", &sealed("1")).await;
    assert_eq!(reply.status.as_u16(), 400);
    let mut asked = request(Method::POST, "/", &sealed("1"));
    asked.headers_mut().insert("host", http::HeaderValue::from_static("shop.example:80"));
    assert_eq!(server.send(asked).await.status.as_u16(), 200);
}
