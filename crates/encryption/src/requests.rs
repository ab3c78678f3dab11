//! Calls of hosts without events, HTTP and AWS Lambda: one envelope in, one out, bound to each other.

use hookstack_core::{
    CallTrigger, Error, ErrorKind, Extensions, Payload, Result, Retry, TransformInput,
};

use crate::config::Config;
use crate::counters::Counted;
use crate::envelope::{Commitment, Context, is_envelope};
use crate::error::EnvelopeError;
use crate::policy::Slot;
use crate::trigger::TriggeredBy;

/// What a request is addressed to.
#[derive(Clone, Copy)]
pub(crate) enum Address<'a> {
    Http { method: &'a str, route: &'a str },
    Lambda { function: &'a str },
}

impl<'a> Address<'a> {
    /// `None` where events trigger calls.
    ///
    /// # Errors
    /// When the host does not tell.
    pub(crate) fn of(trigger: &'a CallTrigger) -> Result<Option<Self>> {
        match trigger {
            CallTrigger::Http { method, route } => Ok(Some(Address::Http { method, route })),
            CallTrigger::Lambda { function } => Ok(Some(Address::Lambda { function })),
            CallTrigger::Request => Err(Error::of_kind(
                ErrorKind::Configuration,
                "the host does not tell what is called, so a request could be sent elsewhere and still open: it must set the call's trigger",
            )
            .with_retry(Retry::Never)),
            _ => Ok(None),
        }
    }

    fn request(self) -> Context<'a> {
        match self {
            Address::Http { method, route } => Context::http_request(method, route),
            Address::Lambda { function } => Context::lambda_event(function),
        }
    }

    fn response(self, request: Commitment) -> Context<'a> {
        match self {
            Address::Http { method, route } => Context::http_response(method, route, request),
            Address::Lambda { function } => Context::lambda_response(function, request),
        }
    }

    /// Where the response to the request of this call belongs. `None` when that was not opened.
    pub(crate) fn response_of(self, extensions: &Extensions) -> Option<Context<'a>> {
        extensions.get().map(|Request(commitment)| self.response(*commitment))
    }
}

/// The envelope of the request that a call answers. Attached to the call's extensions.
struct Request(Commitment);

/// What responses are bound to after a request in plaintext, where that is accepted.
const PLAINTEXT: Commitment = Commitment([0; 32]);

/// Opens the request. No payload at all counts as plaintext; an envelope over nothing is a request that has
/// none.
pub(crate) fn open(
    config: &Config,
    address: Address<'_>,
    cx: &mut TransformInput<'_>,
) -> Result<(), EnvelopeError> {
    let text = cx.payload().text();
    let commitment = if is_envelope(&text) {
        if let Address::Http { route: "", .. } = address {
            // All paths that no route matches would be one place.
            return Err(EnvelopeError::NotAuthentic);
        }
        let opened = config.keys.open(&address.request(), &text)?;
        let commitment = opened.commitment();
        *cx.payload_mut() = match opened.into_plaintext() {
            nothing if nothing.is_empty() => Payload::absent(),
            plaintext => Payload::from_well_formed(plaintext),
        };
        config.counters.add(Slot::Requests, Counted::Opened);
        commitment
    } else if config.takes_plaintext(Slot::Requests) {
        PLAINTEXT
    } else {
        return Err(EnvelopeError::Plaintext);
    };
    let extensions = cx.extensions_mut();
    // Errors are no responses: they tell in their origin what they are about.
    extensions.insert(TriggeredBy { id: commitment.to_string(), ..TriggeredBy::default() });
    extensions.insert(Request(commitment));
    Ok(())
}
