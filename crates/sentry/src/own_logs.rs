//! hookstack's own log lines, for applications that make issues of error lines.

/// Whether this target of a `tracing` event is one of hookstack's own (`hookstack::…`).
///
/// What hookstack logs as an error is the failure of a call, which this middleware captures already. Where
/// `sentry-tracing` makes issues of error lines, leave these out:
///
/// ```
/// use sentry_tracing::ErrorLayer;
/// use tracing_subscriber::filter::filter_fn;
/// use tracing_subscriber::prelude::*;
///
/// let errors = filter_fn(|line| {
///     *line.level() == tracing::Level::ERROR && !hookstack_sentry::is_own_log(line.target())
/// });
/// let subscriber = tracing_subscriber::registry().with(ErrorLayer::new().with_filter(errors));
/// # let _ = subscriber;
/// ```
///
/// Inside of a call that happens by itself. The filter is for what is logged around calls, when a response
/// has left for instance.
pub fn is_own_log(target: &str) -> bool {
    target == "hookstack" || target.starts_with("hookstack::")
}
