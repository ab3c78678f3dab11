//! The endpoint through which a server reaches an app: one URL, three methods (Inngest SDK specification,
//! section 4).
//!
//! `GET` shows what is served, `PUT` syncs the app with the server, `POST` calls a function.
//! [`serve`] makes a [`ServeBuilder`]; that makes an axum router, or a tower service for any other server
//! and for AWS Lambda behind `lambda_http`.

mod address;
mod after;
#[cfg(feature = "axum")]
mod axum_router;
mod body;
mod builder;
mod call;
mod caller;
mod endpoint;
mod introspection;
mod reply;
#[cfg(feature = "axum")]
mod server;
mod service;
#[cfg(feature = "axum")]
mod shutdown;
mod signature;
mod stream;
mod sync;

pub use body::ResponseBody;
pub use builder::{AppSource, ServeBuilder};
pub use endpoint::Serve;
#[cfg(feature = "axum")]
pub use shutdown::shutdown_signal;

/// Serves an app, an [`App`](crate::App) or an [`AppBuilder`](crate::AppBuilder), to an Inngest server.
///
/// Settings that the builder is not given come from the environment, see [`Config`](crate::Config).
///
/// ```no_run
/// use hookstack_inngest::{App, Function, serve};
/// # async fn hello() -> Result<&'static str, hookstack_core::Error> { Ok("hello") }
///
/// # #[cfg(feature = "axum")]
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let hello = Function::builder("hello").on_event("shop/hello").handler(hello);
/// let app = App::builder("shop").function(hello).build()?;
/// let routes = axum::Router::new().merge(serve(app).router("/api/inngest")?);
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// axum::serve(listener, routes).await?;
/// # Ok(())
/// # }
/// ```
pub fn serve(app: impl Into<AppSource>) -> ServeBuilder {
    ServeBuilder::new(app.into())
}
