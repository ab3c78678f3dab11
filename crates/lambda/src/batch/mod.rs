//! Batches of SQS messages of which some fail.

mod event;
mod middleware;
mod records;
mod tracker;

pub use middleware::PartialBatch;
pub use records::{Record, Records};
