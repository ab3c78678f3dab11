//! Types that stand for the events of one name, checked on both sides.

use hookstack_core::{Error, ErrorKind, Event, Extensions, Extract, ExtractContext, Result, Retry};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::extract::{TypedEvent, first, only_durable, typed};
use crate::function::INVOKED_EVENT;

/// The data of all events of one name.
///
/// A value of such a type can be sent as it is; a function takes it as [`Typed`]. Both sides check it
/// with [`validate`](EventType::validate), and both see plaintext: on sending before any middleware, on
/// receiving after all of them.
///
/// ```
/// use hookstack_core::{Error, Event, Result};
/// use hookstack_inngest::{App, EventType, Function, Typed};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct OrderPlaced {
///     id: u64,
///     items: Vec<String>,
/// }
///
/// impl EventType for OrderPlaced {
///     const NAME: &'static str = "shop/order.placed";
///
///     fn validate(&self) -> Result {
///         if self.items.is_empty() {
///             return Err(Error::message("an order has at least one item"));
///         }
///         Ok(())
///     }
/// }
///
/// async fn ship(Typed(order): Typed<OrderPlaced>) -> Result<usize> {
///     Ok(order.items.len())
/// }
///
/// # async fn send(app: App) -> Result {
/// let order = OrderPlaced { id: 7, items: vec!["tea".to_owned()] };
/// // With an id of one's own: a second event with it triggers nothing.
/// app.send(order.to_event()?.with_id("order-7")).await.into_result()?;
/// // Or as it is.
/// app.send(order).await.into_result()?;
/// # Ok(()) }
/// let function = Function::builder("ship").on::<OrderPlaced>().handler(ship);
///
/// let empty = OrderPlaced { id: 8, items: vec![] };
/// assert_eq!(
///     empty.to_event().unwrap_err().text(),
///     "event \"shop/order.placed\" is not valid: an order has at least one item"
/// );
/// # Ok::<_, Error>(())
/// ```
pub trait EventType: Serialize + DeserializeOwned + Send {
    /// The name of the events, for instance `shop/order.placed`.
    const NAME: &'static str;

    /// Whether the data is such that it may be sent and worked with; everything that deserialises is, by
    /// default. Any standard error will do.
    ///
    /// # Errors
    /// What is wrong. The text must not quote the data: it becomes part of an error, which a function
    /// reports to the server like any other, in plaintext unless encryption is on.
    fn validate(&self) -> Result {
        Ok(())
    }

    /// The event, for what an event has beside its data: an id, a time. Not meant to be overridden.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the data is not valid, [`ErrorKind::Serialization`] when it has no
    /// JSON form.
    fn to_event(&self) -> Result<Event> {
        check(self)?;
        Event::new(Self::NAME, self)
    }
}

/// The data of the triggering event as an [`EventType`], checked; of a batch, the first event's.
///
/// An event of another name, or whose data does not fit or is not valid, fails the run for good. A run
/// that was invoked by another function has the invocation's data, under whatever name the server gives
/// it. For events from elsewhere, of a batch for instance, there is [`TypedEvent::check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typed<T>(pub T);

impl<T: EventType> Extract for Typed<T> {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        let event = first(cx)?;
        check_name::<T>(&event.name)?;
        let event: TypedEvent<T> = typed(event)?;
        check(&event.data)?;
        Ok(Typed(event.data))
    }

    fn check(provided: &Extensions) -> Result {
        only_durable(provided, "inngest::Typed")
    }
}

impl<T: EventType> TypedEvent<T> {
    /// The event, if it has the name of its type and its data is valid.
    ///
    /// ```
    /// # use hookstack_core::Result;
    /// # use hookstack_inngest::{Batch, EventType, TypedEvent};
    /// # #[derive(serde::Serialize, serde::Deserialize)] struct Paid { amount: u64 }
    /// # impl EventType for Paid { const NAME: &'static str = "shop/paid"; }
    /// async fn total(Batch(events): Batch<Paid>) -> Result<u64> {
    ///     let events = events.into_iter().map(TypedEvent::check).collect::<Result<Vec<_>>>()?;
    ///     Ok(events.iter().map(|event| event.data.amount).sum())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`], not to be retried.
    pub fn check(self) -> Result<Self> {
        check_name::<T>(&self.name)?;
        check(&self.data)?;
        Ok(self)
    }
}

fn check_name<T: EventType>(name: &str) -> Result {
    if name == T::NAME || name == INVOKED_EVENT {
        return Ok(());
    }
    Err(invalid(format!("event \"{name}\" came where \"{}\" was expected", T::NAME)))
}

/// What the validation says beside its text (a kind, a source) is dropped: it could hold the data.
fn check<T: EventType>(data: &T) -> Result {
    data.validate()
        .map_err(|error| invalid(format!("event \"{}\" is not valid: {}", T::NAME, error.text())))
}

fn invalid(message: String) -> Error {
    Error::of_kind(ErrorKind::InvalidInput, message).with_retry(Retry::Never)
}
