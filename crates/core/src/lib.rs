//! The core of hookstack: the [`Middleware`] trait with the lifecycle's hooks, and the [`Stack`] that
//! dispatches them.
//!
//! Middleware crates depend on this crate alone; so do hosts. It does no I/O and knows no async
//! runtime. Applications usually depend on the facade `hookstack` instead.
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `anyhow` | `anyhow::Error` as the error of handlers and step bodies |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[macro_use]
mod hooks_macro;

mod alarm;
mod call;
mod clock;
mod cold_start;
mod erased;
mod error;
mod event;
mod extensions;
mod extract;
mod forward;
mod from_fn;
mod function;
mod handler;
mod handler_kind;
mod hook;
pub mod host;
mod info;
mod input;
mod locals;
mod middleware;
mod next;
mod outcome;
mod panic;
mod payload;
mod platform;
pub mod redact;
mod sending;
mod stack;
mod step;
mod trace;
mod trigger;
pub mod view;
mod xray;

pub use alarm::{DeadlineAlarm, PendingAlarm};
pub use call::Call;
pub use cold_start::ColdStart;
pub use erased::BoxMiddleware;
pub use error::{
    BoxError, Error, ErrorKind, HttpError, IntoError, NonRetriable, Origin, Result, Retry,
    RetryAfter, StepError, marker,
};
pub use event::Event;
pub use extensions::Extensions;
pub use extract::{Extract, ExtractContext, Info};
pub use from_fn::{AroundFn, AroundFnWith, FromFn, FromFnWith, from_fn, from_fn_with};
pub use function::FunctionInfo;
pub use handler::{Handler, IntoOutput};
pub use hook::{Hook, HookSet};
pub use info::CallInfo;
pub use input::{Input, Memo, MemoValue, Memoized};
pub use middleware::{Middleware, Position};
pub use next::{Ending, Next, NextRequest, NextSend, NextStep, Run};
pub use outcome::{Completed, Operation, OperationKind, Outcome, Sent, Suspended};
pub use payload::Payload;
pub use platform::{LambdaInfo, Platform};
pub use sending::Sending;
pub use stack::{Stack, StackBuilder};
pub use step::{Invoke, StepHash, StepInfo, StepOp, StepOptions, WaitForEvent};
pub use trace::{TraceCarrier, TraceContext, TraceWatch};
pub use trigger::CallTrigger;
pub use view::{
    AfterExecution, AfterMemoization, AfterResponse, AfterSendEvents, BeforeExecution,
    BeforeMemoization, BeforeResponse, BeforeSendEvents, OnAbandoned, OnRegister,
    RegisteredMiddleware, TransformInput, TransformMemoized, TransformOutput,
};
pub use xray::XRayTrace;

/// Types of other crates that are in signatures of this one.
#[doc(no_inline)]
pub use {
    bytes::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    serde_json::Value,
};

/// Guides, compiled into the documentation so that they cannot rot.
pub mod guide {
    #[doc = include_str!("../docs/lifecycle.md")]
    pub mod lifecycle {}

    #[doc = include_str!("../docs/signals.md")]
    pub mod signals {}

    #[doc = include_str!("../docs/performance.md")]
    pub mod performance {}
}

/// The README's program, compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
