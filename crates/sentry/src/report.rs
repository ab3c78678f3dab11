//! What becomes of a call's failures when it has ended.

use std::collections::VecDeque;

use hookstack_core::redact::REDACTED;
use hookstack_core::{CallInfo, Error, ErrorKind, Outcome};
use sentry_core::protocol::{Event, Exception, MonitorCheckInStatus, Value};
use sentry_core::{Breadcrumb, Hub, Level};

use crate::call::CallHub;
use crate::config::{Capture, Captured, Config};
use crate::failure::{FailedStep, Failure, Place};
use crate::memory::{Memory, Notes};
use crate::middleware::NAME;
use crate::{describe, failure, limits, processor};

/// What ended calls are reported with.
pub(crate) struct Reporter<'a> {
    pub(crate) config: &'a Config,
    pub(crate) memory: &'a Memory,
    pub(crate) call: &'a CallHub,
}

/// Whether no attempt follows. Where nobody knows how many there are, none is counted on.
pub(crate) fn is_final(error: &Error, info: &CallInfo) -> bool {
    error.is_final(info) || info.max_attempts.is_none()
}

impl Reporter<'_> {
    /// Notes a failure whose error is still in plaintext. The first of each place counts.
    pub(crate) fn note(&self, error: &Error, place: Place, step: Option<FailedStep>) {
        let notes = &self.call.notes;
        let is_final = is_final(error, &notes.info);
        let mut failure =
            Failure::of(error, place, notes.info.attempt, is_final, notes.shows_of(error));
        failure.step = step.or(failure.step);
        failure.is_told = error.is_told_by(NAME);
        let mut changing = notes.lock();
        if changing.failures.iter().any(|known| known.place == place) {
            return;
        }
        if failure.is_panic_of_call()
            && let Some(panic) = take_panic(&mut changing.panics, error.text())
        {
            failure.set_panic(panic);
        }
        changing.failures.push(failure);
    }

    /// Captures what there is to capture. Without an outcome the call was dropped.
    pub(crate) fn conclude(&self, outcome: Option<&Outcome>, reported: &[Error]) {
        let notes = &self.call.notes;
        if !notes.conclude() {
            return;
        }
        notes.bind_again();
        let info = &*notes.info;
        let mut suppressed = failure::suppressed(outcome);
        let status = notes.lock().status;
        let failure = match status {
            // The caller's mistake: not a failure of the service.
            Some(status) if info.is_client_error(status) => None,
            _ => self.failure(outcome, &mut suppressed),
        };
        let ends_run = match outcome {
            Some(Outcome::Done(Err(error))) => is_final(error, info),
            Some(outcome) => outcome.ends_run(info),
            None => false,
        };
        if ends_run {
            self.check_in(outcome.is_some_and(|outcome| outcome.error().is_none()));
        }
        let run = if ends_run { self.memory.take(&info.run_id) } else { Notes::default() };
        let mut panics = std::mem::take(&mut notes.lock().panics);
        if self.config.capture == Capture::Never {
            return;
        }
        reported.iter().for_each(|error| self.capture_reported(error, &mut panics));
        match failure {
            Some(failure) => self.decide(failure, run, panics, suppressed),
            None => panics.into_iter().for_each(|panic| self.capture_panic(panic)),
        }
    }

    /// What failed, as it was noted in plaintext, or else as it went out.
    fn failure(&self, outcome: Option<&Outcome>, suppressed: &mut Vec<Value>) -> Option<Failure> {
        let notes = &self.call.notes;
        let mut noted = std::mem::take(&mut notes.lock().failures);
        let Some(outcome) = outcome else { return noted.pop() };
        let error = outcome.error()?;
        let place = if outcome.is_suspended() { Place::Step } else { Place::Function };
        let is_final = is_final(error, &notes.info);
        let is_it = |noted: &Failure| noted.place == place && noted.is_of(error);
        if let Some(position) = noted.iter().position(is_it) {
            let mut known = noted.swap_remove(position);
            known.is_final = is_final;
            return Some(known);
        }
        let mut failure =
            Failure::of(error, place, notes.info.attempt, is_final, notes.shows_of(error));
        // It stands in place of what was noted.
        for mut replaced in noted {
            let title = Value::from(replaced.title());
            if !suppressed.contains(&title) {
                suppressed.push(title);
            }
            failure.step = failure.step.or(replaced.step.take());
        }
        // It came up behind this middleware: while the output was transformed, or later.
        if failure.is_panic_of_call()
            && let Some(panic) = take_panic(&mut notes.lock().panics, error.text())
        {
            failure.set_panic(panic);
        }
        Some(failure)
    }

    fn decide(
        &self,
        mut failure: Failure,
        mut run: Notes,
        panics: Vec<Event<'static>>,
        suppressed: Vec<Value>,
    ) {
        let at_once = self.config.captures_steps_at_once();
        let is_captured = match failure.place {
            _ if failure.is_told => false,
            Place::Step if failure.is_final => at_once,
            Place::Function if failure.is_final => {
                !self.complete(&mut failure, &mut run) || !at_once
            }
            _ => self.config.capture == Capture::EveryAttempt,
        };
        let goes_on = failure.place == Place::Step || !failure.is_final;
        if goes_on {
            let keeps = failure.place == Place::Step && failure.is_final && !at_once;
            let breadcrumb = breadcrumb(&failure, &self.call.notes.info);
            let step = keeps.then(|| failure.clone());
            self.memory.note(&self.call.notes.info.run_id, breadcrumb, step);
        }
        if is_captured {
            let causes = panics.into_iter().flat_map(|panic| self.told(panic).exception);
            failure.exceptions.splice(..0, causes);
            self.capture(failure, run.breadcrumbs, suppressed, Level::Error);
        }
    }

    /// Completes the failure of an earlier step by what is known about it. Whether its body failed in this
    /// app, where the call that executed it saw it.
    fn complete(&self, failure: &mut Failure, run: &mut Notes) -> bool {
        if !failure.is_of_earlier_step() {
            return false;
        }
        let Some(step) = &mut failure.step else { return false };
        let stored = std::mem::take(&mut self.call.notes.lock().stored);
        if let Some(known) = stored.into_iter().rev().find(|known| known.id == step.id) {
            *step = known;
        }
        let has_body = step.has_body == Some(true);
        let Some(known) = run.take_step(step) else { return has_body };
        // In place of what was stored, and of its causes, stands what the step failed with.
        let is_stored = |exception: &Exception| {
            let value = exception.value.as_deref();
            // Where it failed it may have been known to hold nothing secret.
            exception.ty == known.name && (value == Some(known.text()) || value == Some(REDACTED))
        };
        if let Some(position) = failure.exceptions.iter().rposition(is_stored) {
            if position + 1 == failure.exceptions.len() {
                failure.kind = known.kind;
            }
            failure.exceptions.splice(..=position, known.exceptions);
            failure.attempt = known.attempt;
            failure.panic = known.panic;
        }
        has_body
    }

    fn capture(
        &self,
        failure: Failure,
        breadcrumbs: VecDeque<Breadcrumb>,
        suppressed: Vec<Value>,
        level: Level,
    ) {
        let (hub, notes) = (&self.call.hub, &self.call.notes);
        let mut failure = failure;
        // The panic hook's event has the breadcrumbs of its moment.
        let (mut event, has_breadcrumbs) = match failure.panic.take() {
            Some(panic) => (*panic, true),
            None => (Event::new(), false),
        };
        event.level = if failure.kind == ErrorKind::Panic { Level::Fatal } else { level };
        event.breadcrumbs.values.splice(..0, breadcrumbs);
        event.fingerprint = self.fingerprint(&failure).into();
        event.exception = std::mem::take(&mut failure.exceptions).into();
        let step = failure.step.as_ref().map(|step| &*step.id);
        Hub::run(hub.clone(), || {
            describe::describe(&mut event, notes, &notes.lock(), step, failure.attempt);
        });
        describe::describe_failure(&mut event, &notes.info, &failure, suppressed);
        processor::capture(hub, event, has_breadcrumbs);
        notes.sent();
    }

    /// An error that did not change the outcome.
    fn capture_reported(&self, error: &Error, panics: &mut Vec<Event<'static>>) {
        let notes = &self.call.notes;
        let attempt = notes.info.attempt;
        let mut failure =
            Failure::of(error, Place::Function, attempt, false, notes.shows_of(error));
        if failure.is_panic_of_call()
            && let Some(panic) = take_panic(panics, error.text())
        {
            failure.set_panic(panic);
        }
        if let Some(mechanism) =
            failure.exceptions.last_mut().and_then(|outermost| outermost.mechanism.as_mut())
        {
            mechanism.handled = Some(true);
        }
        self.capture(failure, VecDeque::new(), Vec::new(), Level::Warning);
    }

    /// A panic that the user's code caught.
    fn capture_panic(&self, panic: Event<'static>) {
        let (hub, notes) = (&self.call.hub, &self.call.notes);
        let mut event = self.told(panic);
        Hub::run(hub.clone(), || {
            describe::describe(&mut event, notes, &notes.lock(), None, notes.info.attempt);
        });
        processor::capture(hub, event, true);
        notes.sent();
    }

    fn told(&self, mut panic: Event<'static>) -> Event<'static> {
        if !self.call.notes.shows() {
            processor::redact(&mut panic);
        }
        panic
    }

    fn fingerprint(&self, failure: &Failure) -> Vec<std::borrow::Cow<'static, str>> {
        let info = &*self.call.notes.info;
        let step = failure.step.as_ref().map(|step| &*step.id);
        let parts = match &self.config.fingerprint {
            Some(fingerprint) => fingerprint(&Captured {
                info,
                step,
                error_name: &failure.name,
                error_kind: failure.kind,
            }),
            None => {
                let group = describe::group(info);
                let (app, function) = (&*info.app_id, &*group);
                let parts = match step {
                    // What Sentry groups by is not the same in every process that can serve the last call.
                    Some(step) => [app, function, step, &failure.name],
                    None => ["{{ default }}", app, function, ""],
                };
                parts.into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect()
            }
        };
        parts.into_iter().map(Into::into).collect()
    }

    fn check_in(&self, is_ok: bool) {
        let status = if is_ok { MonitorCheckInStatus::Ok } else { MonitorCheckInStatus::Error };
        let CallHub { client, notes, .. } = self.call;
        if let Some(crons) = &self.config.crons
            && crons.check_in(client, &notes.info, status)
        {
            notes.sent();
        }
    }
}

/// The latest panic with this text, or the latest of which the hook could not tell the text.
fn take_panic(panics: &mut Vec<Event<'static>>, text: &str) -> Option<Event<'static>> {
    /// What `sentry-panic` says of payloads that are no texts.
    const UNKNOWN: &str = "Box<Any>";
    let text_of = |panic: &Event<'_>| panic.exception.last().and_then(|e| e.value.clone());
    let text = limits::cut(text, limits::MESSAGE);
    let has_text = |panic: &Event<'_>| text_of(panic).as_deref() == Some(text);
    let is_unknown = |panic: &Event<'_>| text_of(panic).is_none_or(|text| text == UNKNOWN);
    let position = panics.iter().rposition(has_text);
    let position = position.or_else(|| panics.iter().rposition(is_unknown))?;
    Some(panics.remove(position))
}

/// An attempt that failed, for the issue of a later one.
fn breadcrumb(failure: &Failure, info: &CallInfo) -> Breadcrumb {
    let mut breadcrumb = Breadcrumb {
        ty: "error".to_owned(),
        category: Some("inngest.attempt".to_owned()),
        level: Level::Warning,
        message: Some(format!("{}: {}", failure.name, limits::cut(failure.text(), limits::NAME))),
        ..Breadcrumb::default()
    };
    let mut set = |key: &str, value: Value| {
        breadcrumb.data.insert(key.to_owned(), value);
    };
    set("attempt", info.attempt.into());
    if let Some(max_attempts) = info.max_attempts {
        set("max_attempts", max_attempts.into());
    }
    if let Some(step) = &failure.step {
        set("step", (*step.id).into());
    }
    breadcrumb
}
