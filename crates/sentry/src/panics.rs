//! Panics that no call knows of, for applications whose payloads are secret.

use sentry_core::protocol::Event;

use crate::{describe, processor};

/// Takes the message from an event of the panic hook that no call described. It is for
/// [`before_send`](sentry_core::ClientOptions::before_send), in applications whose payloads are secret.
///
/// The middleware redacts panics inside of a call's polls. A task that is spawned without the call's hub
/// panics outside of them, and so does a hook that runs after the response: the panic hook captures these
/// in plaintext, whatever the stack of the call. What a call described is left as it is.
///
/// ```
/// let options = sentry::ClientOptions::new()
///     .before_send(|event| Some(hookstack_sentry::redact_panics(event)));
/// # let _ = options;
/// ```
pub fn redact_panics(mut event: Event<'static>) -> Event<'static> {
    if processor::is_of_panic_hook(&event) && !event.contexts.contains_key(describe::CONTEXT) {
        processor::redact(&mut event);
    }
    event
}
