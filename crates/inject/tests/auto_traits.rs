//! Every public type can be sent to another thread, shared between threads, moved while it is used, and shown; a list that the compiler
//! checks.

use std::fmt::Debug;

use hookstack_inject::*;

const fn anywhere<T: Send + Sync + Unpin + Debug>() {}

const _: () = {
    anywhere::<ContainerBuilder>();
    anywhere::<Container>();
    anywhere::<Dep<u8>>();
    anywhere::<Dep<str>>();
    anywhere::<PlatformRequest<u8>>();
    anywhere::<Deps>();
    anywhere::<Description<'static>>();
    anywhere::<BuildError>();
    anywhere::<Problem>();
    anywhere::<ResolveError>();
    anywhere::<Key>();
    anywhere::<Provider<u8, lifetime::PerCall>>();
    anywhere::<Ended>();
    anywhere::<Scope>();
    anywhere::<lifetime::TornDown<lifetime::PerStep>>();
};
