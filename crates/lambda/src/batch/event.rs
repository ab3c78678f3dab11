//! The event of an SQS queue.

use serde::{Deserialize, Serialize};

/// A batch as Lambda hands it over; what nobody here reads is left out.
#[derive(Debug, Deserialize)]
pub(super) struct SqsEvent {
    #[serde(rename = "Records")]
    pub(super) records: Vec<SqsMessage>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SqsMessage {
    pub(super) message_id: String,
    pub(super) body: String,
    #[serde(default)]
    pub(super) attributes: Attributes,
    #[serde(default, rename = "eventSourceARN")]
    pub(super) queue: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    #[serde(default)]
    pub(super) message_group_id: Option<String>,
    #[serde(default)]
    pub(super) approximate_receive_count: Option<String>,
}

impl SqsMessage {
    /// The group in which order counts; standard queues have none, though their messages may have group ids.
    pub(super) fn group(&self) -> Option<&str> {
        let is_fifo = self.queue.ends_with(".fifo");
        self.attributes.message_group_id.as_deref().filter(|_| is_fifo)
    }
}

/// What Lambda reads of the response: every message that is not named here is deleted from the queue.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response {
    pub(super) batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failure {
    pub(super) item_identifier: String,
}
