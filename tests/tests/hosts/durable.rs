//! The scenario as a durable function.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context as Poll, Waker};

use hookstack_core::host::BoxFuture;
use hookstack_core::{Event, Sent};
use hookstack_inject::Dep;
use hookstack_inngest::{App, CallRequest, Data, EventTransport, Function};
use hookstack_tests::shop::{keys, make_request, open_output};
use serde_json::json;

use crate::scenario::{Answer, Ending, Order, Stage, Till, pay};

/// Keeps what is sent.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Event>>>);

impl EventTransport for Kept {
    fn send<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Sent> {
        self.0.lock().expect("no panic").extend_from_slice(events);
        Box::pin(async { Sent::accepted(events.iter().filter_map(|e| e.id.clone()).collect()) })
    }
}

/// The one call of a run without steps; `None` when it was dropped.
pub(crate) async fn call(stage: &Stage, ending: Ending) -> Option<Answer> {
    let handler =
        |Data(order): Data<Order>, till: Dep<Till>| async move { pay(order, &till).await };
    let kept = Kept::default();
    let app = App::builder("shop")
        .stack(&stage.stack)
        .function(Function::builder("pay").on_event("shop/order").retries(0).handler(handler))
        .transport(kept.clone())
        .build()
        .expect("the app");
    let event = Event::new("shop/order", &Order::new(ending)).expect("JSON").with_id("order-1");
    app.send(event).await.into_result().expect("sent");
    let sent = kept.0.lock().expect("no panic").remove(0);
    let data: serde_json::Value = sent.data.to().expect("JSON");
    let event = json!({ "name": sent.name, "id": sent.id, "ts": sent.ts, "data": data });
    let mut body = make_request(&[&event], "01HOSTS0000000000000000000", json!({}));
    body["ctx"]["max_attempts"] = json!(1);
    stage.clear();

    let request = CallRequest::new("shop-pay", body.to_string());
    if ending == Ending::IsDropped {
        let mut call = Box::pin(app.call(request));
        assert!(call.as_mut().poll(&mut Poll::from_waker(Waker::noop())).is_pending());
        return None;
    }
    let response = app.call(request).await;
    let (worked, body) = (response.status.is_success(), response.body.to_vec());
    assert!(response.after_response().await.is_empty(), "nothing else went wrong");
    let text = String::from_utf8(body.clone()).expect("UTF-8");
    let output = worked.then(|| open_output(&keys(), "shop-pay", &text));
    Some(Answer { worked, body, output })
}
