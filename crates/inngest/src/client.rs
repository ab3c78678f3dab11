//! Sending events from outside of any function.

use std::time::SystemTime;

use hookstack_core::{Error, ErrorKind, Event, Result, Retry, Sending, Sent, host};

use crate::app::App;
use crate::step::{IntoEvents, object};
use crate::transport::TransportEndpoint;

impl App {
    /// Sends events through the app's middleware and its transport. Missing ids and times are filled in.
    ///
    /// Errors of hooks that ran after the transport are in [`Sent::reported`]; the result stands.
    pub async fn send(&self, events: impl IntoEvents) -> Sent {
        let Some(transport) = &self.transport else {
            return Sent::failed(no_transport());
        };
        let mut events = events.into_events();
        for event in &mut events {
            event.id.get_or_insert_with(|| ulid::Ulid::generate().to_string());
            if let Err(error) = complete(event) {
                return Sent::failed(error);
            }
        }
        let mut endpoint = TransportEndpoint(&**transport);
        host::send(&self.shared.stack, Sending::from_client(events), &mut endpoint).await
    }
}

pub(crate) fn no_transport() -> Error {
    Error::of_kind(
        ErrorKind::Send,
        "the app has no event transport: set one with `App::builder(..).transport(..)`",
    )
    .with_retry(Retry::Never)
}

/// Fills in the time and checks the data.
///
/// # Errors
/// Data that is not a JSON object; the error names the event and quotes nothing.
pub(crate) fn complete(event: &mut Event) -> Result {
    event.ts.get_or_insert_with(now);
    event.data = object(std::mem::take(&mut event.data)).map_err(|_| {
        let message = format!("the data of event \"{}\" must be a JSON object", event.name);
        Error::of_kind(ErrorKind::InvalidInput, message).with_retry(Retry::Never)
    })?;
    Ok(())
}

/// Now, in milliseconds since the Unix epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
