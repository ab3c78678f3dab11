//! What is exchanged.

use hookstack_encryption::{LibsodiumKey, LibsodiumRing, PeerPolicy};
use serde_json::{Value, json};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    TypeScript,
}

#[derive(Clone, Copy)]
pub(crate) enum Slot {
    Event,
    Invoke,
}

impl Slot {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Slot::Event => "event",
            Slot::Invoke => "invoke",
        }
    }
}

/// The settings of the peer's middleware.
pub(crate) struct Theirs {
    pub(crate) key: String,
    pub(crate) is_hex: bool,
    pub(crate) fallbacks: Vec<String>,
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) slot: Slot,
    pub(crate) ring: LibsodiumRing,
    pub(crate) theirs: Theirs,
    pub(crate) field: &'static str,
    pub(crate) is_whole: bool,
    /// As our function sends and receives it.
    pub(crate) data: Value,
}

impl Case {
    pub(crate) fn policy(&self) -> PeerPolicy {
        let policy = if self.is_whole { PeerPolicy::whole() } else { PeerPolicy::field() };
        policy.under(self.field)
    }

    /// As the peer's function sends and receives it.
    pub(crate) fn for_peer(&self) -> Value {
        if self.is_whole { json!({ self.field: self.data }) } else { self.data.clone() }
    }

    fn at(self, slot: Slot) -> Case {
        Case { slot, ..self }
    }

    fn under(self, field: &'static str) -> Case {
        Case { field, ..self }
    }

    fn with_keys(
        self,
        primary: LibsodiumKey,
        reads: Option<LibsodiumKey>,
        theirs: &[&str],
    ) -> Case {
        let theirs = Theirs {
            key: theirs[0].to_owned(),
            is_hex: false,
            fallbacks: theirs[1..].iter().map(|key| (*key).to_owned()).collect(),
        };
        Case { ring: ring(primary, reads), theirs, ..self }
    }
}

fn ring(primary: LibsodiumKey, reads: Option<LibsodiumKey>) -> LibsodiumRing {
    let builder = LibsodiumRing::builder().primary(primary);
    let builder = match reads {
        Some(key) => builder.reads(key),
        None => builder,
    };
    builder.build().expect("a ring")
}

const PASSPHRASE: &str = "a shared passphrase of ünïcode 🔑";
const PADDED: &str = " \u{a0}\tpadded\r\n\u{feff}";

fn case(name: &'static str, is_whole: bool, data: Value) -> Case {
    let key = LibsodiumKey::python(PASSPHRASE).expect("a key");
    let theirs = Theirs { key: PASSPHRASE.to_owned(), is_hex: false, fallbacks: Vec::new() };
    let (slot, field) = (Slot::Event, "encrypted");
    Case { name, slot, ring: ring(key, None), theirs, field, is_whole, data }
}

pub(crate) fn cases(language: Language) -> Vec<Case> {
    let key = |passphrase| match language {
        Language::Python => LibsodiumKey::python(passphrase).expect("a key"),
        Language::TypeScript => LibsodiumKey::typescript(passphrase).expect("a key"),
    };
    let card = || json!({ "card": "canary", "phone": "867-5309" });
    let beside = || json!({ "id": 7, "encrypted": card(), "list": [1, { "n": null }] });
    let unicode = "héllo 🌍 \u{2028} \u{0} \u{1f} \" \\ / \u{10ffff} \u{fffd} שלום";
    let mut cases = vec![
        case("whole object", true, card()),
        case("unicode", true, json!({ unicode: [unicode, "canary"] })),
        case("300 KB", true, json!({ "text": "canary ü \\ ".repeat(25_000) })),
        case(
            "nested",
            true,
            json!({ "a": [[[{ "b": { "c": [1.5, -2, 1e-7, true, null, 9_007_199_254_740_991_u64] } }]]], "empty": [{}, []] }),
        ),
        case("siblings", false, beside()),
        case("custom field", false, json!({ "id": 7, "secret": "canary", "encrypted": "plain" }))
            .under("secret"),
        case("invoke payload", false, beside()).at(Slot::Invoke),
        // Each side writes with its new key, which the other only reads yet.
        case("rotation", true, card()).with_keys(
            key("ours is new"),
            Some(key("theirs is new")),
            &["theirs is new", "unused", "ours is new"],
        ),
        case("white space around the passphrase", true, card()).with_keys(
            key(PADDED),
            None,
            &[PADDED],
        ),
    ];
    if language == Language::Python {
        let digits = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
        let hex = LibsodiumKey::python_hex(digits).expect("a key");
        let mut case = case("key in bytes", true, card()).with_keys(hex, None, &[digits]);
        case.theirs.is_hex = true;
        cases.push(case);
    }
    cases
}
