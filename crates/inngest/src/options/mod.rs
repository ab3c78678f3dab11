//! Triggers and options of functions, as data that serialises as the server expects (Inngest SDK
//! specification, section 4.3.2, and where it is silent the server's own `pkg/sdk/function.go` and
//! `pkg/inngest`). Each file has an option and what the server takes of it.

mod all;
mod batching;
mod cancel;
mod combinations;
mod concurrency;
mod count;
mod cron;
mod debounce;
mod event_name;
mod expression;
mod priority;
mod rate_limit;
pub(crate) mod retries;
mod singleton;
mod throttle;
mod time;
mod timeouts;
mod trigger;

pub(crate) use all::Options;
pub use batching::Batching;
pub use cancel::Cancel;
pub use concurrency::{Concurrency, ConcurrencyScope, RunConcurrency};
pub use debounce::Debounce;
pub use priority::Priority;
pub use rate_limit::RateLimit;
pub use singleton::{Singleton, SingletonMode};
pub use throttle::Throttle;
pub use timeouts::Timeouts;
pub use trigger::{CronTrigger, EventTrigger, Trigger};
