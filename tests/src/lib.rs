//! Shared by the tests: a shorthand for recorded sequences, call requests and responses as text, and the
//! functions that are called.

pub mod recorded;
pub mod request;
pub mod response;
pub mod table;
pub mod trace;
pub mod traced;
