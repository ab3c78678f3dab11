//! How events leave the process.

use std::fmt;
use std::sync::Arc;

use hookstack_core::host::{BoxFuture, Endpoint};
use hookstack_core::{Event, Sending, Sent};

use crate::limits;
use crate::wire::trace_key;

/// Carries events to the platform: the event API of a server, or the local engine.
pub trait EventTransport: Send + Sync + 'static {
    /// Sends events, with the transport's own retries. Ids and times are filled in already.
    fn send<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Sent>;
}

impl<T: EventTransport + ?Sized> EventTransport for Arc<T> {
    fn send<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Sent> {
        (**self).send(events)
    }
}

impl fmt::Debug for dyn EventTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventTransport")
    }
}

/// The transport as the centre of the `around_send` onion.
pub(crate) struct TransportEndpoint<'t>(pub(crate) &'t dyn EventTransport);

impl Endpoint<Sending, Sent> for TransportEndpoint<'_> {
    fn run<'b>(&'b mut self, sending: &'b mut Sending) -> BoxFuture<'b, Sent> {
        Box::pin(async move {
            let events = trace_key::write_events(sending.events());
            match limits::check_events(&events) {
                Ok(()) => self.0.send(&events).await,
                Err(error) => Sent::failed(error),
            }
        })
    }
}
