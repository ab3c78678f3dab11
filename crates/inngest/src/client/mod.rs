//! Sending events: what a client and an app share, and the client.

#[cfg(feature = "client")]
mod builder;
#[cfg(feature = "client")]
mod handle;
#[cfg(feature = "client")]
mod http;
pub(crate) mod send;

#[cfg(feature = "client")]
pub use builder::ClientBuilder;
#[cfg(feature = "client")]
pub use handle::Client;
#[cfg(feature = "client")]
pub use http::{HttpTransport, SendError, SendRetries};
