//! What the layer does between the hooks.

use std::sync::Arc;

use axum_core::body::Body;
use bytes::Bytes;
use hookstack_core::host::{BoxFuture, Code, Execution, Host};
use hookstack_core::{BoxError, Call, CallInfo, Error, ErrorKind, Input, Origin, Outcome, Result};
use http::{HeaderMap, StatusCode};
use tower_service::Service;

use crate::current::{CurrentCall, Loan};
use crate::exchange::{self, Exchange, early_status};
use crate::{Request, Response, problem};

/// The service that a call runs, and the request that it is about.
pub(crate) struct HttpHost<S> {
    pub(crate) service: S,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) outer: Option<CurrentCall>,
    /// The service was not ready.
    pub(crate) broken: Option<Error>,
    /// The payload that the request's body is, if it is one.
    pub(crate) written: Option<Bytes>,
    /// Whether a hook may look at the headers.
    pub(crate) shows_headers: bool,
}

impl<S, B> Host for HttpHost<S>
where
    S: Service<Request, Response = http::Response<B>> + Send,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn read<'a>(
        &'a mut self,
        _: &'a mut Call,
        input: &'a mut Input,
    ) -> Option<BoxFuture<'a, Result>> {
        self.exchange.reads_payload().then(|| {
            Box::pin(async {
                input.payload = self.exchange.read_request().await?;
                self.written = (!input.payload.is_absent()).then(|| input.payload.text());
                Ok(())
            }) as _
        })
    }

    fn prepare(&mut self, _: &mut Call, input: &mut Input) -> Result {
        let was_read = self.written.take().is_some();
        if was_read || !input.payload.is_absent() {
            self.exchange.write_request(&input.payload);
            self.written = Some(input.payload.text());
        }
        Ok(())
    }

    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if let Err(error) = cx.enter().await {
                return Outcome::Done(Err(error));
            }
            if let Some(error) = self.broken.take() {
                return Outcome::Done(Err(error));
            }
            let Some(mut request) = self.exchange.take_request() else {
                return Outcome::Done(Err(Error::of_kind(
                    ErrorKind::Misuse,
                    "a middleware took the request and gave none back",
                )));
            };
            let (call, input) = cx.parts();
            self.update(&mut request, input);
            let info = call.info().clone();
            let loan = Loan::new(call, input, self.outer.take());
            request.extensions_mut().insert(loan.current());
            let handled = Code::start(info, || self.service.call(request)).await;
            let handled = handled.map_err(|error| Error::from_boxed(error.into()));
            loan.end().await;
            match handled {
                Ok(response) => self.exchange.accept(response.map(Body::new)).await,
                Err(error) => Outcome::Done(Err(error)),
            }
        })
    }

    fn check(&mut self, _: &CallInfo, outcome: &mut Outcome) {
        if let Outcome::Done(Ok(payload)) = outcome
            && let Err(error) = self.exchange.check(payload)
        {
            *outcome = Outcome::Done(Err(error.with_origin(Origin::Host)));
        }
    }

    fn respond(&self, _: &CallInfo, outcome: &Outcome) -> (StatusCode, HeaderMap) {
        match outcome {
            Outcome::Done(Ok(payload)) => self.exchange.with_head(|response, _| match response {
                Some(response) if self.shows_headers => {
                    (response.status(), response.headers().clone())
                }
                Some(response) => (response.status(), HeaderMap::new()),
                None => (early_status(payload), HeaderMap::new()),
            }),
            Outcome::Done(Err(error)) => {
                let status = error.response_status();
                let headers = self.exchange.with_head(|_, carried| {
                    let mut headers = carried.cloned().unwrap_or_default();
                    problem::remove_entity(&mut headers);
                    headers.extend(problem::headers(error));
                    headers
                });
                (status, headers)
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new()),
        }
    }
}

impl<S> HttpHost<S> {
    /// A hook around the function may have changed the payload meanwhile.
    fn update(&self, request: &mut Request, input: &Input) {
        // Payloads share their text, so the same one is in the same place.
        let is_same = match &self.written {
            None => input.payload.is_absent(),
            Some(written) => {
                let text = input.payload.text();
                text.as_ptr() == written.as_ptr() && text.len() == written.len()
            }
        };
        if !is_same {
            exchange::write(request, &input.payload);
        }
    }

    /// The response to an outcome, with the head that the hooks left.
    pub(crate) fn response(
        &self,
        outcome: &Outcome,
        status: StatusCode,
        headers: HeaderMap,
    ) -> Response {
        match outcome {
            Outcome::Done(Ok(payload)) => {
                self.exchange.respond(payload, self.shows_headers.then_some(headers))
            }
            Outcome::Done(Err(error)) => {
                let mut response = Response::new(problem::body(error));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                response
            }
            _ => {
                let error = Error::of_kind(
                    ErrorKind::Misuse,
                    "a middleware suspended a call of a host that has no steps",
                );
                problem::response(&error)
            }
        }
    }
}
