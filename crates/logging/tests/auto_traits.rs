//! Every public type can be sent to another thread, shared between threads, moved while it is used, and shown; a list that the compiler
//! checks.

use std::fmt::Debug;

use hookstack_logging::*;

const fn anywhere<T: Send + Sync + Unpin + Debug>() {}

const _: () = {
    anywhere::<LoggingBuilder>();
    anywhere::<OwnLines>();
    anywhere::<CorrelationId>();
    anywhere::<InitError>();
    anywhere::<Color>();
    anywhere::<LogLayer>();
    anywhere::<Logging>();
    anywhere::<ReplayFilter>();
    anywhere::<SamplingFilter>();
};
