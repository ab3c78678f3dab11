//! Time strings (Inngest SDK specification, section 1.3.2).

use std::time::Duration;

/// `1h30m`-style text of a duration, to the millisecond; parts that are zero are left out.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(hookstack_inngest::time_string(Duration::from_secs(5400)), "1h30m");
/// assert_eq!(hookstack_inngest::time_string(Duration::from_millis(1500)), "1s500ms");
/// assert_eq!(hookstack_inngest::time_string(Duration::ZERO), "0s");
/// ```
pub fn time_string(duration: Duration) -> String {
    // Rounded up: a wait never ends earlier than was asked for.
    let mut rest = duration.as_nanos().div_ceil(1_000_000);
    let mut text = String::new();
    for (unit, milliseconds) in [
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ] {
        let count = rest / milliseconds;
        if count > 0 {
            text.push_str(&count.to_string());
            text.push_str(unit);
        }
        rest %= milliseconds;
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Reads a time string: decimal numbers, each with an optional fraction and a unit of `ns`, `us`,
/// `ms`, `s`, `m`, `h`, `d` or `w`. `None` for anything else.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(hookstack_inngest::parse_time_string("2h45m"), Some(Duration::from_secs(9900)));
/// assert_eq!(hookstack_inngest::parse_time_string("1.5s"), Some(Duration::from_millis(1500)));
/// assert_eq!(hookstack_inngest::parse_time_string("soon"), None);
/// ```
pub fn parse_time_string(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number_len = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(number_len);
        let unit_len = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return None,
        };
        let number: f64 = number.parse().ok()?;
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = tail;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for milliseconds in [0, 1, 999, 1000, 61_000, 5_400_000, 90_061_001, 700_000_000_123] {
            let duration = Duration::from_millis(milliseconds);
            let read = parse_time_string(&time_string(duration)).unwrap();
            assert!(read.abs_diff(duration) < Duration::from_micros(1), "{duration:?} {read:?}");
        }
    }

    #[test]
    fn a_fraction_of_a_millisecond_is_rounded_up() {
        assert_eq!(time_string(Duration::from_nanos(1)), "1ms");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "5", "s", "1.2.3s", "1x", "1e999s", "-1s"] {
            assert_eq!(parse_time_string(text), None, "{text}");
        }
    }
}
