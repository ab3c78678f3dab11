//! Every public type can be sent to another thread, shared between threads, moved while it is used, and shown; a list that the compiler
//! checks. What is not so, and why, stands at the end.

use std::fmt::Debug;

use hookstack_inngest::*;

const fn anywhere<T: Send + Sync + Unpin + Debug>() {}

const _: () = {
    anywhere::<App>();
    anywhere::<AppBuilder>();
    anywhere::<Registered>();
    anywhere::<CallRequest<'static>>();
    anywhere::<CallResponse>();
    anywhere::<Typed<u8>>();
    anywhere::<Batch<u8>>();
    anywhere::<Data<u8>>();
    anywhere::<Failure<u8>>();
    anywhere::<TypedEvent<u8>>();
    anywhere::<Function>();
    anywhere::<FunctionBuilder>();
    anywhere::<Batching>();
    anywhere::<Cancel>();
    anywhere::<Concurrency>();
    anywhere::<ConcurrencyScope>();
    anywhere::<ConfigError>();
    anywhere::<CronTrigger>();
    anywhere::<Debounce>();
    anywhere::<EventTrigger>();
    anywhere::<Priority>();
    anywhere::<RateLimit>();
    anywhere::<RunConcurrency>();
    anywhere::<Singleton>();
    anywhere::<SingletonMode>();
    anywhere::<Throttle>();
    anywhere::<Timeouts>();
    anywhere::<Trigger>();
    anywhere::<FunctionRef>();
    anywhere::<Step>();
    anywhere::<StepId>();
};

#[cfg(feature = "engine")]
const _: () = {
    anywhere::<engine::Backoff>();
    anywhere::<engine::Clock>();
    anywhere::<engine::EngineBuilder>();
    anywhere::<engine::EngineError>();
    anywhere::<engine::CallRecord>();
    anywhere::<engine::RunRecord>();
    anywhere::<engine::RunStatus>();
    anywhere::<engine::StepRecord>();
    anywhere::<engine::Stored>();
    anywhere::<engine::Engine>();
};

#[cfg(feature = "client")]
const _: () = {
    anywhere::<Client>();
    anywhere::<ClientBuilder>();
    anywhere::<HttpTransport>();
    anywhere::<SendError>();
    anywhere::<SendRetries>();
    anywhere::<Config>();
    anywhere::<ConfigBuilder>();
    anywhere::<EventKey>();
    anywhere::<Mode>();
    anywhere::<SigningKey>();
};

#[cfg(feature = "serve")]
const _: () = {
    anywhere::<AppSource>();
    anywhere::<Serve>();
    anywhere::<ServeBuilder>();
};

/// A body is read by one connection.
#[cfg(feature = "serve")]
const _: () = {
    const fn sent<T: Send + Unpin + Debug>() {}
    sent::<ResponseBody>();
};
