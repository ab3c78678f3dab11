//! What a call's hub does with every event that is captured in it, by whomever.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, RefUnwindSafe};
use std::sync::Arc;

use hookstack_core::redact::REDACTED;
use sentry_core::Hub;
use sentry_core::protocol::{Event, Level};
use sentry_core::types::Uuid;

use crate::call::CallNotes;
use crate::own_logs::is_own_log;
use crate::{bound, describe, frames, scrub};

thread_local! {
    /// Whether this thread is in [`capture`]: then the event is complete.
    static CAPTURING: Cell<bool> = const { Cell::new(false) };
}

/// Captures a complete event. With `has_breadcrumbs` it has those of the scope already.
pub(crate) fn capture(hub: &Arc<Hub>, event: Event<'static>, has_breadcrumbs: bool) -> Uuid {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            CAPTURING.set(false);
        }
    }
    Hub::run(hub.clone(), || {
        let _reset = Reset;
        CAPTURING.set(true);
        let prepare = |scope: &mut sentry_core::Scope| {
            if has_breadcrumbs {
                scope.clear_breadcrumbs();
            }
        };
        hub.with_scope(prepare, || hub.capture_event(event))
    })
}

/// The processor of a call's scope.
pub(crate) fn of(
    notes: Arc<CallNotes>,
) -> impl Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + RefUnwindSafe + 'static {
    // A lock that a panic poisons is used all the same: nothing is left half done under it.
    let notes = AssertUnwindSafe(notes);
    move |event| process(&notes, event)
}

fn process(notes: &CallNotes, mut event: Event<'static>) -> Option<Event<'static>> {
    if !CAPTURING.get() {
        if is_of_panic_hook(&event) {
            frames::mark(&mut event);
            event = notes.keep_panic(event)?;
            // Of a task that outlives its call.
            if !notes.shows() {
                redact(&mut event);
            }
        }
        // What hookstack logs as an error is captured as what it is.
        if event.level >= Level::Error && event.logger.as_deref().is_some_and(is_own_log) {
            return None;
        }
        // It was captured when this code ran for the first time; hooks run for the first time in each call.
        if notes.info.is_repeating() && (notes.info.is_polling_code() || !bound::is_polling(notes))
        {
            return None;
        }
        let changing = notes.lock();
        let step = changing.step.as_ref().map(|step| step.id());
        describe::describe(&mut event, notes, &changing, step, notes.info.attempt);
    }
    scrub::scrub(&mut event);
    Some(event)
}

/// Takes the texts of a panic away.
pub(crate) fn redact(panic: &mut Event<'_>) {
    panic.exception.iter_mut().for_each(|e| e.value = Some(REDACTED.to_owned()));
}

/// Events of `sentry-panic`'s hook, also of applications' own hooks that describe themselves as it does.
pub(crate) fn is_of_panic_hook(event: &Event<'_>) -> bool {
    event.exception.last().is_some_and(|exception| {
        exception.mechanism.as_ref().is_some_and(|mechanism| mechanism.ty == "panic")
    })
}
