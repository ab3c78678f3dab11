//! The client.

use std::fmt;
use std::sync::Arc;

use hookstack_core::{Sent, Stack};

use super::builder::ClientBuilder;
use crate::events::IntoEvents;
use crate::transport::EventTransport;

/// Sends events, from any program: it needs no function. Cheap to clone; clones share their connections.
///
/// Middleware see every sending, as those of an app do. Encryption, for instance, belongs to the senders
/// of events as much as to the apps that receive them, with the same keys.
///
/// ```no_run
/// use hookstack_core::{Error, Event};
/// use hookstack_inngest::Client;
///
/// # async fn run() -> Result<(), Error> {
/// // Server and key come from the environment: `INNGEST_EVENT_KEY`, or `INNGEST_DEV=1`.
/// let client = Client::builder("checkout").build()?;
/// let placed = Event::new("shop/order.placed", &serde_json::json!({ "id": 7 }))?;
/// // A second event with this id triggers nothing.
/// let ids = client.send(placed.with_id("order-7")).await.into_result()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    stack: Stack,
    transport: Arc<dyn EventTransport>,
}

impl Client {
    /// A client of this name, which its middleware see as an app's id: letters, digits and `-_.:/`.
    pub fn builder(name: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(name.into())
    }

    pub(super) fn new(name: String, stack: Stack, transport: Arc<dyn EventTransport>) -> Self {
        Client { shared: Arc::new(Shared { name, stack, transport }) }
    }

    /// Sends an event or several, through the client's middleware. Missing ids and times are filled in.
    ///
    /// If an event cannot be one (a typed one that is not valid, data that is not an object), none is
    /// sent and no hook runs. On partial failure [`Sent`] has ids and an error; the events that were
    /// accepted are the first ones. Errors of hooks that ran after the transport are in
    /// [`Sent::reported`]; the result stands.
    ///
    /// Dropping the future ends the sending; the server may have accepted the events by then.
    pub async fn send(&self, events: impl IntoEvents) -> Sent {
        super::send::send(&self.shared.stack, &*self.shared.transport, events).await
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How the client sends, without its middleware: for an app that shall use the same connections.
    ///
    /// ```
    /// use hookstack_inngest::{App, Client, Config};
    ///
    /// let client = Client::builder("shop").config(Config::builder().dev().build()?).build()?;
    /// let app = App::builder("shop").transport(client.transport()).build()?;
    /// # Ok::<_, hookstack_inngest::ConfigError>(())
    /// ```
    pub fn transport(&self) -> Arc<dyn EventTransport> {
        self.shared.transport.clone()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.shared.name)
            .field("stack", &self.shared.stack)
            .finish_non_exhaustive()
    }
}
