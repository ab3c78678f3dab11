//! A transport that keeps envelopes and prints them for people.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use sentry::protocol::{EnvelopeItem, Event, MonitorCheckIn, Transaction};
use sentry::{Envelope, Transport};

/// Keeps what would have been sent.
#[derive(Debug, Default)]
pub(crate) struct Printer(Mutex<Vec<Envelope>>);

impl Transport for Printer {
    fn send_envelope(&self, envelope: Envelope) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(envelope);
    }
}

impl fmt::Display for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let envelopes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !envelopes.is_empty() {
            writeln!(f, "What Sentry would have been told, in {} envelopes:", envelopes.len())?;
        }
        for item in envelopes.iter().flat_map(Envelope::items) {
            match item {
                EnvelopeItem::Event(event) => issue(f, event)?,
                EnvelopeItem::Transaction(transaction) => spans(f, transaction)?,
                EnvelopeItem::MonitorCheckIn(check_in) => monitor(f, check_in)?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn issue(f: &mut fmt::Formatter<'_>, event: &Event<'_>) -> fmt::Result {
    writeln!(f, "\nissue, {}, in {}", event.level, event.transaction.as_deref().unwrap_or("?"))?;
    // The outermost comes last.
    for (depth, exception) in event.exception.iter().rev().enumerate() {
        let lead = if depth == 0 { "" } else { "caused by " };
        writeln!(
            f,
            "  {lead}{}: {}",
            exception.ty,
            exception.value.as_deref().unwrap_or_default()
        )?;
        let frames =
            exception.stacktrace.iter().flat_map(|stacktrace| stacktrace.frames.iter().rev());
        let own = frames.filter(|frame| {
            let function = frame.function.as_deref().unwrap_or_default();
            frame.in_app == Some(true) && function.starts_with("sentry_example")
        });
        for frame in own {
            let place =
                (frame.filename.as_deref().unwrap_or("?"), frame.lineno.unwrap_or_default());
            writeln!(
                f,
                "    at {} ({}:{})",
                frame.function.as_deref().unwrap_or("?"),
                place.0,
                place.1
            )?;
        }
    }
    writeln!(f, "  grouped by {}", event.fingerprint.join(", "))?;
    for breadcrumb in event.breadcrumbs.iter() {
        let attempt = breadcrumb.data.get("attempt").map(ToString::to_string).unwrap_or_default();
        writeln!(
            f,
            "  before: attempt {attempt}, {}",
            breadcrumb.message.as_deref().unwrap_or_default()
        )?;
    }
    for (tag, value) in &event.tags {
        writeln!(f, "  {tag} = {value}")?;
    }
    Ok(())
}

fn spans(f: &mut fmt::Formatter<'_>, transaction: &Transaction<'_>) -> fmt::Result {
    writeln!(f, "\ntransaction {}", transaction.name.as_deref().unwrap_or("?"))?;
    for span in &transaction.spans {
        writeln!(f, "  step {}", span.description.as_deref().unwrap_or("?"))?;
    }
    Ok(())
}

fn monitor(f: &mut fmt::Formatter<'_>, check_in: &MonitorCheckIn) -> fmt::Result {
    let MonitorCheckIn { monitor_slug, status, check_in_id, .. } = check_in;
    writeln!(f, "\nmonitor {monitor_slug}: {status:?}, check-in {check_in_id}")
}
