//! Options of functions: what is registered, and what is refused when the app is built.

mod refused;
mod registered;

use hookstack_core::Error;
use hookstack_inngest::{App, ConfigError, FunctionBuilder};

/// Builds the app `shop` with one function.
fn build(function: FunctionBuilder) -> Result<App, ConfigError> {
    App::builder("shop").function(function.handler(async || Ok::<_, Error>(()))).build()
}
