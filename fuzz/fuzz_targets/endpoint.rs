//! Arbitrary requests to the served endpoint, in process: a line `METHOD query`, header lines, an empty line,
//! the body. A header `sign` is replaced by a signature of the body.
//!
//! Whatever comes, the answer is JSON with a status of the protocol, and an error does not quote the canary,
//! which the seeds carry in every place that can hold it.
#![no_main]

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use hookstack_core::Error;
use hookstack_inngest::{App, Config, Data, Function, Serve, Step, serve};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sha2::Sha256;
use tokio::runtime::Runtime;
use tower_service::Service;

const CANARY: &[u8] = b"canary-7f3a-4111";

/// Errors of its own quote nothing, so whatever an error quotes comes from the endpoint.
async fn order(Data(data): Data<Value>, step: Step) -> Result<Value, Error> {
    let pay = step.run("pay", || async { Ok::<_, Error>(data["id"].clone()) }).await;
    step.sleep("nap", std::time::Duration::from_secs(1)).await?;
    pay.map_err(|_| Error::message("not paid"))
}

thread_local! {
    static ENDPOINT: RefCell<(Runtime, Serve)> = {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let function = Function::builder("f").on_event("shop/order").handler(order);
        let app = App::builder("shop").function(function).build().expect("the app is in order");
        // Nobody answers there, so whatever is to be fetched fails at once.
        let config = Config::builder().variables(|_| None).dev_server("http://127.0.0.1:9");
        let config = config.signing_key("signkey-test-12345678").build();
        let config = config.expect("the configuration is in order");
        let endpoint = serve(app).config(config).max_body(4096).build();
        RefCell::new((runtime.expect("a runtime"), endpoint.expect("the endpoint is in order")))
    };
}

fuzz_target!(|data: &[u8]| {
    let Some(request) = request(data) else { return };
    ENDPOINT.with_borrow_mut(|(runtime, endpoint)| {
        runtime.block_on(async {
            let response = endpoint.call(request).await.expect("it never fails");
            let (parts, body) = response.into_parts();
            let status = parts.status.as_u16();
            assert!([200, 206, 400, 405, 413, 500].contains(&status), "{status}");
            let body = body.collect().await.expect("it never fails").to_bytes();
            serde_json::from_slice::<serde::de::IgnoredAny>(&body).expect("the response is JSON");
            if status >= 400 {
                let quoted = body.windows(CANARY.len()).any(|window| window == CANARY);
                assert!(!quoted, "{}", String::from_utf8_lossy(&body));
                let error: Value = serde_json::from_slice(&body).expect("an error is plain JSON");
                assert!(error["message"].is_string(), "{error}");
            }
            endpoint.drain().await;
        });
    });
});

fn request(data: &[u8]) -> Option<Request<Full<Bytes>>> {
    let end = data.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, body) = (&data[..end], &data[end + 2..]);
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    let space = first.iter().position(|byte| *byte == b' ')?;
    let method = Method::from_bytes(&first[..space]).ok()?;
    let query = std::str::from_utf8(&first[space + 1..]).ok()?;
    let uri: http::Uri = format!("/api/inngest?{query}").parse().ok()?;
    let body = Bytes::copy_from_slice(body);
    let mut request = Request::new(());
    for line in lines {
        if line == b"sign" {
            request.headers_mut().insert("x-inngest-signature", signature(&body));
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        request.headers_mut().append(name, HeaderValue::from_bytes(&line[colon + 1..]).ok()?);
    }
    if method == Method::PUT {
        // The other kind of sync asks the server.
        request.headers_mut().insert("x-inngest-sync-kind", HeaderValue::from_static("in_band"));
    }
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let (parts, ()) = request.into_parts();
    Some(Request::from_parts(parts, Full::new(body)))
}

fn signature(body: &[u8]) -> HeaderValue {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"12345678").expect("any length");
    mac.update(body);
    mac.update(now.to_string().as_bytes());
    let digits: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    HeaderValue::from_str(&format!("t={now}&s={digits}")).expect("ASCII")
}
