//! What keys, envelopes and errors tell people: which one it is and why, and nothing secret.

use std::error::Error as _;

use hookstack_encryption::{
    Context, Header, Invoker, Key, KeyError, Keyset, LibsodiumKey, LibsodiumRing, Origin,
};

fn keys() -> Keyset {
    Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a key")
}

fn cause(error: KeyError) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn the_cause_of_an_unusable_key_can_be_reached() {
    let text = Key::from_bytes([1; 32]).to_text();
    let entry = Keyset::from_text(&format!("{},nonsense", *text)).expect_err("no key");
    assert_eq!(cause(entry), "nonsense".parse::<Key>().expect_err("no key").to_string());
    let missing = Keyset::from_file("/there/is/no/such/file").expect_err("no file");
    let source = missing.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::NotFound));
    let provider = KeyError::provider(std::io::Error::other("the store is down"));
    assert_eq!(cause(provider), "the store is down");
    let none = Keyset::builder().build().expect_err("no primary");
    assert!(none.source().is_none());
}

#[test]
fn what_looks_like_hex_is_told_apart_from_what_is_no_key_at_all() {
    let refused = |text: String| text.parse::<Key>().expect_err("no key");
    assert!(matches!(refused("0f".repeat(32)), KeyError::Hex));
    assert!(matches!(refused("0x".repeat(32)), KeyError::NotAKey));
    assert!(matches!(refused("0f".repeat(31)), KeyError::NotAKey));
}

#[test]
fn a_namespace_has_room_for_its_length() {
    let keys = |length: usize| {
        let key = Key::from_bytes([1; 32]);
        Keyset::builder().primary(key).namespace("n".repeat(length)).build()
    };
    assert_eq!(keys(65_535).expect("as long as can be written").namespace().len(), 65_535);
    for length in [65_536, 100_000] {
        assert!(matches!(keys(length), Err(KeyError::Namespace)), "{length}");
    }
}

#[test]
fn an_envelope_tells_its_header_and_nothing_of_its_contents() {
    let keys = keys();
    let context = Context::event("shop/order", "encrypted");
    let origin = Origin {
        event_id: "order-1".to_owned(),
        invoker: Invoker { function: "shop-quote".to_owned(), ..Invoker::default() },
        ..Origin::default()
    };
    let envelope = keys.seal(&context, &origin, br#""canary""#).expect("sealed");
    let header = Header::read(&envelope).expect("an envelope");
    assert_eq!((header.version(), header.origin()), (1, &origin));
    assert_eq!(header.plaintext_len(), 8);

    let id = keys.primary();
    let hex: String = id.0.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((id.to_string(), format!("{id:?}")), (hex.clone(), format!("KeyId({hex})")));
    let commitment = header.commitment();
    let hex_of_it: String = commitment.0.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(commitment.to_string(), hex_of_it);
    assert_eq!(format!("{commitment:?}"), format!("Commitment({hex_of_it})"));

    let opened = keys.open(&context, &envelope).expect("opened");
    let told = format!("{opened:?}");
    assert!(told.contains("Event") && told.contains(&hex), "{told}");
    assert!(!told.contains("canary"), "{told}");
}

#[test]
fn an_envelope_of_a_peer_tells_its_key() {
    let key = LibsodiumKey::typescript("correct horse battery staple").expect("a key");
    let ring = LibsodiumRing::builder().primary(key).build().expect("a ring");
    let opened = ring.open(&ring.seal(br#""canary""#).expect("sealed")).expect("opened");
    let told = format!("{opened:?}");
    assert!(told.contains("key: 0") && !told.contains("canary"), "{told}");
}

#[cfg(feature = "aws-lc")]
#[test]
fn a_keyset_keeps_the_library_that_was_chosen() {
    use hookstack_encryption::Backend;

    for backend in [Backend::RustCrypto, Backend::AwsLc] {
        let builder = Keyset::builder().primary(Key::from_bytes([1; 32])).backend(backend);
        assert_eq!(builder.build().expect("a key").backend(), backend);
    }
}
