#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod after;
mod authority;
mod background;
mod body;
mod config;
mod current;
mod error;
mod exchange;
mod extract;
mod from_fn;
pub mod guide;
mod host;
mod https_redirect;
mod info;
mod layer;
mod payload;
mod problem;
mod process_time;
mod request_id;
mod route;
mod trusted_host;

pub use background::{Background, BackgroundExt};
pub use config::{DEFAULT_BODY_LIMIT, HttpLayerBuilder};
pub use error::{ConfigError, HandlerError};
pub use extract::Arg;
pub use from_fn::{CallNext, FromFn, HttpFn, from_fn};
pub use hookstack_core::{HeaderMap, HeaderName, HeaderValue, HttpError, Method, StatusCode};
pub use https_redirect::HttpsRedirect;
pub use layer::{HttpLayer, HttpService, ResponseFuture, layer};
pub use process_time::ProcessTime;
pub use trusted_host::TrustedHost;

/// A request with axum's body.
pub type Request = http::Request<axum_core::body::Body>;

/// A response with axum's body.
pub type Response = http::Response<axum_core::body::Body>;
