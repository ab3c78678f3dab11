//! Every public type can be sent to another thread, shared between threads, moved while it is used, and shown; a list that the compiler
//! checks. What is not so, and why, stands at the end.

use std::fmt::Debug;

use hookstack_lambda::*;

const fn anywhere<T: Send + Sync + Unpin + Debug>() {}

/// Futures and what is used up by one task: sent, not shared.
const fn sent<T: Send + Unpin + Debug>() {}

const _: () = {
    anywhere::<PartialBatch>();
    anywhere::<Record<u8>>();
    anywhere::<Records<u8>>();
    anywhere::<LambdaBuilder>();
    anywhere::<ConfigError>();
    anywhere::<InvocationError>();
    anywhere::<Context>();
    anywhere::<Data<u8>>();
    anywhere::<Factory<u8, fn(), u8>>();
    anywhere::<NoParameters<fn()>>();
    anywhere::<Flush<u8>>();
    anywhere::<FlushLayer>();
    anywhere::<InputOutputLogger>();
    anywhere::<Lambda>();
};

const _: () = {
    sent::<NextHandler<'static>>();
};
