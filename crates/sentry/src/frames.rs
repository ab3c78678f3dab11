//! Frames of backtraces.

use sentry_core::protocol::Event;

/// Crates between the executor and the user's code.
const OURS: [&str; 10] = [
    "hookstack",
    "hookstack_core",
    "hookstack_encryption",
    "hookstack_http",
    "hookstack_inject",
    "hookstack_inngest",
    "hookstack_lambda",
    "hookstack_logging",
    "hookstack_opentelemetry",
    "hookstack_sentry",
];

/// Tells Sentry that hookstack's frames are not the application's.
pub(crate) fn mark(event: &mut Event<'_>) {
    let stacktraces = event.exception.iter_mut().filter_map(|e| e.stacktrace.as_mut());
    for frame in stacktraces.flat_map(|stacktrace| &mut stacktrace.frames) {
        if frame.function.as_deref().is_some_and(is_ours) {
            frame.in_app = Some(false);
        }
    }
}

/// `hookstack_core::next::Run`, `<hookstack_core::next::Run as …>::poll`, `_<hookstack_core..next..`.
fn is_ours(function: &str) -> bool {
    let path = function.trim_start_matches(['_', '<']);
    let end = path.find([':', '.']).unwrap_or(path.len());
    OURS.contains(&&path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_the_application_are_not_taken_for_ours() {
        assert!(is_ours("hookstack_core::panic::catch::{{closure}}"));
        assert!(is_ours("<hookstack_core::next::Run<O> as core::future::Future>::poll"));
        assert!(is_ours("_<hookstack_inngest..handler..FnHandler<F,M> as X>::start"));
        assert!(!is_ours("hookstack_shop::pay::{{closure}}"));
        assert!(!is_ours("shop::hookstack::pay"));
    }
}
