//! The context of a sending of events.

use std::sync::Arc;

use crate::call::Call;
use crate::clock::{Clock, Clocked};
use crate::event::Event;
use crate::extensions::Extensions;
use crate::info::CallInfo;
use crate::step::StepInfo;
use crate::trace::TraceContext;

/// The context of one sending of events.
#[derive(Debug)]
pub struct Sending {
    pub(crate) call: Option<(Arc<CallInfo>, Option<Arc<StepInfo>>)>,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) extensions: Extensions,
    pub(crate) events: Vec<Event>,
    sensitive: bool,
    provided: Option<Arc<Extensions>>,
    clock: Option<Clock>,
}

impl Sending {
    /// For hosts: a sending by a client, outside of any call.
    pub fn from_client(events: Vec<Event>) -> Self {
        Sending {
            call: None,
            trace: None,
            extensions: Extensions::new(),
            events,
            sensitive: false,
            provided: None,
            clock: None,
        }
    }

    /// For hosts: a sending inside a call or a step body.
    pub fn from_call(call: &mut Call, events: Vec<Event>) -> Self {
        Sending {
            call: Some((call.info().clone(), call.shared_step())),
            trace: call.trace(),
            extensions: call.extensions_mut().child(),
            events,
            sensitive: call.info().is_sensitive(),
            provided: None,
            clock: call.clock().cloned(),
        }
    }

    /// The call in which the events are sent; `None` for a client outside of any.
    pub fn info(&self) -> Option<&Arc<CallInfo>> {
        self.call.as_ref().map(|(info, _)| info)
    }

    /// The step in which the events are sent.
    pub fn step(&self) -> Option<&StepInfo> {
        self.call.as_ref().and_then(|(_, step)| step.as_deref())
    }

    /// The trace that the sender belongs to.
    pub fn trace(&self) -> Option<TraceContext> {
        self.trace
    }

    /// Whether a middleware of this sending declares that payloads are secret
    /// ([`sensitive`](crate::Middleware::sensitive)): signals about it must redact.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }

    /// What middleware of the stack [provide](crate::Middleware::provide): the call's, or the client's
    /// outside of any call.
    pub fn provided(&self) -> Option<&Arc<Extensions>> {
        self.info().map_or(self.provided.as_ref(), |info| info.provided())
    }

    pub(crate) fn set_provided(&mut self, provided: Option<Arc<Extensions>>) {
        self.provided = provided;
    }

    pub(crate) fn set_sensitive(&mut self, sensitive: bool) {
        self.sensitive = sensitive;
    }

    /// The events. Only [`before_send_events`](crate::Middleware::before_send_events) may change them:
    /// what came after encryption would travel in plaintext.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What middleware left for each other in this sending; reads through to the call's.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The same, for changing.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }
}

impl Clocked for Sending {
    fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }
}
