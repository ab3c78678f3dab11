//! The one way in which events leave: of a client and of an app outside of any call.

use std::time::SystemTime;

use hookstack_core::{Error, ErrorKind, Event, Result, Retry, Sending, Sent, Stack, host};

use crate::app::App;
use crate::events::{IntoEvents, object};
use crate::transport::{EventTransport, TransportEndpoint};

impl App {
    /// Sends events through the app's middleware and its transport. Missing ids and times are filled in.
    ///
    /// If an event cannot be one, none is sent and no hook runs. Errors of hooks that ran after the
    /// transport are in [`Sent::reported`]; the result stands.
    pub async fn send(&self, events: impl IntoEvents) -> Sent {
        match &self.transport {
            Some(transport) => send(&self.shared.stack, &**transport, events).await,
            None => Sent::failed(no_transport()),
        }
    }
}

/// Sends events through the hooks of `stack`, outside of any call.
pub(super) async fn send(
    stack: &Stack,
    transport: &dyn EventTransport,
    events: impl IntoEvents,
) -> Sent {
    let events = match events.into_events().and_then(prepare) {
        Ok(events) => events,
        Err(error) => return Sent::failed(error),
    };
    let mut endpoint = TransportEndpoint(transport);
    host::send(stack, Sending::from_client(events), &mut endpoint).await
}

fn prepare(mut events: Vec<Event>) -> Result<Vec<Event>> {
    for event in &mut events {
        event.id.get_or_insert_with(|| ulid::Ulid::generate().to_string());
        complete(event)?;
    }
    Ok(events)
}

pub(crate) fn no_transport() -> Error {
    Error::of_kind(
        ErrorKind::Send,
        "the app has no event transport: set one with `App::builder(..).transport(..)`",
    )
    .with_retry(Retry::Never)
}

/// Fills in the time, and checks name and data: the server stops at the first event that it refuses,
/// when those before it are accepted already.
///
/// # Errors
/// A name or data that no event can have; the error names the event and quotes no data.
pub(crate) fn complete(event: &mut Event) -> Result {
    let refused = |message: String| {
        Err(Error::of_kind(ErrorKind::InvalidInput, message).with_retry(Retry::Never))
    };
    if event.name.is_empty() {
        return refused("an event needs a name".to_owned());
    }
    if event.name.to_ascii_lowercase().starts_with("inngest/") {
        let name = &event.name;
        return refused(format!(
            "event \"{name}\": names that begin with `inngest/` are the server's"
        ));
    }
    event.ts.get_or_insert_with(now);
    match object(std::mem::take(&mut event.data)) {
        Ok(data) => event.data = data,
        Err(_) => {
            let name = &event.name;
            return refused(format!(
                "the data of event \"{name}\" must be a JSON object: the Inngest server takes no other, with or without encryption"
            ));
        }
    }
    Ok(())
}

/// Now, in milliseconds since the Unix epoch.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
