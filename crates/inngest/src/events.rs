//! What can be sent.

use hookstack_core::{Error, ErrorKind, Event, Payload, Result, Retry};

use crate::event_type::EventType;

/// What can be sent: an event or several, made by hand or of a type that is an [`EventType`].
///
/// Whoever sends a reference keeps the events as they are; sending never changes them, because
/// middleware work on copies.
///
/// ```
/// use hookstack_core::Event;
/// use hookstack_inngest::IntoEvents;
///
/// let events = [Event::new("shop/opened", &())?, Event::new("shop/closed", &())?];
/// assert_eq!((&events[..]).into_events()?.len(), 2);
/// assert_eq!(events[0].name, "shop/opened"); // still there
/// # Ok::<_, hookstack_core::Error>(())
/// ```
pub trait IntoEvents {
    /// The events as a list.
    ///
    /// # Errors
    /// When a typed event is not valid or has no JSON form; then none of them is sent.
    fn into_events(self) -> Result<Vec<Event>>;
}

impl IntoEvents for Event {
    fn into_events(self) -> Result<Vec<Event>> {
        Ok(vec![self])
    }
}

impl IntoEvents for &Event {
    fn into_events(self) -> Result<Vec<Event>> {
        Ok(vec![self.clone()])
    }
}

impl IntoEvents for Vec<Event> {
    fn into_events(self) -> Result<Vec<Event>> {
        Ok(self)
    }
}

impl IntoEvents for &[Event] {
    fn into_events(self) -> Result<Vec<Event>> {
        Ok(self.to_vec())
    }
}

impl<const N: usize> IntoEvents for [Event; N] {
    fn into_events(self) -> Result<Vec<Event>> {
        Ok(self.into())
    }
}

impl<T: EventType> IntoEvents for T {
    fn into_events(self) -> Result<Vec<Event>> {
        Ok(vec![self.to_event()?])
    }
}

impl<T: EventType> IntoEvents for Vec<T> {
    fn into_events(self) -> Result<Vec<Event>> {
        self.iter().map(EventType::to_event).collect()
    }
}

/// Event data must be a JSON object; nothing (`()`, `None`) becomes an empty one.
pub(crate) fn object(data: Payload) -> Result<Payload> {
    match data.text().trim_ascii_start().first() {
        Some(b'{') => Ok(data),
        _ if data.is_null() || data.is_absent() => Ok(Payload::from_well_formed("{}")),
        _ => Err(Error::of_kind(ErrorKind::InvalidInput, "event data must be a JSON object")
            .with_retry(Retry::Never)),
    }
}
