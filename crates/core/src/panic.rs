//! Catching panics of hooks and user code.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) type Panicked = Box<dyn Any + Send>;

/// Runs `code` and catches its panic.
///
/// What the code was working on is treated as unwind-safe: after a panic the future that was polled is
/// never polled again, and a call whose hook or function panicked is reported as failed.
pub(crate) fn catch<T>(code: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(code))
}
