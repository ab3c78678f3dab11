//! What a data object belongs to, and what in it is not the user's.

use hookstack_core::TraceCarrier;

use crate::envelope::Context;
use crate::policy::Slot;

/// What a data object belongs to.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'a> {
    /// An event of this name.
    Event(&'a str),
    /// An invocation of this function.
    Invoke(&'a str),
}

impl<'a> Owner<'a> {
    pub(crate) fn context(self, field: &'a str) -> Context<'a> {
        match self {
            Owner::Event(name) => Context::event(name, field),
            Owner::Invoke(function) => Context::invoke(function, field),
        }
    }

    pub(crate) fn slot(self) -> Slot {
        match self {
            Owner::Event(_) => Slot::Events,
            Owner::Invoke(_) => Slot::Invokes,
        }
    }
}

/// What stands beside the user's data and is not the user's: what the server writes, and what a host writes
/// after everything was sealed. Nothing authenticates it, and functions do not see it.
pub(crate) const RESERVED: [&str; 2] = ["_inngest", TraceCarrier::EVENT_DATA_KEY];
