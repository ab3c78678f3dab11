//! Header names of the protocol (Inngest SDK specification, section 4.1.1).

use http::HeaderName;

/// The name and version that this SDK goes by.
pub(crate) const SDK_VALUE: &str = concat!("hookstack:v", env!("CARGO_PKG_VERSION"));

pub(crate) const SDK: HeaderName = HeaderName::from_static("x-inngest-sdk");
pub(crate) const REQ_VERSION: HeaderName = HeaderName::from_static("x-inngest-req-version");
pub(crate) const NO_RETRY: HeaderName = HeaderName::from_static("x-inngest-no-retry");
pub(crate) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

#[cfg(feature = "client")]
pub(crate) use client::*;
#[cfg(feature = "serve")]
pub(crate) use serve::*;

#[cfg(feature = "client")]
mod client {
    use http::HeaderName;

    pub(crate) const ENV: HeaderName = HeaderName::from_static("x-inngest-env");
    pub(crate) const PLATFORM: HeaderName = HeaderName::from_static("x-inngest-platform");
    pub(crate) const EVENT_ID_SEED: HeaderName = HeaderName::from_static("x-inngest-event-id-seed");
}

#[cfg(feature = "serve")]
mod serve {
    use http::HeaderName;

    pub(crate) const SIGNATURE: HeaderName = HeaderName::from_static("x-inngest-signature");
    pub(crate) const FRAMEWORK: HeaderName = HeaderName::from_static("x-inngest-framework");
    pub(crate) const SERVER_KIND: HeaderName = HeaderName::from_static("x-inngest-server-kind");
    pub(crate) const EXPECTED_SERVER_KIND: HeaderName =
        HeaderName::from_static("x-inngest-expected-server-kind");
    pub(crate) const SYNC_KIND: HeaderName = HeaderName::from_static("x-inngest-sync-kind");
}
