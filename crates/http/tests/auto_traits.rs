//! Every public type can be sent to another thread, shared between threads, moved while it is used, and shown; a list that the compiler
//! checks. What is not so, and why, stands at the end.

use std::fmt::Debug;

use hookstack_http::*;

const fn anywhere<T: Send + Sync + Unpin + Debug>() {}

/// Futures and what is used up by one task: sent, not shared.
const fn sent<T: Send + Unpin + Debug>() {}

const _: () = {
    anywhere::<Background>();
    anywhere::<HttpLayerBuilder>();
    anywhere::<Arg<u8>>();
    anywhere::<ConfigError>();
    anywhere::<HandlerError>();
    anywhere::<FromFn<fn()>>();
    anywhere::<HttpsRedirect>();
    anywhere::<HttpLayer>();
    anywhere::<HttpService<u8>>();
    anywhere::<ProcessTime>();
    anywhere::<TrustedHost>();
};

const _: () = {
    sent::<CallNext<'static>>();
    sent::<ResponseFuture>();
};
