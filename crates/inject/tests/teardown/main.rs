//! Teardown: of what was built, the last first, told how the scope ended, before the response or after.

#[path = "../support/mod.rs"]
mod support;

mod abandoned;
mod after_response;
mod before_response;
mod early;
mod family;
mod logging;
mod order;
mod step;
