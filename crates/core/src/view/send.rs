//! Views around a sending of events.

use std::sync::Arc;

use crate::clock::{Clock, Clocked};
use crate::error::Error;
use crate::event::Event;
use crate::extensions::Extensions;
use crate::info::CallInfo;
use crate::outcome::Sent;
use crate::sending::Sending;
use crate::step::StepInfo;
use crate::trace::TraceContext;

/// What [`before_send_events`](crate::Middleware::before_send_events) sees.
#[derive(Debug)]
#[non_exhaustive]
pub struct BeforeSendEvents<'a> {
    pub(crate) sending: &'a mut Sending,
}

/// What [`after_send_events`](crate::Middleware::after_send_events) sees.
#[derive(Debug)]
#[non_exhaustive]
pub struct AfterSendEvents<'a> {
    pub(crate) sending: &'a mut Sending,
    pub(crate) sent: &'a Sent,
}

macro_rules! sending_accessors {
    ($view:ident) => {
        impl $view<'_> {
            /// The call in which the events are sent; `None` for a client outside of any.
            pub fn info(&self) -> Option<&Arc<CallInfo>> {
                self.sending.info()
            }

            /// The step in which the events are sent.
            pub fn step(&self) -> Option<&StepInfo> {
                self.sending.step()
            }

            /// The trace that the sender belongs to.
            pub fn trace(&self) -> Option<TraceContext> {
                self.sending.trace()
            }

            /// What middleware of the stack [provide](crate::Middleware::provide).
            pub fn provided(&self) -> Option<&Arc<Extensions>> {
                self.sending.provided()
            }

            /// Whether payloads of this sending are secret: signals about it must redact.
            pub fn is_sensitive(&self) -> bool {
                self.sending.is_sensitive()
            }

            /// The events.
            pub fn events(&self) -> &[Event] {
                self.sending.events()
            }

            /// What middleware left for each other.
            pub fn extensions(&self) -> &Extensions {
                self.sending.extensions()
            }

            /// The same, for changing.
            pub fn extensions_mut(&mut self) -> &mut Extensions {
                self.sending.extensions_mut()
            }
        }

        impl Clocked for $view<'_> {
            fn clock(&self) -> Option<&Clock> {
                self.sending.clock()
            }
        }
    };
}
sending_accessors!(BeforeSendEvents);
sending_accessors!(AfterSendEvents);

impl BeforeSendEvents<'_> {
    /// The list of events, for changing: events may be changed, added and removed. They are copies;
    /// the caller's own values stay untouched.
    pub fn events_mut(&mut self) -> &mut Vec<Event> {
        &mut self.sending.events
    }
}

impl AfterSendEvents<'_> {
    /// The ids of the events that were accepted.
    pub fn ids(&self) -> &[String] {
        &self.sent.ids
    }

    /// Why some or all were not.
    pub fn error(&self) -> Option<&Error> {
        self.sent.error.as_ref()
    }
}
