//! When to send again.

use std::time::Duration;

use backon::ExponentialBuilder;

/// How often and after what delays a request with events is sent again.
///
/// The delay doubles from one attempt to the next, and a random part of up to its own length is added,
/// so that many senders do not come back at once. If the server says how long to wait (`Retry-After` in
/// seconds), the delay is at least that; if it asks for more than [`max_wait`](SendRetries::max_wait),
/// the sending fails with an error that says so ([`Retry::After`](hookstack_core::Retry::After)).
///
/// ```
/// use std::time::Duration;
/// use hookstack_inngest::SendRetries;
///
/// // For a request handler that must answer soon.
/// let retries = SendRetries::default().attempts(2).first_delay(Duration::from_millis(50));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct SendRetries {
    attempts: usize,
    first_delay: Duration,
    max_delay: Duration,
    max_wait: Duration,
}

impl Default for SendRetries {
    /// Five attempts, 100 ms at first and 5 s at most between them, 30 s if the server asks for it.
    fn default() -> Self {
        SendRetries {
            attempts: 5,
            first_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(5),
            max_wait: Duration::from_secs(30),
        }
    }
}

impl SendRetries {
    /// How often to send in total; 1 is without retries, and 0 is the same.
    pub fn attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts;
        self
    }

    /// The delay before the second attempt, without the random part.
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// The longest delay, without the random part.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// The longest that the server may ask to wait.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    pub(super) fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_min_delay(self.first_delay.min(self.max_delay))
            .with_max_delay(self.max_delay)
            .with_max_times(self.attempts.saturating_sub(1))
            .with_jitter()
    }

    /// The delay, if there is another attempt. What the server asks for comes first and the back-off on
    /// top: all senders are told the same.
    pub(super) fn delay(
        &self,
        backoff: Option<Duration>,
        asked: Option<Duration>,
    ) -> Option<Duration> {
        let asked = asked.unwrap_or_default();
        backoff.filter(|_| asked <= self.max_wait).map(|backoff| backoff.saturating_add(asked))
    }
}

#[cfg(test)]
mod tests {
    use backon::BackoffBuilder;

    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_are_at_most_doubled_by_chance() {
        let delays: Vec<_> = SendRetries::default().attempts(9).backoff().build().collect();
        let expected = [100, 200, 400, 800, 1600, 3200, 5000, 5000].map(Duration::from_millis);
        assert_eq!(delays.len(), expected.len());
        for (delay, least) in delays.into_iter().zip(expected) {
            assert!(delay >= least && delay <= least * 2, "{delay:?} for {least:?}");
        }
    }

    #[test]
    fn one_attempt_has_no_delay() {
        for attempts in [0, 1] {
            let backoff = SendRetries::default().attempts(attempts).backoff();
            assert_eq!(backoff.build().next(), None);
        }
    }

    #[test]
    fn what_the_server_asks_for_is_kept_or_the_sending_fails() {
        let retries = SendRetries::default();
        let (a_little, second) = (Duration::from_millis(150), Duration::from_secs(1));
        assert_eq!(retries.delay(Some(a_little), None), Some(a_little));
        assert_eq!(retries.delay(Some(a_little), Some(second)), Some(a_little + second));
        assert_eq!(retries.delay(Some(a_little), Some(second * 31)), None);
        assert_eq!(retries.delay(None, Some(second)), None, "no attempt is left");
    }
}
