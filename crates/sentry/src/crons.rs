//! Check-ins of functions with a schedule.

use std::fmt;
use std::sync::Arc;

use hookstack_core::{CallInfo, CallTrigger};
use sentry_core::Client;
use sentry_core::protocol::{
    Envelope, MonitorCheckIn, MonitorCheckInStatus, MonitorConfig, MonitorSchedule,
};

use crate::ids;

type Slug = Arc<dyn Fn(&CallInfo) -> String + Send + Sync>;
type Configure =
    Arc<dyn Fn(&CallInfo, Option<MonitorConfig>) -> Option<MonitorConfig> + Send + Sync>;

/// How functions with a schedule check in to [Sentry Crons](https://docs.sentry.io/product/crons/): in
/// progress at the first call of a run, ok or error at the last, whichever processes serve them.
///
/// ```
/// use hookstack_sentry::{Crons, Sentry};
///
/// let crons = Crons::default().slug(|info| format!("nightly-{}", info.function.id)).configure(|_, config| {
///     // Five minutes late is missed; an hour without an end is a failure.
///     config.map(|mut config| {
///         (config.checkin_margin, config.max_runtime) = (Some(5), Some(60));
///         config
///     })
/// });
/// let sentry = Sentry::builder().crons(crons).build();
/// # let _ = sentry;
/// ```
#[derive(Clone, Default)]
#[must_use = "it is for `SentryBuilder::crons`"]
pub struct Crons {
    slug: Option<Slug>,
    configure: Option<Configure>,
}

impl Crons {
    /// Names the monitor of a function. By default it is the slug of the function in lower case.
    /// Sentry takes up to 50 lower-case letters, digits, `-` and `_`; others become `-`.
    pub fn slug(mut self, slug: impl Fn(&CallInfo) -> String + Send + Sync + 'static) -> Self {
        self.slug = Some(Arc::new(slug));
        self
    }

    /// Changes the monitor's configuration, by which Sentry makes and updates it. What is handed in has
    /// the schedule and time zone of the trigger, or is `None` where Sentry does not know such schedules.
    /// With `None` as the result the monitor must exist already.
    pub fn configure(
        mut self,
        configure: impl Fn(&CallInfo, Option<MonitorConfig>) -> Option<MonitorConfig>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.configure = Some(Arc::new(configure));
        self
    }

    /// Checks in, if a schedule caused the call.
    pub(crate) fn check_in(
        &self,
        client: &Client,
        info: &CallInfo,
        status: MonitorCheckInStatus,
    ) -> bool {
        let CallTrigger::Cron { schedule } = &info.trigger else { return false };
        let slug = match &self.slug {
            Some(slug) => slug(info),
            None => info.function.slug.clone(),
        };
        let config = monitor_config(schedule);
        let config = match &self.configure {
            Some(configure) => configure(info, config),
            None => config,
        };
        let check_in = MonitorCheckIn {
            check_in_id: ids::check_in_id(&info.run_id),
            monitor_slug: valid_slug(&slug),
            status,
            environment: client.options().environment.as_deref().map(str::to_owned),
            duration: None,
            monitor_config: config,
        };
        let mut envelope = Envelope::new();
        envelope.add_item(check_in);
        client.send_envelope(envelope);
        true
    }
}

impl fmt::Debug for Crons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crons")
            .field("slug", &self.slug.as_ref().map(|_| format_args!("…")))
            .field("configure", &self.configure.as_ref().map(|_| format_args!("…")))
            .finish()
    }
}

/// Schedules are crontab lines, of which the time zone can be the first word (`TZ=Europe/Paris 0 9 * * *`).
fn monitor_config(schedule: &str) -> Option<MonitorConfig> {
    let schedule = schedule.trim();
    let (timezone, line) = match schedule.strip_prefix("TZ=").and_then(|rest| rest.split_once(' '))
    {
        Some((timezone, line)) => (timezone, line.trim()),
        None => ("UTC", schedule),
    };
    Some(MonitorConfig {
        schedule: MonitorSchedule::from_crontab(line).ok()?,
        checkin_margin: None,
        max_runtime: None,
        timezone: Some(timezone.to_owned()),
        failure_issue_threshold: None,
        recovery_threshold: None,
    })
}

fn valid_slug(slug: &str) -> String {
    const LONGEST: usize = 50;
    let mut valid: String = slug
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' })
        .collect();
    if valid.len() > LONGEST {
        valid.truncate(LONGEST - 9);
        valid.push('-');
        valid.push_str(&ids::short_hash(slug));
    }
    valid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_made_valid_and_stays_apart_from_others() {
        assert_eq!(valid_slug("Shop-Nightly report"), "shop-nightly-report");
        let (one, other) = (valid_slug(&"x".repeat(60)), valid_slug(&"x".repeat(61)));
        assert_eq!((one.len(), other.len()), (50, 50));
        assert_ne!(one, other);
    }

    #[test]
    fn the_schedule_and_its_time_zone_configure_the_monitor() {
        let config = monitor_config("TZ=Europe/Paris 0 9 * * 1").expect("a crontab line");
        assert_eq!(config.timezone.as_deref(), Some("Europe/Paris"));
        assert_eq!(config.schedule, MonitorSchedule::Crontab { value: "0 9 * * 1".to_owned() });
        let utc = monitor_config("0 9 * * 1").expect("a crontab line").timezone;
        assert_eq!(utc.as_deref(), Some("UTC"));
        assert_eq!(monitor_config("every day"), None);
    }
}
