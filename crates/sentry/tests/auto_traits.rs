//! Every public type can be sent to another thread, shared between threads, moved while it is used, and shown; a list that the compiler
//! checks.

use std::fmt::Debug;

use hookstack_sentry::*;

const fn anywhere<T: Send + Sync + Unpin + Debug>() {}

const _: () = {
    anywhere::<Capture>();
    anywhere::<Captured<'static>>();
    anywhere::<SentryBuilder>();
    anywhere::<Crons>();
    anywhere::<DeadlineWarning>();
    anywhere::<Flush>();
    anywhere::<Sentry>();
};
