//! Every public type can be sent to another thread, shared between threads, moved while it is used, and shown; a list that the compiler
//! checks.

use std::fmt::Debug;

use hookstack_encryption::*;

const fn anywhere<T: Send + Sync + Unpin + Debug>() {}

const _: () = {
    anywhere::<Backend>();
    anywhere::<Suite>();
    anywhere::<EncryptionBuilder>();
    anywhere::<Counters>();
    anywhere::<Counts>();
    anywhere::<Class>();
    anywhere::<Commitment>();
    anywhere::<Context<'static>>();
    anywhere::<Header>();
    anywhere::<Invoker>();
    anywhere::<ObjectId<'static>>();
    anywhere::<Opened>();
    anywhere::<Origin>();
    anywhere::<EnvelopeError>();
    anywhere::<KeyError>();
    anywhere::<Interop>();
    anywhere::<LibsodiumKey>();
    anywhere::<LibsodiumOpened>();
    anywhere::<LibsodiumRing>();
    anywhere::<LibsodiumRingBuilder>();
    anywhere::<PeerPolicy>();
    anywhere::<Key>();
    anywhere::<KeyId>();
    anywhere::<KeyFileError>();
    anywhere::<Keyset>();
    anywhere::<KeysetBuilder>();
    anywhere::<Encryption>();
    anywhere::<Binding>();
    anywhere::<EventPolicy>();
    anywhere::<Mode>();
    anywhere::<Plain>();
    anywhere::<Slot>();
    anywhere::<Provenance>();
    anywhere::<Seals>();
};
