//! One invocation as the lifecycle sees it.

use hookstack_core::host::{ArcHandler, BoxFuture, Code, Execution, Host};
use hookstack_core::{
    CallInfo, Error, ErrorKind, ExtractContext, Origin, Outcome, Payload, Result, Retry,
};
use http::{HeaderMap, StatusCode};

use crate::deadline::Deadline;

/// What runs between the hooks.
pub(crate) struct Invocation<'a> {
    pub(crate) handler: &'a ArcHandler,
    pub(crate) deadline: Deadline,
    pub(crate) response_limit: usize,
}

impl Host for Invocation<'_> {
    fn execute<'a>(&'a mut self, cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { Outcome::Done(self.run(cx).await) })
    }

    fn check(&mut self, _: &CallInfo, outcome: &mut Outcome) {
        let Outcome::Done(result) = outcome else { return };
        let (what, size) = match result {
            Ok(payload) => ("response", payload.len()),
            // Lambda refuses it as well, and the caller would learn nothing.
            Err(error) => ("error's message", error.name().len() + error.text().len()),
        };
        if size > self.response_limit {
            *result = Err(too_large(what, size, self.response_limit));
        }
    }

    fn respond(&self, _: &CallInfo, outcome: &Outcome) -> (StatusCode, HeaderMap) {
        let status = match outcome.error() {
            Some(_) => StatusCode::INTERNAL_SERVER_ERROR,
            None => StatusCode::OK,
        };
        (status, HeaderMap::new())
    }
}

impl Invocation<'_> {
    async fn run(&self, mut cx: Execution<'_>) -> Result<Payload> {
        cx.enter().await?;
        self.deadline.check()?;
        let (call, input) = cx.parts();
        let info = call.info().clone();
        let code = async {
            let started = self.handler.start(ExtractContext::new(call, input)).await?;
            Code::start(info, || started).await
        };
        self.deadline.code(code).await.flatten()
    }
}

fn too_large(what: &str, size: usize, limit: usize) -> Error {
    Error::of_kind(
        ErrorKind::TooLarge,
        format!(
            "the {what} has {size} bytes of JSON, more than the {limit} that Lambda takes; store it elsewhere and return a reference"
        ),
    )
    .with_retry(Retry::Never)
    .with_origin(Origin::Host)
}
