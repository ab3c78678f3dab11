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

/// Tells Sentry that frames of hookstack and of inlined library functions are not the application's.
pub(crate) fn mark(event: &mut Event<'_>) {
    let stacktraces = event.exception.iter_mut().filter_map(|e| e.stacktrace.as_mut());
    for frame in stacktraces.flat_map(|stacktrace| &mut stacktrace.frames) {
        if is_ours(frame.function.as_deref(), frame.abs_path.as_deref()) {
            frame.in_app = Some(false);
        }
    }
}

fn is_ours(function: Option<&str>, file: Option<&str>) -> bool {
    // Names of inlined functions have no path (`poll<hookstack_core::next::Run>`), so the SDK takes them for the
    // application's. Where they stand tells whose they are: in the standard library, in a
    // registry's copy of hookstack.
    let mut folders = file.unwrap_or_default().split(['/', '\\']);
    if folders.any(|folder| folder == "rustc" || is_copy_of_ours(folder)) {
        return true;
    }
    function.is_some_and(|function| {
        // `hookstack_core::next::run`, `<hookstack_core::next::Run as …>::poll`, `_<hookstack_core..next..`
        let path = function.trim_start_matches(['_', '<']);
        let end = path.find([':', '.']).unwrap_or(path.len());
        OURS.contains(&&path[..end])
    })
}

/// `hookstack-core-0.1.0`
fn is_copy_of_ours(folder: &str) -> bool {
    folder.rsplit_once('-').is_some_and(|(name, version)| {
        version.starts_with(|c: char| c.is_ascii_digit())
            && OURS.contains(&name.replace('-', "_").as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_the_application_are_not_taken_for_ours() {
        let by_name = |name| is_ours(Some(name), Some("/app/src/main.rs"));
        assert!(by_name("hookstack_core::panic::catch::{{closure}}"));
        assert!(by_name("<hookstack_core::next::Run<O> as core::future::Future>::poll"));
        assert!(by_name("_<hookstack_inngest..handler..FnHandler<F,M> as X>::start"));
        assert!(!by_name("hookstack_shop::pay::{{closure}}"));
        assert!(!by_name("shop::hookstack::pay"));
        assert!(!by_name("pay<hookstack_inngest::step::Step>"));
    }

    #[test]
    fn files_tell_of_inlined_functions() {
        let inlined = |file| is_ours(Some("poll<core::future::Ready<()>>"), Some(file));
        assert!(inlined("/rustc/0123/library/core/src/future/mod.rs"));
        assert!(inlined("/home/me/.cargo/registry/src/index/hookstack-core-0.1.0/src/next.rs"));
        assert!(!inlined("/app/src/main.rs"));
        assert!(!inlined("/home/me/hookstack-shop-2/src/main.rs"));
    }
}
