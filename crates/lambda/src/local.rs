//! Invocations without AWS: for tests, examples and a first look.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hookstack_core::Payload;
use lambda_runtime::{Context, LambdaEvent};
use serde::Serialize;
use serde_json::value::RawValue;
use tower_service::Service;

use crate::error::InvocationError;
use crate::service::Lambda;

impl Lambda {
    /// Invokes the function in this process, through everything that an invocation by Lambda goes through, and
    /// returns its response. The context tells nothing but an id.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> hookstack_core::Result {
    /// use hookstack_core::{Error, Stack};
    /// use hookstack_lambda::{Data, wrap};
    ///
    /// let lambda = wrap(Stack::builder(), async |Data(n): Data<u32>| Ok::<_, Error>(n + 1))?;
    /// assert_eq!(lambda.call_local(&41).await?.value()?, 42);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The error that the caller would get.
    pub async fn call_local<T: Serialize + ?Sized>(
        &self,
        event: &T,
    ) -> Result<Payload, InvocationError> {
        let event = serde_json::value::to_raw_value(event)
            .map_err(|_| InvocationError::local("the event has no JSON form"))?;
        self.call_with(event, local_context(None)).await
    }

    /// The same for an event as text, a payload file for instance, with a context that you make; see
    /// [`local_context`].
    ///
    /// # Errors
    /// The error that the caller would get, or that the text is not JSON.
    pub async fn call_text(
        &self,
        event: &str,
        context: Context,
    ) -> Result<Payload, InvocationError> {
        let event = RawValue::from_string(event.to_owned())
            .map_err(|_| InvocationError::local("the event is not JSON"))?;
        self.call_with(event, context).await
    }

    async fn call_with(
        &self,
        event: Box<RawValue>,
        context: Context,
    ) -> Result<Payload, InvocationError> {
        let response = self.clone().call(LambdaEvent::new(event, context)).await?;
        Ok(Payload::from_well_formed(String::from(Box::<str>::from(response))))
    }
}

/// The context of an invocation in this process, that lasts for `time` if that is given.
pub fn local_context(time: Option<Duration>) -> Context {
    let mut context = Context::default();
    "00000000-0000-0000-0000-000000000000".clone_into(&mut context.request_id);
    let end = time.and_then(|time| SystemTime::now().checked_add(time));
    let since_epoch = end.and_then(|end| end.duration_since(UNIX_EPOCH).ok());
    context.deadline =
        since_epoch.and_then(|end| u64::try_from(end.as_millis()).ok()).unwrap_or_default();
    context
}
