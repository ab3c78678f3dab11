//! Events as they travel: what triggers functions and what `send` sends.

use std::fmt;

use crate::error::Result;
use crate::extensions::Extensions;
use crate::payload::Payload;
use crate::trace::TraceCarrier;

/// An event on the wire.
///
/// The form is section 1.3.4 of the Inngest SDK specification. `Debug` shows name, id and sizes, never the data.
///
/// ```
/// use hookstack_core::Event;
///
/// let event = Event::new("shop/order.placed", &serde_json::json!({ "total": 12 }))?.with_id("order-1");
/// assert_eq!(event.name, "shop/order.placed");
/// # Ok::<(), hookstack_core::Error>(())
/// ```
#[derive(Default)]
#[non_exhaustive]
pub struct Event {
    /// The type of the event, for instance `shop/order.placed`.
    pub name: String,
    /// The event's data: a JSON object.
    pub data: Payload,
    /// An id; a second event with the same id triggers nothing. The sender's host fills it in when
    /// it is missing.
    pub id: Option<String>,
    /// When it happened, in milliseconds since the Unix epoch.
    pub ts: Option<i64>,
    /// The version of the event's form.
    pub version: Option<String>,
    /// The trace that the sender belongs to. It travels beside the data, which encryption seals.
    pub trace: TraceCarrier,
    /// What middleware attach to the event inside this process, for instance how it was authenticated.
    pub extensions: Extensions,
}

impl Event {
    /// An event with data; a type that serialises to a JSON object.
    ///
    /// # Errors
    /// When `data` has no JSON form.
    pub fn new<T: serde::Serialize + ?Sized>(name: impl Into<String>, data: &T) -> Result<Self> {
        Ok(Event::from_payload(name, Payload::new(data)?))
    }

    /// An event with data that is JSON already.
    pub fn from_payload(name: impl Into<String>, data: Payload) -> Self {
        Event { name: name.into(), data, ..Event::default() }
    }

    /// Sets the id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the time, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn with_ts(mut self, milliseconds: i64) -> Self {
        self.ts = Some(milliseconds);
        self
    }
}

/// The extensions stay behind: they belong to one event on one trip.
impl Clone for Event {
    fn clone(&self) -> Self {
        Event {
            name: self.name.clone(),
            data: self.data.clone(),
            id: self.id.clone(),
            ts: self.ts,
            version: self.version.clone(),
            trace: self.trace.clone(),
            extensions: Extensions::new(),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name)
            .field("id", &self.id)
            .field("ts", &self.ts)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}
