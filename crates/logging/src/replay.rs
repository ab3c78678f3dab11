//! Holding back what code logs that ran in an earlier call of the same run.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::bound;
use crate::scope::{self, Scope};

/// Makes a layer aware of replays: `fmt::layer().with_filter(ReplayFilter::new())`.
///
/// A durable function runs from its top in every call. While memoized state is replayed, its code runs
/// again that ran in an earlier call, and would log again. This filter drops these lines: those of the
/// function's code, in whatever spans of the user's they are, and those of tasks that carry the call's
/// span. It never drops lines that hooks write themselves, lines outside of calls, or lines after the replay.
/// Spans are let through.
///
/// A filter decides at once, so what a function says and then returns, before its replay is over, is lost: an
/// error before the first new step, for instance. [`LogLayer`](crate::LogLayer) holds such lines until the
/// call ends, and writes them then.
///
/// It works in any stack over `tracing_subscriber::Registry`, beside [`Logging`](crate::Logging), and
/// combines with other filters (`FilterExt::and`). [`LogLayer`](crate::LogLayer) needs none. The limits are
/// in the [guide](crate::guide).
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplayFilter(());

impl ReplayFilter {
    /// The filter.
    pub fn new() -> Self {
        ReplayFilter(())
    }
}

impl<S> Filter<S> for ReplayFilter
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    /// What is said here is remembered per call site, so events must be asked about each time. With
    /// `always` the subscriber would skip `enabled`, without which it must not be told `false` below.
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_span() { Interest::always() } else { Interest::sometimes() }
    }

    fn event_enabled(&self, event: &Event<'_>, cx: &Context<'_, S>) -> bool {
        scope::find(cx.event_scope(event).into_iter().flatten())
            .is_none_or(|scope| !is_replayed(&scope))
    }

    /// With `None` a filter that this one is combined with would lose its own hint.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }
}

/// Whether a line that is written in this scope now comes from replayed code.
pub(crate) fn is_replayed(scope: &Scope) -> bool {
    scope.info.is_repeating() && !scope.has_ended() && is_code(scope)
}

/// Whether a line that is written in this scope now may have been written by a former attempt: the call
/// has not come to anything that the former did not come to.
pub(crate) fn may_be_retried(scope: &Scope) -> bool {
    let info = &scope.info;
    info.attempt > 0 && !info.has_begun_step() && !scope.has_ended() && is_code(scope)
}

/// Whether the function's code runs here, and no hook.
fn is_code(scope: &Scope) -> bool {
    // On another thread, or in another task, it is what the function spawned: hooks run in the call's own.
    scope.info.is_polling_code() || !bound::is_polling(scope)
}
