//! The JSON of call requests and responses.
//!
//! Requests are parsed once with borrowed raw values and sliced, so payloads are not copied;
//! responses are written by hand around payload text, which is not validated again.

mod pairs;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod server_timing;
pub(crate) mod trace_key;
