//! Middleware for AWS Lambda handlers: a host for [`lambda_runtime`].
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod config;
mod deadline;
mod error;
mod extract;
mod factory;
mod flush;
mod host;
mod input_output;
mod invocation;
mod local;
mod service;
mod trace;

pub use batch::{PartialBatch, Record, Records};
pub use config::{LambdaBuilder, MAX_RESPONSE, TIMEOUT_MARGIN};
pub use error::{ConfigError, InvocationError};
pub use extract::{Context, Event};
pub use factory::{
    Factory, FactoryFn, NextHandler, NoParameters, TRACE_VARIABLE, middleware, middleware_with,
};
pub use flush::{Flush, FlushLayer};
pub use input_output::InputOutputLogger;
pub use local::local_context;
pub use service::{Lambda, wrap};
pub use trace::{Annotate, trace_all};
