//! Typed dependency injection for handlers, steps and middleware.
//!
//! A [`Container`] is told how to construct things: values, and factories, which are ordinary async
//! closures. The types of a factory's arguments *are* the graph; [`ContainerBuilder::build`] checks it
//! and refuses what is missing, cyclic, duplicate or captive. What is constructed lives for the process,
//! for one call, or for one step; it is constructed lazily, once in each scope, and torn down in the
//! reverse order.
//!
//! One API client, made once in each process and shared by all functions:
//!
//! ```
//! use hookstack_core::{Event, Result};
//! use hookstack_inject::{Container, Dep};
//! use hookstack_inngest::{App, Function, engine::Engine};
//!
//! struct Settings { url: String }
//! struct Client { url: String }
//! impl Client {
//!     async fn connect(url: &str) -> Result<Client> { Ok(Client { url: url.to_owned() }) }
//! }
//!
//! async fn charge(client: Dep<Client>) -> Result<String> { Ok(format!("charged at {}", client.url)) }
//! async fn refund(client: Dep<Client>) -> Result<String> { Ok(format!("refunded at {}", client.url)) }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let container = Container::builder()
//!     .value(Settings { url: "https://pay.example".into() })
//!     .singleton(async |settings: Dep<Settings>| Client::connect(&settings.url).await)
//!     .build()?;
//! let app = App::builder("shop")
//!     .with(container)
//!     .function(Function::builder("charge").on_event("shop/paid").handler(charge))
//!     .function(Function::builder("refund").on_event("shop/returned").handler(refund));
//! # let engine = Engine::start(app)?;
//! # engine.send(Event::new("shop/paid", &serde_json::json!({}))?).await.into_result()?;
//! # engine.run_until_idle().await?;
//! # assert_eq!(engine.runs()[0].output.as_deref(), Some(r#""charged at https://pay.example""#));
//! # Ok::<_, hookstack_core::Error>(()) }).unwrap();
//! ```
//!
//! The [guide] goes on with scopes, teardown, steps and tests.

mod call_scopes;
mod config;
mod container;
mod dep;
mod deps;
mod describe;
mod drops;
mod error;
mod factory;
mod get;
mod graph;
pub mod guide;
mod hint;
mod key;
mod link;
mod middleware;
#[cfg(test)]
mod property;
mod provider;
mod registry;
mod resolve;
mod scope;
mod slots;
mod step_scope;
mod waits;

pub use config::ContainerBuilder;
pub use container::Container;
pub use dep::{Dep, PlatformRequest};
pub use deps::{Deps, InjectedBody};
pub use describe::Description;
pub use error::{BuildError, Problem, ResolveError};
pub use factory::{Factory, Inject};
pub use get::Resolve;
pub use key::Key;
pub use provider::Provider;
pub use scope::{Ended, Scope, lifetime};

/// The README's example, compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
