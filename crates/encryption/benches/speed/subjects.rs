//! What is measured here: ours with each library, and the ciphers alone.

use std::hint::black_box;

use hookstack_core::StepHash;
use hookstack_encryption::{
    Backend, Context, Invoker, Key, Keyset, LibsodiumKey, LibsodiumRing, Origin, Suite,
};

use crate::payload::Orders;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Seal,
    Open,
    Typed,
}

impl Direction {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Direction::Seal => "seal",
            Direction::Open => "open",
            Direction::Typed => "open into a type",
        }
    }
}

pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) direction: Direction,
    /// In microseconds.
    pub(crate) goal: Option<f64>,
    /// The cipher alone that it is compared with.
    pub(crate) cipher: Option<&'static str>,
    pub(crate) run: Box<dyn FnMut()>,
    /// Calls between two looks at the clock.
    pub(crate) batch: u32,
}

/// The one that the peers are compared with.
pub(crate) const DEFAULT: &str = "envelope, RustCrypto";

pub(crate) fn all(size: usize, text: &[u8]) -> Vec<Subject> {
    let by_size = |goals: [f64; 3]| {
        crate::payload::SIZES.iter().position(|other| *other == size).map(|at| goals[at])
    };
    let batch = u32::try_from(1 + 64 * 1024 / size).unwrap_or(1);
    let mut subjects = Vec::new();
    let mut add = |name, direction, goals: Option<[f64; 3]>, cipher, run: Box<dyn FnMut()>| {
        let goal = goals.and_then(by_size);
        subjects.push(Subject { name, direction, goal, cipher, run, batch });
    };

    add("aes-gcm alone", Direction::Seal, None, None, rust_crypto(text));
    add("aes-gcm alone", Direction::Open, None, None, rust_crypto_open(text));
    let ours = |backend, suite| {
        let keys =
            Keyset::builder().primary(Key::from_bytes([7; 32])).backend(backend).suite(suite);
        keys.build().expect("a keyset")
    };
    let keys = ours(Backend::RustCrypto, Suite::Aes256Gcm);
    let cipher = Some("aes-gcm alone");
    add(DEFAULT, Direction::Seal, Some([1.3, 30.0, 475.0]), cipher, seal(&keys, text));
    add(DEFAULT, Direction::Open, Some([1.4, 28.0, 450.0]), cipher, open(&keys, text));
    add(DEFAULT, Direction::Typed, Some([4.0, 225.0, 3700.0]), None, typed(&keys, text));
    let keys = ours(Backend::RustCrypto, Suite::ChaCha20Poly1305);
    add("envelope, suite 2, RustCrypto", Direction::Seal, None, None, seal(&keys, text));
    add("envelope, suite 2, RustCrypto", Direction::Open, None, None, open(&keys, text));

    let ring = LibsodiumKey::typescript("a passphrase of the benchmark")
        .and_then(|key| LibsodiumRing::builder().primary(key).build())
        .expect("a ring");
    let goals = Some([5.0, 200.0, 3500.0]);
    add("libsodium, from a value", Direction::Seal, goals, None, libsodium(&ring, text));
    add("libsodium", Direction::Open, None, None, libsodium_open(&ring, text));

    #[cfg(feature = "aws-lc")]
    {
        add("AWS-LC alone", Direction::Seal, None, None, aws_lc(text));
        add("AWS-LC alone", Direction::Open, None, None, aws_lc_open(text));
        let keys = ours(Backend::AwsLc, Suite::Aes256Gcm);
        let (name, cipher) = ("envelope, AWS-LC", Some("AWS-LC alone"));
        add(name, Direction::Seal, Some([1.1, 14.0, 215.0]), cipher, seal(&keys, text));
        add(name, Direction::Open, Some([1.1, 12.0, 185.0]), cipher, open(&keys, text));
    }
    subjects
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

fn seal(keys: &Keyset, text: &[u8]) -> Box<dyn FnMut()> {
    let (keys, text, origin) = (keys.clone(), text.to_vec(), origin());
    Box::new(move || {
        black_box(keys.seal(&context(), &origin, black_box(&text)).expect("sealed"));
    })
}

fn open(keys: &Keyset, text: &[u8]) -> Box<dyn FnMut()> {
    let keys = keys.clone();
    let sealed = keys.seal(&context(), &origin(), text).expect("sealed");
    Box::new(move || {
        black_box(keys.open(&context(), black_box(&sealed)).expect("opened").plaintext());
    })
}

fn typed(keys: &Keyset, text: &[u8]) -> Box<dyn FnMut()> {
    let keys = keys.clone();
    let sealed = keys.seal(&context(), &origin(), text).expect("sealed");
    Box::new(move || {
        let opened = keys.open(&context(), black_box(&sealed)).expect("opened");
        let orders: Orders = serde_json::from_slice(opened.plaintext()).expect("orders");
        black_box(orders.orders.len());
    })
}

fn libsodium(ring: &LibsodiumRing, text: &[u8]) -> Box<dyn FnMut()> {
    let orders: Orders = serde_json::from_slice(text).expect("orders");
    let ring = ring.clone();
    Box::new(move || {
        black_box(ring.seal_value(black_box(&orders)).expect("sealed"));
    })
}

fn libsodium_open(ring: &LibsodiumRing, text: &[u8]) -> Box<dyn FnMut()> {
    let (ring, sealed) = (ring.clone(), ring.seal(text).expect("sealed"));
    Box::new(move || {
        black_box(ring.open(black_box(&sealed)).expect("opened").plaintext());
    })
}

fn rust_crypto(text: &[u8]) -> Box<dyn FnMut()> {
    use aes_gcm::aead::{AeadInOut, KeyInit};
    let cipher = aes_gcm::Aes256Gcm::new(&[7; 32].into());
    let mut text = text.to_vec();
    Box::new(move || {
        let tag = cipher.encrypt_inout_detached(&[0; 12].into(), b"", (&mut text[..]).into());
        black_box(tag.expect("short"));
    })
}

fn rust_crypto_open(text: &[u8]) -> Box<dyn FnMut()> {
    use aes_gcm::aead::{AeadInOut, KeyInit};
    let cipher = aes_gcm::Aes256Gcm::new(&[7; 32].into());
    let mut sealed = text.to_vec();
    let tag = cipher
        .encrypt_inout_detached(&[0; 12].into(), b"", (&mut sealed[..]).into())
        .expect("short");
    let mut text = sealed.clone();
    Box::new(move || {
        // It is decrypted in place, so each time begins with a copy.
        text.copy_from_slice(&sealed);
        let opened =
            cipher.decrypt_inout_detached(&[0; 12].into(), b"", (&mut text[..]).into(), &tag);
        opened.expect("authentic");
        black_box(&text);
    })
}

#[cfg(feature = "aws-lc")]
fn aws_lc_key() -> aws_lc_rs::aead::LessSafeKey {
    use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("32 bytes"))
}

#[cfg(feature = "aws-lc")]
fn aws_lc(text: &[u8]) -> Box<dyn FnMut()> {
    use aws_lc_rs::aead::{Aad, Nonce};
    let (key, mut text) = (aws_lc_key(), text.to_vec());
    Box::new(move || {
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut text);
        black_box(tag.expect("short").as_ref());
    })
}

#[cfg(feature = "aws-lc")]
fn aws_lc_open(text: &[u8]) -> Box<dyn FnMut()> {
    use aws_lc_rs::aead::{Aad, Nonce};
    let nonce = || Nonce::assume_unique_for_key([0; 12]);
    let (key, mut sealed) = (aws_lc_key(), text.to_vec());
    key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed).expect("short");
    let mut text = sealed.clone();
    Box::new(move || {
        text.copy_from_slice(&sealed);
        black_box(key.open_in_place(nonce(), Aad::empty(), &mut text).expect("authentic"));
    })
}
