//! One sending of events.

use super::Endpoint;
use crate::hook::Hook;
use crate::outcome::Sent;
use crate::sending::Sending;
use crate::stack::{Owed, Stack};
use crate::view::{AfterSendEvents, BeforeSendEvents};

/// Runs the hooks of a sending around `transport`.
///
/// The result of the transport stands whatever the hooks after it do; their errors are in
/// [`Sent::reported`].
pub async fn send(
    stack: &Stack,
    mut sending: Sending,
    transport: &mut dyn Endpoint<Sending, Sent>,
) -> Sent {
    sending.set_sensitive(sending.is_sensitive() || stack.is_sensitive());
    sending.set_provided(stack.provided().cloned());
    let mut owed = Owed::EVERYBODY;
    let mut refused = None;
    for entry in stack.list(Hook::BeforeSendEvents) {
        let mut view = BeforeSendEvents { sending: &mut sending };
        let result = entry
            .run(Hook::BeforeSendEvents, &mut view, |m, view| m.before_send_events(view))
            .await;
        if let Err(error) = result {
            owed = Owed::below(entry.rank);
            refused = Some(error);
            break;
        }
    }
    let mut sent = match refused {
        Some(error) => Sent::failed(error),
        None => stack.around_send(&mut sending, transport).await,
    };
    for entry in stack.list(Hook::AfterSendEvents).iter().filter(|entry| owed.includes(entry.rank))
    {
        let mut view = AfterSendEvents { sending: &mut sending, sent: &sent };
        let result =
            entry.run(Hook::AfterSendEvents, &mut view, |m, view| m.after_send_events(view)).await;
        if let Err(error) = result {
            sent.reported.push(error);
        }
    }
    sent
}
