//! The file of vectors.

use hookstack_core::StepHash;
use serde::Deserialize;

use crate::aead::{Backend, Suite};
use crate::envelope::{Commitment, Context, Invoker, Opened, Origin};
use crate::error::EnvelopeError;
use crate::key::Key;
use crate::keyset::Keyset;
use crate::sealed_error;

#[derive(Deserialize)]
pub(super) struct File {
    pub(super) vectors: Vec<Vector>,
    pub(super) same: Vec<Same>,
    pub(super) refused: Vec<Refused>,
    pub(super) refused_keys: Vec<RefusedKey>,
}

#[derive(Deserialize)]
pub(super) struct Vector {
    pub(super) name: String,
    pub(super) suite: u8,
    pub(super) secret: Hex,
    pub(super) key: String,
    pub(super) prk: Hex,
    pub(super) key_id: Hex,
    #[serde(flatten)]
    pub(super) place: Place,
    pub(super) context_encoded: Hex,
    pub(super) origin: [String; 8],
    pub(super) origin_encoded: Hex,
    pub(super) salt: Hex,
    pub(super) header: Hex,
    pub(super) transcript: Hex,
    pub(super) message_key: Hex,
    pub(super) commitment: Hex,
    pub(super) plaintext: String,
    pub(super) ciphertext: Hex,
    pub(super) tag: Hex,
    pub(super) message: String,
    #[serde(flatten)]
    pub(super) text: Text,
}

#[derive(Deserialize)]
pub(super) struct Same {
    pub(super) name: String,
    pub(super) key: String,
    #[serde(flatten)]
    pub(super) place: Place,
    pub(super) origin: [String; 8],
    pub(super) plaintext: String,
    pub(super) envelope: String,
}

#[derive(Deserialize)]
pub(super) struct Refused {
    pub(super) name: String,
    pub(super) keys: Vec<String>,
    #[serde(flatten)]
    pub(super) place: Place,
    pub(super) failure: String,
    #[serde(flatten)]
    pub(super) text: Text,
}

#[derive(Deserialize)]
pub(super) struct RefusedKey {
    pub(super) name: String,
    pub(super) text: String,
}

/// Where a value was found.
#[derive(Deserialize)]
pub(super) struct Place {
    pub(super) class: u8,
    pub(super) namespace: String,
    pub(super) context: Vec<String>,
    pub(super) request_commitment: Option<Hex>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Text {
    Envelope(String),
    ErrorText(String),
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(try_from = "String")]
pub(super) struct Hex(pub(super) Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or("no hex digit");
        let pairs = text.as_bytes().chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return Err("half a byte".to_owned());
        }
        let bytes: Result<_, &str> =
            pairs.map(|pair| Ok((digit(pair[0])? * 16 + digit(pair[1])?) as u8)).collect();
        Ok(Hex(bytes?))
    }
}

impl Hex {
    pub(super) fn array<const N: usize>(&self) -> [u8; N] {
        self.0[..].try_into().expect("its length is fixed")
    }
}

impl Place {
    /// `None` for a class that does not exist: nobody can ask for it.
    pub(super) fn context(&self) -> Option<Context<'_>> {
        let commitment = || self.request_commitment.as_ref().map(|hex| Commitment(hex.array()));
        let strings: Vec<&str> = self.context.iter().map(String::as_str).collect();
        Some(match (self.class, &strings[..]) {
            (1, [name, field]) => Context::event(name, field),
            (2, [function, step]) => Context::step(function, hash(step)),
            (3, [function]) => Context::function_output(function),
            (4, [function, step]) => Context::step_error(function, hash(step)),
            (5, [function]) => Context::function_error(function),
            (6, [function, field]) => Context::invoke(function, field),
            (7, [method, route]) => Context::http_request(method, route),
            // A response for no request: for one that no request can have.
            (8, [method, route]) => {
                let request = commitment().unwrap_or(Commitment([0; 32]));
                Context::http_response(method, route, request)
            }
            (9, [function]) => Context::lambda_event(function),
            (10, [function]) => {
                Context::lambda_response(function, commitment().expect("of an event"))
            }
            (0 | 11, _) => return None,
            other => panic!("no place of the format: {other:?}"),
        })
    }

    pub(super) fn keyset(&self, keys: &[Key], suite: Suite, backend: Backend) -> Keyset {
        let builder = Keyset::builder().namespace(&self.namespace).suite(suite).backend(backend);
        let (first, others) = keys.split_first().expect("a key");
        let again = |key: &Key| key.to_text().parse::<Key>().expect("its own text");
        let builder = builder.primary(again(first));
        others.iter().fold(builder, |builder, key| builder.reads(again(key))).build().expect("keys")
    }

    /// Opens as the middleware does, by the form of the text.
    pub(super) fn open(
        &self,
        keys: &[Key],
        backend: Backend,
        text: &Text,
    ) -> Result<Opened, EnvelopeError> {
        let Some(context) = self.context() else { return Err(EnvelopeError::NotAuthentic) };
        let keys = self.keyset(keys, Suite::default(), backend);
        match text {
            Text::Envelope(json) => keys.open(&context, json.as_bytes()),
            Text::ErrorText(text) => {
                // Without the prefix it is an error that nobody sealed.
                let message = sealed_error::message(text)?.ok_or(EnvelopeError::NotAuthentic)?;
                keys.open_message(&context, message)
            }
        }
    }
}

impl Vector {
    pub(super) fn key(&self) -> Key {
        Key::from_bytes(self.secret.array())
    }
}

fn hash(hex: &str) -> StepHash {
    StepHash::from_hex(hex).expect("40 hex digits")
}

pub(super) fn origin(strings: &[String; 8]) -> Origin {
    let [function, run_id, trigger_id, event_id, invoker, invoker_run, invoker_trigger, step] =
        strings.clone();
    let invoker =
        Invoker { function: invoker, run_id: invoker_run, trigger_id: invoker_trigger, step };
    Origin { function, run_id, trigger_id, event_id, invoker }
}

pub(super) fn read_file() -> File {
    serde_json::from_str(include_str!("../../../tests/vectors/envelope_v1.json")).expect("vectors")
}
