//! Middleware for AWS Lambda handlers: a host for [`lambda_runtime`].
//!
//! A handler is an async function with typed arguments; around it stand middleware, which work unchanged under the
//! other hosts of hookstack too. [`wrap`] and [`Lambda::builder`] make a service of both, which
//! `lambda_runtime::run`, `Runtime::new` and `run_concurrent` take.
//!
//! ```no_run
//! use hookstack_core::{Error, Stack};
//! use hookstack_lambda::{Context, Data, wrap};
//!
//! #[derive(serde::Deserialize)]
//! struct Order {
//!     id: u64,
//! }
//!
//! async fn charge(Data(order): Data<Order>, context: Context) -> Result<String, Error> {
//!     Ok(format!("order {} charged by {}", order.id, context.request_id))
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), lambda_runtime::Error> {
//!     let lambda = wrap(Stack::builder(), charge)?; // middleware: Stack::builder().with(..)
//!     let flush = lambda.flush_layer();
//!     lambda_runtime::Runtime::new(lambda).layer(flush).run().await
//! }
//! ```
//!
//! - Code that is about to run into the deadline is [ended early](LambdaBuilder::timeout_margin): the hooks after it
//!   run, and the caller gets an error instead of a lost process.
//! - [`middleware()`] and [`middleware_with`] make middleware of single async functions, traced if wanted; what
//!   they are in AWS Lambda Powertools for Python stands beside it in the [`guide`].
//! - [`PartialBatch`]: of a batch of SQS messages, those that are done do not come again when others fail.
//! - [`InputOutputLogger`]: events and responses in the log, for development.
//! - [`Lambda::call_local`] invokes the function in process, without AWS.
//!
//! What middleware find in [`CallInfo`](hookstack_core::CallInfo): the request's id as `run_id`, the function's name,
//! the deadline, X-Ray's trace, [`LambdaInfo`](hookstack_core::LambdaInfo) and [`lambda_runtime::Context`] as the
//! platform's request. The headers that `before_response` can set go nowhere: an invocation has none.

mod batch;
mod config;
mod deadline;
mod error;
mod extract;
mod factory;
mod flush;
pub mod guide;
mod host;
mod input_output;
mod invocation;
mod local;
mod place;
mod service;
mod trace;

pub use batch::{PartialBatch, Record, Records};
pub use config::{LambdaBuilder, MAX_RESPONSE, TIMEOUT_MARGIN};
pub use error::{ConfigError, InvocationError};
pub use extract::{Context, Data};
pub use factory::{
    Factory, FactoryFn, NextHandler, NoParameters, TRACE_VARIABLE, middleware, middleware_with,
};
pub use flush::{Flush, FlushLayer};
pub use input_output::InputOutputLogger;
pub use local::local_context;
pub use service::{Lambda, wrap};
pub use trace::{Annotate, trace_all};

/// The README's program, compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
