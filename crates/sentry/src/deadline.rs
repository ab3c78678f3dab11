//! The warning before a call's deadline.

use std::sync::Arc;
use std::time::Duration;

use hookstack_core::{DeadlineAlarm, PendingAlarm};
use sentry_core::protocol::{Event, Value};
use sentry_core::{Breadcrumb, Hub, Level};

use crate::call::CallHub;
use crate::config::{Capture, Config};
use crate::{describe, processor};

/// What is told when a call still runs shortly before the platform ends it, for instance by killing the process,
/// which then tells nothing any more.
///
/// One second before, a [`breadcrumb`](DeadlineWarning::breadcrumb), by default: with a host that lets a late call
/// fail, as that for AWS Lambda does unless it is told not to, that failure is the issue, and the breadcrumb stands
/// in it. A call that begins with less time than that is not warned about.
///
/// ```
/// use std::time::Duration;
/// use hookstack_sentry::{DeadlineWarning, Sentry};
///
/// let warning = DeadlineWarning::issue(Duration::from_millis(1500));
/// let sentry = Sentry::builder().deadline_warning(warning).build();
/// # let _ = sentry;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadlineWarning {
    told: Told,
    before: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Breadcrumb,
    Issue,
}

impl DeadlineWarning {
    /// Nothing.
    pub const fn off() -> Self {
        DeadlineWarning { told: Told::Nothing, before: Duration::ZERO }
    }

    /// A breadcrumb of the issues that the call may still lead to, so long before the deadline.
    pub const fn breadcrumb(before: Duration) -> Self {
        DeadlineWarning { told: Told::Breadcrumb, before }
    }

    /// An issue, as a warning, so long before the deadline, from a thread of the middleware's own: also while
    /// the call blocks its executor, so that no failure of its own can be told any more. The transport must send
    /// it in that time.
    pub const fn issue(before: Duration) -> Self {
        DeadlineWarning { told: Told::Issue, before }
    }
}

impl Default for DeadlineWarning {
    fn default() -> Self {
        DeadlineWarning::breadcrumb(Duration::from_secs(1))
    }
}

const MESSAGE: &str = "the call is close to its deadline";

/// Warns when the call is close to its deadline, unless what this returns is dropped before.
pub(crate) fn warn(alarm: &DeadlineAlarm, config: &Config, call: &CallHub) -> Option<PendingAlarm> {
    let info = &call.notes.info;
    info.deadline?;
    let DeadlineWarning { told, before } = config.deadline_warning;
    let told = match told {
        Told::Nothing => return None,
        Told::Issue if config.capture == Capture::Never => Told::Breadcrumb,
        told => told,
    };
    let call = call.clone();
    alarm.set(&info.clone(), before, move || tell(&call, told == Told::Issue))
}

fn tell(call: &CallHub, is_issue: bool) {
    let notes = &call.notes;
    let info = &*notes.info;
    if !is_issue {
        let mut breadcrumb = Breadcrumb {
            category: Some("deadline".to_owned()),
            level: Level::Warning,
            message: Some(MESSAGE.to_owned()),
            ..Breadcrumb::default()
        };
        let left = info.remaining_time().unwrap_or_default().as_millis();
        let left = Value::from(u64::try_from(left).unwrap_or(u64::MAX));
        breadcrumb.data.insert("remaining_time_in_millis".to_owned(), left);
        return call.hub.add_breadcrumb(breadcrumb);
    }
    let mut event =
        Event { message: Some(MESSAGE.to_owned()), level: Level::Warning, ..Event::new() };
    let group = ["deadline", &info.app_id, &describe::group(info)];
    event.fingerprint =
        group.iter().map(|part| (*part).to_owned().into()).collect::<Vec<_>>().into();
    // The call's own is in use, by the thread that polls it.
    let hub = Arc::new(Hub::new_from_top(&call.hub));
    Hub::run(hub.clone(), || {
        let changing = notes.lock();
        let step = changing.step.as_ref().map(|step| step.id());
        describe::describe(&mut event, notes, &changing, step, info.attempt);
    });
    processor::capture(&hub, event, false);
    notes.sent();
}
