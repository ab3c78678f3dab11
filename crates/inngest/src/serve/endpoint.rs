//! The endpoint: who may ask, and who answers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tokio_util::task::TaskTracker;

use super::after::After;
use super::body::ResponseBody;
use super::caller::Caller;
use super::reply::{Refusal, Reply};
use super::stream::Stream;
use super::{call, caller, introspection, signature, sync};
use crate::api::Api;
use crate::app::App;
use crate::config::Config;
use crate::headers;

/// The endpoint of an app: a tower service that never fails. Cheap to clone; clones are one endpoint.
///
/// How many calls run at once is limited only by what is layered around it, for instance
/// `tower::limit::ConcurrencyLimitLayer`.
#[derive(Clone)]
pub struct Serve {
    pub(super) shared: Arc<Shared>,
}

#[derive(Clone)]
pub(super) struct Shared {
    pub(super) app: App,
    pub(super) api: Api,
    /// As it was set; [`framework`](Shared::framework) knows the default.
    pub(super) framework: Option<&'static str>,
    pub(super) max_body: usize,
    pub(super) body_timeout: Duration,
    #[cfg(feature = "axum")]
    pub(super) header_timeout: Duration,
    #[cfg(feature = "axum")]
    pub(super) shutdown_timeout: Duration,
    pub(super) server_timing: bool,
    pub(super) finish_before_response: bool,
    pub(super) tasks: TaskTracker,
    /// Whether it was said that requests come from another kind of server.
    pub(super) warned: Arc<AtomicBool>,
}

impl Shared {
    pub(super) fn framework(&self) -> &'static str {
        self.framework.unwrap_or("tower")
    }
}

/// A request, read.
pub(super) struct Request {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    pub(super) caller: Caller,
}

impl Serve {
    /// The app that is served.
    pub fn app(&self) -> &App {
        &self.shared.app
    }

    /// The configuration that it is served with.
    pub fn config(&self) -> &Config {
        self.shared.api.config()
    }

    /// Waits until the `after_response` of all calls that were answered have run, however long that takes.
    /// To be awaited when the server around the endpoint has shut down.
    pub async fn drain(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.tasks.reopen();
    }

    /// What is refused without reading its body, because nothing in it could change that.
    pub(super) fn refuse_unread(&self, parts: &Parts) -> Option<Response<ResponseBody>> {
        let config = self.config();
        let reply = match parts.method {
            Method::GET | Method::HEAD | Method::PUT => {
                caller::refuse_other_site(config, &parts.headers)?.reply()
            }
            Method::POST => match caller::refuse_other_site(config, &parts.headers) {
                Some(refusal) => refusal.call_reply(),
                None => {
                    let caller = Caller::identify_unread(config, &parts.headers)?;
                    caller.authorize(config).err()?.call_reply()
                }
            },
            _ => Refusal::method_not_allowed(),
        };
        Some(self.respond(reply, None))
    }

    /// The most that is read of a request's body. Only calls are large.
    pub(super) fn max_body(&self, parts: &Parts) -> usize {
        const SMALL: usize = 64 * 1024;
        match parts.method {
            Method::POST => self.shared.max_body,
            _ => self.shared.max_body.min(SMALL),
        }
    }

    /// Answers a request whose body was read.
    pub(super) async fn handle(
        self,
        parts: Parts,
        body: Result<Bytes, Refusal>,
    ) -> Response<ResponseBody> {
        let body = match body {
            Ok(body) => body,
            Err(refusal) if parts.method == Method::POST => {
                return self.respond(refusal.call_reply(), None);
            }
            Err(refusal) => return self.respond(refusal.reply(), None),
        };
        let (caller, body) = Caller::identify(self.config(), &parts.headers, body);
        let request = Request { parts, body, caller };
        if self.config().streaming() && self.may_stream(&request) {
            return self.stream(request);
        }
        let (reply, after) = self.answer(request).await;
        self.respond(reply, after)
    }

    /// Calls are streamed; what is refused is not, so that its status can be seen.
    fn may_stream(&self, request: &Request) -> bool {
        request.parts.method == Method::POST
            && call::is_for_a_function(&request.parts)
            && request.caller.authorize(self.config()).is_ok()
    }

    fn stream(self, request: Request) -> Response<ResponseBody> {
        let mut headers = HeaderMap::new();
        self.add_headers(&mut headers);
        let json = HeaderValue::from_static("application/json");
        headers.insert(http::header::CONTENT_TYPE, json);
        let call = Box::pin(async move {
            let (mut reply, after) = self.answer(request).await;
            self.add_headers(&mut reply.headers);
            (reply, after)
        });
        let mut response = Response::new(ResponseBody::stream(Stream::new(call)));
        *response.status_mut() = StatusCode::CREATED;
        *response.headers_mut() = headers;
        response
    }

    fn respond(&self, mut reply: Reply, after: Option<After>) -> Response<ResponseBody> {
        self.add_headers(&mut reply.headers);
        let mut response = Response::new(ResponseBody::full(reply.body, after));
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        response
    }

    /// Answers, signed with the key that the request was signed with.
    async fn answer(&self, request: Request) -> (Reply, Option<After>) {
        let key = match request.caller {
            Caller::Signed(key) => self.config().signing_keys().nth(key),
            _ => None,
        };
        let mut reply = self.dispatch(request).await;
        if let Some(key) = key {
            let signature = signature::sign(key, &reply.body, SystemTime::now());
            let value = HeaderValue::from_str(&signature).expect("a signature is ASCII");
            reply.headers.insert(headers::SIGNATURE, value);
        }
        let after = match reply.call.take() {
            Some(call) if self.shared.finish_before_response => {
                call.after_response().await;
                None
            }
            call => call.map(|call| After::new(call, self.shared.tasks.clone())),
        };
        (reply, after)
    }

    async fn dispatch(&self, request: Request) -> Reply {
        self.warn_of_another_server(&request.parts.headers);
        match request.parts.method {
            Method::GET | Method::HEAD => introspection::introspect(&self.shared, &request.caller),
            Method::PUT => sync::sync(&self.shared, &request).await,
            Method::POST => call::call(&self.shared, request).await,
            _ => Refusal::method_not_allowed(),
        }
    }

    /// The headers that all answers have.
    fn add_headers(&self, map: &mut HeaderMap) {
        map.insert(headers::SDK, HeaderValue::from_static(headers::SDK_VALUE));
        map.insert(headers::REQ_VERSION, HeaderValue::from_static("2"));
        map.insert(headers::FRAMEWORK, HeaderValue::from_static(self.shared.framework()));
        let mode = HeaderValue::from_static(self.config().mode().as_str());
        map.insert(headers::EXPECTED_SERVER_KIND, mode);
        if let Some(platform) = self.config().platform() {
            map.insert(headers::PLATFORM, HeaderValue::from_static(platform));
        }
    }

    /// The header is not proof of anything, so it decides nothing (section 4.1.1).
    fn warn_of_another_server(&self, request: &HeaderMap) {
        let kind = request.get(headers::SERVER_KIND);
        let expected = self.config().mode().as_str();
        if kind.is_some_and(|kind| kind != expected)
            && !self.shared.warned.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                target: "hookstack::inngest",
                expected,
                "a server of another kind sends requests; INNGEST_DEV=1 is for development servers, no INNGEST_DEV for the cloud"
            );
        }
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("app", &self.shared.app)
            .field("config", self.config())
            .field("max_body", &self.shared.max_body)
            .finish_non_exhaustive()
    }
}
