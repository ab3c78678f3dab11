//! Stage views: what each hook sees, and what it may change.
//!
//! Every view has `info`, `extensions` and `extensions_mut`; beyond that each offers only what exists
//! at its point of the lifecycle.

mod execution;
mod input;
mod output;
mod register;
mod response;
mod send;

pub use execution::{AfterExecution, BeforeExecution};
pub use input::{AfterMemoization, BeforeMemoization, TransformInput, TransformMemoized};
pub use output::TransformOutput;
pub use register::{OnAbandoned, OnRegister, RegisteredMiddleware};
pub use response::{AfterResponse, BeforeResponse};
pub use send::{AfterSendEvents, BeforeSendEvents};

/// The accessors that every view of a call has.
macro_rules! call_accessors {
    ($view:ident) => {
        impl $view<'_> {
            /// What is known about the call.
            pub fn info(&self) -> &std::sync::Arc<crate::CallInfo> {
                self.call.info()
            }

            /// What middleware and handlers left for each other.
            pub fn extensions(&self) -> &crate::Extensions {
                self.call.extensions()
            }

            /// The same, for changing.
            pub fn extensions_mut(&mut self) -> &mut crate::Extensions {
                self.call.extensions_mut()
            }

            /// The trace and span that the call belongs to, if somebody set them.
            pub fn trace(&self) -> Option<crate::TraceContext> {
                self.call.trace()
            }
        }

        impl crate::clock::Clocked for $view<'_> {
            fn clock(&self) -> Option<&crate::clock::Clock> {
                self.call.clock()
            }
        }
    };
}
use call_accessors;
