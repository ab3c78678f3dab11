//! The middleware around a handler of batches.

use hookstack_core::redact::ErrorMessages;
use hookstack_core::{
    Call, Error, ErrorKind, Extensions, Hook, Middleware, Next, OnRegister, Outcome, Payload,
    Position, Result,
};

use super::event::{Failure, Response, SqsEvent};
use super::tracker::Tracker;
use crate::extract::read;
use crate::flush::Logged;

/// Partial batch failures: of a batch of SQS messages those that are done do not come again when others fail.
///
/// The handler takes [`Records`](super::Records) and works on each; the response to Lambda
/// (`batchItemFailures`) is made here. The event source mapping needs `ReportBatchItemFailures` among its
/// `FunctionResponseTypes`: without it Lambda ignores the response and deletes **all** messages.
///
/// - A message is done when its work returned. Any other comes again: one that failed or panicked, one whose body
///   does not fit, and those that were not begun, because the handler returned early, failed, or was ended before
///   the deadline of the invocation.
/// - In a FIFO queue the messages of a group after a failed one are not worked on. Other groups go on.
/// - When every message failed the invocation fails with the error of the first, so that alarms on errors
///   see it; see [`fail_when_all_fail`](PartialBatch::fail_when_all_fail).
/// - Each error is logged as a warning with the message's id, and reported to the middleware that report errors.
///
/// **Encryption**: Lambda must read the response, and SQS writes the event around the messages, so this
/// refuses to start in a stack that seals them. Seal the messages' bodies instead, with `Keyset::seal` and
/// `Context::lambda_event(function)`, and open them in the handler.
///
/// ```
/// use hookstack_core::Result;
/// use hookstack_lambda::{Lambda, PartialBatch, Record, Records};
///
/// #[derive(serde::Deserialize)]
/// struct Order {
///     id: u64,
/// }
///
/// async fn ship(orders: Records<Order>) -> Result<()> {
///     orders
///         .each(async |order: Record<Order>| {
///             println!("order {} by message {}", order.body.id, order.message_id);
///             Ok(())
///         })
///         .await
/// }
///
/// # fn main() -> Result<(), hookstack_lambda::ConfigError> {
/// let lambda = Lambda::builder(ship).with(PartialBatch::sqs()).build()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PartialBatch {
    fail_when_all_fail: bool,
}

/// Provided, so that a handler without the middleware is refused when it is built.
pub(super) struct Installed;

impl PartialBatch {
    /// For batches of SQS queues, standard and FIFO.
    pub fn sqs() -> Self {
        PartialBatch { fail_when_all_fail: true }
    }

    /// Whether the invocation fails when every message failed; otherwise they are named in a response, as when
    /// some fail. All come again either way.
    pub fn fail_when_all_fail(mut self, fail: bool) -> Self {
        self.fail_when_all_fail = fail;
        self
    }

    fn conclude(&self, cx: &mut Call, tracker: &Tracker, outcome: Outcome) -> Outcome {
        let left = tracker.left();
        let mut errors = tracker.take_errors();
        log(cx, &errors);
        let none_done = left.len() == tracker.messages().len();
        // What the handler itself fails with is told first; that nothing is done is told by it.
        let failed = match outcome {
            Outcome::Done(Err(error)) => Some(error),
            Outcome::Done(Ok(_)) => None,
            other => return other,
        };
        if none_done && !left.is_empty() {
            if let Some(error) = failed {
                report_logged(cx, errors);
                return Outcome::Done(Err(error));
            }
            if self.fail_when_all_fail && !errors.is_empty() {
                let (_, first) = errors.remove(0);
                report_logged(cx, errors);
                return Outcome::Done(Err(first));
            }
        }
        failed.into_iter().for_each(|error| cx.report(error));
        report_logged(cx, errors);
        let failures = left.into_iter().map(|item_identifier| Failure { item_identifier });
        Outcome::Done(Payload::new(&Response { batch_item_failures: failures.collect() }))
    }
}

/// Reports errors that were logged here, so that the host does not log them again.
fn report_logged(cx: &mut Call, errors: Vec<(String, Error)>) {
    let first = cx.reported().len();
    errors.into_iter().for_each(|(_, error)| cx.report(error));
    let logged = Logged(first..cx.reported().len());
    cx.extensions_mut().insert(logged);
}

fn log(cx: &Call, errors: &[(String, Error)]) {
    let info = cx.info();
    for (message_id, error) in errors {
        tracing::warn!(
            target: "hookstack::lambda",
            function = %info.function.id,
            request_id = %info.run_id,
            message_id,
            kind = error.kind().as_str(),
            error = error.name(),
            message = ErrorMessages::Auto.text(error, info.is_sensitive()),
            "a message of a batch failed and comes again"
        );
    }
}

impl Middleware for PartialBatch {
    fn reads_payload(&self) -> bool {
        true
    }

    fn provide(&self, values: &mut Extensions) {
        values.insert(Installed);
    }

    fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
        let seals = |hooks: hookstack_core::HookSet| hooks.contains(Hook::TransformOutput);
        let wire = |m: &&hookstack_core::RegisteredMiddleware| {
            m.position == Position::Wire && seals(m.hooks)
        };
        match cx.middleware().iter().find(wire) {
            Some(sealing) => Err(Error::of_kind(
                ErrorKind::Configuration,
                format!(
                    "\"{}\" would seal the response, which Lambda must read to know what failed; seal the bodies of the messages instead",
                    sealing.name
                ),
            )),
            None => Ok(()),
        }
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let event = cx.payload().cloned().unwrap_or_default();
        let messages = match read::<SqsEvent>("the event is no batch of SQS messages", &event) {
            Ok(event) => event.records,
            Err(error) => return Outcome::Done(Err(error)),
        };
        let tracker = Tracker::new(messages);
        cx.extensions_mut().insert(tracker.clone());
        let outcome = next.run(cx).await;
        self.conclude(cx, &tracker, outcome)
    }
}
