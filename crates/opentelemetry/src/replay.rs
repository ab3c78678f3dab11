//! Whether memoized steps are being replayed, for spans that the user's code opens.

use std::sync::Arc;

use hookstack_core::CallInfo;
use opentelemetry::Context;

/// Lies in the context of a call that has memoized steps.
pub(crate) struct Replay(Arc<CallInfo>);

impl Replay {
    /// A context in which the sampler can tell.
    pub(crate) fn mark(context: Context, info: &Arc<CallInfo>) -> Context {
        if info.is_replaying() { context.with_value(Replay(info.clone())) } else { context }
    }

    #[cfg(feature = "sdk")]
    pub(crate) fn is_on(context: &Context) -> bool {
        context.get::<Replay>().is_some_and(|replay| replay.0.is_replaying())
    }
}
