//! Who a request is from, and what they may (Inngest SDK specification, section 4.1.3).

use std::sync::LazyLock;
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::reply::Refusal;
use super::signature;
use crate::config::{Config, Mode, SigningKey};
use crate::headers;

/// Who a request is from.
pub(super) enum Caller {
    /// Nobody said, or it cannot be checked.
    Unsigned,
    /// Whoever holds this one of the configuration's signing keys.
    Signed(usize),
    /// Somebody who does not hold a key.
    Refused(Refusal),
}

impl Caller {
    /// Who it is if the body does not matter for that.
    pub(super) fn identify_unread(config: &Config, request: &HeaderMap) -> Option<Self> {
        let Some(header) = request.get(headers::SIGNATURE) else { return Some(Caller::Unsigned) };
        if config.signing_keys().next().is_none() {
            return Some(match config.mode() {
                Mode::Dev => Caller::Unsigned,
                Mode::Cloud => Caller::Refused(no_signing_key()),
            });
        }
        let error = signature::check_form(header.as_bytes(), SystemTime::now()).err()?;
        Some(Caller::Refused(Refusal::new(error.code(), error.to_string())))
    }

    /// Checks the signature. The body that is handled is the one that the signature is about.
    pub(super) fn identify(config: &Config, request: &HeaderMap, body: Bytes) -> (Self, Bytes) {
        if let Some(caller) = Caller::identify_unread(config, request) {
            return (caller, body);
        }
        let header = request.get(headers::SIGNATURE).expect("without one it is known who asks");
        let (keys, now) = (Keys(config), SystemTime::now());
        match signature::verify(keys.iter(), header.as_bytes(), &body, now) {
            Ok(verified) => (Caller::Signed(verified.key), verified.body),
            Err(error) => (Caller::Refused(Refusal::new(error.code(), error.to_string())), body),
        }
    }

    /// Who may have a function called and see what its responses hold: in cloud mode the holder of a key.
    pub(super) fn authorize(&self, config: &Config) -> Result<(), &Refusal> {
        static UNSIGNED: LazyLock<Refusal> = LazyLock::new(unsigned);
        static NO_KEY: LazyLock<Refusal> = LazyLock::new(no_signing_key);
        match (self, config.mode()) {
            (Caller::Refused(refusal), _) => Err(refusal),
            (Caller::Unsigned, Mode::Cloud) if config.signing_keys().next().is_none() => {
                Err(&NO_KEY)
            }
            (Caller::Unsigned, Mode::Cloud) => Err(&UNSIGNED),
            _ => Ok(()),
        }
    }
}

/// Why a request is refused if a browser says that a page of another site makes it. In development mode
/// nothing else would keep any page in the web from calling functions on the developer's machine; servers
/// do not send the header. A signature that can be checked is enough.
pub(super) fn refuse_other_site(config: &Config, request: &HeaderMap) -> Option<Refusal> {
    let is_other = request.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if config.mode() != Mode::Dev || !is_other {
        return None;
    }
    if request.contains_key(headers::SIGNATURE) && config.signing_keys().next().is_some() {
        return None;
    }
    let message =
        "header `sec-fetch-site`: a page of another site may not use an app in development mode";
    Some(Refusal::new("cross_site", message).with_status(StatusCode::FORBIDDEN))
}

/// The signing keys, to go through more than once.
struct Keys<'c>(&'c Config);

impl<'c> Keys<'c> {
    fn iter(&self) -> impl Iterator<Item = &'c SigningKey> + Clone {
        let config = self.0;
        [config.signing_key(), config.signing_key_fallback()].into_iter().flatten()
    }
}

pub(super) fn unsigned() -> Refusal {
    Refusal::new("sig_missing", "header `x-inngest-signature`: missing; the request must be signed")
}

fn no_signing_key() -> Refusal {
    Refusal::new(
        "signing_key_unspecified",
        "this app has no signing key to check requests with: set INNGEST_SIGNING_KEY, or INNGEST_DEV=1 for a development server",
    )
}
