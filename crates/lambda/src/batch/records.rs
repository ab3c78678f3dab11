//! The messages of a batch, as a handler's argument.

use std::fmt;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use hookstack_core::{Error, ErrorKind, Extensions, Extract, ExtractContext, Payload, Result};
use serde::de::DeserializeOwned;

use super::event::SqsMessage;
use super::middleware::Installed;
use super::tracker::Tracker;
use crate::extract::read;

/// The messages of an SQS batch, whose bodies are JSON of a `T`: an argument of handlers in a stack with
/// [`PartialBatch`](super::PartialBatch).
#[must_use = "messages that are not worked on come again"]
pub struct Records<T> {
    tracker: Tracker,
    bodies: PhantomData<fn() -> T>,
}

/// A message of an SQS queue. `Debug` shows its id.
#[derive(Clone)]
#[non_exhaustive]
pub struct Record<T> {
    /// What the sender sent.
    pub body: T,
    /// The id that SQS gave the message.
    pub message_id: String,
    /// The group in which order counts, in FIFO queues.
    pub group: Option<String>,
    /// How often the message was handed out, this time included, if SQS tells.
    pub receive_count: Option<u32>,
}

impl<T: DeserializeOwned + Send> Records<T> {
    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.tracker.messages().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Works on the messages, one after the other.
    ///
    /// A message whose work fails or panics, or whose body does not fit `T`, comes again; in a FIFO queue those
    /// after it in its group are left alone and come again as well. This goes on with the others and succeeds: the
    /// [middleware](super::PartialBatch) tells Lambda which messages are done.
    ///
    /// # Errors
    /// Never; the result is for the end of a handler.
    //
    // Not `AsyncFn`: where such a closure captures, the compiler does not see that its future is `Send`.
    pub async fn each<F, Fut>(self, work: F) -> Result<()>
    where
        F: Fn(Record<T>) -> Fut + Send,
        Fut: Future<Output = Result<()>> + Send,
    {
        // By index: what borrows from the messages, held while work is awaited, hides from the compiler that all
        // of this is `Send`.
        for index in 0..self.len() {
            if !self.tracker.may_run(index) {
                continue;
            }
            let result = match Record::read(&self.tracker.messages()[index]) {
                Ok(record) => AssertUnwindSafe(async { work(record).await }).catch_unwind().await,
                Err(error) => Ok(Err(error)),
            };
            match result.unwrap_or_else(|panic| Err(Error::from_panic(panic))) {
                Ok(()) => self.tracker.succeeded(index),
                Err(error) => self.tracker.failed(index, error),
            }
        }
        Ok(())
    }
}

impl<T: DeserializeOwned> Record<T> {
    fn read(message: &SqsMessage) -> Result<Self> {
        let body = read("the message's body", &Payload::from_text(message.body.clone())?)?;
        let attributes = &message.attributes;
        Ok(Record {
            body,
            message_id: message.message_id.clone(),
            group: message.group().map(str::to_owned),
            receive_count: attributes
                .approximate_receive_count
                .as_ref()
                .and_then(|n| n.parse().ok()),
        })
    }
}

impl<T: DeserializeOwned + Send> Extract for Records<T> {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        let tracker = cx.call.extensions().get::<Tracker>().cloned().ok_or_else(missing)?;
        Ok(Records { tracker, bodies: PhantomData })
    }

    fn check(provided: &Extensions) -> Result {
        provided.get::<Installed>().map(|_| ()).ok_or_else(missing)
    }
}

fn missing() -> Error {
    Error::of_kind(
        ErrorKind::Configuration,
        "`Records` needs `PartialBatch` in the stack, which tells Lambda what is done: add `.with(PartialBatch::sqs())`",
    )
}

impl<T> fmt::Debug for Records<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Records({})", self.tracker.messages().len())
    }
}

impl<T> fmt::Debug for Record<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}
