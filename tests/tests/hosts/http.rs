//! The scenario as a route of an HTTP service.

use std::future::Future;
use std::task::{Context as Poll, Waker};

use axum::body::{Body, to_bytes};
use axum::routing::post;
use axum::{Json, Router};
use hookstack_encryption::{Context, Header};
use hookstack_http::{Arg, HandlerError, HttpLayer};
use hookstack_inject::Dep;
use hookstack_tests::shop::keys;
use tower::ServiceExt;

use crate::scenario::{Answer, Ending, Order, Receipt, Stage, Till, open, pay};

async fn handler(
    Arg(till): Arg<Dep<Till>>,
    Json(order): Json<Order>,
) -> Result<Json<Receipt>, HandlerError> {
    Ok(Json(pay(order, &till).await?))
}

pub(crate) async fn call(stage: &Stage, ending: Ending) -> Option<Answer> {
    let layer = HttpLayer::builder().app_id("shop").stack(&stage.stack).build().expect("the layer");
    let router = Router::new().route("/pay", post(handler)).layer(layer.clone());
    let body = Order::sealed(ending, &Context::http_request("POST", "/pay"));
    let commitment = Header::read(&body).expect("an envelope").commitment();
    let request = http::Request::post("/pay").header("content-type", "application/json");
    let request = request.body(Body::from(body)).expect("a request");
    stage.clear();

    let mut call = Box::pin(router.oneshot(request));
    if ending == Ending::IsDropped {
        assert!(call.as_mut().poll(&mut Poll::from_waker(Waker::noop())).is_pending());
        return None;
    }
    let response = call.await.expect("never fails");
    let worked = response.status().is_success();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body").to_vec();
    // The body is delivered, so `after_response` runs now, in a task.
    layer.drain().await;
    let place = Context::http_response("POST", "/pay", commitment);
    let output = worked.then(|| open(&keys(), &place, &body));
    Some(Answer { worked, body, output })
}
