//! Requests to a host without events, in process.

use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use hookstack_core::host::{BoxFuture, CallGuard, Code, Execution, Host};
use hookstack_core::{
    Call, CallInfo, CallTrigger, Error, ErrorKind, FunctionInfo, Input, LambdaInfo, Outcome,
    Payload, Platform, Stack,
};
use http::{HeaderMap, StatusCode};

/// A request to the smallest host that has requests and payloads, as those for HTTP and AWS Lambda have them: to
/// test a middleware under them without either.
///
/// Errors have the statuses that those hosts give them: under HTTP [`Error::response_status`], under Lambda always
/// 500. [`answers`](Request::answers) is for other ones.
///
/// ```
/// use hookstack_core::{Outcome, Stack};
/// use hookstack_testing::Request;
///
/// # futures::executor::block_on(async {
/// let stack = Stack::builder() /* .with(the middleware under test) */;
/// let request = Request::http("POST", "/orders/{id}").payload(br#"{"amount":7}"#);
/// let answer = request.call(stack.build(), async |payload| Outcome::Done(Ok(payload))).await;
/// assert_eq!(answer.status, 200);
/// assert_eq!(answer.result.expect("no error").text().as_ref(), br#"{"amount":7}"#);
/// # });
/// ```
#[derive(Debug)]
#[must_use = "it is made by `call`"]
pub struct Request {
    info: CallInfo,
    platform: Option<Platform>,
    payload: Payload,
    status: Option<StatusCode>,
}

/// How a call ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers that middleware set.
    pub headers: HeaderMap,
    /// The output or the error, as it goes out: with its status and whether to retry, and its sources as text.
    pub result: Result<Payload, Error>,
    /// What hooks told that did not change it.
    pub reported: Vec<Error>,
}

impl Request {
    /// The id of requests that were given none.
    pub const ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

    /// A request to an HTTP service, of the app `app`.
    pub fn http(method: &str, route: &str) -> Self {
        let trigger = CallTrigger::Http { method: method.to_owned(), route: route.to_owned() };
        Request::new(format!("{method} {route}"), trigger)
    }

    /// An invocation of a Lambda function, of the app `app`.
    pub fn lambda(function: &str) -> Self {
        Request::new(function.to_owned(), CallTrigger::Lambda { function: function.to_owned() })
    }

    /// What AWS tells of an invocation, with nothing left out: to be changed, and given to
    /// [`platform`](Request::platform).
    ///
    /// ```
    /// use hookstack_testing::Request;
    ///
    /// let mut info = Request::lambda_info("charge");
    /// info.is_cold_start = true;
    /// let request = Request::lambda("charge").platform(info);
    /// # let _ = request;
    /// ```
    pub fn lambda_info(function: &str) -> LambdaInfo {
        let mut info = LambdaInfo::new(Request::ID);
        let arn = format!("arn:aws:lambda:eu-central-1:123456789012:function:{function}");
        info.function_arn = Some(arn);
        info.function_version = Some("7".to_owned());
        info.memory_mib = Some(128);
        info.region = Some("eu-central-1".to_owned());
        info.log_group = Some(format!("/aws/lambda/{function}"));
        info.log_stream = Some("2026/11/21/[7]abc".to_owned());
        info
    }

    fn new(function: String, trigger: CallTrigger) -> Self {
        let mut info = CallInfo::new("app", Arc::new(FunctionInfo::new(function)), Request::ID);
        info.trigger = trigger;
        info.max_attempts = Some(1);
        Request { info, platform: None, payload: Payload::absent(), status: None }
    }

    /// The id of the request.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.info.run_id = id.into();
        self
    }

    /// The body, which must be JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn payload(mut self, json: impl AsRef<[u8]>) -> Self {
        self.payload = Payload::from_text(json.as_ref().to_vec()).expect("JSON");
        self
    }

    /// A header that tells of the sender's trace.
    pub fn trace(mut self, key: &str, value: &str) -> Self {
        self.info.trace.set(key, value);
        self
    }

    /// What the platform sends with it: `http::request::Parts`, `LambdaInfo`.
    pub fn platform<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.platform = Some(match self.platform.take() {
            None => Platform::new(value),
            Some(platform) => platform.with(value),
        });
        self
    }

    /// When the platform ends the call.
    pub fn deadline(mut self, deadline: SystemTime) -> Self {
        self.info.deadline = Some(deadline);
        self
    }

    /// The status of the answer, whatever the outcome.
    ///
    /// # Panics
    /// When there is no such status.
    pub fn answers(mut self, status: u16) -> Self {
        self.status = Some(StatusCode::from_u16(status).expect("a status"));
        self
    }

    /// Makes the call: all hooks of the stack around `handler`, `after_response` included.
    pub async fn call<H, F>(self, stack: impl Into<Arc<Stack>>, handler: H) -> Answer
    where
        H: FnOnce(Payload) -> F + Send,
        F: Future<Output = Outcome> + Send,
    {
        let Request { info, platform, payload, status } = self;
        let call = Call::new(info.with_platform(platform));
        let mut host = RequestHost { handler: Some(handler), status };
        let mut input = Input::default();
        input.payload = payload;
        let answered = CallGuard::new(stack.into(), call).run(&mut host, input).await;
        let (status, headers) = (answered.status(), answered.headers().clone());
        let result = match answered.outcome() {
            Outcome::Done(Ok(payload)) => Ok(payload.clone()),
            // An error is not to be cloned; what tests compare is.
            Outcome::Done(Err(error)) => Err(error.to_brief()),
            other => Err(Error::message(format!("no outcome of a request: {other:?}"))),
        };
        let reported = answered.after_response().await;
        Answer { status, headers, result, reported }
    }
}

struct RequestHost<H> {
    handler: Option<H>,
    status: Option<StatusCode>,
}

impl<H, F> Host for RequestHost<H>
where
    H: FnOnce(Payload) -> F + Send,
    F: Future<Output = Outcome> + Send,
{
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if let Err(error) = cx.enter().await {
                return error.into();
            }
            let Some(handler) = self.handler.take() else {
                return Error::of_kind(ErrorKind::Misuse, "a request runs once").into();
            };
            let info = cx.call().info().clone();
            let payload = cx.input().payload.clone();
            Code::start(info, || handler(payload)).await
        })
    }

    fn respond(&self, info: &CallInfo, outcome: &Outcome) -> (StatusCode, HeaderMap) {
        let by_outcome = || match outcome {
            Outcome::Done(Ok(_)) => StatusCode::OK,
            Outcome::Done(Err(error)) if info.trigger.is_http() => error.response_status(),
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (self.status.unwrap_or_else(by_outcome), HeaderMap::new())
    }
}
