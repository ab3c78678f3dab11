//! The warning before a call's deadline.

use std::sync::Arc;

use hookstack_core::{DeadlineAlarm, PendingAlarm};
use tracing::{Dispatch, Span, dispatcher};

use crate::TARGET;
use crate::bound::Bound;
use crate::buffer;
use crate::config::{Config, OwnLines};
use crate::scope::Scope;

/// Warns when the call is close to its deadline, unless what this returns is dropped before.
pub(crate) fn warn(
    alarm: &DeadlineAlarm,
    config: &Config,
    span: &Span,
    scope: &Arc<Scope>,
) -> Option<PendingAlarm> {
    let before = config.deadline_warning?;
    scope.info.deadline?;
    let says = config.own_lines != OwnLines::Off;
    let (span, of_call) = (span.clone(), scope.clone());
    // The subscriber can be one of this thread.
    let subscriber = dispatcher::get_default(Dispatch::clone);
    alarm.set(&scope.info, before, move || {
        dispatcher::with_default(&subscriber, || {
            Bound::new(std::future::ready(()), span, of_call).within(|scope| tell(scope, says));
        });
    })
}

fn tell(scope: &Scope, says: bool) {
    buffer::write_retried(scope, None);
    buffer::write(scope);
    if says {
        let left = scope.info.remaining_time().unwrap_or_default();
        let remaining_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(target: TARGET, remaining_ms, "call is close to its deadline");
    }
}
