//! The endpoint as a tower service.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::{self, ResponseBody};
use super::endpoint::Serve;

/// Takes requests with any body, for instance hyper's, axum's or `lambda_http`'s.
///
/// Dropping the future, as a server does when its client is gone, drops the call: the middleware's
/// `on_abandoned` runs. Hooks find the request as [`http::request::Parts`] at
/// [`CallInfo::platform`](hookstack_core::CallInfo::platform).
impl<B> Service<Request<B>> for Serve
where
    B: Body + Send + 'static,
    B::Data: Buf + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let endpoint = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            if let Some(refused) = endpoint.refuse_unread(&parts) {
                return Ok(refused);
            }
            let (limit, time) = (endpoint.max_body(&parts), endpoint.shared.body_timeout);
            let body = body::read(body, limit, time).await;
            Ok(endpoint.handle(parts, body).await)
        })
    }
}
