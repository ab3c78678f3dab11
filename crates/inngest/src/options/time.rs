//! Durations of options: how they are written, and which ones the server takes.
//!
//! The server reads most of them with a parser that knows days and weeks, but a batch's timeout with Go's
//! `time.ParseDuration`, which does not. A batch waits for a minute at most, so one way of writing fits
//! all.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::duration::time_string;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// The server counts nanoseconds in 64 bits with a sign: 292 years.
pub(super) const LONGEST: Duration = Duration::from_secs(i64::MAX as u64 / 1_000_000_000);

pub(super) fn write<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time_string(*duration))
}

pub(super) fn write_optional<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(time_string).serialize(serializer)
}

/// Whether a duration is in range and in whole milliseconds, the smallest unit that is written.
pub(super) fn check(
    field: &str,
    duration: Duration,
    range: RangeInclusive<Duration>,
) -> Result<(), String> {
    if !range.contains(&duration) {
        let (least, most) = (time_string(*range.start()), time_string(*range.end()));
        return Err(format!("`{field}` must be {least} to {most}, but is {duration:?}"));
    }
    if !duration.subsec_nanos().is_multiple_of(1_000_000) {
        return Err(format!("`{field}` must be in whole milliseconds, but is {duration:?}"));
    }
    Ok(())
}

/// As [`check`], where the server cuts off fractions of a second.
pub(super) fn check_seconds(
    field: &str,
    duration: Duration,
    range: RangeInclusive<Duration>,
) -> Result<(), String> {
    check(field, duration, range)?;
    if duration.subsec_nanos() != 0 {
        return Err(format!("`{field}` must be in whole seconds, but is {duration:?}"));
    }
    Ok(())
}
