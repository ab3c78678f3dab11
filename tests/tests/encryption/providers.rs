//! Keys that are asked for again while calls come and go.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hookstack_encryption::{Encryption, EventPolicy, Key, KeyError, KeyProvider, Keyset};
use hookstack_inngest::{App, CallRequest, Data, Function};
use hookstack_tests::shop::{R, make_request};
use serde_json::{Value, json};

fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32])
}

/// First key 1, then no answer at all, then key 2.
struct Hanging(Arc<AtomicUsize>);

impl KeyProvider for Hanging {
    async fn keyset(&self) -> Result<Keyset, KeyError> {
        let byte = match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => 1,
            1 => pending().await,
            _ => 2,
        };
        Keyset::builder().primary(key(byte)).build()
    }
}

async fn echo(Data(data): Data<Value>) -> R<Value> {
    Ok(data)
}

fn app(encryption: Encryption) -> App {
    let echo = Function::builder("echo").on_event("e").handler(echo);
    App::builder("app").with(encryption).function(echo).build().expect("the app")
}

/// A call whose caller hung up must not look as if the keys had been read.
#[tokio::test]
async fn a_call_that_is_given_up_while_it_asks_for_keys_counts_as_a_failed_reload() {
    let asked = Arc::new(AtomicUsize::new(0));
    let encryption = Encryption::from_provider(Hanging(asked.clone())).await.expect("key 1");
    let encryption =
        encryption.reload_every(Duration::ZERO).event("e", EventPolicy::plaintext()).build();
    let (keys, counters) = (encryption.keyset(), encryption.counters());
    let app = app(encryption);
    let event = json!({ "name": "e", "id": "1", "data": {} });
    let body = make_request(&[&event], "run", json!({})).to_string();

    let mut call = Box::pin(app.call(CallRequest::new("app-echo", body.clone())));
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending));
    assert_eq!((asked.load(Ordering::Relaxed), counters.read().reloads_failed()), (2, 0));
    drop(call);
    assert_eq!(counters.read().reloads_failed(), 1);
    assert_eq!(keys.primary(), key(1).id());

    let response = app.call(CallRequest::new("app-echo", body)).await;
    assert_eq!(response.status.as_u16(), 200);
    response.after_response().await;
    assert_eq!((keys.primary(), counters.read().reloads_failed()), (key(2).id(), 1));
}
