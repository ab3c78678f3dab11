//! When instances end.

/// When an instance is torn down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// On the way out of the function or of the step, where an error replaces the outcome.
    Before,
    /// After the response, where an error is reported.
    After,
}

impl Phase {
    /// How many phases are over with this one.
    pub(crate) fn count(self) -> u8 {
        self as u8 + 1
    }

    #[inline]
    pub(crate) fn is_among_first(self, count: u8) -> bool {
        (self as u8) < count
    }
}
