//! The request and the response of a call, between the hooks that may change them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum_core::body::Body;
use hookstack_core::{Call, Error, ErrorKind, Outcome, Payload, Result};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body::Body as _;

use crate::body::Nothing;
use crate::error::Carried;
use crate::payload::{self, Read};
use crate::{Request, Response, problem};

/// Where the request waits for the service, and the response for the client. `from_fn` takes them out
/// and puts them back.
pub(crate) struct Exchange {
    request: Mutex<Option<Request>>,
    response: Mutex<Option<Response>>,
    /// The headers of the response to an inner call's error, which the response to the same error keeps.
    carried: Mutex<Option<HeaderMap>>,
    /// Whether the response has no body, whatever its headers say.
    is_head: bool,
    reads_payload: bool,
    /// Whether nothing may leave that is not part of the payload.
    wire: bool,
    limit: usize,
}

impl Exchange {
    pub(crate) fn new(request: Request, stack: &hookstack_core::Stack, limit: usize) -> Self {
        Exchange {
            is_head: request.method() == Method::HEAD,
            request: Mutex::new(Some(request)),
            response: Mutex::default(),
            carried: Mutex::default(),
            reads_payload: stack.reads_payload(),
            wire: stack.has_wire(),
            limit,
        }
    }

    pub(crate) fn reads_payload(&self) -> bool {
        self.reads_payload
    }

    pub(crate) fn take_request(&self) -> Option<Request> {
        lock(&self.request).take()
    }

    pub(crate) fn put_request(&self, request: Request) {
        *lock(&self.request) = Some(request);
    }

    pub(crate) fn take_response(&self) -> Option<Response> {
        lock(&self.response).take()
    }

    /// Status and headers of the response, or of the answer to an inner call's error.
    pub(crate) fn with_head<T>(
        &self,
        see: impl FnOnce(Option<&Response>, Option<&HeaderMap>) -> T,
    ) -> T {
        see(lock(&self.response).as_ref(), lock(&self.carried).as_ref())
    }

    /// Reads the request's body, if it is a payload.
    ///
    /// # Errors
    /// When it is too large or broken; where encryption stands, also when it is no JSON.
    pub(crate) async fn read_request(&self) -> Result<Payload> {
        let Some(mut request) = self.take_request() else { return Ok(Payload::absent()) };
        let body = std::mem::take(request.body_mut());
        if body.is_end_stream() || !payload::is_json(request.headers()) {
            *request.body_mut() = body;
            self.put_request(request);
            return Ok(Payload::absent());
        }
        let text = match payload::read(body, self.limit).await.map_err(payload::request_broken)? {
            Read::All(text) => text,
            Read::TooLarge(_) => return Err(payload::request_too_large(self.limit)),
        };
        let payload = Payload::from_text(text.clone());
        if payload.is_err() {
            // Whoever expects JSON refuses it; others may know what it is.
            *request.body_mut() = Body::from(text);
        }
        self.put_request(request);
        match payload {
            Err(error) if self.wire => Err(Error::of_kind(
                ErrorKind::InvalidInput,
                format!("the request's body: {}", error.text()),
            )),
            payload => Ok(payload.unwrap_or_default()),
        }
    }

    /// Gives the request the payload as the transforms left it.
    pub(crate) fn write_request(&self, payload: &Payload) {
        if let Some(request) = lock(&self.request).as_mut() {
            write(request, payload);
        }
    }

    /// Makes the outcome of a response, and keeps the response.
    pub(crate) async fn accept(&self, mut response: Response) -> Outcome {
        *lock(&self.carried) = None;
        *lock(&self.response) = None;
        if let Some(error) = response.extensions_mut().remove::<Carried>().and_then(Carried::take) {
            // Its end tells an inner call that the response was delivered.
            let (parts, body) = response.into_parts();
            drop(payload::read(body, usize::MAX).await);
            *lock(&self.carried) = Some(parts.headers);
            return Outcome::Done(Err(error));
        }
        let payload = if self.reads_payload {
            self.read_response(&mut response).await
        } else {
            Ok(Payload::absent())
        };
        if payload.is_ok() {
            *lock(&self.response) = Some(response);
        }
        Outcome::Done(payload)
    }

    async fn read_response(&self, response: &mut Response) -> Result<Payload> {
        if self.wire {
            self.withhold(response)?;
        }
        if !self.may_have_body(response)
            || response.body().is_end_stream()
            || problem::is_ours(response)
        {
            return Ok(Payload::absent());
        }
        if !payload::is_json(response.headers()) {
            return self.refuse(response, "is not JSON");
        }
        let body = std::mem::take(response.body_mut());
        match payload::read(body, self.limit).await? {
            Read::All(text) => match Payload::from_text(text.clone()) {
                Ok(payload) => Ok(payload),
                Err(_) => {
                    *response.body_mut() = Body::from(text);
                    self.refuse(response, "is not well-formed JSON")
                }
            },
            Read::TooLarge(body) => {
                *response.body_mut() = body;
                self.refuse(response, &format!("has more than {} bytes", self.limit))
            }
        }
    }

    /// Takes away what would leave without being a payload.
    fn withhold(&self, response: &mut Response) -> Result {
        if response.status().is_informational() {
            return Err(cannot_seal("is another protocol"));
        }
        if problem::is_ours(response) {
            // A function around may have written into it.
            problem::replace(response);
        }
        if !self.may_have_body(response) {
            // HTTP/2 servers send it all the same. Its length is that of the plaintext.
            response.headers_mut().remove(CONTENT_LENGTH);
            *response.body_mut() = Body::new(Nothing);
        }
        Ok(())
    }

    /// A response that is no payload: it passes, unless encryption would have to see it.
    fn refuse(&self, response: &mut Response, reason: &str) -> Result<Payload> {
        if !self.wire {
            return Ok(Payload::absent());
        }
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            // An error's text may quote the request, and is not needed to know what the status says.
            problem::replace(response);
            return Ok(Payload::absent());
        }
        Err(cannot_seal(reason))
    }

    /// A payload that a middleware made where the handler's response is none, but has a body: it must not be lost
    /// in silence.
    ///
    /// # Errors
    /// When there is one.
    pub(crate) fn check(&self, payload: &Payload) -> Result {
        let is_lost = !payload.is_absent()
            && self.with_head(|response, _| {
                response.is_some_and(|response| {
                    self.may_have_body(response)
                        && !response.body().is_end_stream()
                        && !problem::is_ours(response)
                })
            });
        if !is_lost {
            return Ok(());
        }
        Err(Error::of_kind(
            ErrorKind::Misuse,
            "a middleware made a payload of a response whose body is not JSON, which would be lost: leave an absent payload as it is",
        ))
    }

    /// The response to an outcome that is no error; `headers` in place of its own, if they were shown.
    pub(crate) fn respond(&self, payload: &Payload, headers: Option<HeaderMap>) -> Response {
        let mut response = self.take_response().unwrap_or_else(|| {
            let mut response = Response::default();
            *response.status_mut() = early_status(payload);
            response
        });
        if let Some(headers) = headers {
            *response.headers_mut() = headers;
        }
        if !self.may_have_body(&response) || problem::is_ours(&response) {
            return response;
        }
        if !payload.is_absent() {
            *response.body_mut() = body_of(response.headers_mut(), payload);
        } else if self.wire && !response.body().is_end_stream() {
            // Cannot be, because `accept` has refused it.
            problem::replace(&mut response);
        }
        response
    }

    /// Whether the protocol lets the response have a body.
    pub(crate) fn may_have_body(&self, response: &Response) -> bool {
        let status = response.status();
        !self.is_head
            && !status.is_informational()
            && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }
}

fn cannot_seal(reason: &str) -> Error {
    Error::of_kind(
        ErrorKind::Misuse,
        format!(
            "the response cannot be encrypted, because its body {reason}: answer with JSON within the `body_limit`, or take the route out of the encrypted router"
        ),
    )
}

/// Makes the payload the request's body.
pub(crate) fn write(request: &mut Request, payload: &Payload) {
    let headers = request.headers_mut();
    headers.remove(TRANSFER_ENCODING);
    if payload.is_absent() {
        headers.remove(CONTENT_TYPE);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        *request.body_mut() = Body::empty();
    } else {
        *request.body_mut() = body_of(headers, payload);
    }
}

/// The exchange of a call, under this host.
pub(crate) fn exchange_of(cx: &Call) -> Option<Arc<Exchange>> {
    cx.extensions().get::<Arc<Exchange>>().cloned()
}

/// The status where a middleware returned early without a response.
pub(crate) fn early_status(payload: &Payload) -> StatusCode {
    if payload.is_absent() { StatusCode::NO_CONTENT } else { StatusCode::OK }
}

/// The payload as a body, and the headers that describe it.
fn body_of(headers: &mut HeaderMap, payload: &Payload) -> Body {
    let text = payload.text();
    if !payload::is_json(headers) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.remove(CONTENT_ENCODING);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
    Body::from(text)
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
