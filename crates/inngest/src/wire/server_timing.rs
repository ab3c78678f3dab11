//! The header `Server-Timing` (W3C Server Timing): where a call's time went.

use std::fmt::Write;
use std::time::Duration;

use hookstack_core::host::Timings;
use http::HeaderValue;

/// More entries than this are not sent: proxies limit the size of headers.
const MAX_ENTRIES: usize = 50;

/// Each middleware under its name, outermost first, then the user's code, the host and the total, in
/// milliseconds. Middleware of the same name are told apart by a number.
pub(crate) fn of_call(timings: &Timings) -> HeaderValue {
    let mut text = String::with_capacity(128);
    let mut names: Vec<String> = Vec::new();
    for (name, time) in timings.middleware().take(MAX_ENTRIES) {
        let name = token(name);
        let same = names.iter().filter(|earlier| **earlier == name).count();
        match same {
            0 => entry(&mut text, &format!("mw.{name}"), time),
            _ => entry(&mut text, &format!("mw.{name}.{}", same + 1), time),
        }
        names.push(name);
    }
    entry(&mut text, "code", timings.code());
    entry(&mut text, "host", timings.host());
    entry(&mut text, "total", timings.total());
    value(text)
}

/// The total alone, of a call without middleware.
pub(crate) fn total(time: Duration) -> HeaderValue {
    let mut text = String::with_capacity(24);
    entry(&mut text, "total", time);
    value(text)
}

fn entry(text: &mut String, name: &str, time: Duration) {
    if !text.is_empty() {
        text.push_str(", ");
    }
    let microseconds = time.as_micros();
    // Writing to a string cannot fail.
    let _ = write!(text, "{name};dur={}.{:03}", microseconds / 1000, microseconds % 1000);
}

fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("tokens and digits are ASCII")
}

/// A middleware's name as a token (RFC 9110, section 5.6.2).
fn token(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().map(|c| if allowed(c) { c } else { '_' }).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_tokens_and_times_milliseconds() {
        assert_eq!(token("my::Log<T>; é"), "my__Log_T____");
        assert_eq!(total(Duration::from_nanos(1_234_567)), "total;dur=1.234");
        assert_eq!(total(Duration::from_secs(61)), "total;dur=61000.000");
    }
}
