//! Whether memoized steps are being replayed, for spans that the user's code opens.

use std::sync::Arc;

use hookstack_core::CallInfo;
use opentelemetry::Context;

/// Lies in the context of a call that has memoized steps.
#[cfg(feature = "sdk")]
struct Replay(Arc<CallInfo>);

/// A context in which the sampler can tell.
pub(crate) fn mark(context: Context, info: &Arc<CallInfo>) -> Context {
    #[cfg(feature = "sdk")]
    if info.is_replaying() {
        return context.with_value(Replay(info.clone()));
    }
    #[cfg(not(feature = "sdk"))]
    let _nobody_asks = info;
    context
}

/// Whether a span that is opened in this context belongs to code that is replayed.
#[cfg(feature = "sdk")]
pub(crate) fn is_on(context: &Context) -> bool {
    context.get::<Replay>().is_some_and(|replay| replay.0.is_replaying())
}
