//! Every public type can be sent to another thread, shared between threads, moved while it is used, and shown; a list that the compiler
//! checks.

use std::fmt::Debug;

use hookstack_testing::*;

const fn anywhere<T: Send + Sync + Unpin + Debug>() {}

const _: () = {
    anywhere::<Canary>();
    anywhere::<Encoding>();
    anywhere::<Leak>();
    anywhere::<Fault>();
    anywhere::<Entry>();
    anywhere::<Log>();
    anywhere::<Phase>();
    anywhere::<Record>();
    anywhere::<Recorder>();
    anywhere::<Answer>();
    anywhere::<Request>();
};

#[cfg(feature = "engine")]
const _: () = {
    anywhere::<Timeline>();
};
