//! The ids of requests.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName};

/// Tells processes apart; ids are names, not secrets.
static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
static NEXT: AtomicU64 = AtomicU64::new(0);

/// How long an id that a client chose may be.
const LONGEST: usize = 128;

/// A new id: random for the process, counted within it.
pub(crate) fn fresh() -> String {
    format!("{:016x}-{:x}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The id that the request brought, if it is one.
pub(crate) fn of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let id = headers.get(name)?.to_str().ok()?;
    let is_plain = id.bytes().all(|byte| byte.is_ascii_graphic());
    (is_plain && (1..=LONGEST).contains(&id.len())).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_are_short() {
        let (one, other) = (fresh(), fresh());
        assert_ne!(one, other);
        assert!(one.len() <= 33, "{one}");
    }

    #[test]
    fn only_visible_ascii_of_a_bounded_length_is_taken() {
        let name = HeaderName::from_static("x-request-id");
        let id = |value: &str| {
            let mut headers = HeaderMap::new();
            headers
                .insert(&name, http::HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
            of(&headers, &name)
        };
        assert_eq!(id("client-7").as_deref(), Some("client-7"));
        for refused in ["", "two words", "ä", &"x".repeat(129)] {
            assert_eq!(id(refused), None, "{refused}");
        }
    }
}
