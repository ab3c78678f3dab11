//! The handler in its stack, as a service for `lambda_runtime`.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hookstack_core::host::{Answered, ArcHandler, CallGuard};
use hookstack_core::{
    Call, CallInfo, Error, ErrorKind, FunctionInfo, Handler, Input, Origin, Outcome, Payload,
    Stack, StackBuilder,
};
use lambda_runtime::LambdaEvent;
use serde_json::value::RawValue;
use tower_service::Service;

use crate::config::LambdaBuilder;
use crate::deadline::Deadline;
use crate::error::{ConfigError, InvocationError};
use crate::flush::{FlushLayer, Pending, Work};
use crate::host::Invocation;
use crate::invocation;

/// A handler with middleware around it: what `lambda_runtime::run` takes. Cheap to clone.
///
/// See the [crate](crate) for a whole program.
#[derive(Clone)]
pub struct Lambda {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) handler: ArcHandler,
    pub(crate) stack: Arc<Stack>,
    pub(crate) function: Arc<FunctionInfo>,
    pub(crate) app_id: Arc<str>,
    pub(crate) region: Option<String>,
    pub(crate) timeout_margin: Duration,
    pub(crate) response_limit: usize,
    pub(crate) trace_from_headers: bool,
    pub(crate) pending: Arc<Pending>,
    pub(crate) warm: AtomicBool,
}

/// Puts a handler into a stack, given by value or by reference, with the defaults of [`Lambda::builder`].
///
/// # Errors
/// When a middleware refuses to start, or the handler asks for what none provides.
pub fn wrap<M>(
    stack: impl Into<StackBuilder>,
    handler: impl Handler<M>,
) -> Result<Lambda, ConfigError> {
    Lambda::builder(handler).stack(stack).build()
}

impl Lambda {
    /// A handler around which middleware are put.
    pub fn builder<M>(handler: impl Handler<M>) -> LambdaBuilder {
        LambdaBuilder::new(ArcHandler::new(handler))
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Lambda { shared: Arc::new(shared) }
    }

    /// The middleware around the handler.
    pub fn stack(&self) -> &Stack {
        &self.shared.stack
    }

    /// The function, as middleware see it.
    pub fn function(&self) -> &FunctionInfo {
        &self.shared.function
    }

    /// The layer that lets `after_response` run when the reply was posted, for `Runtime::layer`.
    ///
    /// Without it `after_response` runs before the reply: then nothing is lost when Lambda freezes the process,
    /// and the caller waits for it. With it the caller does not wait, and the next invocation does.
    ///
    /// ```no_run
    /// # async fn main_() -> Result<(), lambda_runtime::Error> {
    /// use hookstack_core::{Error, Stack};
    /// use hookstack_lambda::{Data, wrap};
    ///
    /// let lambda = wrap(Stack::builder(), async |Data(n): Data<u32>| Ok::<_, Error>(n + 1))?;
    /// let flush = lambda.flush_layer();
    /// lambda_runtime::Runtime::new(lambda).layer(flush).run().await
    /// # }
    /// ```
    pub fn flush_layer(&self) -> FlushLayer {
        FlushLayer::new(self.shared.pending.clone())
    }

    async fn invoke(
        self,
        event: LambdaEvent<Box<RawValue>>,
    ) -> Result<Box<RawValue>, InvocationError> {
        let shared = &*self.shared;
        let (payload, context) = event.into_parts();
        let request_id = context.request_id.clone();
        let deadline = Deadline::new(invocation::deadline(&context), shared.timeout_margin);
        let is_cold = !shared.warm.swap(true, Ordering::Relaxed);
        let told = invocation::lambda_info(&context, shared.region.as_deref(), is_cold);
        let mut info =
            CallInfo::new(shared.app_id.clone(), shared.function.clone(), request_id.as_str());
        info.deadline = deadline.platform();
        let mut info = invocation::describe(info, context, told);
        if shared.trace_from_headers {
            invocation::read_trace(&mut info.trace, payload.get());
        }
        let mut input = Input::default();
        input.payload = Payload::from_well_formed(String::from(Box::<str>::from(payload)));
        let mut host = Invocation {
            handler: &shared.handler,
            deadline,
            response_limit: shared.response_limit,
        };
        let sensitive = shared.stack.is_sensitive();
        let call = CallGuard::new(shared.stack.clone(), Call::new(info));
        let answered = match deadline.all(call.run(&mut host, input)).await {
            Ok(answered) => answered,
            Err(late) => return Err(InvocationError::new(&late, sensitive)),
        };
        let reply = reply(&answered, sensitive);
        let work = Work { answered, deadline };
        if let Some(work) = shared.pending.hand_over(&request_id, work) {
            work.run().await;
        }
        reply
    }
}

fn reply(answered: &Answered, sensitive: bool) -> Result<Box<RawValue>, InvocationError> {
    let error = match answered.outcome() {
        Outcome::Done(Ok(payload)) => match raw(payload) {
            Ok(raw) => return Ok(raw),
            Err(error) => error,
        },
        Outcome::Done(Err(error)) => return Err(InvocationError::new(error, sensitive)),
        _ => Error::of_kind(
            ErrorKind::Misuse,
            "a middleware suspended the call, which only durable functions can go on with",
        )
        .with_origin(Origin::Host),
    };
    Err(InvocationError::new(&error, sensitive))
}

fn raw(payload: &Payload) -> Result<Box<RawValue>, Error> {
    let text = String::from_utf8(Vec::from(payload.text())).ok();
    text.and_then(|text| RawValue::from_string(text).ok()).ok_or_else(|| {
        Error::of_kind(ErrorKind::Serialization, "the response is not well-formed JSON")
            .with_origin(Origin::Host)
    })
}

impl Service<LambdaEvent<Box<RawValue>>> for Lambda {
    type Response = Box<RawValue>;
    type Error = InvocationError;
    type Future =
        Pin<Box<dyn Future<Output = Result<Box<RawValue>, InvocationError>> + Send + 'static>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), InvocationError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, event: LambdaEvent<Box<RawValue>>) -> Self::Future {
        Box::pin(self.clone().invoke(event))
    }
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lambda")
            .field("function", &self.shared.function.id)
            .field("stack", &self.shared.stack)
            .finish_non_exhaustive()
    }
}
