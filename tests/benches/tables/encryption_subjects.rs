//! What is measured here: ours with each library, and the ciphers alone.

use std::hint::black_box;

use hookstack_core::StepHash;
use hookstack_encryption::{
    Backend, Context, Invoker, Key, Keyset, LibsodiumKey, LibsodiumRing, Origin, Suite,
};

use crate::measure::Subject;
use crate::payload::Orders;

/// The one that the peers are compared with.
pub(crate) const SEAL: &str = "**seal**, RustCrypto";
pub(crate) const OPEN: &str = "**open**, RustCrypto";

/// All of them for this JSON.
pub(crate) fn all(text: &[u8]) -> Vec<Subject> {
    let ring = LibsodiumKey::typescript("a passphrase of the benchmark")
        .and_then(|key| LibsodiumRing::builder().primary(key).build())
        .expect("a ring");
    let keys = keyset(Backend::RustCrypto, Suite::Aes256Gcm);
    let mut subjects = vec![
        Subject::new("`aes-gcm` alone, encrypt", rust_crypto(text)),
        Subject::new("`aes-gcm` alone, decrypt", rust_crypto_open(text)),
        Subject::new(SEAL, seal(&keys, text)),
        Subject::new(OPEN, open(&keys, text)),
        Subject::new("**open into a type**, RustCrypto", typed(&keys, text)),
    ];
    let keys = keyset(Backend::RustCrypto, Suite::ChaCha20Poly1305);
    subjects.push(Subject::new("seal, ChaCha20-Poly1305, RustCrypto", seal(&keys, text)));
    subjects.push(Subject::new("open, ChaCha20-Poly1305, RustCrypto", open(&keys, text)));
    subjects.push(Subject::new("peers' envelope, value to text", libsodium(&ring, text)));
    subjects.push(Subject::new("peers' envelope, opened", libsodium_open(&ring, text)));
    #[cfg(feature = "aws-lc")]
    {
        let keys = keyset(Backend::AwsLc, Suite::Aes256Gcm);
        subjects.push(Subject::new("AWS-LC alone, encrypt", aws_lc(text)));
        subjects.push(Subject::new("AWS-LC alone, decrypt", aws_lc_open(text)));
        subjects.push(Subject::new("**seal**, AWS-LC", seal(&keys, text)));
        subjects.push(Subject::new("**open**, AWS-LC", open(&keys, text)));
    }
    subjects
}

/// Sealing or opening this JSON by the default library, for the curves.
pub(crate) fn growing(kind: &str, text: &[u8]) -> Subject {
    let keys = keyset(Backend::RustCrypto, Suite::Aes256Gcm);
    match kind {
        "seal" => Subject::new(kind, seal(&keys, text)),
        _ => Subject::new(kind, open(&keys, text)),
    }
}

fn keyset(backend: Backend, suite: Suite) -> Keyset {
    let keys = Keyset::builder().primary(Key::from_bytes([7; 32])).backend(backend).suite(suite);
    keys.build().expect("a keyset")
}

fn context() -> Context<'static> {
    Context::step("shop-main", StepHash::new([1; 20]))
}

/// As long as in a real call.
fn origin() -> Origin {
    Origin {
        function: "shop-main".to_owned(),
        run_id: "01JABCDEFGHJKMNPQRSTVWXYZ0".to_owned(),
        trigger_id: "5a".repeat(32),
        event_id: String::new(),
        invoker: Invoker::default(),
    }
}

fn seal(keys: &Keyset, text: &[u8]) -> impl FnMut() + use<> {
    let (keys, text, origin) = (keys.clone(), text.to_vec(), origin());
    move || {
        black_box(keys.seal(&context(), &origin, black_box(&text)).expect("sealed"));
    }
}

fn open(keys: &Keyset, text: &[u8]) -> impl FnMut() + use<> {
    let keys = keys.clone();
    let sealed = keys.seal(&context(), &origin(), text).expect("sealed");
    move || {
        black_box(keys.open(&context(), black_box(&sealed)).expect("opened").plaintext());
    }
}

fn typed(keys: &Keyset, text: &[u8]) -> impl FnMut() + use<> {
    let keys = keys.clone();
    let sealed = keys.seal(&context(), &origin(), text).expect("sealed");
    move || {
        let opened = keys.open(&context(), black_box(&sealed)).expect("opened");
        let orders: Orders = serde_json::from_slice(opened.plaintext()).expect("orders");
        black_box(orders.orders.len());
    }
}

fn libsodium(ring: &LibsodiumRing, text: &[u8]) -> impl FnMut() + use<> {
    let orders: Orders = serde_json::from_slice(text).expect("orders");
    let ring = ring.clone();
    move || {
        black_box(ring.seal_value(black_box(&orders)).expect("sealed"));
    }
}

fn libsodium_open(ring: &LibsodiumRing, text: &[u8]) -> impl FnMut() + use<> {
    let (ring, sealed) = (ring.clone(), ring.seal(text).expect("sealed"));
    move || {
        black_box(ring.open(black_box(&sealed)).expect("opened").plaintext());
    }
}

fn rust_crypto(text: &[u8]) -> impl FnMut() + use<> {
    use aes_gcm::aead::{AeadInOut, KeyInit};
    let cipher = aes_gcm::Aes256Gcm::new(&[7; 32].into());
    let mut text = text.to_vec();
    move || {
        let tag = cipher.encrypt_inout_detached(&[0; 12].into(), b"", (&mut text[..]).into());
        black_box(tag.expect("short"));
    }
}

fn rust_crypto_open(text: &[u8]) -> impl FnMut() + use<> {
    use aes_gcm::aead::{AeadInOut, KeyInit};
    let cipher = aes_gcm::Aes256Gcm::new(&[7; 32].into());
    let mut sealed = text.to_vec();
    let tag = cipher
        .encrypt_inout_detached(&[0; 12].into(), b"", (&mut sealed[..]).into())
        .expect("short");
    let mut text = sealed.clone();
    move || {
        // It is decrypted in place, so each time begins with a copy.
        text.copy_from_slice(&sealed);
        let opened =
            cipher.decrypt_inout_detached(&[0; 12].into(), b"", (&mut text[..]).into(), &tag);
        opened.expect("authentic");
        black_box(&text);
    }
}

#[cfg(feature = "aws-lc")]
fn aws_lc_key() -> aws_lc_rs::aead::LessSafeKey {
    use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("32 bytes"))
}

#[cfg(feature = "aws-lc")]
fn aws_lc(text: &[u8]) -> impl FnMut() + use<> {
    use aws_lc_rs::aead::{Aad, Nonce};
    let (key, mut text) = (aws_lc_key(), text.to_vec());
    move || {
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut text);
        black_box(tag.expect("short").as_ref());
    }
}

#[cfg(feature = "aws-lc")]
fn aws_lc_open(text: &[u8]) -> impl FnMut() + use<> {
    use aws_lc_rs::aead::{Aad, Nonce};
    let nonce = || Nonce::assume_unique_for_key([0; 12]);
    let (key, mut sealed) = (aws_lc_key(), text.to_vec());
    key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed).expect("short");
    let mut text = sealed.clone();
    move || {
        text.copy_from_slice(&sealed);
        black_box(key.open_in_place(nonce(), Aad::empty(), &mut text).expect("authentic"));
    }
}
