//! The client of a hub for the time of a panic.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sentry_core::{Client, Envelope, Transport, TransportFactory, TransportOptions};

/// Makes clients that send through another one and have nothing to wait for.
///
/// The panic hook flushes the client of its hub, which blocks the executor as long as Sentry is slow. A hub
/// without any client would lose what is captured next, so it is handed one whose flush does nothing.
#[derive(Default)]
pub(crate) struct StandIns {
    /// Of the client that was asked for last.
    last: Mutex<Option<(Weak<Client>, Arc<Client>)>>,
}

impl StandIns {
    /// The stand-in of a client. It is made before there is a panic, because integrations are set up with it.
    pub(crate) fn of(&self, client: &Arc<Client>) -> Arc<Client> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((known, stand_in)) if known.as_ptr() == Arc::as_ptr(client) => stand_in.clone(),
            _ => {
                let stand_in = make(client);
                *last = Some((Arc::downgrade(client), stand_in.clone()));
                stand_in
            }
        }
    }
}

impl std::fmt::Debug for StandIns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandIns").finish_non_exhaustive()
    }
}

fn make(client: &Arc<Client>) -> Arc<Client> {
    let mut options = client.options().clone();
    options.transport = Some(Arc::new(Forward(Arc::downgrade(client))));
    Arc::new(Client::with_options(options))
}

/// Hands envelopes to the client that it stands in for.
struct Forward(Weak<Client>);

impl Transport for Forward {
    fn send_envelope(&self, envelope: Envelope) {
        if let Some(client) = self.0.upgrade() {
            client.send_envelope(envelope);
        }
    }

    fn flush(&self, _: Duration) -> bool {
        true
    }

    fn shutdown(&self, _: Duration) -> bool {
        true
    }
}

impl TransportFactory for Forward {
    fn create_transport_with_options(&self, _: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(Forward(self.0.clone()))
    }
}
